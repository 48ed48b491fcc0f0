#ifndef LAB_VALUE_H
#define LAB_VALUE_H

/* The words of the rules file as values. Each returns false, and leaves the
 * result alone, when the text is not exactly one such value. */

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"

/* 12us, 1.5ms, 2s, up to a day; a bare number is microseconds. */
bool value_time(const char *text, uint64_t *ret_ns);
/* 0.25 or 25%, as a part of 2^32. */
bool value_share(const char *text, uint64_t *ret_share);
bool value_count(const char *text, unsigned long most, uint64_t *ret_n);
bool value_addr(const char *text, struct packet_addr *ret_a);
/* Up to `most` addresses with commas between; cuts `text` up. */
bool value_addrs(char *text, unsigned most, struct packet_addr *ret_a,
		 unsigned *ret_n);

#endif
