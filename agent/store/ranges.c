/* What a destination lacks: pure. Newest rows go first after an outage, so that
 * what it has got is not always all up to some number. */
#include "store/parts.h"

bool run_is_empty(struct run run)
{
	return run.last < run.first;
}

struct run run_within(struct run run, struct run within)
{
	if (run.first < within.first)
		run.first = within.first;
	if (run.last > within.last)
		run.last = within.last;
	return run;
}

bool range_lacks(const struct destination *to, uint64_t seq)
{
	for (unsigned i = 0; i < to->n_had; i++)
		if (seq >= to->had[i].first && seq <= to->had[i].last)
			return false;
	return seq >= to->next;
}

struct run range_piece(const struct destination *to, unsigned i)
{
	return (struct run){
		.first = i > 0 ? to->had[i - 1].last + 1 : to->next,
		.last = i < to->n_had ? to->had[i].first - 1 : INT64_MAX,
	};
}

uint64_t range_fresh(const struct destination *to)
{
	return range_piece(to, to->n_had).first;
}

void range_advance(struct destination *to, uint64_t next)
{
	unsigned gone = 0;

	to->next = next;
	for (; gone < to->n_had && to->had[gone].first <= to->next; gone++)
		if (to->next <= to->had[gone].last)
			to->next = to->had[gone].last + 1;
	for (unsigned i = gone; i < to->n_had; i++)
		to->had[i - gone] = to->had[i];
	to->n_had -= gone;
}

bool range_split(struct destination *to, uint64_t first)
{
	struct run none = { first, first - 1 };
	bool again = to->n_had && run_is_empty(to->had[to->n_had - 1]);

	if (!again && to->n_had == HAD_MAX)
		return false;
	if (!again)
		to->n_had++;
	to->had[to->n_had - 1] = none;
	return true;
}
