#include <stdio.h>
#include <cjson/cJSON.h>
