#include "report/store/feed.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What of a row, beside its series, decides about its leaf. */
struct route {
	uint32_t pop; /* a word of the store; 0: none */
	bool kept;
	struct leaf *leaf;
	uint32_t stream;
};

struct feed_stream {
	const struct series *series; /* kept texts */
	bool kept;
	struct jitter chains[LEAF_WINDOWS];
};

struct feed_series {
	const struct series *series; /* NULL: not seen yet */
	struct route *routes;
	size_t n_routes;
	uint32_t streams[2]; /* by `kept`: number plus 1; 0: none */
};

void feed_init(struct feed *feed, struct leaves *leaves, uint64_t since_ns)
{
	memset(feed, 0, sizeof(*feed));
	feed->leaves = leaves;
	feed->since_ns = since_ns;
}

static void forget_store(struct feed *feed)
{
	for (size_t i = 0; i < feed->n_local; i++)
		free(feed->local[i].routes);
	free(feed->local);
	feed->local = NULL;
	feed->n_local = 0;
}

void feed_finish(struct feed *feed)
{
	forget_store(feed);
	free(feed->streams);
	memset(feed, 0, sizeof(*feed));
}

/* --- series --- */

/* Two stores have the same series where all its texts are the same. */
static bool same_series(const struct series *a, const struct series *b)
{
	return a->target == b->target && a->probe == b->probe &&
	       a->host == b->host && a->site == b->site &&
	       a->country == b->country && a->metro == b->metro &&
	       a->circuit == b->circuit && a->provider == b->provider &&
	       a->prefix == b->prefix;
}

static const struct series *find_series(struct feed *feed, uint32_t id)
{
	const struct series *text = store_series_text(feed->store, id);
	struct series named;
	const struct series *kept;

	if (text == NULL)
		return NULL;
	named = *text;
	if (named.site == NULL || *named.site == '\0')
		named.site = feed->nameless;
	kept = leaves_series(feed->leaves, &named);
	if (kept != NULL)
		feed->site = kept->site;
	for (uint32_t i = 0; kept != NULL && i < feed->n_streams; i++)
		if (same_series(feed->streams[i]->series, kept))
			return feed->streams[i]->series;
	return kept;
}

static struct feed_series *local_of(struct feed *feed, uint32_t id)
{
	size_t n = (size_t)id + 64;
	struct feed_series *grown;

	if (id >= feed->n_local) {
		grown = realloc(feed->local, n * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		memset(&grown[feed->n_local], 0,
		       (n - feed->n_local) * sizeof(*grown));
		feed->local = grown;
		feed->n_local = n;
	}
	if (feed->local[id].series == NULL)
		feed->local[id].series = find_series(feed, id);
	return feed->local[id].series == NULL ? NULL : &feed->local[id];
}

static int add_stream(struct feed *feed, struct feed_series *local, bool kept)
{
	uint32_t n = feed->room == 0 ? 64 : feed->room * 2;
	struct feed_stream **grown, *stream;

	if (feed->n_streams == feed->room) {
		grown = realloc(feed->streams,
				n * sizeof(struct feed_stream *));
		if (grown == NULL)
			return -ENOMEM;
		feed->streams = grown;
		feed->room = n;
	}
	stream = arena_alloc(feed->leaves->arena, 1, sizeof(*stream));
	if (stream == NULL)
		return -ENOMEM;
	stream->series = local->series;
	stream->kept = kept;
	for (unsigned w = 0; w < LEAF_WINDOWS; w++)
		jitter_init(&stream->chains[w]);
	feed->streams[feed->n_streams++] = stream;
	local->streams[kept] = feed->n_streams;
	if (feed->on_stream == NULL)
		return 0;
	return feed->on_stream(feed->n_streams - 1, local->series, kept,
			       feed->arg);
}

/* --- leaves --- */

static struct leaf *find_leaf(struct feed *feed, const struct series *series,
			      const char *pop, bool kept)
{
	for (struct leaf *l = feed->leaves->first; l != NULL; l = l->next)
		if (l->series == series && l->pop == pop && l->kept == kept)
			return l;
	return leaves_add(feed->leaves, series, pop, kept);
}

static struct route *add_route(struct feed *feed, struct feed_series *local,
			       uint32_t pop, bool kept)
{
	const char *code =
		texts_keep(&feed->leaves->texts, store_word(feed->store, pop));
	struct route *grown =
		realloc(local->routes, (local->n_routes + 1) * sizeof(*grown));
	struct leaf *leaf;

	if (grown == NULL)
		return NULL;
	local->routes = grown;
	if (local->streams[kept] == 0 && add_stream(feed, local, kept) < 0)
		return NULL;
	leaf = code == NULL ? NULL : find_leaf(feed, local->series, code, kept);
	if (leaf == NULL)
		return NULL;
	grown[local->n_routes] =
		(struct route){ pop, kept, leaf, local->streams[kept] - 1 };
	return &grown[local->n_routes++];
}

static struct route *route_of(struct feed *feed, const struct scan_row *row)
{
	struct feed_series *local = local_of(feed, row->series);
	uint32_t pop = row->https == NULL ? 0 : row->https->pop;
	bool kept = (row->flags & EP_FLAG_KEPT) != 0;

	if (local == NULL)
		return NULL;
	for (size_t i = 0; i < local->n_routes; i++)
		if (local->routes[i].pop == pop &&
		    local->routes[i].kept == kept)
			return &local->routes[i];
	return add_route(feed, local, pop, kept);
}

/* --- rows --- */

/* Rows of kept connections neither add to a chain nor break it, so it does not
 * matter that theirs is another. */
static int count(struct feed *feed, const struct route *route,
		 const struct scan_row *row)
{
	enum leaf_window w =
		row->sent_ns < feed->since_ns ? LEAF_BEFORE : LEAF_NOW;
	struct feed_stream *stream = feed->streams[route->stream];
	int r = group_count(&route->leaf->groups[w], &stream->chains[w], row,
			    route->leaf->pop);

	if (r < 0 || w == LEAF_BEFORE)
		return r;
	feed->samples++;
	if (feed->first_ns == 0 || row->sent_ns < feed->first_ns)
		feed->first_ns = row->sent_ns;
	if (row->sent_ns > feed->last_ns)
		feed->last_ns = row->sent_ns;
	if (feed->on_row == NULL)
		return 0;
	return feed->on_row(route->stream, row, route->leaf->pop, feed->arg);
}

static int on_row(const struct scan_row *row, void *arg)
{
	struct feed *feed = arg;
	const struct route *route = route_of(feed, row);

	feed->error = route == NULL ? -ENOMEM : count(feed, route, row);
	return feed->error;
}

int feed_store(struct feed *feed, struct store *store,
	       const struct store_range *range, const char *nameless,
	       struct ep_err *err)
{
	int r;

	feed->store = store;
	feed->site = NULL;
	feed->nameless = nameless;
	r = store_scan_rows(store, range, on_row, feed, err);
	if (feed->error < 0)
		r = ep_err_set(err, feed->error, "out of memory");
	forget_store(feed);
	feed->store = NULL;
	return r;
}
