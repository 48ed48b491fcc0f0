#include "base/arena.h"
#include "lib/model_kit_i.h"
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct mass {
	double ns, n;
};

/* What lines are added up in: room for all cells there are. */
struct heap {
	struct mass *masses;
	size_t n;
	double scale;
};

static int by_ns(const void *a, const void *b)
{
	double x = ((const struct mass *)a)->ns;
	double y = ((const struct mass *)b)->ns;

	return (x > y) - (x < y);
}

static void add_cell(struct heap *heap, const struct model_cell *cell,
		     struct line *line)
{
	const float values[] = { cell->p5, cell->p25, cell->p50, cell->p75,
				 cell->p95 };
	uint32_t replied = cell->asked - cell->lost;

	line->outcomes[EP_REPLIED] += replied;
	line->outcomes[EP_LOST] += cell->lost;
	line->reasons[EP_REASON_TIMEOUT] += cell->lost;
	line->rtt.n += replied;
	for (unsigned i = 0; i < 5 && cell->p50 > 0; i++)
		heap->masses[heap->n++] =
			(struct mass){ (double)values[i] * heap->scale,
				       replied * 0.2 };
}

static void add_pops(const struct model_circuit *c, struct line *line)
{
	for (size_t r = 0; r < c->n_runs; r++) {
		unsigned i = 0;

		while (i < line->n_pops &&
		       strcmp(line->pops[i].code, c->runs[r].pop) != 0)
			i++;
		if (i == LINE_POPS_MAX)
			continue;
		line->n_pops += i == line->n_pops;
		line->pops[i].code = c->runs[r].pop;
		line->pops[i].n += c->runs[r].n;
	}
}

static void add_series(const struct making *m, struct heap *heap,
		       const struct model_series *s, struct line *line)
{
	for (unsigned b = 0; b < m->kit->buckets; b++)
		add_cell(heap, &s->cells[b], line);
	if (strcmp(s->probe, "https") == 0)
		add_pops(&m->model->circuits[s->circuit], line);
}

static double at_rank(const struct heap *heap, double all, double rank)
{
	double passed = 0;

	for (size_t i = 0; i < heap->n; i++) {
		passed += heap->masses[i].n;
		if (passed >= rank * all)
			return heap->masses[i].ns;
	}
	return (double)NAN;
}

/* The phases of https follow from the round trip. */
static void set_phases(struct line *line)
{
	static const double times[LINE_PHASES] = { 0.3, 1, 2.2, 1.4, 4.9, 0 };

	for (unsigned p = 0; p < LINE_SRTT; p++) {
		line->phases[p] = line->rtt;
		line->phases[p].p50 *= times[p];
		line->phases[p].p90 *= times[p];
	}
}

static void settle(struct heap *heap, struct line *line, bool phases)
{
	struct figures *f = &line->rtt;
	double all = 0, sum = 0, squares = 0;

	qsort(heap->masses, heap->n, sizeof(*heap->masses), by_ns);
	for (size_t i = 0; i < heap->n; i++) {
		all += heap->masses[i].n;
		sum += heap->masses[i].n * heap->masses[i].ns;
		squares += heap->masses[i].n * heap->masses[i].ns *
			   heap->masses[i].ns;
	}
	if (heap->n == 0)
		return;
	f->min = heap->masses[0].ns * 0.97;
	f->max = heap->masses[heap->n - 1].ns * 1.9;
	f->mean = sum / all;
	f->stddev = sqrt(fmax(0, squares / all - f->mean * f->mean));
	f->p50 = at_rank(heap, all, 0.5);
	f->p75 = at_rank(heap, all, 0.75);
	f->p90 = at_rank(heap, all, 0.9);
	f->p95 = at_rank(heap, all, 0.95);
	f->p99 = f->p95 * 1.25;
	line->jitter_n = f->n - 1;
	line->jitter = f->stddev * 0.3;
	if (phases)
		set_phases(line);
}

typedef bool (*want_cb)(const struct making *m, const struct model_series *s,
			const void *arg);

/* The line of all series that `want` wants. */
static void fill_line(const struct making *m, struct heap *heap, double scale,
		      want_cb want, const void *arg, struct line *line)
{
	bool https = true;

	heap->n = 0;
	heap->scale = scale;
	for (size_t i = 0; i < m->model->n_series; i++) {
		const struct model_series *s = &m->model->series[i];

		if (!want(m, s, arg))
			continue;
		https = https && strcmp(s->probe, "https") == 0;
		add_series(m, heap, s, line);
	}
	settle(heap, line, https);
}

#define BEFORE 0.93 /* the window before was that much quicker */

static void fill_both(const struct making *m, struct heap *heap, want_cb want,
		      const void *arg, struct line *now, struct line *before)
{
	line_init(now);
	line_init(before);
	fill_line(m, heap, 1, want, arg, now);
	fill_line(m, heap, BEFORE, want, arg, before);
}

static bool is_same(const struct making *m, const struct model_series *s,
		    const void *arg)
{
	(void)m;
	return s == arg;
}

static bool is_of_circuit(const struct making *m, const struct model_series *s,
			  const void *arg)
{
	return strcmp(s->probe, "tcp") == 0 &&
	       &m->model->circuits[s->circuit] == arg;
}

static bool is_of_site(const struct making *m, const struct model_series *s,
		       const void *arg)
{
	return strcmp(s->probe, "tcp") == 0 &&
	       &m->model->sites[m->model->circuits[s->circuit].site] == arg;
}

/* --- roll-ups --- */

static const char *key_of(const struct making *m, const struct model_series *s,
			  unsigned rollup)
{
	const struct model_circuit *c = &m->model->circuits[s->circuit];
	const struct model_site *site = &m->model->sites[c->site];

	switch ((enum model_rollup)rollup) {
	case MODEL_BY_MARKET:
		return site->market;
	case MODEL_BY_COUNTRY:
		return site->country;
	case MODEL_BY_METRO:
		return site->metro;
	case MODEL_BY_PROVIDER:
		return c->provider;
	case MODEL_BY_CONNECTION:
		return c->connection;
	case MODEL_BY_PREFIX:
		return c->prefix;
	case MODEL_BY_POP:
		return c->runs[c->n_runs - 1].pop;
	case MODEL_BY_TARGET:
		return s->target;
	case MODEL_BY_SERVICE:
		return s->service;
	case MODEL_ROLLUPS:
		break;
	}
	return "";
}

struct wanted {
	unsigned rollup;
	const char *key, *probe;
};

static bool is_wanted(const struct making *m, const struct model_series *s,
		      const void *arg)
{
	const struct wanted *w = arg;

	return strcmp(w->probe, s->probe) == 0 &&
	       strcmp(w->key, key_of(m, s, w->rollup)) == 0;
}

static bool is_there(const struct lines *lines, const struct wanted *w)
{
	for (size_t i = 0; i < lines->n; i++)
		if (strcmp(lines->at[i].keys[0], w->key) == 0 &&
		    strcmp(lines->at[i].keys[1], w->probe) == 0)
			return true;
	return false;
}

static void add_line(const struct making *m, struct heap *heap,
		     const struct wanted *w)
{
	struct lines *now = &m->model->now[w->rollup];
	struct lines *before = &m->model->before[w->rollup];

	if (is_there(now, w))
		return;
	fill_both(m, heap, is_wanted, w, &now->at[now->n],
		  &before->at[before->n]);
	now->at[now->n].keys[0] = before->at[before->n].keys[0] = w->key;
	now->at[now->n++].keys[1] = before->at[before->n].keys[1] = w->probe;
	before->n++;
}

/* As many as there are markets, targets and so on: far fewer than series. */
#define LINES_MAX 256

static int fill_rollup(const struct making *m, struct heap *heap, unsigned by)
{
	struct model *model = m->model;

	model->now[by].at =
		arena_alloc(model->arena, LINES_MAX, sizeof(struct line));
	model->before[by].at =
		arena_alloc(model->arena, LINES_MAX, sizeof(struct line));
	if (model->now[by].at == NULL || model->before[by].at == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < model->n_series; i++) {
		const struct model_series *s = &model->series[i];
		struct wanted w = { by, key_of(m, s, by), s->probe };

		if (model->now[by].n < LINES_MAX)
			add_line(m, heap, &w);
	}
	return 0;
}

/* --- all of them --- */

static void fill_places(const struct making *m, struct heap *heap)
{
	struct model *model = m->model;

	for (size_t i = 0; i < model->n_series; i++) {
		struct model_series *s = &model->series[i];

		fill_both(m, heap, is_same, s, &s->now, &s->before);
	}
	for (size_t i = 0; i < model->n_circuits; i++) {
		struct model_circuit *c = &model->circuits[i];

		fill_both(m, heap, is_of_circuit, c, &c->now, &c->before);
	}
	for (size_t i = 0; i < model->n_sites; i++) {
		struct model_site *s = &model->sites[i];

		fill_both(m, heap, is_of_site, s, &s->now, &s->before);
	}
}

int model_kit_lines(const struct making *m)
{
	size_t cells = m->model->n_series * m->kit->buckets;
	struct heap heap = { .masses = calloc(cells * 5 + 1,
					      sizeof(*heap.masses)) };
	int r = heap.masses == NULL ? -ENOMEM : 0;

	if (r == 0)
		fill_places(m, &heap);
	for (unsigned by = 0; by < MODEL_ROLLUPS && r == 0; by++)
		r = fill_rollup(m, &heap, by);
	free(heap.masses);
	return r;
}
