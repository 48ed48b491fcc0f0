/* A line of an answer over the control socket, or of a command's --json: one
 * flat JSON object. */
#ifndef AGENT_LINE_H
#define AGENT_LINE_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

/* `{"part":PART`; then members; then `}` and the newline. */
void line_begin(struct buf *b, const char *part);
void line_end(struct buf *b);

/* A text that is NULL or "" is left out. */
void line_text(struct buf *b, const char *key, const char *text);
void line_uint(struct buf *b, const char *key, uint64_t value);
void line_us(struct buf *b, const char *key, uint64_t ns);
void line_number(struct buf *b, const char *key, double value);
void line_bool(struct buf *b, const char *key, bool value);

#endif
