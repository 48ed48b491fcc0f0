#include "report/clickhouse/leaves.h"
#include "report/clickhouse/tsv.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_S     3600
#define STEPS      64 /* of a histogram to each doubling: schema.sql */
#define STEPS_MAX  UINT64_C(3008)      /* 47 doublings */
#define COUNTS_MAX (UINT64_C(1) << 50) /* more is no count */

static const char *const columns[CLICKHOUSE_COLUMNS] = {
	"site",   "country", "metro", "circuit", "provider",
	"prefix", "target",  "probe", "host",
};

/* --- questions --- */

unsigned clickhouse_columns(const enum report_key *by, unsigned n_by)
{
	static const unsigned needs[] = {
		[REPORT_SITE] = CLICKHOUSE_SITE,
		[REPORT_COUNTRY] = CLICKHOUSE_COUNTRY,
		[REPORT_METRO] = CLICKHOUSE_METRO,
		[REPORT_CIRCUIT] = CLICKHOUSE_CIRCUIT,
		[REPORT_PROVIDER] = CLICKHOUSE_PROVIDER,
		[REPORT_PREFIX] = CLICKHOUSE_PREFIX,
		[REPORT_TARGET] = CLICKHOUSE_TARGET,
		[REPORT_PROBE] = CLICKHOUSE_PROBE,
		[REPORT_POP] = 0,
		[REPORT_MARKET] = CLICKHOUSE_COUNTRY,
		[REPORT_CONNECTION] = CLICKHOUSE_SITE | CLICKHOUSE_CIRCUIT,
		[REPORT_SERVICE] = CLICKHOUSE_HOST,
	};
	unsigned all = 0;

	for (unsigned i = 0; i < n_by; i++)
		all |= needs[by[i]];
	return all;
}

void clickhouse_select(struct buf *sql, const struct clickhouse_scope *scope,
		       unsigned wanted)
{
	for (unsigned i = 0; i < CLICKHOUSE_COLUMNS; i++) {
		const char *text = columns[i];

		if ((wanted & 1u << i) == 0)
			text = "''";
		else if (1u << i == CLICKHOUSE_SITE && scope->many)
			text = "if(site = '', agent, site)";
		buf_printf(sql, "%s%s AS k%u", i == 0 ? "" : ", ", text, i);
	}
}

void clickhouse_group(struct buf *sql, unsigned wanted)
{
	for (unsigned i = 0; i < CLICKHOUSE_COLUMNS; i++)
		if (wanted & 1u << i)
			buf_printf(sql, "k%u, ", i);
}

void clickhouse_hash(struct buf *sql)
{
	buf_text(sql, "cityHash64(k0, k1, k2, k3, k4, k5, k6, k7, k8)");
}

static void begin(struct buf *sql, const struct clickhouse_scope *scope,
		  unsigned wanted, const char *table)
{
	buf_init(sql, CLICKHOUSE_SQL_MAX);
	buf_text(sql, "SELECT ");
	clickhouse_hash(sql);
	buf_text(sql, ", ");
	clickhouse_select(sql, scope, wanted);
	buf_text(sql, ", kept, pop, reason, sumMerge(sent), "
		      "sumMerge(answered), sumMerge(lost), sumMerge(failed), "
		      "sumMerge(missed), sumMerge(late), minMerge(rtt_min), "
		      "maxMerge(rtt_max), sumMerge(rtt_sum), "
		      "sumMerge(rtt_squares), sumMapMerge(rtt), "
		      "sumMapMerge(dns), sumMapMerge(connect), "
		      "sumMapMerge(tls), sumMapMerge(first_byte), "
		      "sumMapMerge(total), sumMapMerge(srtt) FROM ");
	clickhouse_table(sql, scope, table);
	buf_text(sql, " WHERE ");
}

static void end(struct buf *sql, unsigned wanted)
{
	buf_text(sql, " GROUP BY ");
	clickhouse_group(sql, wanted);
	buf_text(sql, "kept, pop, reason FORMAT TabSeparated");
}

/* --- series and leaves --- */

void clickhouse_leaves_init(struct clickhouse_leaves *cl, struct leaves *leaves)
{
	memset(cl, 0, sizeof(*cl));
	cl->leaves = leaves;
}

void clickhouse_leaves_finish(struct clickhouse_leaves *cl)
{
	for (uint32_t i = 0; i < cl->n; i++)
		free(cl->at[i]->leaves);
	free(cl->at);
	free(cl->slots);
	memset(cl, 0, sizeof(*cl));
}

static uint32_t *slot_of(const struct clickhouse_leaves *cl, uint64_t hash)
{
	size_t at = (size_t)hash & (cl->size - 1);

	while (cl->slots[at] != 0 && cl->at[cl->slots[at] - 1]->hash != hash)
		at = (at + 1) & (cl->size - 1);
	return &cl->slots[at];
}

struct clickhouse_series *
clickhouse_leaves_find(const struct clickhouse_leaves *cl, uint64_t hash)
{
	const uint32_t *slot = cl->size == 0 ? NULL : slot_of(cl, hash);

	return slot == NULL || *slot == 0 ? NULL : cl->at[*slot - 1];
}

static int grow(struct clickhouse_leaves *cl)
{
	uint32_t room = cl->room == 0 ? 64 : cl->room * 2;
	struct clickhouse_series **at =
		realloc(cl->at, room * sizeof(struct clickhouse_series *));
	uint32_t *slots = calloc((size_t)room * 2, sizeof(*slots));

	if (at != NULL)
		cl->at = at;
	if (at == NULL || slots == NULL) {
		free(slots);
		return -ENOMEM;
	}
	free(cl->slots);
	cl->slots = slots;
	cl->size = (size_t)room * 2;
	cl->room = room;
	for (uint32_t i = 0; i < cl->n; i++)
		*slot_of(cl, cl->at[i]->hash) = i + 1;
	return 0;
}

static struct clickhouse_series *add(struct clickhouse_leaves *cl,
				     uint64_t hash, const struct series *texts)
{
	struct clickhouse_series *s;

	if (cl->n == cl->room && grow(cl) < 0)
		return NULL;
	s = arena_alloc(cl->leaves->arena, 1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->hash = hash;
	s->number = cl->n;
	s->series = leaves_series(cl->leaves, texts);
	if (s->series == NULL)
		return NULL;
	cl->at[cl->n++] = s;
	*slot_of(cl, hash) = cl->n;
	return s;
}

static struct leaf *leaf_of(struct clickhouse_leaves *cl,
			    struct clickhouse_series *s, const char *pop,
			    bool kept)
{
	struct leaf **grown;
	const char *code;
	struct leaf *leaf;

	for (size_t i = 0; i < s->n_leaves; i++)
		if (s->leaves[i]->kept == kept &&
		    strcmp(s->leaves[i]->pop, pop) == 0)
			return s->leaves[i];
	grown = realloc(s->leaves, (s->n_leaves + 1) * sizeof(struct leaf *));
	if (grown == NULL)
		return NULL;
	s->leaves = grown;
	code = texts_keep(&cl->leaves->texts, pop);
	leaf = code == NULL ? NULL
			    : leaves_add(cl->leaves, s->series, code, kept);
	if (leaf != NULL)
		grown[s->n_leaves++] = leaf;
	return leaf;
}

struct leaf *clickhouse_leaves_any(const struct clickhouse_series *series)
{
	struct leaf *any = NULL;

	for (size_t i = 0; i < series->n_leaves; i++) {
		struct leaf *leaf = series->leaves[i];

		if (any == NULL || (any->kept && !leaf->kept) ||
		    (*any->pop != '\0' && *leaf->pop == '\0' &&
		     any->kept == leaf->kept))
			any = leaf;
	}
	return any;
}

/* --- rows --- */

struct counts {
	uint64_t sent, answered, lost, failed, missed, late;
	double min_us, max_us, sum_us, squares;
};

uint64_t clickhouse_step_ns(uint64_t step)
{
	return (uint64_t)exp2(((double)step + 0.5) / STEPS);
}

static int add_steps(struct stats *s, struct tsv *t)
{
	struct tsv_map map = tsv_map(t);
	uint64_t step, n;
	int r = 0;

	while (r == 0 && tsv_map_next(&map, &step, &n)) {
		if (step > STEPS_MAX || n > COUNTS_MAX)
			map.bad = true;
		else
			r = stats_add_many(s, clickhouse_step_ns(step), n);
	}
	t->bad |= map.bad;
	return r;
}

/* What is exactly known stands instead of what the steps say. */
static int add_rtt(struct stats *s, struct tsv *t, const struct counts *c)
{
	struct stats was = *s;
	int r = add_steps(s, t);

	if (r < 0 || s->n == was.n)
		return r;
	if (!(c->min_us >= 0 && c->max_us >= c->min_us && c->max_us < 1e12)) {
		t->bad = true;
		return 0;
	}
	s->min_ns = (uint64_t)(c->min_us * 1000 + 0.5);
	s->max_ns = (uint64_t)(c->max_us * 1000 + 0.5);
	if (was.n > 0 && was.min_ns < s->min_ns)
		s->min_ns = was.min_ns;
	if (was.max_ns > s->max_ns)
		s->max_ns = was.max_ns;
	s->sum_ns = was.sum_ns + c->sum_us * 1e3;
	s->squares = was.squares + c->squares * 1e6;
	return 0;
}

static enum ep_reason reason_of(const char *word)
{
	unsigned i = 0;

	while (i < EP_REASON_COUNT &&
	       strcmp(ep_reason_name((enum ep_reason)i), word) != 0)
		i++;
	return (enum ep_reason)i;
}

static int add_pop(struct group *g, const char *code, uint64_t n)
{
	if (*code == '\0' || n == 0)
		return 0;
	if (g->pops == NULL) {
		g->pops = calloc(1, sizeof(*g->pops));
		if (g->pops == NULL)
			return -ENOMEM;
		g->pops[0].code = code;
		g->n_pops = 1;
	}
	g->pops[0].n += n;
	return 0;
}

static bool add_counts(struct group *g, const struct counts *c,
		       enum ep_reason reason)
{
	uint64_t known = c->answered + c->lost + c->failed;

	if (c->sent > COUNTS_MAX || c->answered > c->sent ||
	    c->lost > c->sent || c->failed > c->sent || known > c->sent ||
	    c->missed > COUNTS_MAX || c->late > COUNTS_MAX)
		return false;
	g->outcomes[reason == EP_REASON_TCP_RESET ? EP_REFUSED : EP_REPLIED] +=
		c->answered;
	g->outcomes[EP_LOST] += c->lost;
	g->outcomes[EP_FAILED] += c->failed;
	g->outcomes[EP_UNREACHABLE] += c->sent - known;
	if (reason < EP_REASON_COUNT)
		g->reasons[reason] += c->sent;
	g->missed += c->missed;
	g->late += c->late;
	return true;
}

struct reading {
	struct clickhouse_leaves *cl;
	enum leaf_window window;
};

static int add_row(struct group *g, struct tsv *t, const char *pop)
{
	enum ep_reason reason = reason_of(tsv_text(t));
	struct counts c = { .sent = tsv_uint(t) };
	int r;

	c.answered = tsv_uint(t);
	c.lost = tsv_uint(t);
	c.failed = tsv_uint(t);
	c.missed = tsv_uint(t);
	c.late = tsv_uint(t);
	c.min_us = tsv_double(t);
	c.max_us = tsv_double(t);
	c.sum_us = tsv_double(t);
	c.squares = tsv_double(t);
	t->bad |= !add_counts(g, &c, reason);
	r = add_rtt(&g->rtt, t, &c);
	for (unsigned p = 0; r == 0 && p < LINE_PHASES; p++)
		r = add_steps(&g->phases[p], t);
	return r < 0 ? r : add_pop(g, pop, c.sent);
}

static struct clickhouse_series *series_of(struct clickhouse_leaves *cl,
					   struct tsv *t)
{
	uint64_t hash = tsv_uint(t);
	struct series texts;
	struct clickhouse_series *s;

	texts.site = tsv_text(t);
	texts.country = tsv_text(t);
	texts.metro = tsv_text(t);
	texts.circuit = tsv_text(t);
	texts.provider = tsv_text(t);
	texts.prefix = tsv_text(t);
	texts.target = tsv_text(t);
	texts.probe = tsv_text(t);
	texts.host = tsv_text(t);
	s = clickhouse_leaves_find(cl, hash);
	return s != NULL ? s : add(cl, hash, &texts);
}

static int on_line(char *line, void *arg, struct ep_err *err)
{
	struct reading *r = arg;
	struct tsv t;
	struct clickhouse_series *s;
	struct leaf *leaf = NULL;
	uint64_t kept;
	int ret = -ENOMEM;

	tsv_init(&t, line);
	s = series_of(r->cl, &t);
	kept = tsv_uint(&t);
	if (s != NULL)
		leaf = leaf_of(r->cl, s, tsv_text(&t), kept != 0);
	if (leaf != NULL)
		ret = add_row(&leaf->groups[r->window], &t, leaf->pop);
	if (ret < 0)
		return ep_err_set(err, ret, "out of memory");
	if (!tsv_done(&t) || kept > 1)
		return ep_err_set(err, -EPROTO,
				  "an answer that was not asked for");
	if (r->cl->leaves->n > CLICKHOUSE_LEAVES_MAX)
		return ep_err_set(err, -EFBIG,
				  "these are more than %d series; ask for "
				  "fewer keys",
				  CLICKHOUSE_LEAVES_MAX);
	return 0;
}

/* --- reading --- */

static int read_hours(struct reading *reading,
		      const struct clickhouse_scope *scope, unsigned wanted,
		      const uint64_t hours[2], struct ep_err *err)
{
	struct buf sql;

	if (hours[0] >= hours[1])
		return 0;
	begin(&sql, scope, wanted, "hours");
	clickhouse_between(&sql, "hour", hours[0], hours[1]);
	end(&sql, wanted);
	return clickhouse_put(scope, &sql, on_line, reading, err);
}

int clickhouse_leaves_read(struct clickhouse_leaves *cl,
			   const struct clickhouse_scope *scope,
			   unsigned wanted, enum leaf_window window,
			   struct ep_err *err)
{
	struct reading reading = { cl, window };
	uint64_t since_s, until_s, hours[2];
	struct buf sql;
	int r;

	clickhouse_window(scope, window == LEAF_BEFORE, &since_s, &until_s);
	hours[0] = (since_s + HOUR_S - 1) / HOUR_S * HOUR_S;
	hours[1] = until_s / HOUR_S * HOUR_S;
	if (hours[0] >= hours[1])
		hours[0] = hours[1] = until_s;
	r = read_hours(&reading, scope, wanted, hours, err);
	if (r < 0 || (since_s == hours[0] && until_s == hours[1]))
		return r;
	begin(&sql, scope, wanted, "minutes");
	buf_text(&sql, "(");
	clickhouse_between(&sql, "minute", since_s, hours[0]);
	buf_text(&sql, " OR ");
	clickhouse_between(&sql, "minute", hours[1], until_s);
	buf_text(&sql, ")");
	end(&sql, wanted);
	return clickhouse_put(scope, &sql, on_line, &reading, err);
}
