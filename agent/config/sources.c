/* Items with a source become the hosts of it.
 *
 * What the list of a service says may change at any time, and must not make a
 * configuration wrong that was right: hosts that cannot be measured, or for
 * which there is no room, are passed over, and the names that begin as those of
 * a source are kept free for it. */
#include "config/sources.h"
#include "base/log.h"
#include "config/loading.h"
#include "edge/catalogue.h"
#include "edgeprobe/kind.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define PREFIX_MAX     48    /* of it, for hosts of a source */
#define TARGETS_MAX    25000 /* as the key "targets" allows */

/* The hosts of one item. */
struct expanding {
	struct loading *l;
	const struct config_target *like;
	struct origin origin;
	size_t source; /* which it is */
};

/* --- what may stand together --- */

static void only_of_service(struct loading *l, const struct origin *o,
			    const char *source)
{
	static const char *const keys[] = { "instance", "service_areas",
					    "categories", "tenant",
					    "max_targets" };

	if (source && strcmp(source, SOURCES_MICROSOFT365) == 0)
		return;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (json_get(o->node, keys[i]))
			files_problem(&l->files, o->file,
				      json_get(o->node, keys[i]), true,
				      "\"%s\" is given, it is allowed with "
				      "\"source\": \"" SOURCES_MICROSOFT365
				      "\" only",
				      keys[i]);
}

static void check_item(struct loading *l, const struct origin *o,
		       const struct config_target *t)
{
	const struct json *host = json_get(o->node, "host");
	const struct json *name = json_get(o->node, "name");
	bool source = json_get(o->node, "source");
	const struct schema_key *key = schema_find(&schema_target, "host");

	if (json_type(o->node) != JSON_OBJECT)
		return;
	if (!host && !source)
		files_problem(&l->files, o->file, o->node, false,
			      "\"host\" is missing in %s: %s",
			      schema_target.phrase, key->opt.help);
	if (host && source)
		files_problem(&l->files, o->file, host, true,
			      "\"host\" and \"source\" are given, one of them "
			      "is allowed");
	if (source && json_text(name) && strlen(json_text(name)) > PREFIX_MAX)
		loading_wrong(l, o->file, "name", name,
			      "with a source a text of at most 48 bytes");
	if (!source || t->source)
		only_of_service(l, o, t->source);
}

static size_t problems_of(const struct loading *l)
{
	return l->files.problems.n + l->files.problems.beyond;
}

/* Whether nothing was found to be wrong. */
static bool check_items(struct loading *l)
{
	const struct list *list = &l->lists[SCHEMA_TARGETS];
	const struct config_target *t = (const void *)list->items;
	size_t first = problems_of(l);

	for (size_t i = 0; i < list->n; i++) {
		size_t before = problems_of(l);

		check_item(l, &list->origins[i], &t[i]);
		if (before < problems_of(l))
			list->origins[i].broken = true;
	}
	return first == problems_of(l);
}

/* --- one host --- */

/* "PREFIX/HOST", the prefix whole; one that is too long ends in a number of its own instead. */
static char *name_of(const char *prefix, const char *host)
{
	unsigned hash = 2166136261u; /* FNV-1a */
	char *name;

	if (asprintf(&name, "%s/%s", prefix, host) < 0)
		return NULL;
	if (strlen(name) <= NAME_MAX_BYTES)
		return name;
	for (const char *p = name; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	snprintf(name + NAME_MAX_BYTES - 9, 10, "~%08x", hash);
	return name;
}

static int set_probes(struct config_target *t, const char *const *words)
{
	size_t n;

	ep_kinds(&n);
	free(t->probes);
	t->n_probes = 0;
	t->probes = calloc(n + 1, sizeof *t->probes);
	if (!t->probes)
		return -ENOMEM;
	for (; *words; words++) {
		const struct ep_kind *kind = ep_kind_find(*words);

		if (kind) /* the library may be built without it */
			t->probes[t->n_probes++] = kind;
	}
	return 0;
}

static int set_path(struct config_target *t, const char *path)
{
	free(t->path);
	t->path = strdup(path);
	return t->path ? 0 : -ENOMEM;
}

static int note_why(struct expanding *x, const char *why)
{
	struct config *c = &x->l->top.config;
	struct config_sourced *list =
		reallocarray(c->sourced, c->n_sourced + 1, sizeof *c->sourced);

	if (!list)
		return -ENOMEM;
	c->sourced = list;
	list[c->n_sourced] = (struct config_sourced){ x->source, strdup(why) };
	return list[c->n_sourced++].why ? 0 : -ENOMEM;
}

/* As good as never: of names that were too long. */
static bool is_taken(const struct expanding *x, const char *name)
{
	const struct list *list = &x->l->lists[SCHEMA_TARGETS];
	const struct config_target *t = (const void *)list->items;
	size_t first = list->n - x->l->top.config.n_sourced;

	for (size_t i = first; i < list->n; i++)
		if (strcmp(t[i].name, name) == 0)
			return true;
	return false;
}

static int add_target(struct expanding *x, const struct edge_target *what,
		      const char *name)
{
	struct config_target *t = list_add_like(x->l, x->like, x->origin);
	const struct json *node = x->origin.node;
	int r;

	if (!t)
		return -ENOMEM;
	t->host = strdup(what->host);
	t->name = strdup(name);
	r = t->host && t->name ? 0 : -ENOMEM;
	if (r == 0 && !json_get(node, "probes"))
		r = set_probes(t, what->probes);
	if (r == 0 && what->path && !json_get(node, "path"))
		r = set_path(t, what->path);
	return r == 0 ? note_why(x, what->phrase) : r;
}

static int add_host(struct expanding *x, const struct edge_target *what)
{
	char *name;
	int r = 0;

	if (x->l->lists[SCHEMA_TARGETS].n >= TARGETS_MAX ||
	    !sources_can_measure(what->host))
		return 0;
	name = name_of(x->like->name, what->host);
	if (!name)
		return -ENOMEM;
	if (!is_taken(x, name))
		r = add_target(x, what, name);
	free(name);
	return r;
}

static int on_choice(const struct edge_choice *choice, void *arg)
{
	struct edge_target what = { .host = choice->host,
				    .phrase = choice->why };

	for (size_t i = 0; i < EDGE_PROBES_MAX && choice->probes[i]; i++)
		what.probes[i] = choice->probes[i];
	return add_host(arg, &what);
}

/* --- one item --- */

static int expand_service(struct expanding *x)
{
	struct edge_selection selection = sources_select(x->like);
	const char *instance = sources_instance(x->like);
	struct sources_list list;
	struct ep_err err = { 0 };
	size_t before = x->l->lists[SCHEMA_TARGETS].n;
	int r = sources_list_open(x->l->top.config.store_path, instance, &list,
				  &err);

	for (char *c = err.text; *c; c++)
		*c = *c == '"' ? '\'' : *c;
	if (r < 0)
		log_warn("config",
			 "source=microsoft365 instance=%s kept=unusable "
			 "reason=\"%s\" next=built_in",
			 instance, err.text);
	r = edge_choose(&list.endpoints, &selection, on_choice, x, NULL);
	sources_list_close(&list);
	if (r == 0 && x->l->lists[SCHEMA_TARGETS].n == before)
		log_warn("config",
			 "source=microsoft365 name=\"%s\" targets=0 "
			 "reason=\"the list has none\"",
			 x->like->name);
	return r;
}

static int expand(struct loading *l, size_t i)
{
	const struct list *sources = &l->lists[SCHEMA_SOURCES];
	struct expanding x = {
		.l = l,
		.like = (const struct config_target *)(const void *)
				sources->items +
			i,
		.origin = sources->origins[i],
		.source = i,
	};

	if (sources_is_service(x.like))
		return expand_service(&x);
	return add_host(&x, edge_group(x.like->source));
}

/* --- all of them --- */

static int move_item(struct loading *l, struct config_target *t,
		     const struct origin *origin)
{
	struct config_target *to = list_add(l, SCHEMA_SOURCES, *origin);

	if (!to)
		return -ENOMEM;
	schema_finish(&schema_target, to);
	*to = *t;
	memset(t, 0, sizeof *t);
	if (!to->name)
		to->name = strdup(to->source);
	return to->name ? 0 : -ENOMEM;
}

/* Those with a source go to a list of their own. */
static int part(struct loading *l)
{
	struct list *list = &l->lists[SCHEMA_TARGETS];
	struct config_target *t = (void *)list->items;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (r == 0 && t[i].source && !list->origins[i].broken) {
			r = move_item(l, &t[i], &list->origins[i]);
			if (r == 0)
				continue;
		}
		t[n] = t[i];
		list->origins[n++] = list->origins[i];
	}
	list->n = n;
	return r;
}

/* A name that a host of the source may get at any time. */
static void keep_free(struct loading *l, size_t source)
{
	const struct list *list = &l->lists[SCHEMA_TARGETS];
	const struct list *sources = &l->lists[SCHEMA_SOURCES];
	const struct config_target *t = (const void *)list->items;
	const struct config_target *s = (const void *)sources->items;
	const char *prefix = s[source].name;
	size_t len = strlen(prefix);

	for (size_t i = 0; i < list->n; i++)
		if (t[i].name && strncmp(t[i].name, prefix, len) == 0 &&
		    t[i].name[len] == '/')
			files_problem(&l->files, list->origins[i].file,
				      json_get(list->origins[i].node, "name"),
				      false,
				      "names that begin with \"%s/\" are those "
				      "of a source, another one is allowed",
				      prefix);
}

int loading_expand(struct loading *l)
{
	struct list *sources = &l->lists[SCHEMA_SOURCES];
	bool fine = check_items(l);
	int r = fine ? part(l) : 0;

	for (size_t i = 0; i < sources->n && r == 0; i++) {
		if (i == SOURCES_MAX)
			files_problem(&l->files, sources->origins[i].file,
				      sources->origins[i].node, false,
				      "more than %d targets have a source, "
				      "which is the most that is allowed",
				      SOURCES_MAX);
		if (i < SOURCES_MAX)
			keep_free(l, i);
	}
	for (size_t i = 0; i < sources->n && i < SOURCES_MAX && r == 0; i++)
		r = expand(l, i);
	return r;
}
