#include "edgeprobe/engine.h"
#include "store/store.h"
#include "edgeprobe/private/list.h"
#include <edgeprobe/engine.h>
#include "../base/log.h"
#include "nowhere/at/all.h"
