#include "usual.h"
#include "event_watch.h"
#include "items.h"
#include "store/memo.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAME     "usual"
#define TEXT_MAX ((size_t)4 << 20)

/* A line is a key of KEY digits, a space, and what was learned. */
#define KEY 16

/* Only one thread has https. */
struct usual {
	struct store *store;
	struct event_watch *watch;
	const struct items *items;
	uint32_t first;
	uint64_t kept_ns; /* or when it began */
};

struct usual *usual_create(struct store *store, struct event_watch *watch)
{
	struct usual *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->store = store;
	u->watch = watch;
	return u;
}

void usual_destroy(struct usual *usual)
{
	free(usual);
}

/* The flow is of the agent, target, circuit and family; by the same name
 * another host may be asked now. */
static void write_key(struct buf *out, const struct item *item)
{
	uint64_t h = item->target.flow;

	for (const char *c = item->target.host; *c != '\0'; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	buf_printf(out, "%016llx ", (unsigned long long)h);
}

/* --- recalling --- */

struct lines {
	char **at; /* in the order of their keys */
	size_t n;
};

static int compare(const void *a, const void *b)
{
	return strncmp(*(char *const *)a, *(char *const *)b, KEY + 1);
}

static struct lines lines_of(char *text)
{
	struct lines lines = { NULL, 0 };
	size_t most = 1;
	char *rest = text;

	for (const char *c = text; *c != '\0'; c++)
		most += *c == '\n';
	lines.at = calloc(most, sizeof(*lines.at));
	if (lines.at == NULL)
		return lines;
	for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;)
		if (strlen(line) > KEY + 1)
			lines.at[lines.n++] = line;
	qsort(lines.at, lines.n, sizeof(*lines.at), compare);
	return lines;
}

static void recall(struct usual *u, const struct lines *lines, size_t i)
{
	const struct item *item = &u->items->items[i];
	char *const *found;
	struct buf key;

	buf_init(&key, KEY + 1);
	write_key(&key, item);
	found = key.error == 0 ? bsearch(&key.data, lines->at, lines->n,
					 sizeof(*lines->at), compare)
			       : NULL;
	if (found != NULL)
		(void)event_watch_recall(u->watch, u->first + (uint32_t)i, item,
					 *found + KEY + 1);
	buf_finish(&key);
}

void usual_recall(struct usual *usual, const struct items *items,
		  uint32_t first)
{
	char *text = store_memo(usual->store, NAME);
	struct lines lines;

	assert(usual->items == NULL);
	usual->items = items;
	usual->first = first;
	if (text == NULL)
		return;
	lines = lines_of(text);
	for (size_t i = 0; i < items->n && lines.n > 0; i++)
		recall(usual, &lines, i);
	free(lines.at);
	free(text);
}

/* --- keeping --- */

static void write_line(const struct usual *u, size_t i, struct buf *out)
{
	struct buf words;

	buf_init(&words, TEXT_MAX);
	if (event_watch_learned(u->watch, u->first + (uint32_t)i, &words) &&
	    words.error == 0) {
		write_key(out, &u->items->items[i]);
		buf_text(out, words.data);
		buf_char(out, '\n');
	}
	buf_finish(&words);
}

void usual_keep(struct usual *usual)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; usual->items != NULL && i < usual->items->n; i++)
		write_line(usual, i, &text);
	if (text.error == 0 && text.len > 0)
		(void)store_memo_set(usual->store, NAME, text.data, NULL);
	buf_finish(&text);
}

void usual_tick(struct usual *usual, uint64_t now_ns)
{
	if (usual->kept_ns == 0)
		usual->kept_ns = now_ns;
	if (now_ns - usual->kept_ns < USUAL_EVERY_NS)
		return;
	usual->kept_ns = now_ns;
	usual_keep(usual);
}
