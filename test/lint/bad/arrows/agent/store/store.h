#include "base/log.h"
/* #include "schedule/plan.h" is only said, not done */
#include "edgeprobe/private/list.h"
