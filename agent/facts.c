#include "facts.h"
#include "base/buf.h"
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX  4096
#define PLACE_MAX 129

struct where {
	struct ep_address address;
	char place[PLACE_MAX];
	double km;
};

/* When a row is due: 0 is at once. */
struct row {
	uint64_t due_ns, said_ns;
	struct where where[FACTS_WHATS]; /* of a circuit */
	struct edge_asn asn;             /* of its egress; number 0: unknown */
	bool belonged;                   /* that has ever been known */
};

struct facts {
	const struct config *config;
	facts_cb cb;
	void *arg;
	size_t n;          /* circuits, the one without a name, the site */
	struct row rows[]; /* in that order */
};

struct facts *facts_create(const struct config *config, facts_cb cb, void *arg)
{
	size_t n = config->n_circuits + 2;
	struct facts *f = calloc(1, sizeof(*f) + n * sizeof(f->rows[0]));

	if (f == NULL)
		return NULL;
	f->config = config;
	f->cb = cb;
	f->arg = arg;
	f->n = n;
	return f;
}

void facts_destroy(struct facts *facts)
{
	free(facts);
}

/* --- members --- */

static void put_text(struct buf *b, const char *key, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	buf_printf(b, ",\"%s\":", key);
	buf_json_text(b, text);
}

/* The shortest way to say it, with a micro-degree's accuracy. */
static void put_degrees(struct buf *b, const char *key, double degrees)
{
	char text[32];
	size_t n;

	if (isnan(degrees))
		return;
	n = (size_t)snprintf(text, sizeof(text), "%.6f", degrees);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	text[n] = '\0';
	buf_printf(b, ",\"%s\":%s", key, strcmp(text, "-0") ? text : "0");
}

static void put_where(struct buf *b, const char *name, const struct where *w)
{
	char key[32], text[EP_ADDRESS_TEXT_MAX];

	snprintf(key, sizeof(key), "%s_address", name);
	put_text(b, key, ep_address_format(&w->address, text, sizeof(text)));
	snprintf(key, sizeof(key), "%s_place", name);
	put_text(b, key, w->place);
	if (w->place[0] != '\0' && !isnan(w->km))
		buf_printf(b, ",\"%s_km\":%.0f", name, w->km);
}

static void put_asn(struct buf *b, const struct edge_asn *asn)
{
	if (asn->number == 0)
		return;
	buf_printf(b, ",\"egress_asn\":%" PRIu32, asn->number);
	put_text(b, "egress_provider", asn->name);
}

static void put_pops(struct buf *b, const struct config_site *site)
{
	for (size_t i = 0; i < site->n_expected_pops; i++)
		buf_printf(b, "%s%s", i ? "," : ",\"expected_pops\":\"",
			   site->expected_pops[i]);
	if (site->n_expected_pops > 0)
		buf_char(b, '"');
}

/* --- rows --- */

static void put_site(struct buf *b, const struct config_site *site)
{
	buf_text(b, "\"part\":\"site\"");
	put_text(b, "site", site->name);
	put_text(b, "country", site->country);
	put_text(b, "metro", site->metro);
	put_degrees(b, "latitude", site->latitude);
	put_degrees(b, "longitude", site->longitude);
	put_pops(b, site);
}

static void put_circuit(struct buf *b, const struct facts *f, size_t i)
{
	static const struct config_circuit none = { .name = NULL };
	const struct config_circuit *c =
		i < f->config->n_circuits ? &f->config->circuits[i] : &none;

	buf_text(b, "\"part\":\"circuit\"");
	put_text(b, "circuit", c->name);
	put_text(b, "provider", c->provider);
	put_text(b, "prefix", c->prefix);
	put_text(b, "connection", c->connection);
	put_text(b, "primary_location", c->primary_location);
	put_text(b, "backup_location", c->backup_location);
	put_where(b, "egress", &f->rows[i].where[FACTS_EGRESS]);
	put_asn(b, &f->rows[i].asn);
	put_where(b, "resolver", &f->rows[i].where[FACTS_RESOLVER]);
}

/* Nothing of what nothing is known of. */
static void say(const struct facts *f, size_t i)
{
	struct buf body;
	bool known;

	buf_init(&body, BODY_MAX);
	if (i == f->n - 1)
		put_site(&body, &f->config->site);
	else
		put_circuit(&body, f, i);
	known = body.len > 0 && strchr(body.data, ',') != NULL;
	if (known && body.error == 0)
		f->cb(body.data, f->arg);
	buf_finish(&body);
}

static void tick_row(struct facts *f, size_t i, uint64_t now_ns)
{
	struct row *row = &f->rows[i];

	if (now_ns < row->due_ns)
		return;
	row->said_ns = now_ns;
	row->due_ns = now_ns + FACTS_EVERY_NS;
	say(f, i);
}

void facts_tick(struct facts *facts, uint64_t now_ns)
{
	tick_row(facts, facts->n - 1, now_ns);
	for (size_t i = 0; i < facts->n - 1; i++)
		tick_row(facts, i, now_ns);
}

void facts_again(struct facts *facts)
{
	for (size_t i = 0; i < facts->n; i++)
		facts->rows[i].due_ns = 0;
}

/* --- what is learnt --- */

static bool is_same(const struct where *a, const struct facts_where *b)
{
	return ep_address_equal(&a->address, &b->address) &&
	       strncmp(a->place, b->place ? b->place : "", PLACE_MAX - 1) == 0;
}

static void say_soon(struct row *row, uint64_t pause_ns)
{
	if (row->due_ns > row->said_ns + pause_ns)
		row->due_ns = row->said_ns + pause_ns;
}

void facts_learn(struct facts *facts, size_t i, enum facts_what what,
		 const struct facts_where *where)
{
	struct row *row = &facts->rows[i];
	struct where *w = &row->where[what];
	uint64_t pause_ns = w->address.family ? FACTS_PAUSE_NS : FACTS_SOON_NS;

	if (is_same(w, where))
		return;
	if (what == FACTS_EGRESS &&
	    !ep_address_equal(&w->address, &where->address))
		row->asn = (struct edge_asn){ .number = 0 };
	w->address = where->address;
	w->km = where->km;
	snprintf(w->place, sizeof(w->place), "%s",
		 where->place ? where->place : "");
	say_soon(row, pause_ns);
}

const struct ep_address *facts_egress(const struct facts *facts, size_t i)
{
	const struct where *w = &facts->rows[i].where[FACTS_EGRESS];

	return w->address.family ? &w->address : NULL;
}

void facts_belongs(struct facts *facts, size_t i, const struct edge_asn *asn)
{
	struct row *row = &facts->rows[i];

	if (row->asn.number == asn->number &&
	    strcmp(row->asn.name, asn->name) == 0)
		return;
	row->asn = *asn;
	say_soon(row, row->belonged ? FACTS_PAUSE_NS : FACTS_SOON_NS);
	row->belonged = true;
}
