#include "edgeprobe/private/list.h"
