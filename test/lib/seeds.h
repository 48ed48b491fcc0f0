/* A fuzzer's seeds as an ordinary test. */
#ifndef TEST_LIB_SEEDS_H
#define TEST_LIB_SEEDS_H

#include <stddef.h>
#include <stdint.h>

/* What a program of test/fuzz defines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each file of `folder` once, in memory of its own size; a failure if they are
 * fewer than `least`. */
void seeds_replay(const char *folder, unsigned least);

#endif
