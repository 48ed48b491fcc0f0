#include "base/suggest.h"
#include <stddef.h>
#include <string.h>

#define WORD_MAX 31 /* longer ones are not worth guessing at */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment of two words of at most WORD_MAX letters, row by
 * row; `d[0]` is the row being filled. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1], *d[3] = { rows[0], rows[1], rows[2] };
	size_t n = strlen(a), m = strlen(b);

	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *oldest = d[2];

		d[2] = d[1];
		d[1] = d[0];
		d[0] = oldest;
		d[0][0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			d[0][j] = least(d[1][j] + 1, d[0][j - 1] + 1,
					d[1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[2][j - 2] < d[0][j])
				d[0][j] = d[2][j - 2] + 1;
		}
	}
	return d[0][m];
}

void suggest_offer(struct suggest *s, const char *known)
{
	size_t typed = strlen(s->typed);
	unsigned d;

	if (typed > WORD_MAX || strlen(known) > WORD_MAX)
		return;
	d = distance(s->typed, known);
	if (d > (typed + 2) / 3 || (s->best && d >= s->distance))
		return;
	s->best = known;
	s->distance = d;
}
