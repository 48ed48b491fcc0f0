#include "store/runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void runs_text(const struct run *runs, unsigned n, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%llu-%llu ",
				       (unsigned long long)runs[i].first,
				       (unsigned long long)runs[i].last);
}

void runs_write(const struct content *content, char *text, size_t size)
{
	runs_text(content->runs, content->n_runs, text, size);
}

void told_write(const struct content *content, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < content->n_told && at < size; i++) {
		const struct told *t = &content->told[i];

		at += (size_t)snprintf(text + at, size - at,
				       "%llu:%d:%llu-%llu ",
				       (unsigned long long)t->seq, t->reason,
				       (unsigned long long)t->run.first,
				       (unsigned long long)t->run.last);
	}
}

/* A number and the character after it. */
static bool number(const char **text, char after, uint64_t *ret_value)
{
	char *end;

	*ret_value = strtoull(*text, &end, 10);
	if (end == *text || *end != after)
		return false;
	*text = end + 1;
	return true;
}

static bool run(const char **text, struct run *ret_run)
{
	return number(text, '-', &ret_run->first) &&
	       number(text, ' ', &ret_run->last) &&
	       ret_run->first <= ret_run->last;
}

unsigned runs_parse(const char *text, struct run *runs, unsigned max)
{
	unsigned n = 0;

	while (text && n < max && run(&text, &runs[n]))
		n++;
	return n;
}

void runs_read(const char *text, struct content *content)
{
	content->n_runs = runs_parse(text, content->runs, RUNS_MAX);
}

void told_read(const char *text, struct content *content)
{
	struct told t;
	uint64_t reason;

	content->n_told = 0;
	while (text && content->n_told < RUNS_MAX &&
	       number(&text, ':', &t.seq) && number(&text, ':', &reason) &&
	       run(&text, &t.run)) {
		t.reason = (int)reason;
		content->told[content->n_told++] = t;
	}
}

static void runs_within(struct content *content, uint64_t first, uint64_t last)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < content->n_runs; i++) {
		struct run r = content->runs[i];

		if (r.first < first)
			r.first = first;
		if (r.last > last)
			r.last = last;
		if (r.first <= r.last)
			content->runs[kept++] = r;
	}
	content->n_runs = kept;
}

void content_within(struct content *content, uint64_t first, uint64_t last)
{
	unsigned kept = 0;

	runs_within(content, first, last);
	for (unsigned i = 0; i < content->n_told; i++) {
		struct told t = content->told[i];

		if (t.seq >= first && t.seq <= last)
			content->told[kept++] = t;
	}
	content->n_told = kept;
}

/* --- many of them --- */

void ranges_finish(struct ranges *r)
{
	free(r->runs);
	memset(r, 0, sizeof(*r));
}

int ranges_add(struct ranges *r, struct run run)
{
	if (r->n == r->size) {
		size_t size = r->size ? r->size * 2 : 64;
		struct run *runs = realloc(r->runs, size * sizeof(*runs));

		if (!runs)
			return -ENOMEM;
		r->runs = runs;
		r->size = size;
	}
	r->runs[r->n++] = run;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

void ranges_sort(struct ranges *r)
{
	size_t n = 0;

	if (r->n == 0)
		return;
	qsort(r->runs, r->n, sizeof(*r->runs), compare);
	for (size_t i = 1; i < r->n; i++)
		if (r->runs[i].first > r->runs[n].last + 1)
			r->runs[++n] = r->runs[i];
		else if (r->runs[i].last > r->runs[n].last)
			r->runs[n].last = r->runs[i].last;
	r->n = n + 1;
}

bool ranges_have(const struct ranges *r, uint64_t number)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->runs[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->n && r->runs[low].first <= number;
}
