#include "config/config.h"
#include "config/loading.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int loading_init(struct loading *l)
{
	static const struct schema_object *const objects[SCHEMA_LISTS] = {
		[SCHEMA_CIRCUITS] = &schema_circuit,
		[SCHEMA_HUBS] = &schema_hub,
		[SCHEMA_TARGETS] = &schema_target,
		[SCHEMA_DESTINATIONS] = &schema_destination,
		[SCHEMA_SOURCES] = &schema_target,
	};

	memset(l, 0, sizeof *l);
	for (size_t i = 0; i < SCHEMA_LISTS; i++)
		l->lists[i].object = objects[i];
	return schema_init(&schema_top, &l->top);
}

static void *item_of(const struct list *list, size_t i)
{
	return list->items + i * list->object->size;
}

static void free_sourced(struct config *config)
{
	for (size_t i = 0; i < config->n_sourced; i++)
		free(config->sourced[i].why);
	free(config->sourced);
	for (char **place = config->places; place && *place; place++)
		free(*place);
	free(config->places);
}

void loading_finish(struct loading *l)
{
	for (size_t i = 0; i < SCHEMA_LISTS; i++) {
		struct list *list = &l->lists[i];

		for (size_t j = 0; j < list->n; j++)
			schema_finish(list->object, item_of(list, j));
		free(list->items);
		free(list->origins);
	}
	free_sourced(&l->top.config);
	schema_finish(&schema_top, &l->top);
	files_finish(&l->files);
}

/* Room for one more, counted only when it is filled. Doubled each time that a
 * power of two is reached. */
static int grow(struct list *list)
{
	size_t room = list->n == 0 ? 1 : 2 * list->n;
	struct origin *origins;
	char *items;

	if ((list->n & (list->n - 1)) != 0)
		return 0;
	origins = reallocarray(list->origins, room, sizeof *origins);
	if (origins)
		list->origins = origins;
	items = reallocarray(list->items, room, list->object->size);
	if (items)
		list->items = items;
	return origins && items ? 0 : -ENOMEM;
}

/* Each text of `to` becomes its own copy. */
static int own_texts(const struct schema_object *object, void *to)
{
	int r = 0;

	for (size_t i = 0; i < object->n_keys; i++) {
		const struct schema_key *key = &object->keys[i];
		char **text = (void *)((char *)to + key->opt.offset);

		if (key->opt.type != EP_OPT_TEXT ||
		    (key->shape != SCHEMA_VALUE && key->shape != SCHEMA_TEXTS))
			continue;
		if (*text) {
			*text = strdup(*text);
			r = *text ? r : -ENOMEM;
		}
	}
	return r;
}

/* What `defaults` says owns its texts and the probes. */
static int copy_defaults(const struct config_target *from,
			 struct config_target *to)
{
	size_t bytes = from->n_probes * sizeof(struct ep_kind *);
	int r;

	*to = *from;
	to->probes = from->probes ? malloc(bytes + 1) : NULL; /* never 0 */
	if (to->probes)
		memcpy(to->probes, from->probes, bytes);
	r = own_texts(&schema_defaults, to);
	return from->probes && !to->probes ? -ENOMEM : r;
}

/* All zero. */
static void *add(struct list *list, struct origin origin)
{
	if (grow(list) < 0)
		return NULL;
	list->origins[list->n] = origin;
	return memset(item_of(list, list->n++), 0, list->object->size);
}

struct config_target *list_add_like(struct loading *l,
				    const struct config_target *like,
				    struct origin origin)
{
	struct config_target *t = add(&l->lists[SCHEMA_TARGETS], origin);

	if (!t || copy_defaults(like, t) < 0)
		return NULL;
	t->name = t->host = NULL;
	t->source = t->instance = t->tenant = NULL;
	t->areas = t->categories = NULL;
	t->max_targets = 0;
	return t;
}

void *list_add(struct loading *l, enum schema_list which, struct origin origin)
{
	struct list *list = &l->lists[which];
	void *item = add(list, origin);
	int r;

	if (!item)
		return NULL;
	if (which == SCHEMA_TARGETS)
		r = copy_defaults(&l->top.defaults, item);
	else
		r = schema_init(list->object, item);
	return r == 0 ? item : NULL;
}

static int read_files(struct loading *l, const char *path)
{
	bool usual = !path || strcmp(path, CONFIG_PATH) == 0;
	int r = 0;

	if (path)
		r = files_add(&l->files, path);
	else if (access(CONFIG_PATH, F_OK) == 0 || errno != ENOENT)
		r = files_add(&l->files, CONFIG_PATH);
	if (r == 0 && usual)
		r = files_add_dir(&l->files, CONFIG_DROP_IN);
	return r;
}

/* The lists become the config's own. */
static void hand_over(struct loading *l, struct config *ret_config)
{
	struct config *c = &l->top.config;

	c->circuits = (void *)l->lists[SCHEMA_CIRCUITS].items;
	c->n_circuits = l->lists[SCHEMA_CIRCUITS].n;
	c->hubs = (void *)l->lists[SCHEMA_HUBS].items;
	c->n_hubs = l->lists[SCHEMA_HUBS].n;
	c->targets = (void *)l->lists[SCHEMA_TARGETS].items;
	c->n_targets = l->lists[SCHEMA_TARGETS].n;
	c->destinations = (void *)l->lists[SCHEMA_DESTINATIONS].items;
	c->n_destinations = l->lists[SCHEMA_DESTINATIONS].n;
	c->sources = (void *)l->lists[SCHEMA_SOURCES].items;
	c->n_sources = l->lists[SCHEMA_SOURCES].n;
	*ret_config = *c;
	memset(c, 0, sizeof *c);
	for (size_t i = 0; i < SCHEMA_LISTS; i++) {
		l->lists[i].items = NULL;
		l->lists[i].n = 0;
	}
}

static char *place_of(const struct origin *origin, bool line)
{
	struct json_where where;
	char *place;

	if (!origin->node || !line)
		return origin->node ? strdup(origin->file->path) : strdup("");
	where = json_where(origin->file->doc, origin->node, false);
	if (asprintf(&place, "%s:%u", origin->file->path, where.line) < 0)
		return NULL;
	return place;
}

/* Of the items of a list behind `at`. */
static int add_places(const struct list *list, char **at)
{
	const struct origin *o = list->origins;

	for (size_t i = 0; i < list->n; i++) {
		if (i > 0 && o[i].node && o[i].node == o[i - 1].node)
			at[i] = strdup(at[i - 1]);
		else
			at[i] = place_of(&o[i], i < CONFIG_LINES);
		if (!at[i])
			return -ENOMEM;
	}
	return 0;
}

static int find_places(struct loading *l)
{
	const struct list *targets = &l->lists[SCHEMA_TARGETS];
	const struct list *sources = &l->lists[SCHEMA_SOURCES];
	char **places = calloc(targets->n + sources->n + 1, sizeof *places);
	int r;

	l->top.config.places = places;
	if (!places)
		return -ENOMEM;
	r = add_places(targets, places);
	if (r == 0)
		r = add_places(sources, places + targets->n);
	return r;
}

int loading_run(struct loading *l, struct config *ret_config,
		struct buf *problems)
{
	int r = loading_apply(l);

	if (r == 0)
		r = loading_resolve(l);
	if (r == 0)
		r = l->files.problems.code;
	files_print_problems(&l->files, problems);
	if (r == 0 && l->places)
		r = find_places(l);
	if (r == 0)
		hand_over(l, ret_config);
	return r;
}

static int load(const char *path, bool places, struct config *ret_config,
		struct buf *problems)
{
	struct loading l;
	int r = loading_init(&l);

	l.places = places;
	if (r == 0)
		r = read_files(&l, path);
	if (r == 0)
		r = loading_run(&l, ret_config, problems);
	if (r == -ENOMEM)
		buf_printf(problems, "%s:1:1: out of memory\n",
			   path ? path : CONFIG_PATH);
	loading_finish(&l);
	return r;
}

int config_load(const char *path, struct config *ret_config,
		struct buf *problems)
{
	return load(path, false, ret_config, problems);
}

int config_load_places(const char *path, struct config *ret_config,
		       struct buf *problems)
{
	return load(path, true, ret_config, problems);
}

static void finish_list(const struct schema_object *object, void *items,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		schema_finish(object, (char *)items + i * object->size);
	free(items);
}

void config_finish(struct config *config)
{
	struct schema_top top = { .config = *config };

	finish_list(&schema_circuit, config->circuits, config->n_circuits);
	finish_list(&schema_hub, config->hubs, config->n_hubs);
	finish_list(&schema_target, config->targets, config->n_targets);
	finish_list(&schema_destination, config->destinations,
		    config->n_destinations);
	finish_list(&schema_target, config->sources, config->n_sources);
	free_sourced(config);
	schema_finish(&schema_top, &top);
	memset(config, 0, sizeof *config);
}
