#include "report/judging/runs.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LATE_NS UINT64_C(1000000000) /* out of order by so much is fine */

struct span {
	const char *pop;
	uint64_t from_ns, to_ns, n;
};

/* Of one series. The last of `spans` is open while others answer for it. */
struct stream {
	struct span *spans;
	size_t n, room;
	struct span other; /* answers from elsewhere, too few yet; n 0: none */
	uint64_t usual_ns; /* from one answer to the next; 0: not known */
	uint64_t total;    /* answers */
	bool solid;        /* the open span had enough in a row */
	uint64_t row;      /* of the open span, in a row at its beginning */
};

struct runs {
	struct stream *streams;
	size_t n;
};

struct runs *runs_create(void)
{
	return calloc(1, sizeof(struct runs));
}

void runs_destroy(struct runs *runs)
{
	if (runs == NULL)
		return;
	for (size_t i = 0; i < runs->n; i++)
		free(runs->streams[i].spans);
	free(runs->streams);
	free(runs);
}

/* --- one series --- */

static struct stream *find_stream(struct runs *runs, uint32_t series)
{
	size_t n = (size_t)series + 16;
	struct stream *grown;

	if (series < runs->n)
		return &runs->streams[series];
	if (n < 2 * runs->n)
		n = 2 * runs->n;
	grown = reallocarray(runs->streams, n, sizeof(*grown));
	if (grown == NULL)
		return NULL;
	memset(&grown[runs->n], 0, (n - runs->n) * sizeof(*grown));
	runs->streams = grown;
	runs->n = n;
	return &runs->streams[series];
}

static bool is_same(const char *a, const char *b)
{
	return a == b || strcmp(a, b) == 0;
}

static struct span *last_of(struct stream *s)
{
	return &s->spans[s->n - 1];
}

static void fold(struct span *into, const struct span *from)
{
	into->n += from->n;
	if (from->from_ns < into->from_ns)
		into->from_ns = from->from_ns;
	if (from->to_ns > into->to_ns)
		into->to_ns = from->to_ns;
}

static void drop_span(struct stream *s, size_t i)
{
	s->n--;
	memmove(&s->spans[i], &s->spans[i + 1],
		(s->n - i) * sizeof(s->spans[0]));
}

/* The shortest but the open one and the first becomes part of the one before,
 * and what then stands side by side is one. */
static void fold_shortest(struct stream *s)
{
	size_t least = 1;

	for (size_t i = 2; i + 1 < s->n; i++)
		if (s->spans[i].n < s->spans[least].n)
			least = i;
	fold(&s->spans[least - 1], &s->spans[least]);
	drop_span(s, least);
	if (least + 1 < s->n &&
	    is_same(s->spans[least - 1].pop, s->spans[least].pop)) {
		fold(&s->spans[least - 1], &s->spans[least]);
		drop_span(s, least);
	}
}

static int push(struct stream *s, const struct span *span)
{
	size_t room = s->room == 0 ? 4 : 2 * s->room;
	struct span *grown;

	if (s->n == RUNS_MAX)
		fold_shortest(s);
	if (s->n == s->room) {
		grown = reallocarray(s->spans, room, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		s->spans = grown;
		s->room = room;
	}
	s->spans[s->n++] = *span;
	s->row = span->n;
	s->solid = span->n >= RUNS_SOLID;
	return 0;
}

static uint64_t end_of(struct stream *s)
{
	uint64_t end = last_of(s)->to_ns;

	return s->other.n > 0 && s->other.to_ns > end ? s->other.to_ns : end;
}

/* What was too little for a run of its own. */
static void fold_other(struct stream *s)
{
	if (s->other.n > 0)
		fold(last_of(s), &s->other);
	s->other.n = 0;
}

/* A pause counts twice the usual at most, so that one says nothing of it. */
static void learn_interval(struct stream *s, uint64_t gap)
{
	if (s->usual_ns == 0)
		s->usual_ns = gap;
	else if (gap > 2 * s->usual_ns)
		s->usual_ns += s->usual_ns / 8;
	else
		s->usual_ns = s->usual_ns - s->usual_ns / 8 + gap / 8;
}

static bool is_gap(const struct stream *s, uint64_t gap)
{
	return gap > RUNS_GAP_NS && s->usual_ns > 0 && gap / 4 > s->usual_ns;
}

/* Enough in a row from elsewhere: the open run has ended. One that never was
 * solid was but the beginning of this one. */
static int turn(struct stream *s)
{
	struct span other = s->other;

	s->other.n = 0;
	if (s->solid)
		return push(s, &other);
	fold(&other, last_of(s));
	*last_of(s) = other;
	s->solid = true;
	return 0;
}

static int see_other(struct stream *s, const struct span *span)
{
	if (s->other.n > 0 && is_same(s->other.pop, span->pop)) {
		fold(&s->other, span);
	} else {
		fold_other(s);
		s->other = *span;
	}
	return s->other.n >= RUNS_SOLID ? turn(s) : 0;
}

static int see(struct stream *s, struct span *span)
{
	uint64_t end = s->n > 0 ? end_of(s) : span->from_ns;
	uint64_t gap = span->from_ns > end ? span->from_ns - end : 0;
	bool paused = is_gap(s, gap);

	if (span->from_ns + LATE_NS < end)
		return 0;
	s->total += span->n;
	if (gap > 0)
		learn_interval(s, gap);
	if (s->n == 0 || paused) {
		if (s->n > 0)
			fold_other(s);
		return push(s, span);
	}
	if (!is_same(last_of(s)->pop, span->pop))
		return see_other(s, span);
	s->row = s->other.n > 0 ? span->n : s->row + span->n;
	s->solid = s->solid || s->row >= RUNS_SOLID;
	fold_other(s);
	fold(last_of(s), span);
	return 0;
}

int runs_see(struct runs *runs, uint32_t series, uint64_t from_ns,
	     uint64_t to_ns, const char *pop, uint64_t n)
{
	struct span span = { pop, from_ns, to_ns < from_ns ? from_ns : to_ns,
			     n };
	struct stream *s;

	if (n == 0 || pop == NULL || *pop == '\0')
		return 0;
	s = find_stream(runs, series);
	return s == NULL ? -ENOMEM : see(s, &span);
}

/* --- into the model --- */

struct filling {
	struct runs *runs;
	struct model *model;
	const uint32_t *index_of;
	uint32_t n;
};

static uint32_t place_of(const struct filling *f, size_t stream)
{
	uint32_t at = MODEL_NONE;

	if (f->index_of == NULL)
		at = (uint32_t)stream;
	else if (stream < f->n)
		at = f->index_of[stream];
	return at < f->model->n_series ? at : MODEL_NONE;
}

/* The place of the series that stands for a circuit; MODEL_NONE. */
static uint32_t choose(const struct filling *f, uint32_t circuit,
		       const uint64_t *totals)
{
	uint32_t best = MODEL_NONE;
	bool exchange = false;

	for (uint32_t i = 0; i < f->model->n_series; i++) {
		const struct model_series *s = &f->model->series[i];
		bool is = strcmp(s->service, "Exchange") == 0;

		if (s->circuit != circuit || totals[i] == 0)
			continue;
		if (best == MODEL_NONE || is > exchange ||
		    (is == exchange && totals[i] > totals[best])) {
			best = i;
			exchange = is;
		}
	}
	return best;
}

static int by_begin(const void *a, const void *b)
{
	const struct stream *x = *(struct stream *const *)a;
	const struct stream *y = *(struct stream *const *)b;
	uint64_t from = x->spans[0].from_ns, other = y->spans[0].from_ns;

	return from < other ? -1 : from > other;
}

/* Those that follow one another; of two at the same time the larger. Sorted by
 * their beginning; returns how many are left. */
static size_t keep_apart(struct stream **list, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct stream *last = kept > 0 ? list[kept - 1] : NULL;

		if (last == NULL || list[i]->spans[0].from_ns > end_of(last))
			list[kept++] = list[i];
		else if (list[i]->total > last->total)
			list[kept - 1] = list[i];
	}
	return kept;
}

/* One run goes on where the next stream begins with the same PoP soon. */
static bool goes_on(const struct model_run *run, const struct span *span)
{
	return strcmp(run->pop, span->pop) == 0 &&
	       span->from_ns - run->to_ns <= RUNS_GAP_NS;
}

static int copy_stream(struct model_circuit *c, struct stream *s,
		       struct arena *arena)
{
	fold_other(s);
	for (size_t i = 0; i < s->n; i++) {
		const struct span *span = &s->spans[i];
		struct model_run *run = &c->runs[c->n_runs];

		if (i == 0 && c->n_runs > 0 && goes_on(run - 1, span)) {
			run[-1].to_ns = span->to_ns;
			run[-1].n += span->n;
			continue;
		}
		run->pop = arena_text(arena, span->pop);
		if (run->pop == NULL)
			return -ENOMEM;
		run->from_ns = span->from_ns;
		run->to_ns = span->to_ns;
		run->n = span->n;
		c->n_runs++;
	}
	return 0;
}

static int fill_circuit(const struct filling *f, struct model_circuit *c,
			uint32_t place, struct stream **list)
{
	size_t n = 0, total = 0;
	int r = 0;

	for (size_t i = 0; i < f->runs->n; i++)
		if (f->runs->streams[i].n > 0 && place_of(f, i) == place)
			list[n++] = &f->runs->streams[i];
	qsort(list, n, sizeof(list[0]), by_begin);
	n = keep_apart(list, n);
	for (size_t i = 0; i < n; i++)
		total += list[i]->n;
	c->runs = arena_alloc(f->model->arena, total, sizeof(*c->runs));
	if (c->runs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++)
		r = copy_stream(c, list[i], f->model->arena);
	return r;
}

static void count_totals(const struct filling *f, uint64_t *totals)
{
	for (size_t i = 0; i < f->runs->n; i++) {
		uint32_t place = place_of(f, i);

		if (place != MODEL_NONE)
			totals[place] += f->runs->streams[i].total;
	}
}

int runs_fill(struct runs *runs, struct model *model, const uint32_t *index_of,
	      uint32_t n)
{
	struct filling f = { runs, model, index_of, n };
	uint64_t *totals = calloc(model->n_series + 1, sizeof(*totals));
	struct stream **list = calloc(runs->n + 1, sizeof(struct stream *));
	int r = totals == NULL || list == NULL ? -ENOMEM : 0;

	if (r == 0)
		count_totals(&f, totals);
	for (uint32_t i = 0; i < model->n_circuits && r == 0; i++) {
		uint32_t place = choose(&f, i, totals);

		model->circuits[i].runs = NULL;
		model->circuits[i].n_runs = 0;
		if (place != MODEL_NONE)
			r = fill_circuit(&f, &model->circuits[i], place, list);
	}
	free(list);
	free(totals);
	return r;
}
