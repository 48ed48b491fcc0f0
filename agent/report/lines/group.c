#include "report/lines/group.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- counting --- */

static int count_pop(struct group *g, const char *code, uint64_t n)
{
	struct group_pop *grown;

	for (size_t i = 0; i < g->n_pops; i++)
		if (strcmp(g->pops[i].code, code) == 0) {
			g->pops[i].n += n;
			return 0;
		}
	grown = realloc(g->pops, (g->n_pops + 1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	grown[g->n_pops++] = (struct group_pop){ code, n };
	g->pops = grown;
	return 0;
}

static int count_phase(struct group *g, enum line_phase phase, int64_t ns)
{
	return ns < 0 ? 0 : stats_add(&g->phases[phase], (uint64_t)ns);
}

static int count_https(struct group *g, const struct scan_https *h,
		       const char *pop)
{
	int r = count_phase(g, LINE_CONNECT, h->connect_ns);

	if (r == 0)
		r = count_phase(g, LINE_TLS, h->tls_ns);
	if (r == 0)
		r = count_phase(g, LINE_FIRST_BYTE, h->first_byte_ns);
	if (r == 0)
		r = count_phase(g, LINE_TOTAL, h->total_ns);
	if (r == 0)
		r = count_phase(g, LINE_SRTT, h->srtt_ns);
	if (r == 0 && *pop != '\0')
		r = count_pop(g, pop, 1);
	return r;
}

/* The chain is the series', the sum is the group's. */
static int count_rtt(struct group *g, struct jitter *chain,
		     const struct scan_row *row)
{
	double before = chain->sum_ns;
	uint64_t n = chain->n;

	if (row->rtt_ns < 0 || row->outcome > EP_REFUSED) {
		jitter_break(chain);
		return 0;
	}
	jitter_add(chain, (uint64_t)row->rtt_ns);
	g->jitter_sum_ns += chain->sum_ns - before;
	g->jitter_n += chain->n - n;
	return stats_add(&g->rtt, (uint64_t)row->rtt_ns);
}

/* A full circuit is what is measured then: it breaks the chain. */
static int count_loaded(struct group *g, struct jitter *chain,
			const struct scan_row *row, const char *pop)
{
	int r = 0;

	jitter_break(chain);
	if (row->rtt_ns >= 0 && row->outcome <= EP_REFUSED)
		r = stats_add(&g->loaded, (uint64_t)row->rtt_ns);
	return r == 0 && *pop != '\0' ? count_pop(g, pop, 1) : r;
}

int group_count(struct group *g, struct jitter *chain,
		const struct scan_row *row, const char *pop)
{
	bool kept = (row->flags & EP_FLAG_KEPT) != 0;
	int r = 0;

	if (row->late) {
		g->late += (row->flags & EP_FLAG_DUPLICATE) == 0;
		return 0;
	}
	if (row->reason == EP_REASON_MISSED) {
		g->missed += row->missed;
		if (!kept)
			jitter_break(chain);
		return 0;
	}
	if (row->outcome < EP_CANCELLED)
		g->outcomes[row->outcome]++;
	if (row->reason < EP_REASON_COUNT)
		g->reasons[row->reason]++;
	if ((row->flags & EP_FLAG_LOADED) != 0)
		return count_loaded(g, chain, row, pop);
	if (!kept) /* which has none, and breaks no chain */
		r = count_rtt(g, chain, row);
	if (r == 0)
		r = count_phase(g, LINE_DNS, row->dns_ns);
	if (r == 0 && row->https != NULL)
		r = count_https(g, row->https, pop);
	return r;
}

int group_merge(struct group *into, const struct group *from, bool mixed)
{
	int r = stats_merge(&into->rtt, &from->rtt);

	for (unsigned i = 0; i < EP_CANCELLED; i++)
		into->outcomes[i] += from->outcomes[i];
	for (unsigned i = 0; i < EP_REASON_COUNT; i++)
		into->reasons[i] += from->reasons[i];
	into->missed += from->missed;
	into->late += from->late;
	into->jitter_sum_ns += from->jitter_sum_ns;
	into->jitter_n += from->jitter_n;
	if (r == 0)
		r = stats_merge(&into->loaded, &from->loaded);
	for (unsigned p = 0; r == 0 && p < LINE_PHASES; p++)
		if (!mixed || (p != LINE_FIRST_BYTE && p != LINE_TOTAL))
			r = stats_merge(&into->phases[p], &from->phases[p]);
	for (size_t i = 0; r == 0 && i < from->n_pops; i++)
		r = count_pop(into, from->pops[i].code, from->pops[i].n);
	return r;
}

void group_finish(struct group *g)
{
	stats_finish(&g->rtt);
	stats_finish(&g->loaded);
	for (unsigned p = 0; p < LINE_PHASES; p++)
		stats_finish(&g->phases[p]);
	free(g->pops);
	memset(g, 0, sizeof(*g));
}

/* --- lines --- */

static struct figures figures_of(const struct stats *s)
{
	return (struct figures){
		.n = s->n,
		.min = (double)s->min_ns,
		.mean = stats_mean_ns(s),
		.stddev = stats_stddev_ns(s),
		.max = (double)s->max_ns,
		.p50 = (double)stats_percentile(s, 0.5),
		.p75 = (double)stats_percentile(s, 0.75),
		.p90 = (double)stats_percentile(s, 0.9),
		.p95 = (double)stats_percentile(s, 0.95),
		.p99 = (double)stats_percentile(s, 0.99),
	};
}

static int compare_pops(const void *a, const void *b)
{
	const struct group_pop *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->code, y->code);
}

static int put_pops(struct group *g, struct arena *arena, struct line *line)
{
	if (g->n_pops > 1)
		qsort(g->pops, g->n_pops, sizeof(*g->pops), compare_pops);
	for (size_t i = 0; i < g->n_pops; i++) {
		bool other =
			i >= LINE_POPS_MAX - 1 && g->n_pops > LINE_POPS_MAX;
		unsigned at = other ? LINE_POPS_MAX - 1 : (unsigned)i;

		if (at == line->n_pops) {
			line->pops[at].code =
				arena_text(arena, other ? "" : g->pops[i].code);
			line->n_pops++;
		}
		if (line->pops[at].code == NULL)
			return -ENOMEM;
		line->pops[at].n += g->pops[i].n;
	}
	return 0;
}

int group_line(struct group *g, struct arena *arena, struct line *ret_line)
{
	struct line line;
	int r;

	line_init(&line);
	memcpy(line.keys, ret_line->keys, sizeof(line.keys));
	memcpy(line.outcomes, g->outcomes, sizeof(line.outcomes));
	memcpy(line.reasons, g->reasons, sizeof(line.reasons));
	line.missed = g->missed;
	line.late = g->late;
	if (g->rtt.n > 0)
		line.rtt = figures_of(&g->rtt);
	if (g->loaded.n > 0)
		line.loaded = figures_of(&g->loaded);
	for (unsigned p = 0; p < LINE_PHASES; p++)
		if (g->phases[p].n > 0)
			line.phases[p] = figures_of(&g->phases[p]);
	line.jitter_n = g->jitter_n;
	if (g->jitter_n > 0)
		line.jitter = g->jitter_sum_ns / (double)g->jitter_n;
	r = put_pops(g, arena, &line);
	if (r == 0)
		*ret_line = line;
	return r;
}
