/* JSON for the page: separators by themselves, and what is not known left out.
 * Each appends a member `name` of an object, or with NULL an element of an
 * array. */
#ifndef REPORT_HTML_DOC_H
#define REPORT_HTML_DOC_H

#include "base/buf.h"
#include <stdint.h>

/* What follows is the value. */
void doc_key(struct buf *out, const char *name);
/* '{' or '[', to be ended by doc_end() with its counterpart. */
void doc_begin(struct buf *out, const char *name, char bracket);
void doc_end(struct buf *out, char bracket);

void doc_text(struct buf *out, const char *name, const char *text); /* "" */
void doc_uint(struct buf *out, const char *name, uint64_t n);       /* always */
/* Nanoseconds as milliseconds with three decimals; NAN. */
void doc_ms(struct buf *out, const char *name, double ns);
/* Nanoseconds since 1970 as seconds with three decimals; 0. */
void doc_time(struct buf *out, const char *name, uint64_t ns);
/* With `decimals` at most, no trailing zeros; NAN. */
void doc_number(struct buf *out, const char *name, double value,
		unsigned decimals);

#endif
