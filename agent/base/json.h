/* JSON, parsed once and read through accessors that tell a wrong type from a
 * value, respect the case of keys, and know where in the text a value stands.
 * The only door to cJSON. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/json_scan.h"
#include <stdbool.h>
#include <stddef.h>

struct json;     /* a value; borrowed from its document */
struct json_doc; /* a parsed text */

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_TEXT,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* From 1; a column is a character, not a byte. */
struct json_where {
	unsigned line, column;
};

/* Parse `len` bytes of `text` (copied; a leading byte order mark is skipped).
 * 0; -EINVAL with the first fault (its offset is for json_position()); or
 * -ENOMEM. Depth is bounded by JSON_DEPTH_MAX. With `comments` it may have
 * those of C. */
int json_parse(const char *text, size_t len, bool comments,
	       struct json_doc **ret_doc, struct json_fault *ret_fault);
void json_destroy(struct json_doc *doc); /* NULL is fine */
void json_wipe(struct json_doc *doc);    /* the same, leaving no secret */

/* Line and column of the byte at `offset`. */
struct json_where json_position(const char *text, size_t len, size_t offset);

const struct json *json_root(const struct json_doc *doc);

/* Where `value` starts, or, if `key` is set and it is a member, its key. Walks
 * the text: for messages. */
struct json_where json_where(const struct json_doc *doc,
			     const struct json *value, bool key);
/* The value, or its key, as it is written, cut and cleaned to fit `size` bytes
 * of `ret`, for messages; returns `ret`. */
char *json_excerpt(const struct json_doc *doc, const struct json *value,
		   bool key, char *ret, size_t size);

enum json_type json_type(const struct json *value);
const char *json_type_name(enum json_type type); /* with article: "a text" */

/* Elements or members in order; NULL at the end. json_key() of a member. */
const struct json *json_first(const struct json *value);
const struct json *json_next(const struct json *value);
const char *json_key(const struct json *value);

/* A member by its exact key, the first of equal ones; NULL: not there, or
 * `object` is none. */
const struct json *json_get(const struct json *object, const char *key);

/* Of another type: NULL, false; `*ret_x` is untouched then. */
const char *json_text(const struct json *value);
bool json_number(const struct json *value, double *ret_number);
bool json_bool(const struct json *value, bool *ret_bool);

/* The version of cJSON at run time. */
const char *json_library_version(void);

#endif
