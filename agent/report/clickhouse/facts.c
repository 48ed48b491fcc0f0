#include "report/clickhouse/facts.h"
#include "edge/pop.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROW_MAX ((size_t)64 << 10)
#define WEEK_S  UINT64_C(604800)

/* --- rows --- */

/* Rows name the city, too; the table does not keep it. */
static void put_city(struct buf *row, const struct clickhouse_member *member,
		     const char *code)
{
	size_t n = strlen(member->name);
	const struct edge_pop *pop;

	if (n < 4 || strcmp(member->name + n - 4, "_pop") != 0)
		return;
	pop = edge_pop_find(code);
	if (pop == NULL)
		return;
	buf_printf(row, ",\"%.*s_city\":", (int)(n - 4), member->name);
	buf_json_text(row, pop->city);
}

static void put(struct buf *row, struct tsv *t,
		const struct clickhouse_member *member)
{
	const char *text = tsv_text(t);
	char *end;
	double number = strtod(text, &end);

	if (*text == '\0')
		return;
	if (member->is_number && (*end != '\0' || !isfinite(number)))
		t->bad = true;
	buf_printf(row, "%s\"%s\":", row->len > 1 ? "," : "", member->name);
	if (member->is_number)
		buf_printf(row, "%.17g", number);
	else
		buf_json_text(row, text);
	put_city(row, member, text);
}

int clickhouse_row(struct tsv *t, const struct clickhouse_member *members,
		   size_t n, struct json_doc **ret_row)
{
	struct json_fault fault;
	struct buf row;
	int r;

	buf_init(&row, ROW_MAX);
	buf_char(&row, '{');
	for (size_t i = 0; i < n; i++)
		put(&row, t, &members[i]);
	buf_char(&row, '}');
	r = row.error == -ENOMEM ? -ENOMEM
	    : row.error < 0 || t->bad
		    ? -EPROTO
		    : json_parse(row.data, row.len, false, ret_row, &fault);
	buf_finish(&row);
	return r == -EINVAL ? -EPROTO : r;
}

static void select_members(struct buf *sql,
			   const struct clickhouse_member *members, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(sql, ", %s", members[i].name);
}

static int fail(int r, struct ep_err *err)
{
	if (r == -EPROTO)
		return ep_err_set(err, r, "an answer that was not asked for");
	return r < 0 ? ep_err_set(err, r, "out of memory") : 0;
}

/* --- facts --- */

static const struct clickhouse_member fact_members[] = {
	{ "circuit", false },          { "site", false },
	{ "country", false },          { "metro", false },
	{ "provider", false },         { "prefix", false },
	{ "latitude", true },          { "longitude", true },
	{ "expected_pops", false },    { "connection", false },
	{ "primary_location", false }, { "backup_location", false },
	{ "egress_address", false },   { "egress_place", false },
	{ "egress_km", true },         { "egress_asn", true },
	{ "egress_provider", false },  { "resolver_address", false },
	{ "resolver_place", false },   { "resolver_km", true },
};

#define FACT_MEMBERS (sizeof(fact_members) / sizeof(fact_members[0]))

void clickhouse_facts_init(struct clickhouse_facts *facts,
			   struct places *places)
{
	memset(facts, 0, sizeof(*facts));
	facts->places = places;
}

void clickhouse_facts_finish(struct clickhouse_facts *facts)
{
	free(facts->agents);
	memset(facts, 0, sizeof(*facts));
}

const char *clickhouse_facts_site(const struct clickhouse_facts *facts,
				  const struct clickhouse_scope *scope,
				  const char *agent)
{
	for (size_t i = 0; i < facts->n_agents; i++)
		if (strcmp(facts->agents[i].agent, agent) == 0 &&
		    *facts->agents[i].site != '\0')
			return facts->agents[i].site;
	return texts_keep(facts->places->texts, scope->many ? agent : "");
}

const char *clickhouse_facts_connection(const struct series *series, void *arg)
{
	const struct clickhouse_facts *facts = arg;

	return places_connection(facts->places, series->site, series->circuit);
}

static int add_agent(struct clickhouse_facts *facts, const char *agent,
		     const struct json *row)
{
	struct texts *texts = facts->places->texts;
	size_t n = facts->n_agents + 1;
	void *grown = realloc(facts->agents, n * sizeof(*facts->agents));

	if (grown == NULL)
		return -ENOMEM;
	facts->agents = grown;
	facts->agents[n - 1].agent = texts_keep(texts, agent);
	facts->agents[n - 1].site =
		texts_keep(texts, json_text(json_get(row, "site")));
	if (facts->agents[n - 1].agent == NULL ||
	    facts->agents[n - 1].site == NULL)
		return -ENOMEM;
	facts->n_agents = n;
	return 0;
}

struct telling {
	struct clickhouse_facts *facts;
	const struct clickhouse_scope *scope;
};

static int tell(const struct telling *telling, const char *agent,
		const char *part, uint64_t time_ns, const struct json *row)
{
	struct places *places = telling->facts->places;
	const char *site;
	int r = 0;

	if (strcmp(part, "site") == 0)
		r = add_agent(telling->facts, agent, row);
	site = clickhouse_facts_site(telling->facts, telling->scope, agent);
	if (r < 0 || site == NULL)
		return -ENOMEM;
	return strcmp(part, "site") == 0
		       ? places_tell_site(places, site, time_ns, row)
		       : places_tell_circuit(places, site, time_ns, row);
}

static int on_fact(char *line, void *arg, struct ep_err *err)
{
	struct json_doc *row = NULL;
	const char *agent, *part;
	uint64_t time_us;
	struct tsv t;
	int r;

	tsv_init(&t, line);
	time_us = tsv_uint(&t);
	agent = tsv_text(&t);
	part = tsv_text(&t);
	r = clickhouse_row(&t, fact_members, FACT_MEMBERS, &row);
	if (r == 0 && !tsv_done(&t))
		r = -EPROTO;
	if (r == 0)
		r = tell(arg, agent, part, time_us * 1000, json_root(row));
	json_destroy(row);
	return fail(r, err);
}

int clickhouse_facts_read(struct clickhouse_facts *facts,
			  const struct clickhouse_scope *scope,
			  struct ep_err *err)
{
	struct telling telling = { facts, scope };
	struct buf sql;

	buf_init(&sql, CLICKHOUSE_SQL_MAX);
	buf_text(&sql, "SELECT ts_us, agent, part");
	select_members(&sql, fact_members, FACT_MEMBERS);
	buf_text(&sql, " FROM ");
	clickhouse_table(&sql, scope, "facts");
	/* Sites first: circuits are those of their agent's. */
	buf_text(&sql, " ORDER BY part DESC, ts_us FORMAT TabSeparated");
	return clickhouse_put(scope, &sql, on_fact, &telling, err);
}

/* --- events --- */

static const struct clickhouse_member event_members[] = {
	{ "event", false },       { "level", false },
	{ "state", false },       { "target", false },
	{ "probe", false },       { "circuit", false },
	{ "host", false },        { "reason", false },
	{ "version", false },     { "from_pop", false },
	{ "to_pop", false },      { "nearest_pop", false },
	{ "expected", false },    { "evidence", false },
	{ "rtt_us", true },       { "baseline_us", true },
	{ "loss_percent", true }, { "share", true },
	{ "since_us", true },
};

#define EVENT_MEMBERS (sizeof(event_members) / sizeof(event_members[0]))

struct hearing {
	struct story *story;
	const struct clickhouse_facts *facts;
	const struct clickhouse_scope *scope;
	const char *agent; /* whose rows these are; NULL: none yet */
};

/* Rows come an agent after the other. */
static int change_agent(struct hearing *h, const char *agent)
{
	const char *kept = texts_keep(h->facts->places->texts, agent);
	const char *site;

	if (kept == NULL)
		return -ENOMEM;
	if (h->agent == kept)
		return 0;
	if (h->agent != NULL) {
		site = clickhouse_facts_site(h->facts, h->scope, h->agent);
		if (site == NULL)
			return -ENOMEM;
		story_end(h->story, site);
	}
	h->agent = kept;
	story_begin(h->story);
	return 0;
}

static enum gap_reason gap_of(const char *word)
{
	unsigned i = GAP_EVICTED;

	while (i < GAP_REFUSED &&
	       strcmp(gap_reason_name((enum gap_reason)i), word) != 0)
		i++;
	return (enum gap_reason)i;
}

static int hear(struct story *story, const char *type, struct record *record,
		const struct json *row)
{
	const char *reason = json_text(json_get(row, "reason"));

	if (strcmp(type, "event") == 0)
		return story_tell(story, record->time_ns, row);
	if (strcmp(type, "boot") == 0)
		return story_boot(story, record->time_ns, row);
	record->type = ROW_GAP;
	record->reason = gap_of(reason == NULL ? "" : reason);
	return story_gap(story, record);
}

static int on_event(char *line, void *arg, struct ep_err *err)
{
	struct record record = { .type = ROW_EVENT };
	struct hearing *h = arg;
	struct json_doc *row = NULL;
	const char *type, *agent;
	struct tsv t;
	int r;

	tsv_init(&t, line);
	record.time_ns = tsv_uint(&t) * 1000;
	agent = tsv_text(&t);
	record.seq = tsv_uint(&t);
	record.first = tsv_uint(&t);
	record.last = tsv_uint(&t);
	type = tsv_text(&t);
	r = clickhouse_row(&t, event_members, EVENT_MEMBERS, &row);
	if (r == 0 && !tsv_done(&t))
		r = -EPROTO;
	if (r == 0)
		r = change_agent(h, agent);
	if (r == 0)
		r = hear(h->story, type, &record, json_root(row));
	json_destroy(row);
	return fail(r, err);
}

int clickhouse_story_read(struct story *story,
			  const struct clickhouse_facts *facts,
			  const struct clickhouse_scope *scope,
			  struct ep_err *err)
{
	struct hearing hearing = { story, facts, scope, NULL };
	uint64_t since_s =
		scope->since_s > WEEK_S ? scope->since_s - WEEK_S : 0;
	struct buf sql;
	int r;

	buf_init(&sql, CLICKHOUSE_SQL_MAX);
	/* What came twice is told once. */
	buf_text(&sql, "SELECT DISTINCT ts_us, agent, seq, first, last, type");
	select_members(&sql, event_members, EVENT_MEMBERS);
	buf_text(&sql, " FROM ");
	clickhouse_table(&sql, scope, "events");
	buf_printf(&sql,
		   " WHERE ts_us >= %" PRIu64 " AND ts_us < %" PRIu64
		   " ORDER BY agent, epoch, seq FORMAT TabSeparated",
		   since_s * 1000000, scope->until_s * 1000000);
	r = clickhouse_put(scope, &sql, on_event, &hearing, err);
	if (r == 0 && hearing.agent != NULL)
		r = fail(change_agent(&hearing, ""), err);
	return r;
}
