#ifndef B_H
#define B_H
#include "edgeprobe/a.h"

int store_bad(size_t n, struct missing *m, uint33_t x);
#endif
