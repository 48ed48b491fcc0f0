#include "report/lines/leaves.h"
#include "report/model/keys.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void leaves_init(struct leaves *leaves, struct arena *arena)
{
	memset(leaves, 0, sizeof(*leaves));
	leaves->arena = arena;
	texts_init(&leaves->texts, arena);
}

void leaves_finish(struct leaves *leaves)
{
	for (struct leaf *l = leaves->first; l != NULL; l = l->next)
		for (unsigned w = 0; w < LEAF_WINDOWS; w++)
			group_finish(&l->groups[w]);
	texts_finish(&leaves->texts);
	memset(leaves, 0, sizeof(*leaves));
}

const struct series *leaves_series(struct leaves *leaves,
				   const struct series *series)
{
	struct series *copy = arena_alloc(leaves->arena, 1, sizeof(*copy));
	struct texts *texts = &leaves->texts;

	if (copy == NULL)
		return NULL;
	*copy = (struct series){
		.target = texts_keep(texts, series->target),
		.probe = texts_keep(texts, series->probe),
		.host = texts_keep(texts, series->host),
		.site = texts_keep(texts, series->site),
		.country = texts_keep(texts, series->country),
		.metro = texts_keep(texts, series->metro),
		.circuit = texts_keep(texts, series->circuit),
		.provider = texts_keep(texts, series->provider),
		.prefix = texts_keep(texts, series->prefix),
	};
	if (copy->target == NULL || copy->probe == NULL || copy->host == NULL ||
	    copy->site == NULL || copy->country == NULL ||
	    copy->metro == NULL || copy->circuit == NULL ||
	    copy->provider == NULL || copy->prefix == NULL)
		return NULL;
	return copy;
}

struct leaf *leaves_add(struct leaves *leaves, const struct series *series,
			const char *pop, bool kept)
{
	struct leaf *leaf = arena_alloc(leaves->arena, 1, sizeof(*leaf));

	if (leaf == NULL)
		return NULL;
	leaf->series = series;
	leaf->pop = pop;
	leaf->kept = kept;
	leaf->next = leaves->first;
	leaves->first = leaf;
	leaves->n++;
	return leaf;
}

/* --- lines --- */

struct item {
	const char *keys[REPORT_KEYS_MAX];
	struct leaf *leaf;
};

static const char *text_of(const struct leaves *leaves, const struct leaf *leaf,
			   enum report_key key)
{
	if (key == REPORT_POP)
		return leaf->pop;
	if (key == REPORT_PROBE && leaf->kept)
		return GROUP_KEPT;
	if (key == REPORT_CONNECTION)
		return leaves->connection == NULL
			       ? ""
			       : leaves->connection(leaf->series, leaves->arg);
	return key_text(key, leaf->series);
}

/* Numbers inside names count as numbers, so that t2 comes before t10. */
static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = 0;

	for (unsigned i = 0; i < REPORT_KEYS_MAX && order == 0; i++) {
		if (x->keys[i] == NULL || y->keys[i] == NULL)
			break;
		order = strverscmp(x->keys[i], y->keys[i]);
	}
	return order;
}

static bool is_empty(const struct group *g)
{
	uint64_t n = g->missed + g->late;

	for (unsigned i = 0; i < EP_CANCELLED; i++)
		n += g->outcomes[i];
	return n == 0;
}

static size_t pick(const struct leaves *leaves, const struct leaf_query *q,
		   struct item *items)
{
	size_t n = 0;

	for (struct leaf *l = leaves->first; l != NULL; l = l->next) {
		struct item *item = &items[n];

		if (is_empty(&l->groups[q->window]) ||
		    (q->want != NULL && !q->want(l, q->arg)))
			continue;
		item->leaf = l;
		for (unsigned i = 0; i < q->n_by; i++)
			item->keys[i] = text_of(leaves, l, q->by[i]);
		n++;
	}
	return n;
}

static bool has_probe(const struct leaf_query *q)
{
	for (unsigned i = 0; i < q->n_by; i++)
		if (q->by[i] == REPORT_PROBE)
			return true;
	return false;
}

static int put_keys(const struct leaf_query *q, const struct item *item,
		    struct arena *arena, struct line *line)
{
	line_init(line);
	for (unsigned i = 0; i < q->n_by; i++) {
		line->keys[i] = arena_text(arena, item->keys[i]);
		if (line->keys[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* One line of `n` items. A leaf that stands alone needs no merging. */
static int make_line(const struct leaf_query *q, const struct item *items,
		     size_t n, struct arena *arena, struct line *line)
{
	bool mixes = !has_probe(q);
	struct group sum = { 0 };
	int r = put_keys(q, &items[0], arena, line);

	if (r == 0 && n == 1 && !(mixes && items[0].leaf->kept))
		return group_line(&items[0].leaf->groups[q->window], arena,
				  line);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = group_merge(&sum, &items[i].leaf->groups[q->window],
				mixes && items[i].leaf->kept);
	if (r == 0)
		r = group_line(&sum, arena, line);
	group_finish(&sum);
	return r;
}

static size_t count_lines(const struct item *items, size_t n_items)
{
	size_t n = n_items > 0;

	for (size_t i = 1; i < n_items; i++)
		n += compare(&items[i - 1], &items[i]) != 0;
	return n;
}

static int make_lines(const struct leaf_query *q, const struct item *items,
		      size_t n_items, struct arena *arena, struct lines *lines)
{
	int r = 0;

	for (size_t i = 0, next; r == 0 && i < n_items; i = next) {
		next = i + 1;
		while (next < n_items && compare(&items[i], &items[next]) == 0)
			next++;
		r = make_line(q, &items[i], next - i, arena,
			      &lines->at[lines->n]);
		lines->n++;
	}
	return r;
}

int leaves_lines(const struct leaves *leaves, const struct leaf_query *query,
		 struct arena *arena, struct lines *ret_lines)
{
	struct item *items = calloc(leaves->n + 1, sizeof(*items));
	struct lines lines = { 0 };
	size_t n;
	int r = -ENOMEM;

	if (items == NULL)
		return -ENOMEM;
	n = pick(leaves, query, items);
	if (n > 1)
		qsort(items, n, sizeof(*items), compare);
	lines.at = arena_alloc(arena, count_lines(items, n), sizeof(*lines.at));
	if (lines.at != NULL)
		r = make_lines(query, items, n, arena, &lines);
	free(items);
	if (r == 0)
		*ret_lines = lines;
	return r;
}
