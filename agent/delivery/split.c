/* The way back from a batch to its rows: two batches out of one. */
#include "delivery/framing.h"

#include <errno.h>
#include <string.h>

/* Bytes of the JSON object at `at`, 0 if there is no whole one. Only what
 * decides where it ends is looked at: the rows are ours. */
static size_t object_len(const char *at, const char *end)
{
	bool quoted = false;
	unsigned depth = 0;

	for (const char *c = at; c < end; c++) {
		if (quoted && *c == '\\')
			c++;
		else if (*c == '"')
			quoted = !quoted;
		else if (!quoted && *c == '{')
			depth++;
		else if (!quoted && *c == '}' && --depth == 0)
			return (size_t)(c - at) + 1;
		if (depth == 0)
			return 0;
	}
	return 0;
}

/* The row's number; 0 if it has none. In a string of the row a quote has a
 * backslash before it, so that the key cannot be found in one. */
static uint64_t seq_of(const char *row, size_t len, const char *key)
{
	const char *at = memmem(row, len, key, strlen(key));
	uint64_t seq = 0;

	if (!at)
		return 0;
	for (at += strlen(key); at < row + len; at++) {
		if (*at < '0' || *at > '9')
			break;
		seq = seq * 10 + (uint64_t)(*at - '0');
	}
	return seq;
}

/* Bytes of the lines at `at` that have the number of the first. */
static size_t lines_len(const struct framing *framing, const char *at,
			const char *end)
{
	size_t len = object_len(at, end);
	uint64_t seq = len > 0 ? seq_of(at, len, framing->seq_key) : 0;

	while (seq > 0 && at + len < end && at[len] == '\n') {
		const char *next = at + len + 1;
		size_t more = object_len(next, end);

		if (more == 0 || seq_of(next, more, framing->seq_key) != seq)
			break;
		len += 1 + more;
	}
	return len;
}

/* Bytes of the row at `at`, 0 if there is no whole one. */
static size_t row_len(const struct framing *framing, const char *at,
		      const char *end)
{
	const char *start = at;

	if (framing->objects == 0)
		return lines_len(framing, at, end);
	for (unsigned i = 0; i < framing->objects; i++) {
		size_t len;

		if (i > 0 && (at == end || *at++ != '\n'))
			return 0;
		len = object_len(at, end);
		if (len == 0)
			return 0;
		at += len;
	}
	return (size_t)(at - start);
}

/* Step over `text`; false if it is not there. */
static bool skip(const char **at, const char *end, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(end - *at) < len || memcmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

/* Step over what is before the first row. */
static bool skip_begin(const struct framing *framing, const char **at,
		       const char *end)
{
	const char *before = framing->before;

	/* As with the key of a number, a text cannot hold this. */
	if (framing->begin)
		*at = memmem(*at, (size_t)(end - *at), before, strlen(before));
	return *at && skip(at, end, before);
}

/* Step over `rows` rows and the separators behind them. */
static bool skip_rows(const struct framing *framing, const char **at,
		      const char *end, uint64_t rows)
{
	for (uint64_t i = 0; i < rows; i++) {
		size_t len = row_len(framing, *at, end);

		*at += len;
		if (len == 0 || !skip(at, end, framing->separator))
			return false;
	}
	return true;
}

int framing_split(const struct framing *framing, const char *body, size_t len,
		  uint64_t rows, struct buf halves[2], uint64_t *ret_seq)
{
	const char *at = body, *end = body + len, *first, *middle;
	size_t next;
	uint64_t seq;

	if (rows == 0 || !framing->row || !skip_begin(framing, &at, end))
		return -EILSEQ;
	first = at;
	if (!skip_rows(framing, &at, end, rows))
		return -EILSEQ;
	middle = at - strlen(framing->separator);
	next = row_len(framing, at, end);
	seq = next > 0 ? seq_of(at, next, framing->seq_key) : 0;
	if (seq == 0)
		return -EILSEQ;
	buf_add(&halves[0], body, (size_t)(middle - body));
	buf_text(&halves[0], framing->end);
	buf_add(&halves[1], body, (size_t)(first - body));
	buf_add(&halves[1], at, (size_t)(end - at));
	if (halves[0].error || halves[1].error)
		return halves[0].error ? halves[0].error : halves[1].error;
	*ret_seq = seq;
	return 0;
}
