/* What a salvaged store lacks, as runs of numbers that are owed to whoever lacks
 * them.
 *
 * To one that has got nothing yet, and whose first row is gone, a gap row in the
 * place of that row says what comes after it: else its numbers would begin
 * beyond them, and it would not know. */
#include "store/salvage_i.h"

static int owe_one(struct salvage *s, const struct destination *to,
		   struct run run)
{
	int r = 0;

	for (unsigned i = 0; i <= to->n_had && r == 0; i++) {
		struct run part = run_within(run, range_piece(to, i));

		if (!run_is_empty(part))
			r = gap_owe(s->to, to->id, GAP_CORRUPT, part);
	}
	return r;
}

/* To everyone, if nobody has got any of it: then the report is told, too. */
static int owe(struct salvage *s, struct run run)
{
	bool all = true;
	int r = 0;

	for (int i = 0; i < s->n_destinations; i++)
		all = all && run.first >= range_fresh(&s->destinations[i]);
	if (all)
		return gap_owe(s->to, GAP_TO_ALL, GAP_CORRUPT, run);
	for (int i = 0; i < s->n_destinations && r == 0; i++)
		r = owe_one(s, &s->destinations[i], run);
	return r;
}

/* It has got nothing, and its first row is gone. */
static bool begins_in(const struct destination *to, struct run run)
{
	return to->next == to->start && to->n_had == 0 &&
	       to->start <= run.last && run.first <= to->start;
}

/* What comes after that place, in the gap row that stands there; the others are
 * owed it as ever. */
static int tell_rest(struct salvage *s, uint64_t seq, struct run run)
{
	int r = 0;

	for (int i = 0; i < s->n_destinations && r == 0; i++) {
		const struct destination *to = &s->destinations[i];

		if (to->start <= seq && to->next == to->start && to->n_had == 0)
			r = gap_write_range(s->to, seq, to->id, run);
		else if (run.first > seq)
			r = owe_one(s, to, run);
	}
	return r;
}

int missing_owe(struct salvage *s)
{
	struct run run = s->missing;
	uint64_t seq = 0;
	int r = 0;

	if (run.last == 0)
		return 0;
	s->missing.last = 0;
	s->result.declared += run.last - run.first + 1;
	for (int i = 0; i < s->n_destinations; i++)
		if (begins_in(&s->destinations[i], run) &&
		    s->destinations[i].start > seq)
			seq = s->destinations[i].start;
	if (seq == 0)
		return owe(s, run);
	if (seq > run.first)
		r = owe(s, (struct run){ run.first, seq - 1 });
	if (r == 0)
		r = gap_write(s->to, seq, now_wall_ns(), GAP_CORRUPT);
	if (r < 0)
		return r;
	run.first = run.last > seq ? seq + 1 : seq; /* or itself */
	return tell_rest(s, seq, run);
}

int missing_find(struct salvage *s, uint64_t first, uint64_t last)
{
	int r = 0;

	for (uint64_t n = first; n <= last && r == 0; n++) {
		bool here = salvage_has(s, n);

		if (here)
			r = missing_owe(s);
		else if (s->missing.last == 0)
			s->missing = (struct run){ n, n };
		else
			s->missing.last = n;
	}
	return r;
}
