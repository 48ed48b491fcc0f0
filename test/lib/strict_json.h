/* Is a text JSON as RFC 8259 has it, and nothing more? Stricter than parsers
 * are: UTF-8 is checked, and equal keys in one object are refused. */
#ifndef TEST_STRICT_JSON_H
#define TEST_STRICT_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* `text` holds exactly one value; at most 64 levels and 128 keys an object. */
bool strict_json(const char *text, size_t len);

#endif
