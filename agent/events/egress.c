#include "events/egress.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LEAST    3 /* in a row, as for edge locations */
#define FAMILIES 2

/* Of one series and family. */
struct seen {
	struct ep_address now, other;
	unsigned others; /* of that other one in a row */
	uint64_t since_ns;
};

struct entry {
	struct seen seen[FAMILIES];
	struct line *line;
};

/* A circuit: what was told of it last. */
struct line {
	const char *circuit; /* NULL: by the routing table */
	struct ep_address told[FAMILIES];
	struct line *next;
};

struct egress {
	egress_cb cb;
	void *arg;
	struct entry **entries; /* by id; of series that were seen */
	size_t n;
	struct line *lines;
};

struct egress *egress_create(egress_cb cb, void *arg)
{
	struct egress *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->cb = cb;
	e->arg = arg;
	return e;
}

void egress_destroy(struct egress *egress)
{
	struct line *next;

	if (egress == NULL)
		return;
	for (size_t i = 0; i < egress->n; i++)
		free(egress->entries[i]);
	free(egress->entries);
	for (struct line *l = egress->lines; l != NULL; l = next) {
		next = l->next;
		free(l);
	}
	free(egress);
}

/* --- series and circuits --- */

static struct line *line_of(struct egress *e, const char *circuit)
{
	struct line *l = e->lines;

	while (l != NULL && (l->circuit == NULL || circuit == NULL
				     ? l->circuit != circuit
				     : strcmp(l->circuit, circuit) != 0))
		l = l->next;
	if (l != NULL)
		return l;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->circuit = circuit;
	l->next = e->lines;
	e->lines = l;
	return l;
}

static int grow(struct egress *e, uint32_t id)
{
	size_t n = e->n ? e->n : 64;
	struct entry **entries;

	if (id < e->n)
		return 0;
	while (n <= id)
		n *= 2;
	entries = realloc(e->entries, n * sizeof(struct entry *));
	if (entries == NULL)
		return -ENOMEM;
	memset(entries + e->n, 0, (n - e->n) * sizeof(struct entry *));
	e->entries = entries;
	e->n = n;
	return 0;
}

static struct entry *entry_of(struct egress *e, uint32_t id,
			      const struct series *series)
{
	struct entry *entry;

	if (grow(e, id) < 0)
		return NULL;
	if (e->entries[id] != NULL)
		return e->entries[id];
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return NULL;
	entry->line = line_of(e, series->circuit);
	if (entry->line == NULL) {
		free(entry);
		return NULL;
	}
	e->entries[id] = entry;
	return entry;
}

/* --- an address --- */

static bool is_other(struct seen *s, const struct ep_sample *sample)
{
	if (ep_address_equal(&s->now, &sample->mapped)) {
		s->others = 0;
		return false;
	}
	if (s->others == 0 || !ep_address_equal(&s->other, &sample->mapped)) {
		s->others = 0;
		s->other = sample->mapped;
		s->since_ns = sample->sent_ns;
	}
	return ++s->others >= LEAST;
}

/* The first is taken as it is. */
static bool is_new(struct seen *s, const struct ep_sample *sample,
		   struct egress_news *news)
{
	if (s->now.family == 0)
		news->since_ns = sample->sent_ns;
	else if (!is_other(s, sample))
		return false;
	else
		news->since_ns = s->since_ns;
	news->from = s->now;
	news->to = s->now = sample->mapped;
	s->others = 0;
	return true;
}

void egress_see(struct egress *egress, uint32_t id, const struct series *series,
		const struct ep_sample *sample)
{
	unsigned family = sample->mapped.family == 6;
	struct egress_news news = { .series = series };
	struct ep_address *told;
	struct entry *entry;

	if (sample->mapped.family == 0)
		return;
	entry = entry_of(egress, id, series);
	if (entry == NULL || !is_new(&entry->seen[family], sample, &news))
		return;
	told = &entry->line->told[family];
	if (ep_address_equal(told, &news.to) ||
	    (news.from.family == 0 && told->family != 0))
		return;
	*told = news.to;
	egress->cb(&news, egress->arg);
}

/* --- a row --- */

static void add_text(struct buf *out, const char *key, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	buf_printf(out, ",\"%s\":", key);
	buf_json_text(out, text);
}

void egress_write(struct buf *out, const struct egress_news *news)
{
	char text[EP_ADDRESS_TEXT_MAX];

	buf_text(out, "\"event\":\"egress_changed\",\"level\":\"info\","
		      "\"state\":\"changed\"");
	add_text(out, "circuit", news->series->circuit);
	add_text(out, "provider", news->series->provider);
	buf_printf(out, ",\"since_us\":%llu",
		   (unsigned long long)news->since_ns / 1000);
	add_text(out, "from_address",
		 ep_address_format(&news->from, text, sizeof(text)));
	add_text(out, "to_address",
		 ep_address_format(&news->to, text, sizeof(text)));
}
