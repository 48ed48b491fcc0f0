/* Happy path: each series belongs to a group, which has the same site, target
 * and probe, and one member a circuit. Between any two members is a link, which
 * waits for samples of the same moment. A sample finds the nearest of the other
 * side: the one before it is its partner until one behind is nearer. */
#include "report/judging/pairs.h"
#include "base/arena.h"
#include "report/judging/paired.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct moment {
	uint64_t sent_ns;
	float rtt_ns;
};

struct link {
	unsigned members[2]; /* of the group, the lower first */
	struct paired paired;
	struct moment first, second; /* in the order of coming */
	unsigned side;               /* of `first`; the other is that of
				      * `second` */
	enum { EMPTY, WAITING, MATCHED } state;
};

struct member {
	char *circuit;
	struct group *group;
	unsigned place;    /* in the group */
	uint32_t index;    /* in the model, or MODEL_NONE */
	uint64_t last_ns;  /* sent */
	uint64_t usual_ns; /* interval; 0: not known */
};

struct group {
	char *site, *target, *probe;
	struct member *members[PAIRS_CIRCUITS_MAX];
	unsigned n;
	struct link *links[PAIRS_CIRCUITS_MAX][PAIRS_CIRCUITS_MAX];
	struct group *next;
};

struct pairs {
	struct group *buckets[BUCKETS];
	struct member **members; /* by series */
	size_t n;
	size_t budget;
};

struct pairs *pairs_create(size_t max_bytes)
{
	struct pairs *pairs = calloc(1, sizeof(*pairs));

	if (pairs != NULL)
		pairs->budget = max_bytes;
	return pairs;
}

static void destroy_group(struct group *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		for (unsigned j = i + 1; j < g->n; j++) {
			paired_finish(&g->links[i][j]->paired);
			free(g->links[i][j]);
		}
		free(g->members[i]->circuit);
		free(g->members[i]);
	}
	free(g->site);
	free(g->target);
	free(g->probe);
	free(g);
}

void pairs_destroy(struct pairs *pairs)
{
	struct group *next;

	if (pairs == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct group *g = pairs->buckets[i]; g != NULL; g = next) {
			next = g->next;
			destroy_group(g);
		}
	free(pairs->members);
	free(pairs);
}

/* --- what a series is --- */

static uint32_t hash_text(uint32_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return (h ^ 0xff) * 16777619u;
}

static struct group **bucket_of(struct pairs *pairs,
				const struct pairs_key *key)
{
	uint32_t h = hash_text(2166136261u, key->site);

	h = hash_text(hash_text(h, key->target), key->probe);
	return &pairs->buckets[(h ^ h >> 16) % BUCKETS];
}

static struct group *make_group(const struct pairs_key *key)
{
	struct group *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->site = strdup(key->site);
	g->target = strdup(key->target);
	g->probe = strdup(key->probe);
	if (g->site == NULL || g->target == NULL || g->probe == NULL) {
		destroy_group(g);
		return NULL;
	}
	return g;
}

static struct group *find_group(struct pairs *pairs,
				const struct pairs_key *key)
{
	struct group **bucket = bucket_of(pairs, key), *g = *bucket;

	while (g != NULL && (strcmp(g->site, key->site) != 0 ||
			     strcmp(g->target, key->target) != 0 ||
			     strcmp(g->probe, key->probe) != 0))
		g = g->next;
	if (g == NULL) {
		g = make_group(key);
		if (g == NULL)
			return NULL;
		g->next = *bucket;
		*bucket = g;
	}
	return g;
}

/* From each member that is there to the new one. */
static int link_up(struct group *g, unsigned to)
{
	for (unsigned i = 0; i < to; i++) {
		struct link *link = calloc(1, sizeof(*link));

		if (link == NULL) {
			while (i-- > 0)
				free(g->links[i][to]);
			return -ENOMEM;
		}
		link->members[0] = i;
		link->members[1] = to;
		g->links[i][to] = g->links[to][i] = link;
	}
	return 0;
}

static struct member *make_member(struct group *g, const char *circuit)
{
	struct member *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->circuit = strdup(circuit);
	m->group = g;
	m->place = g->n;
	if (m->circuit == NULL || link_up(g, g->n) < 0) {
		free(m->circuit);
		free(m);
		return NULL;
	}
	g->members[g->n++] = m;
	return m;
}

static int make_room(struct pairs *pairs, uint32_t series)
{
	size_t n = (size_t)series + 16;
	struct member **grown;

	if (series < pairs->n)
		return 0;
	if (n < 2 * pairs->n)
		n = 2 * pairs->n;
	grown = reallocarray(pairs->members, n, sizeof(struct member *));
	if (grown == NULL)
		return -ENOMEM;
	memset(&grown[pairs->n], 0, (n - pairs->n) * sizeof(struct member *));
	pairs->members = grown;
	pairs->n = n;
	return 0;
}

int pairs_add(struct pairs *pairs, uint32_t series, const struct pairs_key *key)
{
	struct group *g = find_group(pairs, key);
	unsigned i = 0;

	if (g == NULL || make_room(pairs, series) < 0)
		return -ENOMEM;
	while (i < g->n && strcmp(g->members[i]->circuit, key->circuit) != 0)
		i++;
	if (i == PAIRS_CIRCUITS_MAX)
		return 0;
	if (i < g->n) {
		pairs->members[series] = g->members[i];
		return 0;
	}
	pairs->members[series] = make_member(g, key->circuit);
	return pairs->members[series] == NULL ? -ENOMEM : 0;
}

/* --- samples of the same moment --- */

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* A pause counts twice the usual at most, so that one says nothing of it. */
static void learn_interval(struct member *m, uint64_t sent_ns)
{
	uint64_t gap = sent_ns - m->last_ns;

	if (m->last_ns != 0 && sent_ns > m->last_ns) {
		if (m->usual_ns == 0)
			m->usual_ns = gap;
		else if (gap > 2 * m->usual_ns)
			m->usual_ns += m->usual_ns / 8;
		else
			m->usual_ns = m->usual_ns - m->usual_ns / 8 + gap / 8;
	}
	m->last_ns = sent_ns;
}

static uint64_t near_enough(const struct group *g, const struct link *link)
{
	uint64_t a = g->members[link->members[0]]->usual_ns;
	uint64_t b = g->members[link->members[1]]->usual_ns;
	uint64_t half = (a < b ? a : b) / 2;

	return half > PAIRS_NEAR_NS ? half : PAIRS_NEAR_NS;
}

static int commit(struct pairs *pairs, struct link *link)
{
	bool swapped = link->side == 1;
	struct paired_sample sample = {
		.a_ns = swapped ? link->second.rtt_ns : link->first.rtt_ns,
		.b_ns = swapped ? link->first.rtt_ns : link->second.rtt_ns,
	};

	link->state = EMPTY;
	return paired_add(&link->paired, sample, 1, &pairs->budget);
}

static void await(struct link *link, unsigned side, const struct moment *moment)
{
	link->first = *moment;
	link->side = side;
	link->state = WAITING;
}

static int offer(struct pairs *pairs, const struct group *g, struct link *link,
		 unsigned side, const struct moment *moment)
{
	int r = 0;

	if (link->state == MATCHED && side == link->side &&
	    apart(moment->sent_ns, link->second.sent_ns) <
		    apart(link->second.sent_ns, link->first.sent_ns)) {
		/* nearer to it than the one before */
		link->first = link->second;
		link->side = !side;
		link->second = *moment;
		return 0;
	}
	if (link->state == MATCHED)
		r = commit(pairs, link);
	if (link->state == WAITING && side != link->side &&
	    apart(moment->sent_ns, link->first.sent_ns) <=
		    near_enough(g, link)) {
		link->second = *moment;
		link->state = MATCHED;
	} else {
		await(link, side, moment);
	}
	return r;
}

int pairs_see(struct pairs *pairs, uint32_t series, uint64_t sent_ns,
	      uint64_t rtt_ns)
{
	struct member *m = series < pairs->n ? pairs->members[series] : NULL;
	struct moment moment = { sent_ns, (float)rtt_ns };
	int r = 0;

	if (m == NULL || m->group->n < 2)
		return 0;
	learn_interval(m, sent_ns);
	for (unsigned i = 0; i < m->group->n && r == 0; i++)
		if (i != m->place)
			r = offer(pairs, m->group, m->group->links[m->place][i],
				  m->place > i, &moment);
	return r;
}

int pairs_take(struct pairs *pairs, const uint32_t series[2],
	       const uint64_t rtt_ns[2], uint64_t n)
{
	struct paired_sample sample = { (float)rtt_ns[0], (float)rtt_ns[1] };
	const struct member *m[2];

	for (unsigned i = 0; i < 2; i++) {
		m[i] = series[i] < pairs->n ? pairs->members[series[i]] : NULL;
		if (m[i] == NULL)
			return 0;
	}
	if (m[0]->group != m[1]->group || m[0] == m[1])
		return 0;
	if (m[0]->place > m[1]->place)
		sample = (struct paired_sample){ sample.b_ns, sample.a_ns };
	return paired_add(&m[0]->group->links[m[0]->place][m[1]->place]->paired,
			  sample, n, &pairs->budget);
}

/* --- into the model --- */

/* 1: above 0, -1: below, 0: not known. */
static int sign_of(const struct model_interval *i)
{
	return i->low > 0 ? 1 : i->high < 0 ? -1 : 0;
}

static void turn_interval(struct model_interval *i)
{
	*i = (struct model_interval){ -i->value, -i->high, -i->low };
}

/* So that `b` is the better one. */
static void turn(struct model_pair *pair)
{
	int sign = sign_of(&pair->p50);
	uint32_t a = pair->a;

	if (sign == 0)
		sign = sign_of(&pair->p90);
	if (sign == 0)
		sign = pair->p50.value < 0 ? -1 : 1;
	if (sign > 0)
		return;
	turn_interval(&pair->p50);
	turn_interval(&pair->p90);
	pair->a = pair->b;
	pair->b = a;
}

static int fill_link(const struct group *g, const struct link *link,
		     struct model *model)
{
	static const double shares[PAIRED_SHARES] = { 0.5, 0.9 };
	struct model_interval figures[PAIRED_SHARES];
	struct model_pair *pair = &model->pairs[model->n_pairs];
	uint32_t a = g->members[link->members[0]]->index;
	uint32_t b = g->members[link->members[1]]->index;
	int r;

	if (a == MODEL_NONE || b == MODEL_NONE || link->paired.n < PAIRS_MIN)
		return 0;
	r = paired_compare(&link->paired, shares, figures);
	if (r < 0)
		return r;
	*pair = (struct model_pair){ .a = a,
				     .b = b,
				     .n = link->paired.seen,
				     .p50 = figures[0],
				     .p90 = figures[1],
				     .text = "" };
	turn(pair);
	model->n_pairs++;
	return 0;
}

static int fill_group(struct pairs *pairs, struct group *g, struct model *model)
{
	int r = 0;

	for (unsigned i = 0; i < g->n; i++)
		for (unsigned j = i + 1; j < g->n && r == 0; j++) {
			struct link *link = g->links[i][j];

			if (link->state == MATCHED)
				r = commit(pairs, link);
			if (r == 0)
				r = fill_link(g, link, model);
		}
	return r;
}

/* Known differences first, and of those the larger. */
static int by_saving(const void *x, const void *y)
{
	const struct model_pair *a = x, *b = y;
	int known = (sign_of(&b->p50) > 0) - (sign_of(&a->p50) > 0);

	if (known == 0)
		known = (sign_of(&b->p90) > 0) - (sign_of(&a->p90) > 0);
	if (known == 0)
		known = (a->p50.value < b->p50.value) -
			(a->p50.value > b->p50.value);
	if (known == 0)
		known = (a->a > b->a) - (a->a < b->a);
	return known != 0 ? known : (a->b > b->b) - (a->b < b->b);
}

static size_t place_members(struct pairs *pairs, const struct model *model,
			    const uint32_t *index_of, uint32_t n)
{
	size_t links = 0;

	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct group *g = pairs->buckets[i]; g; g = g->next) {
			links += (size_t)g->n * (g->n - 1) / 2;
			for (unsigned j = 0; j < g->n; j++)
				g->members[j]->index = MODEL_NONE;
		}
	for (size_t i = 0; i < pairs->n; i++) {
		uint32_t at = MODEL_NONE;

		if (pairs->members[i] == NULL)
			continue;
		if (index_of == NULL)
			at = (uint32_t)i;
		else if (i < n)
			at = index_of[i];
		if (at < model->n_series)
			pairs->members[i]->index = at;
	}
	return links;
}

int pairs_fill(struct pairs *pairs, struct model *model,
	       const uint32_t *index_of, uint32_t n)
{
	size_t links = place_members(pairs, model, index_of, n);
	int r = 0;

	model->n_pairs = 0;
	model->pairs = arena_alloc(model->arena, links, sizeof(*model->pairs));
	if (model->pairs == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < BUCKETS && r == 0; i++)
		for (struct group *g = pairs->buckets[i]; g && r == 0;
		     g = g->next)
			r = fill_group(pairs, g, model);
	if (r == 0 && model->n_pairs > 0)
		qsort(model->pairs, model->n_pairs, sizeof(*model->pairs),
		      by_saving);
	return r;
}
