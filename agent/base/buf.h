/* A growing text or byte buffer with a bound. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

/* Zero is not enough: buf_init() says the bound. `data` always ends in a NUL
 * that `len` does not count. Once an append did not fit, `error` stays -E2BIG
 * (or -ENOMEM), further appends do nothing, and the content up to there is
 * whole: one check at the end is enough. */
struct buf {
	char *data;
	size_t len, size, max;
	int error;
};

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b); /* frees */
void buf_clear(struct buf *b);  /* empties, keeps memory, forgets the error */

void buf_add(struct buf *b, const void *data, size_t len);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_uint(struct buf *b, uint64_t value);
void buf_int(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_json_text(struct buf *b, const char *text);

/* As text of an HTML page, or within quotes as an attribute's value; control
 * characters and bytes that are not UTF-8 become U+FFFD. */
void buf_html_text(struct buf *b, const char *text);

/* `ns` as microseconds with up to three decimals, no trailing zeros: a JSON
 * number ("1234.5", "-0.25"). */
void buf_json_us(struct buf *b, int64_t ns);

/* RFC 3339 UTC with microseconds, in quotes. */
void buf_json_time(struct buf *b, uint64_t wall_ns);

#endif
