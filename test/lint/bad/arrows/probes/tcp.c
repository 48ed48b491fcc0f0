#include "core/core.h"
#include <uv.h>
