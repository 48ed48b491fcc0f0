/* Local stores: read one after the other, each row once, into leaves; lines are
 * made of these. Nothing of a store is needed after source_open_stores(). */
#include "base/log.h"
#include "report/feed.h"
#include "report/source.h"
#include "report/store_list.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source_store {
	struct source base;
	const struct report_options *options;
	struct arena *arena;
	struct leaves leaves;
	struct feed feed;
	uint64_t from_ns;    /* rows sent earlier are not read */
	size_t n_read;       /* stores that could be */
	size_t n_others;     /* of these, with rows outside the window */
	struct ep_err fault; /* of the last that could not be read */
	int fault_code;
};

static struct source_store *of(struct source *source)
{
	return (struct source_store *)source;
}

static int lines(struct source *source, const enum report_key *by,
		 unsigned n_by, bool before, struct arena *arena,
		 struct lines *ret_lines, struct ep_err *err)
{
	struct leaf_query query = {
		.by = by,
		.n_by = n_by,
		.window = before ? LEAF_BEFORE : LEAF_NOW,
	};
	int r = leaves_lines(&of(source)->leaves, &query, arena, ret_lines);

	return r < 0 ? ep_err_set(err, r, "out of memory") : 0;
}

static void close_source(struct source *source)
{
	struct source_store *s = of(source);

	feed_finish(&s->feed);
	leaves_finish(&s->leaves);
	arena_destroy(s->arena);
	free(s);
}

static const struct source_ops ops = {
	.lines = lines,
	.close = close_source,
};

/* --- reading --- */

/* Two branches without a name are two sites all the same. */
static const char *nameless(struct source_store *s, struct store *store,
			    size_t n_stores)
{
	return n_stores == 1 ? ""
			     : texts_keep(&s->leaves.texts, store_agent(store));
}

static int read_store(struct source_store *s, const char *path, size_t n_stores,
		      struct ep_err *err)
{
	struct store_options options = { .path = path, .read_only = true };
	struct store_range range = { .since_ns = s->from_ns,
				     .until_ns = s->options->until_ns,
				     .destination = -1 };
	struct store *store;
	int r = store_open(&options, &store, err);

	if (r < 0)
		return r;
	if (store_notice(store)[0] != '\0')
		log_warn("store", "%s", store_notice(store));
	s->n_others += store_last_seq(store) > 0;
	r = feed_store(&s->feed, store, &range, nameless(s, store, n_stores),
		       err);
	store_close(store);
	return r;
}

/* One of several that cannot be read is left out, with a warning; what was read
 * of it before it failed counts. */
static int read_all(struct source_store *s, const struct store_list *list,
		    struct ep_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct ep_err fault = { 0 };
		int r = read_store(s, list->paths[i], list->n, &fault);

		if (s->feed.error < 0)
			return ep_err_set(err, s->feed.error, "%s", fault.text);
		s->n_read += r == 0;
		if (r < 0) {
			s->fault = fault;
			s->fault_code = r;
		}
		if (r < 0 && list->n > 1)
			log_warn("report", "left out: %s", fault.text);
	}
	if (s->n_read > 0)
		return 0;
	return list->n == 1
		       ? ep_err_set(err, s->fault_code, "%s", s->fault.text)
		       : ep_err_set(err, s->fault_code,
				    "none of %zu stores can be read; the "
				    "last: %s",
				    list->n, s->fault.text);
}

static int check_found(const struct source_store *s,
		       const struct store_list *list, struct ep_err *err)
{
	char many[64];

	snprintf(many, sizeof(many), "%zu stores", list->n);
	if (s->feed.samples > 0)
		return 0;
	return ep_err_set(err, -ENODATA, "%s: %s",
			  list->n == 1 ? list->paths[0] : many,
			  s->n_others == 0 ? "no samples yet"
					   : "no samples in that window, but "
					     "others");
}

static void name_source(struct source_store *s, const struct store_list *list)
{
	size_t size = sizeof(s->base.title);

	if (list->n == 1)
		snprintf(s->base.title, size, "%s", list->paths[0]);
	else if (s->n_read == list->n)
		snprintf(s->base.title, size, "%zu stores", list->n);
	else
		snprintf(s->base.title, size, "%zu of %zu stores", s->n_read,
			 list->n);
}

static void set_window(struct source_store *s)
{
	const struct report_options *o = s->options;

	s->base.samples = s->feed.samples;
	s->base.first_ns = s->feed.first_ns;
	s->base.last_ns = s->feed.last_ns;
	s->base.since_ns = o->since_ns != 0 ? o->since_ns : s->base.first_ns;
	s->base.until_ns = o->until_ns != 0 ? o->until_ns : s->base.last_ns + 1;
}

static struct source_store *create(const struct report_options *o)
{
	struct source_store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->base.ops = &ops;
	s->options = o;
	s->arena = arena_create();
	if (s->arena == NULL) {
		free(s);
		return NULL;
	}
	leaves_init(&s->leaves, s->arena);
	feed_init(&s->feed, &s->leaves, o->since_ns);
	s->from_ns = o->since_ns;
	return s;
}

int source_open_stores(const struct report_options *o,
		       struct source **ret_source, struct ep_err *err)
{
	struct source_store *s = create(o);
	struct store_list list = { 0 };
	int r;

	if (s == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	r = store_list_make(o->stores, o->n_stores, &list, err);
	if (r == 0)
		r = read_all(s, &list, err);
	if (r == 0)
		r = check_found(s, &list, err);
	if (r == 0) {
		name_source(s, &list);
		set_window(s);
		*ret_source = &s->base;
	} else {
		close_source(&s->base);
	}
	store_list_finish(&list);
	return r;
}
