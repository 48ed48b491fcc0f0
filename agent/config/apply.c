/* From documents to the struct, by the schema. Objects of all files come first,
 * then lists: an item of a list begins as what `defaults` says in the end. */
#include "base/suggest.h"
#include "config/loading.h"
#include "config/value.h"
#include "edge/pop.h"
#include "edgeprobe/kind.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALLOWED_MAX 1024
#define LIST_MAX    16 /* texts in a list */

/* What is being read into what. */
struct reading {
	struct loading *l;
	const struct file *file;
	const struct schema_object *object;
	void *base; /* struct of `object` */
};

static int apply_object(struct reading *r, const struct json *node);

void loading_wrong(struct loading *l, const struct file *file, const char *key,
		   const struct json *value, const char *allowed)
{
	char excerpt[FILES_EXCERPT];
	enum json_type type = json_type(value);

	if (type == JSON_ARRAY || type == JSON_OBJECT)
		files_problem(&l->files, file, value, false,
			      "\"%s\" is %s, %s is allowed", key,
			      json_type_name(type), allowed);
	else
		files_problem(
			&l->files, file, value, false,
			"\"%s\" is %s, %s is allowed", key,
			files_excerpt(&l->files, file, value, false, excerpt),
			allowed);
}

static void wrong(struct reading *r, const struct schema_key *key,
		  const struct json *value, const char *allowed)
{
	loading_wrong(r->l, r->file, key->opt.name, value, allowed);
}

/* A password is not repeated. */
static void wrong_text(struct reading *r, const struct schema_key *key,
		       const struct json *value, const char *allowed)
{
	if (key->url && strchr(json_text(value), '@'))
		files_problem(&r->l->files, r->file, value, false,
			      "\"%s\" cannot be used, %s is allowed",
			      key->opt.name, allowed);
	else
		wrong(r, key, value, allowed);
}

/* Beside the file that names it, unless it is absolute. */
static int place_file(const struct file *file, char **path)
{
	const char *slash = strrchr(file->path, '/');
	char *joined;

	if (**path == '/' || !slash)
		return 0;
	if (asprintf(&joined, "%.*s/%s", (int)(slash - file->path), file->path,
		     *path) < 0)
		return -ENOMEM;
	free(*path);
	*path = joined;
	return 0;
}

static int apply_value(struct reading *r, const struct schema_key *key,
		       const struct json *value, void *field)
{
	struct ep_opt opt = schema_opt(key);
	const char *allowed;
	struct buf text;
	int e = value_parse(&opt, value, field);

	if (e == -EINVAL) {
		buf_init(&text, ALLOWED_MAX);
		value_allowed(&text, &opt);
		wrong(r, key, value, text.data);
		buf_finish(&text);
		return 0;
	}
	if (e < 0 || opt.type != EP_OPT_TEXT)
		return e;
	allowed = key->check ? key->check(json_text(value)) : NULL;
	if (allowed)
		wrong_text(r, key, value, allowed);
	return key->file ? place_file(r->file, field) : 0;
}

/* The elements of a list of texts: the first or next one, NULL at the end. What
 * is no text is said and passed over. */
static const struct json *
next_text(struct reading *r, const struct schema_key *key, const struct json *v)
{
	for (; v; v = json_next(v)) {
		struct ep_opt opt = key->opt;
		const char *text = json_text(v), *allowed = NULL;

		if (text && *text && strlen(text) <= (size_t)opt.max) {
			allowed = key->check ? key->check(text) : NULL;
			if (!allowed)
				return v;
		}
		wrong(r, key, v,
		      allowed ? allowed : "a list of texts, none empty,");
	}
	return NULL;
}

static bool is_list(struct reading *r, const struct schema_key *key,
		    const struct json *value)
{
	size_t n = 0;

	if (json_type(value) != JSON_ARRAY) {
		wrong(r, key, value, "a list of texts");
		return false;
	}
	for (const struct json *v = json_first(value); v; v = json_next(v))
		n++;
	if (n <= LIST_MAX || key->shape == SCHEMA_NAMES)
		return true;
	files_problem(&r->l->files, r->file, value, false,
		      "\"%s\" has %zu elements, at most %d are allowed",
		      key->opt.name, n, LIST_MAX);
	return false;
}

/* Lists append, here too: a second file adds to what is there. */
static int apply_texts(struct reading *r, const struct schema_key *key,
		       const struct json *value, char **field)
{
	const struct json *v;
	char *joined;

	if (!is_list(r, key, value))
		return 0;
	v = next_text(r, key, json_first(value));
	for (; v; v = next_text(r, key, json_next(v))) {
		if (asprintf(&joined, "%s%s%s", *field ? *field : "",
			     *field ? "," : "", json_text(v)) < 0)
			return -ENOMEM;
		free(*field);
		*field = joined;
	}
	return 0;
}

static bool has_probe(const struct config_target *t, const struct ep_kind *kind)
{
	for (size_t i = 0; i < t->n_probes; i++)
		if (t->probes[i] == kind)
			return true;
	return false;
}

static void unknown_probe(struct reading *r, const struct schema_key *key,
			  const struct json *value)
{
	size_t n;
	const struct ep_kind *const *kinds = ep_kinds(&n);
	struct buf text;

	buf_init(&text, ALLOWED_MAX);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s\"%s\"",
			   i == 0       ? "each of "
			   : i + 1 == n ? " and "
					: ", ",
			   kinds[i]->name);
	buf_text(&text, " once");
	wrong(r, key, value, text.data);
	buf_finish(&text);
}

/* What is given replaces the default. */
static int apply_probes(struct reading *r, const struct schema_key *key,
			const struct json *value)
{
	struct config_target *t = r->base;
	const struct ep_kind **probes;
	const struct json *v;
	size_t n;

	if (!is_list(r, key, value))
		return 0;
	ep_kinds(&n);
	probes = calloc(n, sizeof *probes);
	if (!probes)
		return -ENOMEM;
	free(t->probes);
	t->probes = probes;
	t->n_probes = 0;
	if (!json_first(value))
		wrong(r, key, value, "a list of at least one probe");
	v = next_text(r, key, json_first(value));
	for (; v; v = next_text(r, key, json_next(v))) {
		const struct ep_kind *kind = ep_kind_find(json_text(v));

		if (kind && !has_probe(t, kind))
			probes[t->n_probes++] = kind;
		else
			unknown_probe(r, key, v);
	}
	return 0;
}

/* The code that somebody may have meant: one like it, or that of the city. */
static const char *meant_pop(const char *typed)
{
	char code[8];
	struct suggest s = { .typed = code };
	size_t n, length = 0;
	const struct edge_pop *pops = edge_pops(&n);

	for (; typed[length] && length + 1 < sizeof(code); length++)
		code[length] = (char)toupper((unsigned char)typed[length]);
	code[length] = '\0';
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(pops[i].city, typed) == 0)
			return pops[i].code;
	if (typed[length])
		return NULL;
	for (size_t i = 0; i < n; i++) /* the nearest of its length first */
		if (strlen(pops[i].code) == length)
			suggest_offer(&s, pops[i].code);
	for (size_t i = 0; i < n; i++)
		suggest_offer(&s, pops[i].code);
	return s.best;
}

static void unknown_pop(struct reading *r, const struct schema_key *key,
			const struct json *value)
{
	const char *meant = meant_pop(json_text(value));
	char excerpt[FILES_EXCERPT];

	if (meant)
		files_problem(&r->l->files, r->file, value, false,
			      "\"%s\" is %s, did you mean \"%s\"?",
			      key->opt.name,
			      files_excerpt(&r->l->files, r->file, value, false,
					    excerpt),
			      meant);
	else
		wrong(r, key, value,
		      "the code of an edge location, such as \"AMS\",");
}

static bool has_pop(const struct config_site *site, const char *code)
{
	for (size_t i = 0; i < site->n_expected_pops; i++)
		if (strcmp(site->expected_pops[i], code) == 0)
			return true;
	return false;
}

/* A second file adds to what is there. */
static int apply_pops(struct reading *r, const struct schema_key *key,
		      const struct json *value)
{
	struct config_site *site = r->base;
	const struct json *v;
	const char **pops;

	if (!is_list(r, key, value))
		return 0;
	pops = reallocarray(site->expected_pops,
			    site->n_expected_pops + LIST_MAX, sizeof *pops);
	if (!pops)
		return -ENOMEM;
	site->expected_pops = pops;
	v = next_text(r, key, json_first(value));
	for (size_t n = 0; v && n < LIST_MAX; n++) {
		const struct edge_pop *pop = edge_pop_find(json_text(v));

		if (!pop)
			unknown_pop(r, key, v);
		else if (!has_pop(site, pop->code))
			pops[site->n_expected_pops++] = pop->code;
		v = next_text(r, key, json_next(v));
	}
	return 0;
}

/* Their names are looked up when all circuits are known. */
static void apply_names(struct reading *r, const struct schema_key *key,
			const struct json *value)
{
	const struct json *v;

	if (!is_list(r, key, value))
		return;
	v = next_text(r, key, json_first(value));
	while (v)
		v = next_text(r, key, json_next(v));
	if (r->base == &r->l->top.defaults)
		r->l->default_circuits =
			(struct origin){ r->file, value, false };
}

static void not_in_order(struct reading *r, const struct schema_key *key,
			 const struct json *value)
{
	files_problem(&r->l->files, r->file, value, false,
		      "\"%s\" of \"%s\" is more than its \"%s\", at most as "
		      "much is allowed",
		      key->object->keys[0].opt.name, key->opt.name,
		      key->object->keys[1].opt.name);
}

static int apply_key(struct reading *r, const struct schema_key *key,
		     const struct json *value)
{
	char *field = (char *)r->base + key->opt.offset;
	struct reading inner = { r->l, r->file, key->object, field };
	int e;

	switch (key->shape) {
	case SCHEMA_VALUE:
		return apply_value(r, key, value, field);
	case SCHEMA_OBJECT:
		if (json_type(value) != JSON_OBJECT) {
			wrong(r, key, value, "an object { ... }");
			return 0;
		}
		e = apply_object(&inner, value);
		if (key->ordered && !schema_in_order(key->object, field))
			not_in_order(r, key, value);
		return e;
	case SCHEMA_OBJECTS:
		if (json_type(value) != JSON_ARRAY)
			wrong(r, key, value, "a list [ ... ] of objects");
		return 0; /* its items come later */
	case SCHEMA_TEXTS:
		return apply_texts(r, key, value, (char **)(void *)field);
	case SCHEMA_PROBES:
		return apply_probes(r, key, value);
	case SCHEMA_NAMES:
		apply_names(r, key, value);
		return 0;
	case SCHEMA_POPS:
		return apply_pops(r, key, value);
	}
	return 0;
}

static void unknown_key(struct reading *r, const struct json *member)
{
	struct suggest s = { .typed = json_key(member) };
	const struct schema_object *object = r->object;
	char excerpt[FILES_EXCERPT];
	struct buf text;

	buf_init(&text, ALLOWED_MAX);
	for (size_t i = 0; i < object->n_keys; i++) {
		suggest_offer(&s, object->keys[i].opt.name);
		buf_printf(&text, "%s%s", i == 0 ? "" : " ",
			   object->keys[i].opt.name);
	}
	files_excerpt(&r->l->files, r->file, member, true, excerpt);
	if (s.best)
		files_problem(&r->l->files, r->file, member, true,
			      "unknown key %s in %s, did you mean \"%s\"?",
			      excerpt, object->phrase, s.best);
	else
		files_problem(&r->l->files, r->file, member, true,
			      "unknown key %s in %s, allowed are: %s", excerpt,
			      object->phrase, text.data);
	buf_finish(&text);
}

static int apply_member(struct reading *r, const struct json *member,
			uint64_t *seen)
{
	const struct schema_key *key = schema_find(r->object, json_key(member));
	uint64_t bit;

	if (!key) {
		unknown_key(r, member);
		return 0;
	}
	bit = UINT64_C(1) << (key - r->object->keys);
	if (*seen & bit) {
		files_problem(&r->l->files, r->file, member, true,
			      "\"%s\" is in %s twice, once is allowed",
			      key->opt.name, r->object->phrase);
		return 0;
	}
	*seen |= bit;
	return apply_key(r, key, member);
}

static int apply_object(struct reading *r, const struct json *node)
{
	uint64_t seen = 0;
	int e = 0;

	for (const struct json *m = json_first(node); m && e == 0;
	     m = json_next(m))
		e = apply_member(r, m, &seen);
	for (size_t i = 0; i < r->object->n_keys; i++)
		if (r->object->keys[i].required && !(seen & UINT64_C(1) << i))
			files_problem(&r->l->files, r->file, node, false,
				      "\"%s\" is missing in %s: %s",
				      r->object->keys[i].opt.name,
				      r->object->phrase,
				      r->object->keys[i].opt.help);
	return e;
}

static int apply_item(struct loading *l, const struct file *file,
		      const struct schema_key *key, const struct json *node)
{
	struct reading r = { l, file, key->object, NULL };
	struct list *list = &l->lists[key->list];
	size_t before;
	int e;

	if (json_type(node) != JSON_OBJECT) {
		loading_wrong(l, file, key->opt.name, node,
			      "a list of objects { ... }");
		return 0;
	}
	r.base = list_add(l, key->list, (struct origin){ file, node, false });
	if (!r.base)
		return -ENOMEM;
	before = l->files.problems.n + l->files.problems.beyond;
	e = apply_object(&r, node);
	list->origins[list->n - 1].broken =
		before < l->files.problems.n + l->files.problems.beyond;
	return e;
}

static int apply_list(struct loading *l, const struct file *file,
		      const struct schema_key *key)
{
	const struct json *list = json_get(json_root(file->doc), key->opt.name);
	const struct json *v;
	int e = 0;

	if (!list || json_type(list) != JSON_ARRAY)
		return 0;
	for (v = json_first(list); v && e == 0; v = json_next(v)) {
		if (l->lists[key->list].n == (size_t)key->opt.max) {
			files_problem(&l->files, file, v, false,
				      "\"%s\" has more than %.0f items, which "
				      "is the most that is allowed",
				      key->opt.name, key->opt.max);
			return 0;
		}
		e = apply_item(l, file, key, v);
	}
	return e;
}

static int apply_file(struct loading *l, const struct file *file)
{
	struct reading r = { l, file, &schema_top, &l->top };
	const struct json *root = json_root(file->doc);

	if (json_type(root) == JSON_OBJECT)
		return apply_object(&r, root);
	files_problem(&l->files, file, root, false,
		      "the file holds %s, an object { ... } is expected",
		      json_type_name(json_type(root)));
	return 0;
}

int loading_apply(struct loading *l)
{
	int e = 0;

	for (size_t i = 0; i < l->files.n && e == 0; i++)
		if (l->files.list[i].doc)
			e = apply_file(l, &l->files.list[i]);
	for (size_t k = 0; k < schema_top.n_keys; k++)
		for (size_t i = 0; i < l->files.n && e == 0; i++)
			if (l->files.list[i].doc &&
			    schema_top.keys[k].shape == SCHEMA_OBJECTS)
				e = apply_list(l, &l->files.list[i],
					       &schema_top.keys[k]);
	return e;
}
