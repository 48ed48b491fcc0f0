/* What can be said when all files are read. Problems of one kind do not hide
 * those of another. */
#include "config/host.h"
#include "config/loading.h"
#include "edge/catalogue.h"
#include "edgeprobe/address.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAMILY_BOTH 46

/* Of an item of any list: each struct begins with its name. */
struct named {
	const char *name;
	size_t index;
};

static int by_name_then_index(const void *a, const void *b)
{
	const struct named *p = a, *q = b;
	int order = strcmp(p->name, q->name);

	if (order != 0)
		return order;
	return p->index < q->index ? -1 : 1;
}

/* Where the name stands; a target may have none but its host. */
static const struct json *name_node(const struct origin *origin)
{
	const struct json *name = json_get(origin->node, "name");

	if (!name)
		name = json_get(origin->node, "host");
	return name ? name : json_get(origin->node, "source");
}

static void twice(struct loading *l, const struct list *list, size_t i,
		  size_t first)
{
	const struct origin *o = &list->origins[i], *f = &list->origins[first];
	struct json_where where;
	char excerpt[FILES_EXCERPT];

	if (l->files.problems.n >= PROBLEMS_MAX) {
		l->files.problems.beyond++;
		return;
	}
	where = json_where(f->file->doc, name_node(f), false);
	files_problem(
		&l->files, o->file, name_node(o), false,
		"the name %s is taken (%s:%u:%u), names are unique",
		files_excerpt(&l->files, o->file, name_node(o), false, excerpt),
		f->file->path, where.line, where.column);
}

static const char *item_name(const struct list *list, size_t i)
{
	const char *const *name =
		(const void *)(list->items + i * list->object->size);

	return *name;
}

/* Sorted, because there may be thousands. */
static int check_names(struct loading *l, const struct list *list)
{
	struct named *names = calloc(list->n + 1, sizeof *names);
	size_t n = 0, first = 0;

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++)
		if (item_name(list, i))
			names[n++] = (struct named){ item_name(list, i), i };
	qsort(names, n, sizeof *names, by_name_then_index);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(names[first].name, names[i].name) == 0)
			twice(l, list, names[i].index, names[first].index);
		else
			first = i;
	}
	free(names);
	return 0;
}

static int name_targets(struct list *list)
{
	struct config_target *t = (void *)list->items;

	for (size_t i = 0; i < list->n; i++) {
		if (t[i].name || !t[i].host)
			continue;
		t[i].name = strndup(t[i].host, 64);
		if (!t[i].name)
			return -ENOMEM;
	}
	return 0;
}

static bool find_circuit(const struct list *circuits, const char *name,
			 size_t *ret_index)
{
	for (size_t i = 0; i < circuits->n; i++) {
		const char *mine = item_name(circuits, i);

		if (mine && strcmp(mine, name) == 0) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

static bool has_circuit(const struct config_target *t, size_t index)
{
	for (size_t i = 0; i < t->n_circuits; i++)
		if (t->circuits[i] == index)
			return true;
	return false;
}

static void no_such_circuit(struct loading *l, const struct file *file,
			    const struct json *name)
{
	const struct list *circuits = &l->lists[SCHEMA_CIRCUITS];
	char excerpt[FILES_EXCERPT];
	struct buf text;

	buf_init(&text, 1024);
	for (size_t i = 0; i < circuits->n; i++)
		if (item_name(circuits, i))
			buf_printf(&text, " \"%s\"", item_name(circuits, i));
	files_problem(&l->files, file, name, false,
		      "there is no circuit %s, configured are:%s",
		      files_excerpt(&l->files, file, name, false, excerpt),
		      text.len > 0 ? text.data : " none");
	buf_finish(&text);
}

/* The names in `given`, a list, become indexes. */
static int name_circuits(struct loading *l, const struct file *file,
			 const struct json *given, struct config_target *t)
{
	const struct list *circuits = &l->lists[SCHEMA_CIRCUITS];
	const struct json *v;
	size_t index = 0;

	t->circuits = calloc(circuits->n + 1, sizeof *t->circuits);
	if (!t->circuits)
		return -ENOMEM;
	if (json_type(given) != JSON_ARRAY)
		return 0; /* said when it was read, as is what is no text */
	for (v = json_first(given); v; v = json_next(v)) {
		if (!json_text(v))
			continue;
		if (!find_circuit(circuits, json_text(v), &index))
			no_such_circuit(l, file, v);
		else if (has_circuit(t, index))
			loading_wrong(l, file, "circuits", v,
				      "each circuit once");
		else
			t->circuits[t->n_circuits++] = index;
	}
	return 0;
}

/* Those of the defaults, which are all unless they name some. */
static int default_circuits(struct loading *l)
{
	struct config_target *t = &l->top.defaults;
	size_t n = l->lists[SCHEMA_CIRCUITS].n;

	if (l->default_circuits.node)
		return name_circuits(l, l->default_circuits.file,
				     l->default_circuits.node, t);
	t->circuits = calloc(n + 1, sizeof *t->circuits);
	if (!t->circuits)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		t->circuits[t->n_circuits++] = i;
	return 0;
}

static int copy_circuits(const struct config_target *from,
			 struct config_target *t)
{
	t->circuits = calloc(from->n_circuits + 1, sizeof *t->circuits);
	if (!t->circuits)
		return -ENOMEM;
	t->n_circuits = from->n_circuits;
	memcpy(t->circuits, from->circuits,
	       t->n_circuits * sizeof *t->circuits);
	return 0;
}

static int set_circuits(struct loading *l, struct config_target *t,
			const struct origin *origin)
{
	const struct list *list = &l->lists[SCHEMA_TARGETS];
	const struct json *own = json_get(origin->node, "circuits");

	/* Said of the first host of a source, and the same for the others. */
	if (own && origin > list->origins && origin[-1].node == origin->node)
		return copy_circuits(t - 1, t);
	if (own)
		return name_circuits(l, origin->file, own, t);
	return copy_circuits(&l->top.defaults, t);
}

/* The library has the last word on what can be measured. Which kind does not
 * matter, and there is none where the defaults' list was wrong. */
static void check_target(struct loading *l, const struct config_target *t,
			 const struct origin *origin)
{
	struct ep_target target = {
		.kind = ep_kind_find("icmp"),
		.host = t->host,
		.path = t->path,
		.family = (uint8_t)(t->family == FAMILY_BOTH ? 0 : t->family),
	};
	const struct json *host = json_get(origin->node, "host");
	struct ep_err err = { 0 };

	if (ep_target_check(&target, &err) < 0)
		files_problem(&l->files, origin->file, host, false, "%s",
			      err.text);
}

/* One of the keys that say how long it takes, or what there is. */
static void check_round(struct loading *l, const struct config_target *t,
			const struct origin *origin)
{
	static const char *const keys[] = { "spacing", "count", "interval",
					    "host", "source" };
	const struct json *node = NULL;

	if (t->spacing_ns * t->count <= t->interval_ns)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !node; i++)
		node = json_get(origin->node, keys[i]);
	files_problem(
		&l->files, origin->file, node, false,
		"a round takes %llu ms, \"count\" times \"spacing\", at "
		"most its \"interval\" is allowed",
		(unsigned long long)(t->spacing_ns * t->count / EP_NS_PER_MS));
}

static int set_probes(struct config_target *t)
{
	const struct ep_kind *const *kinds;
	size_t n;

	if (t->probes)
		return 0;
	kinds = ep_kinds(&n);
	t->probes = calloc(n, sizeof *t->probes);
	if (!t->probes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!kinds[i]->asked_for)
			t->probes[t->n_probes++] = kinds[i];
	return 0;
}

static int resolve_targets(struct loading *l)
{
	struct list *list = &l->lists[SCHEMA_TARGETS];
	struct config_target *t = (void *)list->items;
	int r = name_targets(list);

	if (r == 0)
		r = default_circuits(l);
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		r = set_probes(&t[i]);
		if (r == 0)
			r = set_circuits(l, &t[i], &list->origins[i]);
		if (r < 0 || !list->origins[i].node || list->origins[i].broken)
			continue;
		check_target(l, &t[i], &list->origins[i]);
		check_round(l, &t[i], &list->origins[i]);
	}
	return r;
}

static int set_text(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

/* Kinds that the library was built without are left out. */
static int fill_built_in(struct config_target *t, const struct edge_target *e)
{
	int r = set_text(&t->name, e->name);

	if (r == 0)
		r = set_text(&t->host, e->host);
	if (r == 0 && e->path)
		r = set_text(&t->path, e->path);
	free(t->probes);
	t->n_probes = 0;
	t->probes = calloc(EDGE_PROBES_MAX, sizeof *t->probes);
	if (!t->probes)
		return -ENOMEM;
	for (size_t i = 0; e->probes[i]; i++) {
		const struct ep_kind *kind = ep_kind_find(e->probes[i]);

		if (kind)
			t->probes[t->n_probes++] = kind;
	}
	return r;
}

static int add_built_in(struct loading *l)
{
	size_t n;
	const struct edge_target *catalogue = edge_catalogue(&n);
	int r = 0;

	if (l->lists[SCHEMA_TARGETS].n + l->lists[SCHEMA_SOURCES].n > 0)
		return 0;
	l->top.config.built_in_targets = true;
	for (size_t i = 0; i < n && r == 0; i++) {
		void *item = list_add(l, SCHEMA_TARGETS, (struct origin){ 0 });

		r = item ? fill_built_in(item, &catalogue[i]) : -ENOMEM;
	}
	return r;
}

/* One of IPv6 has more than one colon before its comma. */
static bool has_server(const char *servers, uint8_t family)
{
	for (const char *at = servers; *at; at += *at == ',') {
		const char *end = at + strcspn(at, ",");
		const char *colon = memchr(at, ':', (size_t)(end - at));
		bool is6 = colon &&
			   memchr(colon + 1, ':', (size_t)(end - colon) - 1);

		if (is6 == (family == 6))
			return true;
		at = end;
	}
	return false;
}

/* From an address only servers of its own family can be asked. */
static void check_servers(struct loading *l)
{
	const struct list *list = &l->lists[SCHEMA_CIRCUITS];
	const struct config_circuit *c = (const void *)list->items;
	struct ep_address source;

	for (size_t i = 0; i < list->n; i++)
		if (c[i].dns && c[i].source &&
		    ep_address_parse(c[i].source, &source) == 0 &&
		    !has_server(c[i].dns, source.family))
			files_problem(
				&l->files, list->origins[i].file,
				json_get(list->origins[i].node, "dns"), false,
				"none of these can be asked from \"source\", "
				"%s: one of IPv%u is needed",
				c[i].source, source.family);
}

static int is_directory(const struct config_destination *d)
{
	return d->url && strncmp(d->url, "file:", 5) == 0;
}

/* The circuit by its name; one that says nothing about how to leave by it is no
 * help. */
static void set_source(struct loading *l, struct config_destination *d,
		       const struct origin *origin)
{
	const struct list *circuits = &l->lists[SCHEMA_CIRCUITS];
	const struct config_circuit *c = (const void *)circuits->items;
	const struct json *name = json_get(origin->node, "circuit");
	size_t i = 0;

	if (!find_circuit(circuits, d->circuit, &i)) {
		no_such_circuit(l, origin->file, name);
		return;
	}
	d->source = c[i].source;
	if (!d->source)
		files_problem(&l->files, origin->file, name, false,
			      "the circuit \"%s\" has no \"source\", which is "
			      "what a destination leaves by",
			      d->circuit);
}

/* Files are for people to read with any tool; what travels is compressed, and
 * its collector is known by the same CAs as the edge. */
static int resolve_destinations(struct loading *l)
{
	struct list *list = &l->lists[SCHEMA_DESTINATIONS];
	struct config_destination *d = (void *)list->items;
	const char *ca_file = l->top.config.ca_file;
	int r = 0;

	for (size_t i = 0; i < list->n && r == 0; i++) {
		if (d[i].url && !json_get(list->origins[i].node, "gzip"))
			d[i].gzip = !is_directory(&d[i]);
		if (d[i].circuit)
			set_source(l, &d[i], &list->origins[i]);
		if (ca_file && !d[i].ca_file && !is_directory(&d[i]))
			r = set_text(&d[i].ca_file, ca_file);
	}
	return r;
}

static int set_host_defaults(struct loading *l)
{
	struct config *c = &l->top.config;

	if (!c->agent)
		c->agent = host_agent();
	if (!c->agent)
		return -ENOMEM;
	if (!c->store_path)
		c->store_path = config_default_store();
	if (!c->store_path)
		return -ENOMEM;
	c->control_asked = c->control_path != NULL;
	if (!c->control_path)
		c->control_path = config_default_control(c->store_path);
	return c->control_path ? 0 : -ENOMEM;
}

int loading_resolve(struct loading *l)
{
	int r = set_host_defaults(l);

	if (r == 0)
		r = loading_expand(l);
	if (r == 0)
		r = add_built_in(l);
	if (r == 0)
		r = resolve_targets(l);
	check_servers(l);
	for (size_t i = 0; i < SCHEMA_LISTS && r == 0; i++)
		r = check_names(l, &l->lists[i]);
	if (r == 0)
		r = resolve_destinations(l);
	return r;
}
