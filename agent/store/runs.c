#include "store/runs.h"

#include <stdio.h>
#include <stdlib.h>

void runs_write(const struct run *runs, unsigned n, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%llu-%llu ",
				       (unsigned long long)runs[i].first,
				       (unsigned long long)runs[i].last);
}

unsigned runs_read(const char *text, struct run runs[RUNS_MAX])
{
	unsigned n = 0;

	while (text && *text && n < RUNS_MAX) {
		char *end;

		runs[n].first = strtoull(text, &end, 10);
		if (*end != '-')
			break;
		runs[n].last = strtoull(end + 1, &end, 10);
		n++;
		text = *end == ' ' ? end + 1 : NULL;
	}
	return n;
}

unsigned runs_within(struct run runs[RUNS_MAX], unsigned n, uint64_t first,
		     uint64_t last)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		struct run run = runs[i];

		if (run.first < first)
			run.first = first;
		if (run.last > last)
			run.last = last;
		if (run.first <= run.last)
			runs[kept++] = run;
	}
	return kept;
}
