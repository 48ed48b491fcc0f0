#include "line.h"

static void put_key(struct buf *b, const char *key)
{
	buf_char(b, ',');
	buf_json_text(b, key);
	buf_char(b, ':');
}

void line_begin(struct buf *b, const char *part)
{
	buf_text(b, "{\"part\":");
	buf_json_text(b, part);
}

void line_end(struct buf *b)
{
	buf_text(b, "}\n");
}

void line_text(struct buf *b, const char *key, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	put_key(b, key);
	buf_json_text(b, text);
}

void line_uint(struct buf *b, const char *key, uint64_t value)
{
	put_key(b, key);
	buf_uint(b, value);
}

void line_us(struct buf *b, const char *key, uint64_t ns)
{
	put_key(b, key);
	buf_json_us(b, ns < INT64_MAX ? (int64_t)ns : INT64_MAX);
}

void line_number(struct buf *b, const char *key, double value)
{
	put_key(b, key);
	buf_printf(b, "%.3f", value);
}

void line_bool(struct buf *b, const char *key, bool value)
{
	put_key(b, key);
	buf_text(b, value ? "true" : "false");
}
