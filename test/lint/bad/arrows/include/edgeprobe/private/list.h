#include "edgeprobe/engine.h"
