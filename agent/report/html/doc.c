#include "report/html/doc.h"
#include <math.h>
#include <string.h>

void doc_key(struct buf *out, const char *name)
{
	char last = out->len == 0 ? '{' : out->data[out->len - 1];

	if (last != '{' && last != '[' && last != ':')
		buf_char(out, ',');
	if (name == NULL)
		return;
	buf_json_text(out, name);
	buf_char(out, ':');
}

void doc_begin(struct buf *out, const char *name, char bracket)
{
	doc_key(out, name);
	buf_char(out, bracket);
}

void doc_end(struct buf *out, char bracket)
{
	buf_char(out, bracket);
}

void doc_text(struct buf *out, const char *name, const char *text)
{
	if (*text == '\0' && name != NULL)
		return;
	doc_key(out, name);
	buf_json_text(out, text);
}

void doc_uint(struct buf *out, const char *name, uint64_t n)
{
	doc_key(out, name);
	buf_uint(out, n);
}

void doc_ms(struct buf *out, const char *name, double ns)
{
	if (isnan(ns))
		return;
	doc_key(out, name);
	buf_json_us(out, llround(ns / 1e3)); /* a thousand times as much */
}

void doc_time(struct buf *out, const char *name, uint64_t ns)
{
	if (ns == 0)
		return;
	doc_key(out, name);
	buf_json_us(out, (int64_t)((ns + 500000) / 1000000));
}

void doc_number(struct buf *out, const char *name, double value,
		unsigned decimals)
{
	double scale = pow(10, decimals);

	if (isnan(value) || isinf(value))
		return;
	doc_key(out, name);
	buf_printf(out, "%.12g", round(value * scale) / scale);
}
