/* Local stores: read one after the other, each row once, into leaves and what
 * else a model is made of. Nothing of a store is needed after
 * source_open_stores().
 *
 * For a model each is looked into before, since cells need to know over what
 * time, and for how many series, they are. */
#include "report/store/stores.h"
#include "base/log.h"
#include "report/gather/gather.h"
#include "report/store/feed.h"
#include "report/store/list.h"
#include "report/store/notes.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PEEK_ROWS 1000

/* What a look into stores shows: the times of the first and the last rows, which
 * come nearly in the order of time; and how many series there can be. */
struct peek {
	uint64_t first_ns, last_ns;
	size_t n_series;
	unsigned left; /* rows still to look at */
};

struct source_store {
	struct source base;
	const struct report_options *options;
	struct arena *arena;
	struct leaves leaves;
	struct feed feed;
	struct gather gather; /* of a model; else only its places and story */
	bool notes;           /* what agents say beside samples is wanted */
	struct peek peek;     /* over all stores */
	uint64_t from_ns;     /* rows sent earlier are not read */
	size_t n_read;        /* stores that could be */
	const char **agents;  /* kept texts; different ones */
	size_t n_agents;
	struct ep_err fault; /* of the last that could not be read */
	int fault_code;
};

static struct source_store *of(struct source *source)
{
	return (struct source_store *)source;
}

static int lines(struct source *source, const struct source_query *asked,
		 struct arena *arena, struct lines *ret_lines,
		 struct ep_err *err)
{
	struct leaf_query query = {
		.by = asked->by,
		.n_by = asked->n_by,
		.window = asked->before ? LEAF_BEFORE : LEAF_NOW,
	};
	int r = leaves_lines(&of(source)->leaves, &query, arena, ret_lines);

	return r < 0 ? ep_err_set(err, r, "out of memory") : 0;
}

static const char *agents_text(const struct source_store *s,
			       struct arena *arena)
{
	if (s->n_agents == 1)
		return arena_text(arena, s->agents[0]);
	return arena_printf(arena, "%zu agents", s->n_agents);
}

static int model(struct source *source, struct model *model, struct ep_err *err)
{
	struct source_store *s = of(source);
	int r;

	assert(s->options->model);
	model->source = arena_text(model->arena, source->title);
	model->agents = agents_text(s, model->arena);
	model->since_ns = source->since_ns;
	model->until_ns = source->until_ns;
	model->samples = source->samples;
	model->first_ns = source->first_ns;
	model->last_ns = source->last_ns;
	r = model->source == NULL || model->agents == NULL
		    ? -ENOMEM
		    : gather_fill(&s->gather, model);
	return r < 0 ? ep_err_set(err, r, "out of memory") : 0;
}

static void close_source(struct source *source)
{
	struct source_store *s = of(source);

	feed_finish(&s->feed);
	gather_finish(&s->gather);
	free(s->agents);
	leaves_finish(&s->leaves);
	arena_destroy(s->arena);
	free(s);
}

static const struct source_ops ops = {
	.lines = lines,
	.model = model,
	.close = close_source,
};

/* --- a look --- */

static int on_peek(const struct scan_row *row, void *arg)
{
	struct peek *peek = arg;

	if (peek->first_ns == 0 || row->sent_ns < peek->first_ns)
		peek->first_ns = row->sent_ns;
	if (row->sent_ns > peek->last_ns)
		peek->last_ns = row->sent_ns;
	return --peek->left == 0;
}

static int peek_into(struct store *store, struct peek *peek)
{
	struct store_range range = { .destination = -1 };
	uint64_t last = store_last_seq(store);
	int r;

	peek->left = PEEK_ROWS;
	r = store_scan_rows(store, &range, on_peek, peek, NULL);
	if (r >= 0 && last > PEEK_ROWS) {
		range.first_seq = last - PEEK_ROWS;
		peek->left = 2 * PEEK_ROWS;
		r = store_scan_rows(store, &range, on_peek, peek, NULL);
	}
	peek->n_series += store_series_last(store);
	return r < 0 ? r : 0;
}

static int open_store(const char *path, struct store **ret_store,
		      struct ep_err *err)
{
	struct store_options options = { .path = path, .read_only = true };

	return store_open(&options, ret_store, err);
}

/* What cannot be read is said when it is to be read. */
static void peek_all(struct source_store *s, const struct store_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct store *store;

		if (open_store(list->paths[i], &store, NULL) < 0)
			continue;
		(void)peek_into(store, &s->peek);
		store_close(store);
	}
}

/* --- reading --- */

static int add_agent(struct source_store *s, const char *name)
{
	const char *kept = texts_keep(&s->leaves.texts, name);
	const char **grown;

	if (kept == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_agents; i++)
		if (s->agents[i] == kept)
			return 0;
	grown = realloc(s->agents, (s->n_agents + 1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	s->agents = grown;
	grown[s->n_agents++] = kept;
	return 0;
}

static int read_notes(struct source_store *s, struct store *store,
		      const char *site, struct ep_err *err)
{
	uint64_t since_ns = s->options->since_ns;
	struct store_range range = {
		.since_ns = since_ns > NOTES_BEFORE_NS
				    ? since_ns - NOTES_BEFORE_NS
				    : 0,
		.until_ns = s->options->until_ns,
		.destination = -1,
	};

	return notes_read(store, &range, site, &s->gather.places,
			  &s->gather.story, err);
}

/* `nameless`: two branches without a name are two sites all the same. */
static int read_rows(struct source_store *s, struct store *store, bool is_only,
		     struct ep_err *err)
{
	struct store_range range = { .since_ns = s->from_ns,
				     .until_ns = s->options->until_ns,
				     .destination = -1 };
	const char *nameless =
		texts_keep(&s->leaves.texts, is_only ? "" : store_agent(store));
	int r;

	if (nameless == NULL || add_agent(s, store_agent(store)) < 0) {
		s->feed.error = -ENOMEM;
		return ep_err_set(err, -ENOMEM, "out of memory");
	}
	r = feed_store(&s->feed, store, &range, nameless, err);
	if (r == 0 && s->notes)
		r = read_notes(s, store,
			       s->feed.site == NULL ? nameless : s->feed.site,
			       err);
	return r;
}

static int read_store(struct source_store *s, const char *path, bool is_only,
		      struct ep_err *err)
{
	struct store *store;
	int r = open_store(path, &store, err);

	if (r < 0)
		return r;
	if (store_notice(store)[0] != '\0')
		log_warn("store", "%s", store_notice(store));
	r = read_rows(s, store, is_only, err);
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
		uint64_t before = s->feed.samples;
		int r = read_store(s, list->paths[i], list->n == 1, &fault);

		if (s->feed.error < 0)
			return ep_err_set(err, s->feed.error, "%s", fault.text);
		s->n_read += r == 0;
		if (r < 0) {
			s->fault = fault;
			s->fault_code = r;
		}
		if (r < 0 && list->n > 1)
			log_warn("report", "left out%s: %s",
				 s->feed.samples > before ? " from there on"
							  : "",
				 fault.text);
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

static void put_utc(char *text, size_t size, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm);
}

static int check_found(struct source_store *s, const struct store_list *list,
		       struct ep_err *err)
{
	char many[64], first[32], last[32];
	const char *what = list->n == 1 ? list->paths[0] : many;

	if (s->feed.samples > 0)
		return 0;
	snprintf(many, sizeof(many), "%zu stores", list->n);
	s->peek = (struct peek){ 0 };
	peek_all(s, list);
	if (s->peek.last_ns == 0)
		return ep_err_set(err, -ENODATA, "%s: no samples yet", what);
	put_utc(first, sizeof(first), s->peek.first_ns);
	put_utc(last, sizeof(last), s->peek.last_ns);
	return ep_err_set(err, -ENODATA,
			  "%s: no samples in that window; there are some from "
			  "%s to %s UTC",
			  what, first, last);
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

/* Where an end is open, and cells do not need to know it before. */
static void set_window(struct source_store *s)
{
	s->base.samples = s->feed.samples;
	s->base.first_ns = s->feed.first_ns;
	s->base.last_ns = s->feed.last_ns;
	if (s->base.since_ns == 0)
		s->base.since_ns = s->feed.first_ns;
	if (s->base.until_ns == 0)
		s->base.until_ns = s->feed.last_ns + 1;
}

/* --- opening --- */

static bool has_key(const struct report_options *o, enum report_key key)
{
	for (unsigned i = 0; i < o->n_by; i++)
		if (o->by[i] == key)
			return true;
	return false;
}

static const char *connection_of(const struct series *series, void *arg)
{
	struct source_store *s = arg;

	return places_connection(&s->gather.places, series->site,
				 series->circuit);
}

static struct source_store *create(const struct report_options *o)
{
	struct source_store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->base.ops = &ops;
	s->base.since_ns = o->since_ns;
	s->base.until_ns = o->until_ns;
	s->options = o;
	s->notes = o->model || has_key(o, REPORT_CONNECTION);
	s->arena = arena_create();
	if (s->arena == NULL) {
		free(s);
		return NULL;
	}
	leaves_init(&s->leaves, s->arena);
	feed_init(&s->feed, &s->leaves, o->since_ns);
	places_init(&s->gather.places, &s->leaves.texts);
	story_init(&s->gather.story, &s->leaves.texts);
	s->leaves.connection = connection_of;
	s->leaves.arg = s;
	return s;
}

static void begin_before(struct source_store *s)
{
	uint64_t length_ns = s->base.until_ns - s->base.since_ns;

	if (s->options->since_ns != 0 && s->base.until_ns > s->base.since_ns)
		s->from_ns -=
			length_ns < s->from_ns ? length_ns : s->from_ns - 1;
}

static int begin_model(struct source_store *s)
{
	s->feed.on_stream = gather_stream;
	s->feed.on_row = gather_row;
	s->feed.arg = &s->gather;
	return gather_init(&s->gather, &s->leaves, s->base.since_ns,
			   source_grid(s->base.since_ns, s->base.until_ns,
				       s->peek.n_series));
}

/* Where the length of the window has to be known before, an open end is where
 * the first or the last row is. */
static int begin(struct source_store *s, const struct store_list *list,
		 struct ep_err *err)
{
	s->from_ns = s->options->since_ns;
	if (!s->options->model && !s->options->compare)
		return 0;
	peek_all(s, list);
	if (s->base.since_ns == 0)
		s->base.since_ns = s->peek.first_ns;
	if (s->base.until_ns == 0)
		s->base.until_ns = s->peek.last_ns + 1;
	if (s->options->compare)
		begin_before(s);
	if (s->options->model && begin_model(s) < 0)
		return ep_err_set(err, -ENOMEM, "out of memory");
	return 0;
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
		r = begin(s, &list, err);
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
