/* Walks an object or an array of a JSON text without making a tree of it: for
 * rows, which are many, and for answers, which others write. Pure. */
#ifndef DELIVERY_MEMBERS_H
#define DELIVERY_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a walk is. */
struct members {
	const char *at, *end;
	bool object;
};

/* A member, or an element (without key). Both texts as they are written: a key
 * without its quotes, a value with all of its own. Borrowed from the text. */
struct member {
	const char *key, *value;
	size_t key_len, len;
};

/* True if `text` is JSON; a whole body of an answer, for instance. */
bool members_valid(const char *text, size_t len);

/* Begin with `text`, which is part of one that is valid; false: it is neither
 * an object nor an array. */
bool members_open(struct members *m, const char *text, size_t len);
/* The next one; false: there is none. */
bool members_next(struct members *m, struct member *ret_member);

/* The member of the object `text` with this key, which is compared as it is
 * written; of equal ones the first. */
bool members_find(const char *text, size_t len, const char *key,
		  struct member *ret_member);

bool member_is(const struct member *member, const char *key);
/* A whole number from 0, as a number or as a text, which is how protobuf's JSON
 * writes one; else false. What is above UINT64_MAX is that. */
bool member_count(const struct member *member, uint64_t *ret_count);

#endif
