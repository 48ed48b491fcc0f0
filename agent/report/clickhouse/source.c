/* ClickHouse as what a report is read from. Lines are asked for as they are
 * wanted, grouped by what their keys need and no finer, so that a fleet's report
 * by market costs no more than a branch's. */
#include "report/model/source.h"
#include "report/clickhouse/clickhouse.h"
#include "report/clickhouse/facts.h"
#include "report/clickhouse/jitter.h"
#include "report/clickhouse/leaves.h"
#include "report/clickhouse/minutes.h"
#include "report/clickhouse/tsv.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S      UINT64_C(1000000000)
#define HOUR_S UINT64_C(3600)
/* Longer windows are read from `hours` alone. */
#define WIDE_S (48 * HOUR_S)

/* All that an answer is made of. */
struct work {
	struct arena *arena; /* NULL: there is none */
	struct leaves leaves;
	struct places places;
	struct clickhouse_facts facts;
	struct gather gather; /* of a model */
};

/* 0 or -ENOMEM; work_finish() is due then. */
static int work_init(struct work *w)
{
	memset(w, 0, sizeof(*w));
	w->arena = arena_create();
	if (w->arena == NULL)
		return -ENOMEM;
	leaves_init(&w->leaves, w->arena);
	places_init(&w->places, &w->leaves.texts);
	clickhouse_facts_init(&w->facts, &w->places);
	return 0;
}

static void work_finish(struct work *w)
{
	if (w->arena == NULL)
		return;
	gather_finish(&w->gather);
	clickhouse_facts_finish(&w->facts);
	places_finish(&w->places);
	leaves_finish(&w->leaves);
	arena_destroy(w->arena);
	w->arena = NULL;
}

struct source_clickhouse {
	struct source base;
	const struct report_options *options;
	uint64_t n_agents;
	struct clickhouse_scope scope;
	/* Of the model, once it was asked for: lines are then made of that. */
	struct work work;
};

static struct source_clickhouse *of(struct source *source)
{
	return (struct source_clickhouse *)source;
}

/* --- the window --- */

struct span {
	uint64_t first_s, last_s; /* begins of minutes or hours */
	uint64_t agents, samples;
};

static int on_span(char *line, void *arg, struct ep_err *err)
{
	struct span *span = arg;
	struct tsv t;

	tsv_init(&t, line);
	span->first_s = tsv_uint(&t);
	span->last_s = tsv_uint(&t);
	span->agents = tsv_uint(&t);
	span->samples = tsv_uint(&t);
	if (tsv_done(&t) && span->last_s <= UINT32_MAX)
		return 0;
	return ep_err_set(err, -EPROTO, "an answer that was not asked for");
}

static int ask_span(const struct clickhouse_scope *scope, const char *table,
		    struct span *ret_span, struct ep_err *err)
{
	const char *unit = *table == 'h' ? "hour" : "minute";
	struct buf sql;

	memset(ret_span, 0, sizeof(*ret_span));
	buf_init(&sql, CLICKHOUSE_SQL_MAX);
	buf_printf(&sql,
		   "SELECT toUInt32(min(%s)), toUInt32(max(%s)), "
		   "uniqExact(agent), sumMerge(sent) FROM ",
		   unit, unit);
	clickhouse_table(&sql, scope, table);
	buf_text(&sql, " WHERE ");
	clickhouse_between(&sql, unit, scope->since_s, scope->until_s);
	buf_text(&sql, " FORMAT TabSeparated");
	return clickhouse_put(scope, &sql, on_span, ret_span, err);
}

static uint64_t down(uint64_t s, uint64_t unit)
{
	return s / unit * unit;
}

static uint64_t up(uint64_t s, uint64_t unit)
{
	return (s + unit - 1) / unit * unit;
}

/* Whole minutes, or hours, around what was asked for. */
static void set_scope(struct clickhouse_scope *scope, uint64_t since_s,
		      uint64_t until_s)
{
	uint64_t unit;

	scope->wide = until_s - since_s > WIDE_S;
	unit = scope->wide ? HOUR_S : 60;
	scope->since_s = down(since_s, unit);
	scope->until_s = up(until_s, unit);
}

/* An open end is where the table `hours` begins or ends. */
static int close_window(struct clickhouse_scope *scope,
			const struct report_options *o, struct ep_err *err)
{
	uint64_t since_s = o->since_ns / S, until_s = (o->until_ns + S - 1) / S;
	struct span span;
	int r = 0;

	scope->until_s = UINT32_MAX;
	if (o->since_ns == 0 || o->until_ns == 0)
		r = ask_span(scope, "hours", &span, err);
	if (r < 0)
		return r;
	if (o->since_ns == 0)
		since_s = span.first_s;
	if (o->until_ns == 0)
		until_s = span.last_s + HOUR_S;
	if (until_s > UINT32_MAX)
		until_s = UINT32_MAX;
	set_scope(scope, since_s, until_s > since_s ? until_s : since_s + 1);
	return 0;
}

static int look(struct source_clickhouse *s, struct ep_err *err)
{
	bool wide = s->scope.wide;
	uint64_t unit = wide ? HOUR_S : 60;
	struct span span;
	int r = ask_span(&s->scope, wide ? "hours" : "minutes", &span, err);

	if (r < 0)
		return r;
	if (span.samples == 0)
		return ep_err_set(err, -ENODATA,
				  "ClickHouse at %s: no samples in that window",
				  clickhouse_label(s->scope.link));
	s->n_agents = span.agents;
	s->scope.many = span.agents > 1;
	s->scope.samples = span.samples;
	s->base.samples = span.samples;
	s->base.since_ns = s->scope.since_s * S;
	s->base.until_ns = s->scope.until_s * S;
	s->base.first_ns = span.first_s * S;
	s->base.last_ns = (span.last_s + unit) * S - 1;
	snprintf(s->base.title, sizeof(s->base.title),
		 "ClickHouse at %.100s, %llu agent%s",
		 clickhouse_label(s->scope.link),
		 (unsigned long long)span.agents, span.agents == 1 ? "" : "s");
	return 0;
}

/* --- what a source does --- */

static bool has_key(const struct leaf_query *query, enum report_key key)
{
	for (unsigned i = 0; i < query->n_by; i++)
		if (query->by[i] == key)
			return true;
	return false;
}

static int read_lines(const struct clickhouse_scope *scope,
		      struct leaves *leaves, const struct leaf_query *query,
		      struct ep_err *err)
{
	unsigned columns = clickhouse_columns(query->by, query->n_by);
	struct clickhouse_leaves cl;
	int r;

	clickhouse_leaves_init(&cl, leaves);
	r = clickhouse_leaves_read(&cl, scope, columns, query->window, err);
	if (r == 0 && query->window == LEAF_NOW && !has_key(query, REPORT_POP))
		r = clickhouse_jitter_read(&cl, scope, columns, err);
	clickhouse_leaves_finish(&cl);
	return r;
}

/* Jitter is known by series, not by PoP. */
static void forget_jitter(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		lines->at[i].jitter_n = 0;
		lines->at[i].jitter = (double)NAN;
	}
}

static int ask_lines(const struct clickhouse_scope *scope,
		     const struct leaf_query *query, struct arena *arena,
		     struct lines *ret_lines, struct ep_err *err)
{
	struct work w;
	int r = 0;

	if (work_init(&w) < 0)
		return ep_err_set(err, -ENOMEM, "out of memory");
	if (has_key(query, REPORT_CONNECTION)) {
		w.leaves.connection = clickhouse_facts_connection;
		w.leaves.arg = &w.facts;
		r = clickhouse_facts_read(&w.facts, scope, err);
	}
	if (r == 0)
		r = read_lines(scope, &w.leaves, query, err);
	if (r == 0 && leaves_lines(&w.leaves, query, arena, ret_lines) < 0)
		r = ep_err_set(err, -ENOMEM, "out of memory");
	work_finish(&w);
	return r;
}

static int lines(struct source *source, const struct source_query *asked,
		 struct arena *arena, struct lines *ret_lines,
		 struct ep_err *err)
{
	struct source_clickhouse *s = of(source);
	struct leaf_query query = {
		.by = asked->by,
		.n_by = asked->n_by,
		.window = asked->before ? LEAF_BEFORE : LEAF_NOW,
	};

	if (s->work.arena == NULL)
		return ask_lines(&s->scope, &query, arena, ret_lines, err);
	if (leaves_lines(&s->work.leaves, &query, arena, ret_lines) < 0)
		return ep_err_set(err, -ENOMEM, "out of memory");
	if (has_key(&query, REPORT_POP))
		forget_jitter(ret_lines);
	return 0;
}

/* --- the model --- */

/* Buckets are whole units of what is read. */
static struct source_grid grid_of(const struct clickhouse_scope *scope,
				  size_t n_series)
{
	uint64_t since_ns = scope->since_s * S, until_ns = scope->until_s * S;
	uint64_t unit_ns = (scope->wide ? HOUR_S : 60) * S;
	struct source_grid grid = source_grid(since_ns, until_ns, n_series);

	grid.bucket_ns = up(grid.bucket_ns, unit_ns);
	grid.n_buckets = (unsigned)(up(until_ns - since_ns, grid.bucket_ns) /
				    grid.bucket_ns);
	return grid;
}

static int name_model(const struct source_clickhouse *s, struct model *model,
		      struct ep_err *err)
{
	model->source = arena_text(model->arena, s->base.title);
	model->agents = arena_printf(model->arena, "%llu agent%s",
				     (unsigned long long)s->n_agents,
				     s->n_agents == 1 ? "" : "s");
	model->since_ns = s->base.since_ns;
	model->until_ns = s->base.until_ns;
	model->samples = s->base.samples;
	model->first_ns = s->base.first_ns;
	model->last_ns = s->base.last_ns;
	return model->source == NULL || model->agents == NULL
		       ? ep_err_set(err, -ENOMEM, "out of memory")
		       : 0;
}

static int read_windows(const struct source_clickhouse *s,
			struct clickhouse_leaves *cl, struct ep_err *err)
{
	int r = clickhouse_leaves_read(cl, &s->scope, CLICKHOUSE_ALL, LEAF_NOW,
				       err);

	if (r == 0)
		r = clickhouse_jitter_read(cl, &s->scope, CLICKHOUSE_ALL, err);
	if (r == 0 && s->options->compare)
		r = clickhouse_leaves_read(cl, &s->scope, CLICKHOUSE_ALL,
					   LEAF_BEFORE, err);
	return r;
}

static int gather_all(const struct source_clickhouse *s,
		      const struct clickhouse_leaves *cl, struct gather *g,
		      struct ep_err *err)
{
	const struct clickhouse_scope *scope = &s->scope;
	struct clickhouse_facts facts;
	int r;

	clickhouse_facts_init(&facts, &g->places);
	r = clickhouse_facts_read(&facts, scope, err);
	if (r == 0)
		r = clickhouse_minutes_read(cl, scope, g, err);
	if (r == 0)
		r = clickhouse_voice_read(cl, scope, g, err);
	if (r == 0)
		r = clickhouse_story_read(&g->story, &facts, scope, err);
	clickhouse_facts_finish(&facts);
	return r;
}

static const char *connection_of(const struct series *series, void *arg)
{
	return places_connection(arg, series->site, series->circuit);
}

static int fill(struct source_clickhouse *s, struct clickhouse_leaves *cl,
		struct model *model, struct ep_err *err)
{
	struct gather *g = &s->work.gather;
	int r = read_windows(s, cl, err);

	if (r < 0)
		return r;
	if (gather_init(g, &s->work.leaves, s->base.since_ns,
			grid_of(&s->scope, cl->n)) < 0)
		return ep_err_set(err, -ENOMEM, "out of memory");
	r = gather_all(s, cl, g, err);
	s->work.leaves.connection = connection_of;
	s->work.leaves.arg = &g->places;
	if (r == 0 && gather_fill(g, model) < 0)
		r = ep_err_set(err, -ENOMEM, "out of memory");
	forget_jitter(&model->now[MODEL_BY_POP]);
	return r;
}

static int model(struct source *source, struct model *model, struct ep_err *err)
{
	struct source_clickhouse *s = of(source);
	struct clickhouse_leaves cl;
	int r = name_model(s, model, err);

	if (r < 0)
		return r;
	work_finish(&s->work);
	if (work_init(&s->work) < 0)
		return ep_err_set(err, -ENOMEM, "out of memory");
	clickhouse_leaves_init(&cl, &s->work.leaves);
	r = fill(s, &cl, model, err);
	clickhouse_leaves_finish(&cl);
	if (r < 0)
		work_finish(&s->work);
	return r;
}

static void close_source(struct source *source)
{
	work_finish(&of(source)->work);
	clickhouse_close(of(source)->scope.link);
	free(source);
}

static const struct source_ops ops = {
	.lines = lines,
	.model = model,
	.close = close_source,
};

int source_open_clickhouse(const struct report_options *o,
			   struct source **ret_source, struct ep_err *err)
{
	struct source_clickhouse *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	s->base.ops = &ops;
	s->options = o;
	s->scope.database = o->clickhouse->database != NULL
				    ? o->clickhouse->database
				    : CLICKHOUSE_DATABASE;
	r = clickhouse_open(o->clickhouse, &s->scope.link, err);
	if (r == 0)
		r = close_window(&s->scope, o, err);
	if (r == 0)
		r = look(s, err);
	if (r == 0)
		*ret_source = &s->base;
	else
		close_source(&s->base);
	return r;
}
