/* The effective configuration, by the schema. */
#include "config/config.h"
#include "config/schema.h"
#include "config/value.h"
#include "edgeprobe/kind.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Where in the text, and of what. */
struct printing {
	struct buf *out;
	const struct config *config;
	unsigned depth;
	bool first; /* no member yet in the current object */
};

static void newline(struct printing *p)
{
	buf_char(p->out, '\n');
	for (unsigned i = 0; i < p->depth; i++)
		buf_text(p->out, "  ");
}

static void begin_member(struct printing *p, const char *name)
{
	if (!p->first)
		buf_char(p->out, ',');
	p->first = false;
	newline(p);
	buf_json_text(p->out, name);
	buf_text(p->out, ": ");
}

static void open_bracket(struct printing *p, char bracket)
{
	buf_char(p->out, bracket);
	p->depth++;
	p->first = true;
}

static void close_bracket(struct printing *p, char bracket)
{
	p->depth--;
	if (!p->first)
		newline(p);
	p->first = false;
	buf_char(p->out, bracket);
}

/* Names of parameters whose values are not for other eyes. */
static bool is_secret(const char *name, size_t len)
{
	static const char *const words[] = { "auth", "code",   "key",  "pass",
					     "sig",  "secret", "token" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t n = strlen(words[i]);

		for (size_t at = 0; at + n <= len; at++)
			if (strncasecmp(name + at, words[i], n) == 0)
				return true;
	}
	return false;
}

/* "name=value" parameters up to the end, secrets masked. */
static void mask_query(struct buf *out, const char *query)
{
	while (*query) {
		size_t n = strcspn(query, "&"), name = strcspn(query, "=&");

		if (name < n && is_secret(query, name)) {
			buf_add(out, query, name + 1);
			buf_text(out, "***");
		} else {
			buf_add(out, query, n);
		}
		query += n;
		if (*query)
			buf_char(out, *query++);
	}
}

/* A URL without secret parameters. User and password are in none. */
static void mask_url(struct buf *out, const char *url)
{
	size_t query = strcspn(url, "?");

	buf_add(out, url, query);
	if (url[query]) {
		buf_char(out, '?');
		mask_query(out, url + query + 1);
	}
}

static void print_url(struct buf *out, const char *url)
{
	struct buf masked;

	buf_init(&masked, 2 * strlen(url) + 16);
	mask_url(&masked, url);
	buf_json_text(out, masked.data ? masked.data : "");
	buf_finish(&masked);
}

/* "a,b" as ["a", "b"]. */
static void print_texts(struct buf *out, const char *texts)
{
	char one[256];

	buf_char(out, '[');
	while (*texts) {
		size_t n = strcspn(texts, ",");

		snprintf(one, sizeof one, "%.*s", (int)n, texts);
		buf_json_text(out, one);
		texts += n;
		if (*texts) {
			texts++;
			buf_text(out, ", ");
		}
	}
	buf_char(out, ']');
}

static void print_probes(struct buf *out, const struct config_target *t)
{
	for (size_t i = 0; i < t->n_probes; i++) {
		buf_text(out, i == 0 ? "[" : ", ");
		buf_json_text(out, t->probes[i]->name);
	}
	buf_text(out, t->n_probes == 0 ? "[]" : "]");
}

static void print_circuits(struct buf *out, const struct config *c,
			   const struct config_target *t)
{
	for (size_t i = 0; i < t->n_circuits; i++) {
		buf_text(out, i == 0 ? "[" : ", ");
		buf_json_text(out, c->circuits[t->circuits[i]].name);
	}
	buf_text(out, t->n_circuits == 0 ? "[]" : "]");
}

static void print_pops(struct buf *out, const struct config_site *site)
{
	for (size_t i = 0; i < site->n_expected_pops; i++) {
		buf_text(out, i == 0 ? "[" : ", ");
		buf_json_text(out, site->expected_pops[i]);
	}
	buf_char(out, ']');
}

static void print_object(struct printing *p, const struct schema_object *object,
			 const void *base);

static void print_list(struct printing *p, const struct schema_object *object,
		       const void *items, size_t n)
{
	open_bracket(p, '[');
	for (size_t i = 0; i < n; i++) {
		if (!p->first)
			buf_char(p->out, ',');
		p->first = false;
		newline(p);
		print_object(p, object, (const char *)items + i * object->size);
	}
	close_bracket(p, ']');
}

static void print_items(struct printing *p, const struct schema_key *key)
{
	const struct config *c = p->config;

	begin_member(p, key->opt.name);
	switch (key->list) {
	case SCHEMA_CIRCUITS:
		print_list(p, key->object, c->circuits, c->n_circuits);
		break;
	case SCHEMA_HUBS:
		print_list(p, key->object, c->hubs, c->n_hubs);
		break;
	case SCHEMA_TARGETS:
		print_list(p, key->object, c->targets, c->n_targets);
		break;
	case SCHEMA_DESTINATIONS:
		print_list(p, key->object, c->destinations, c->n_destinations);
		break;
	case SCHEMA_SOURCES:
	case SCHEMA_LISTS:
		break;
	}
}

static void print_value(struct printing *p, const struct schema_key *key,
			const void *field)
{
	struct ep_opt opt = schema_opt(key);

	if (value_absent(&opt, field))
		return;
	begin_member(p, opt.name);
	if (key->url)
		print_url(p->out, *(char *const *)field);
	else
		value_print(p->out, &opt, field);
}

static bool is_empty(const struct schema_object *object, const void *base)
{
	bool empty = true;

	for (size_t i = 0; empty && i < object->n_keys; i++) {
		const struct schema_key *key = &object->keys[i];
		const void *field = (const char *)base + key->opt.offset;

		empty = key->shape == SCHEMA_OBJECT
				? is_empty(key->object, field)
				: value_absent(&key->opt, field);
	}
	return empty;
}

static void print_key(struct printing *p, const struct schema_key *key,
		      const void *base)
{
	const void *field;
	const char *texts;

	if (key->object == &schema_defaults)
		return; /* worked into each target */
	field = (const char *)base + key->opt.offset;
	switch (key->shape) {
	case SCHEMA_VALUE:
		print_value(p, key, field);
		break;
	case SCHEMA_OBJECT:
		if (key->sparse && is_empty(key->object, field))
			break;
		begin_member(p, key->opt.name);
		print_object(p, key->object, field);
		break;
	case SCHEMA_OBJECTS:
		print_items(p, key);
		break;
	case SCHEMA_TEXTS:
		texts = *(char *const *)field;
		if (!texts)
			break;
		begin_member(p, key->opt.name);
		print_texts(p->out, texts);
		break;
	case SCHEMA_PROBES:
		begin_member(p, key->opt.name);
		print_probes(p->out, base);
		break;
	case SCHEMA_NAMES:
		begin_member(p, key->opt.name);
		print_circuits(p->out, p->config, base);
		break;
	case SCHEMA_POPS:
		if (((const struct config_site *)base)->n_expected_pops == 0)
			break;
		begin_member(p, key->opt.name);
		print_pops(p->out, base);
		break;
	}
}

static void print_object(struct printing *p, const struct schema_object *object,
			 const void *base)
{
	open_bracket(p, '{');
	for (size_t i = 0; i < object->n_keys; i++)
		print_key(p, &object->keys[i], base);
	close_bracket(p, '}');
}

void config_print(const struct config *config, struct buf *out)
{
	struct printing p = { .out = out, .config = config };

	/* The config is the first member of what the schema describes, and
	 * `defaults`, the other one, is not printed. */
	print_object(&p, &schema_top, config);
	buf_char(out, '\n');
}
