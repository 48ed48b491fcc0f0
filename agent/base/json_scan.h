/* The grammar of RFC 8259, checked before a parser sees the text, and where in
 * the text a value stands. Pure. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX  32 /* arrays and objects inside one another */
#define JSON_NUMBER_MAX 63 /* characters; cJSON cuts longer ones */

/* What is wrong with a text, and where. */
struct json_fault {
	size_t offset;  /* in bytes */
	char text[120]; /* what is wrong, what is allowed */
};

/* Overwrite comments with spaces, newlines kept, so that every offset stays
 * what it was. `text` is `len` bytes; what stands in a string is no comment. 0,
 * or -EINVAL: a comment does not end. */
int json_blank_comments(char *text, size_t len, struct json_fault *ret_fault);

/* 0 if `text` is valid UTF-8 without a NUL; else -EINVAL. */
int json_check_bytes(const char *text, size_t len,
		     struct json_fault *ret_fault);

/* 0 if `text`, which passed json_check_bytes(), is one JSON value without a
 * NUL written as an escape; else -EINVAL and the first fault. The stack it
 * takes is bounded whatever the text is. */
int json_scan(const char *text, size_t len, struct json_fault *ret_fault);

/* Where the value number `nth` (from 0, in the order of their beginnings)
 * starts, or its key if it is a member and `key` is set. `text` has passed
 * json_scan(). */
size_t json_scan_offset(const char *text, size_t len, size_t nth, bool key);

/* Bytes of the value or key that starts at `text`. */
size_t json_scan_length(const char *text, size_t len);

#endif
