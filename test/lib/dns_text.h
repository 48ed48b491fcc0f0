/* What a dns_server answers to questions for TXT, by name. */
#ifndef TEST_LIB_DNS_TEXT_H
#define TEST_LIB_DNS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define DNS_TEXT_TYPE 16

/* A table of these ends with one without a name. */
struct dns_text {
	const char *name;
	const char *text; /* a record a line, its strings apart by tabs */
};

/* Add what `table` (NULL: an empty one) has to the name that `message` asks for,
 * whatever its letters, or that there is no such name. `message` is an answer
 * of `size` bytes that has no record yet, with room for 1024. Returns its size. */
size_t dns_text_answer(const struct dns_text *table, uint8_t *message,
		       size_t size);

#endif
