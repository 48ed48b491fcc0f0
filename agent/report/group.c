#include "report/group.h"
#include "report/keys.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const group_phase_names[GROUP_PHASES] = {
	"dns", "connect", "tls", "first_byte", "total", "srtt",
};

/* What of a row, beside its series, decides about its group. */
struct split {
	uint32_t pop; /* 0 without that key */
	bool kept;    /* false without the key probe */
};

/* A series goes into one group for each of its splits. */
struct route {
	struct split split;
	struct group *group;
};

struct group_series {
	struct route *routes;
	size_t n_routes;
	struct jitter jitter; /* consecutive means: of the same series */
};

uint64_t group_sent(const struct group *g)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < EP_CANCELLED; i++)
		n += g->outcomes[i];
	return n;
}

uint64_t group_answered(const struct group *g)
{
	return g->outcomes[EP_REPLIED] + g->outcomes[EP_REFUSED];
}

double group_loss_percent(const struct group *g)
{
	uint64_t asked = group_sent(g) - g->outcomes[EP_FAILED];

	return asked == 0
		       ? 0
		       : 100.0 * (double)g->outcomes[EP_LOST] / (double)asked;
}

/* --- finding the group of a row --- */

static int same_keys(const struct groups *gs, const struct group *g,
		     const char *const *keys)
{
	for (unsigned i = 0; i < gs->options->n_by; i++)
		if (strcmp(g->keys[i], keys[i]) != 0)
			return 0;
	return 1;
}

static struct group *make_group(struct groups *gs, const char *const *keys)
{
	struct group *g;

	if (gs->n == gs->room) {
		size_t room = gs->room == 0 ? 64 : gs->room * 2;
		struct group **grown =
			realloc(gs->groups, room * sizeof(struct group *));

		if (grown == NULL)
			return NULL;
		gs->groups = grown;
		gs->room = room;
	}
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return NULL;
	memcpy(g->keys, keys, gs->options->n_by * sizeof(keys[0]));
	gs->groups[gs->n++] = g;
	return g;
}

static const char *key_of(const struct groups *gs, enum report_key key,
			  const struct series *text, struct split split)
{
	if (key == REPORT_POP)
		return store_word(gs->store, split.pop);
	if (key == REPORT_PROBE && split.kept)
		return GROUP_KEPT;
	return key_text(key, text);
}

static struct group *find_group(struct groups *gs, uint32_t series,
				struct split split)
{
	const struct series *text = store_series_text(gs->store, series);
	const char *keys[REPORT_KEYS_MAX];

	if (text == NULL)
		return NULL;
	for (unsigned i = 0; i < gs->options->n_by; i++)
		keys[i] = key_of(gs, gs->options->by[i], text, split);
	for (size_t i = 0; i < gs->n; i++)
		if (same_keys(gs, gs->groups[i], keys))
			return gs->groups[i];
	return make_group(gs, keys);
}

static struct group_series *find_series(struct groups *gs, uint32_t id)
{
	size_t n = (size_t)id + 64;
	struct group_series *grown;

	if (id < gs->n_series)
		return &gs->series[id];
	grown = realloc(gs->series, n * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	memset(&grown[gs->n_series], 0, (n - gs->n_series) * sizeof(*grown));
	for (size_t i = gs->n_series; i < n; i++)
		jitter_init(&grown[i].jitter);
	gs->series = grown;
	gs->n_series = n;
	return &gs->series[id];
}

static struct group *route(struct groups *gs, struct group_series *s,
			   uint32_t series, struct split split)
{
	struct route *grown;
	struct group *g;

	for (size_t i = 0; i < s->n_routes; i++)
		if (s->routes[i].split.pop == split.pop &&
		    s->routes[i].split.kept == split.kept)
			return s->routes[i].group;
	g = find_group(gs, series, split);
	grown = g == NULL ? NULL
			  : realloc(s->routes,
				    (s->n_routes + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	grown[s->n_routes++] = (struct route){ split, g };
	s->routes = grown;
	return g;
}

/* --- counting --- */

static void count_pop(struct group *g, uint32_t word)
{
	unsigned i = 0;

	while (i < g->n_pops && g->pops[i].word != word)
		i++;
	if (i == GROUP_POPS_MAX) {
		g->pops[i - 1].word = 0;
		g->pops[i - 1].n++;
		return;
	}
	if (i == g->n_pops)
		g->pops[g->n_pops++].word = word;
	g->pops[i].n++;
}

static int count_phase(struct group *g, enum group_phase phase, int64_t ns)
{
	return ns < 0 ? 0 : stats_add(&g->phases[phase], (uint64_t)ns);
}

/* `mixed`: a row of a kept connection among those of fresh ones. Its times are
 * of something else. */
static int count_https(struct group *g, const struct scan_https *h, bool mixed)
{
	int r = count_phase(g, GROUP_CONNECT, h->connect_ns);

	if (r == 0)
		r = count_phase(g, GROUP_TLS, h->tls_ns);
	if (r == 0 && !mixed)
		r = count_phase(g, GROUP_FIRST_BYTE, h->first_byte_ns);
	if (r == 0 && !mixed)
		r = count_phase(g, GROUP_TOTAL, h->total_ns);
	if (r == 0)
		r = count_phase(g, GROUP_SRTT, h->srtt_ns);
	if (h->pop != 0)
		count_pop(g, h->pop);
	return r;
}

/* The chain is the series', the sum is the group's. */
static int count_rtt(struct group *g, struct group_series *s,
		     const struct scan_row *row)
{
	double before = s->jitter.sum_ns;
	uint64_t n = s->jitter.n;

	if (row->rtt_ns < 0 || row->outcome > EP_REFUSED) {
		jitter_break(&s->jitter);
		return 0;
	}
	jitter_add(&s->jitter, (uint64_t)row->rtt_ns);
	g->jitter.sum_ns += s->jitter.sum_ns - before;
	g->jitter.n += s->jitter.n - n;
	return stats_add(&g->rtt, (uint64_t)row->rtt_ns);
}

static int count(struct group *g, struct group_series *s,
		 const struct scan_row *row, struct split split)
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
			jitter_break(&s->jitter);
		return 0;
	}
	if (row->outcome < EP_CANCELLED)
		g->outcomes[row->outcome]++;
	if (row->reason < EP_REASON_COUNT)
		g->reasons[row->reason]++;
	if (!kept) /* which has none, and breaks no chain */
		r = count_rtt(g, s, row);
	if (r == 0)
		r = count_phase(g, GROUP_DNS, row->dns_ns);
	if (r == 0 && row->https != NULL)
		r = count_https(g, row->https, kept && !split.kept);
	return r;
}

static bool has_key(const struct report_options *options, enum report_key key)
{
	for (unsigned i = 0; i < options->n_by; i++)
		if (options->by[i] == key)
			return true;
	return false;
}

static struct split split_of(const struct report_options *options,
			     const struct scan_row *row)
{
	struct split split = { 0 };

	if (row->https != NULL && has_key(options, REPORT_POP))
		split.pop = row->https->pop;
	split.kept = (row->flags & EP_FLAG_KEPT) != 0 &&
		     has_key(options, REPORT_PROBE);
	return split;
}

static int on_row(const struct scan_row *row, void *arg)
{
	struct groups *gs = arg;
	struct group_series *s = find_series(gs, row->series);
	struct split split = split_of(gs->options, row);
	struct group *g = s == NULL ? NULL : route(gs, s, row->series, split);

	if (g == NULL)
		return -ENOMEM;
	gs->samples++;
	if (gs->first_ns == 0 || row->sent_ns < gs->first_ns)
		gs->first_ns = row->sent_ns;
	if (row->sent_ns > gs->last_ns)
		gs->last_ns = row->sent_ns;
	return count(g, s, row, split);
}

/* --- in order --- */

/* Numbers inside names count as numbers, so that t2 comes before t10. */
static int compare_text(const char *a, const char *b)
{
	return strverscmp(a, b);
}

static int compare(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a;
	const struct group *y = *(struct group *const *)b;
	int order = 0;

	for (unsigned i = 0; i < REPORT_KEYS_MAX && order == 0; i++) {
		if (x->keys[i] == NULL || y->keys[i] == NULL)
			break;
		order = compare_text(x->keys[i], y->keys[i]);
	}
	return order;
}

static int compare_pops(const void *a, const void *b)
{
	const struct group_pop *x = a, *y = b;

	return x->n < y->n ? 1 : x->n > y->n ? -1 : 0;
}

int groups_collect(struct groups *gs, const struct report_options *options,
		   struct store *store, struct ep_err *err)
{
	struct store_range range = { .since_ns = options->since_ns,
				     .until_ns = options->until_ns,
				     .destination = -1 };
	int r;

	memset(gs, 0, sizeof(*gs));
	gs->options = options;
	gs->store = store;
	r = store_scan_rows(store, &range, on_row, gs, err);
	if (r == -ENOMEM)
		ep_err_set(err, r, "out of memory");
	if (gs->n > 0)
		qsort(gs->groups, gs->n, sizeof(gs->groups[0]), compare);
	for (size_t i = 0; i < gs->n; i++)
		qsort(gs->groups[i]->pops, gs->groups[i]->n_pops,
		      sizeof(struct group_pop), compare_pops);
	return r;
}

void groups_finish(struct groups *gs)
{
	for (size_t i = 0; i < gs->n; i++) {
		stats_finish(&gs->groups[i]->rtt);
		for (unsigned p = 0; p < GROUP_PHASES; p++)
			stats_finish(&gs->groups[i]->phases[p]);
		free(gs->groups[i]);
	}
	for (size_t i = 0; i < gs->n_series; i++)
		free(gs->series[i].routes);
	free(gs->series);
	free(gs->groups);
	memset(gs, 0, sizeof(*gs));
}
