/* One question, answered in the order of time: a row for each series, PoP and
 * minute. What of a minute came from several rows is put together before it
 * goes on.
 *
 * Circuits are compared by round trips drawn from the minutes' histograms, the
 * same number at the same moments from each, so that what is drawn of two
 * circuits is of the same minutes. */
#include "report/clickhouse/minutes.h"
#include "report/clickhouse/tsv.h"
#include "report/judging/voice.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define S         UINT64_C(1000000000)
#define STEPS     64
#define STEPS_MAX 3008u /* 47 doublings */
#define DRAWS     4096  /* of a series over the whole window */
#define DRAWS_MAX 8     /* of a minute */

/* A stream's minute at hand. */
struct moment {
	uint64_t from_s; /* 0: none yet */
	const char *pop; /* kept text; NULL: none */
	uint64_t pop_n;
	uint64_t n; /* round trips that draws are of */
	float draws[DRAWS_MAX];
};

struct minutes {
	const struct clickhouse_leaves *cl;
	struct gather *gather;
	struct moment *moments; /* by stream */
	uint64_t unit_s;
	unsigned draws; /* of a minute */
	uint64_t random;
	uint64_t last_s;
};

uint32_t clickhouse_stream(const struct clickhouse_series *series, bool kept)
{
	return series->number * 2 + kept;
}

/* splitmix64: the same report from the same answers. */
static double draw(struct minutes *m)
{
	uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* --- a minute is over --- */

static int end_moment(struct minutes *m, uint32_t stream)
{
	struct moment *at = &m->moments[stream];
	uint64_t from_ns = at->from_s * S, unit_ns = m->unit_s * S;
	int r = 0;

	if (at->pop_n > 0)
		r = runs_see(m->gather->runs, stream, from_ns,
			     from_ns + unit_ns - 1, at->pop, at->pop_n);
	for (unsigned i = 0; r == 0 && i < m->draws && i < at->n; i++)
		r = pairs_see(m->gather->pairs, stream,
			      from_ns + unit_ns * i / m->draws,
			      (uint64_t)at->draws[i]);
	memset(at, 0, sizeof(*at));
	return r;
}

static int end_all(struct minutes *m)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < m->cl->n * 2; i++)
		r = end_moment(m, i);
	return r;
}

/* --- rows --- */

struct row {
	uint64_t from_s, sent, lost, failed;
	const char *pop;
	struct gather_step steps[STEPS_MAX + 1];
	size_t n_steps;
	uint64_t n;
};

static void read_steps(struct row *row, struct tsv *t)
{
	struct tsv_map map = tsv_map(t);
	uint64_t step, n;

	row->n_steps = 0;
	row->n = 0;
	while (tsv_map_next(&map, &step, &n)) {
		if (step > STEPS_MAX || n > UINT32_MAX ||
		    row->n_steps > STEPS_MAX) {
			map.bad = true;
			continue;
		}
		row->steps[row->n_steps++] =
			(struct gather_step){ clickhouse_step_ns(step),
					      (uint32_t)n };
		row->n += n;
	}
	t->bad |= map.bad;
}

/* The one that most answers named. */
static int see_pop(struct minutes *m, struct moment *at, const struct row *row)
{
	const char *pop;

	if (*row->pop == '\0')
		return 0;
	pop = texts_keep(&m->gather->leaves->texts, row->pop);
	if (pop == NULL)
		return -ENOMEM;
	if (at->pop == pop) {
		at->pop_n += row->sent;
	} else if (row->sent > at->pop_n) {
		at->pop = pop;
		at->pop_n = row->sent;
	}
	return 0;
}

/* One of the row's round trips, anywhere in its step. */
static float pick(struct minutes *m, const struct row *row)
{
	uint64_t rank = (uint64_t)(draw(m) * (double)row->n);
	size_t i = 0;

	while (i + 1 < row->n_steps && rank >= row->steps[i].n)
		rank -= row->steps[i++].n;
	return (float)((double)row->steps[i].rtt_ns *
		       exp2((draw(m) - 0.5) / STEPS));
}

/* Each draw is of any round trip of the minute, whichever row it came in. */
static void see_round_trips(struct minutes *m, struct moment *at,
			    const struct row *row)
{
	if (row->n == 0)
		return;
	at->n += row->n;
	for (unsigned i = 0; i < m->draws; i++)
		if (draw(m) * (double)at->n < (double)row->n)
			at->draws[i] = pick(m, row);
}

static int take(struct minutes *m, uint32_t stream, const struct row *row)
{
	struct moment *at = &m->moments[stream];
	const struct gather_counted counted = {
		.time_ns = row->from_s * S,
		.asked = (uint32_t)(row->sent - row->failed),
		.lost = (uint32_t)row->lost,
		.failed = (uint32_t)row->failed,
		.steps = row->steps,
		.n_steps = row->n_steps,
	};
	int r = at->from_s == row->from_s ? 0 : end_moment(m, stream);

	if (r == 0)
		r = gather_counted(m->gather, stream, &counted);
	at->from_s = row->from_s;
	see_round_trips(m, at, row);
	return r < 0 ? r : see_pop(m, at, row);
}

static int on_line(char *line, void *arg, struct ep_err *err)
{
	struct minutes *m = arg;
	struct clickhouse_series *series;
	struct row row;
	struct tsv t;
	uint64_t kept;

	tsv_init(&t, line);
	series = clickhouse_leaves_find(m->cl, tsv_uint(&t));
	kept = tsv_uint(&t);
	row.from_s = tsv_uint(&t);
	row.pop = tsv_text(&t);
	row.sent = tsv_uint(&t);
	row.lost = tsv_uint(&t);
	row.failed = tsv_uint(&t);
	read_steps(&row, &t);
	if (!tsv_done(&t) || kept > 1 || row.sent > UINT32_MAX ||
	    row.lost > row.sent || row.failed > row.sent ||
	    row.from_s < m->last_s || row.from_s > UINT32_MAX)
		return ep_err_set(err, -EPROTO,
				  "an answer that was not asked for");
	m->last_s = row.from_s;
	if (series == NULL) /* a row that came just now */
		return 0;
	if (take(m, clickhouse_stream(series, kept != 0), &row) < 0)
		return ep_err_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* --- reading --- */

static int tell_streams(const struct clickhouse_leaves *cl,
			struct gather *gather)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < cl->n * 2; i++)
		r = gather_stream(i, cl->at[i / 2]->series, i % 2 != 0, gather);
	return r;
}

static void put_hash(struct buf *sql, const struct clickhouse_scope *scope)
{
	buf_text(sql, "SELECT cityHash64(");
	clickhouse_select(sql, scope, CLICKHOUSE_ALL);
	buf_text(sql, ")");
}

static int ask(struct minutes *m, const struct clickhouse_scope *scope,
	       struct ep_err *err)
{
	const char *unit = scope->wide ? "hour" : "minute";
	struct buf sql;

	buf_init(&sql, CLICKHOUSE_SQL_MAX);
	put_hash(&sql, scope);
	buf_printf(&sql,
		   ", kept, toUInt32(%s) AS at, pop, "
		   "finalizeAggregation(sent), finalizeAggregation(lost), "
		   "finalizeAggregation(failed), finalizeAggregation(rtt) "
		   "FROM ",
		   unit);
	clickhouse_table(&sql, scope, scope->wide ? "hours" : "minutes");
	buf_text(&sql, " WHERE ");
	clickhouse_between(&sql, unit, scope->since_s, scope->until_s);
	buf_text(&sql, " ORDER BY at FORMAT TabSeparated");
	return clickhouse_put(scope, &sql, on_line, m, err);
}

int clickhouse_minutes_read(const struct clickhouse_leaves *cl,
			    const struct clickhouse_scope *scope,
			    struct gather *gather, struct ep_err *err)
{
	struct minutes m = {
		.cl = cl,
		.gather = gather,
		.unit_s = scope->wide ? 3600 : 60,
	};
	uint64_t moments = (scope->until_s - scope->since_s) / m.unit_s;
	int r;

	m.draws = moments >= DRAWS ? 1 : (unsigned)(DRAWS / moments);
	if (m.draws > DRAWS_MAX)
		m.draws = DRAWS_MAX;
	m.moments = calloc((size_t)cl->n * 2 + 1, sizeof(*m.moments));
	if (m.moments == NULL || tell_streams(cl, gather) < 0) {
		free(m.moments);
		return ep_err_set(err, -ENOMEM, "out of memory");
	}
	r = ask(&m, scope, err);
	if (r == 0 && end_all(&m) < 0)
		r = ep_err_set(err, -ENOMEM, "out of memory");
	free(m.moments);
	return r;
}

/* --- calls --- */

struct calls {
	const struct clickhouse_leaves *cl;
	struct gather *gather;
	uint64_t n;
};

static int on_call(char *line, void *arg, struct ep_err *err)
{
	struct calls *c = arg;
	struct clickhouse_series *series;
	uint64_t sent_us;
	double rtt_us;
	struct tsv t;

	tsv_init(&t, line);
	series = clickhouse_leaves_find(c->cl, tsv_uint(&t));
	sent_us = tsv_uint(&t);
	rtt_us = tsv_double(&t);
	if (!tsv_done(&t) || rtt_us > 1e12)
		return ep_err_set(err, -EPROTO,
				  "an answer that was not asked for");
	if (series == NULL)
		return 0;
	if (gather_voice(
		    c->gather, clickhouse_stream(series, false), sent_us * 1000,
		    rtt_us >= 0 ? (int64_t)(rtt_us * 1000) : VOICE_LOST) < 0)
		return ep_err_set(err, -ENOMEM, "out of memory");
	return 0;
}

int clickhouse_voice_read(const struct clickhouse_leaves *cl,
			  const struct clickhouse_scope *scope,
			  struct gather *gather, struct ep_err *err)
{
	struct calls calls = { .cl = cl, .gather = gather };
	uint64_t rows = 0;
	struct buf sql;

	for (uint32_t i = 0; i < cl->n; i++)
		for (size_t k = 0; k < cl->at[i]->n_leaves; k++)
			if (strcmp(cl->at[i]->series->probe, "stun") == 0)
				rows += cl->at[i]
						->leaves[k]
						->groups[LEAF_NOW]
						.rtt.n;
	if (rows == 0 || rows > CLICKHOUSE_VOICE_ROWS)
		return 0;
	buf_init(&sql, CLICKHOUSE_SQL_MAX);
	put_hash(&sql, scope);
	buf_text(&sql, ", ts_us, if(outcome = 'lost', -1., "
		       "assumeNotNull(rtt_us)) FROM ");
	clickhouse_table(&sql, scope, "rows");
	buf_printf(&sql,
		   " PREWHERE probe = 'stun' WHERE ts_us >= %" PRIu64
		   " AND ts_us < %" PRIu64 " AND type = 'sample' AND "
		   "(outcome = 'lost' OR isNotNull(rtt_us)) "
		   "ORDER BY agent, epoch, seq FORMAT TabSeparated",
		   scope->since_s * 1000000, scope->until_s * 1000000);
	return clickhouse_put(scope, &sql, on_call, &calls, err);
}
