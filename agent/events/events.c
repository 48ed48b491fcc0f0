/* Happy path: events_see() hands each sample to the watch of its series; what
 * that has to tell becomes the body of a row and a line of the log.
 *
 * Silence of ICMP or STUN is no event where another kind asks the same target over
 * the same circuit: many hosts do not answer them, or not always. */
#include "events/events.h"
#include "base/buf.h"
#include "base/log.h"
#include "edge/pop.h"
#include "events/evidence.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 4096

struct entry {
	struct watch watch;
	const struct series *series;
	uint64_t place; /* of target and circuit, hashed */
	struct landing landing[];
};

struct events {
	struct events_options options;
	events_cb cb;
	void *arg;
	struct entry **entries; /* by id */
	size_t n;
	uint64_t *spoken; /* places that are asked by others than these; a hash
			   * table, 0: free */
	size_t spoken_size, n_spoken;
};

/* --- places --- */

static uint64_t hash_text(uint64_t h, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

/* Never 0. */
static uint64_t place_of(const struct series *series)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	return hash_text(hash_text(h, series->target), series->circuit) | 1;
}

static uint64_t *slot_of(uint64_t *table, size_t size, uint64_t place)
{
	size_t at = (size_t)(place >> 7) & (size - 1);

	while (table[at] != 0 && table[at] != place)
		at = (at + 1) & (size - 1);
	return &table[at];
}

static bool is_spoken(const struct events *e, uint64_t place)
{
	return e->spoken_size > 0 &&
	       *slot_of(e->spoken, e->spoken_size, place) == place;
}

static int grow_spoken(struct events *e)
{
	size_t size = e->spoken_size ? e->spoken_size * 2 : 64;
	uint64_t *table = calloc(size, sizeof(*table));

	if (table == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < e->spoken_size; i++)
		if (e->spoken[i] != 0)
			*slot_of(table, size, e->spoken[i]) = e->spoken[i];
	free(e->spoken);
	e->spoken = table;
	e->spoken_size = size;
	return 0;
}

static void speak(struct events *e, uint64_t place)
{
	if (is_spoken(e, place))
		return;
	if (2 * e->n_spoken >= e->spoken_size && grow_spoken(e) < 0)
		return;
	*slot_of(e->spoken, e->spoken_size, place) = place;
	e->n_spoken++;
}

/* Many hosts do not answer it, or firewalls on the way let it not through. */
static bool may_be_silent(const struct series *series)
{
	return strcmp(series->probe, "icmp") == 0 ||
	       strcmp(series->probe, "stun") == 0;
}

static enum watch_silence silence_of(const struct events *e,
				     const struct entry *entry)
{
	if (!may_be_silent(entry->series))
		return WATCH_SPEAKS;
	return is_spoken(e, entry->place) ? WATCH_MUTE : WATCH_SPOKE;
}

/* --- telling --- */

static const char *const names[] = {
	[WATCH_LATENCY] = "latency_degraded",
	[WATCH_IMPROVED] = "latency_improved",
	[WATCH_LOSS] = "loss_degraded",
	[WATCH_OUTAGE] = "unreachable",
	[WATCH_POP] = "pop_changed",
	[WATCH_BETWEEN] = "interception",
};

static const char *const states[] = {
	[WATCH_OPEN] = "open",     [WATCH_UPDATE] = "update",
	[WATCH_CLOSED] = "closed", [WATCH_LASTING] = "lasting",
	[WATCH_ONCE] = "changed",
};

static const char *const expected_words[] = {
	[POPS_UNKNOWN] = NULL,      [POPS_CONFIGURED] = "configured",
	[POPS_USUAL] = "usual",     [POPS_UNEXPECTED] = "unexpected",
	[POPS_UNUSUAL] = "unusual",
};

static bool is_bad(const struct watch_news *news)
{
	return news->state == WATCH_OPEN || news->state == WATCH_UPDATE;
}

static void add_text(struct buf *out, const char *key, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	buf_printf(out, ",\"%s\":", key);
	buf_json_text(out, text);
}

static void add_us(struct buf *out, const char *key, double ms)
{
	buf_printf(out, ",\"%s\":", key);
	buf_json_us(out, (int64_t)(ms * 1e6));
}

/* Where it is, and how far from the site. */
static void add_pop(struct buf *out, const struct events *e, const char *which,
		    const char *code)
{
	const struct edge_pop *pop = edge_pop_find(code);
	struct edge_place site = { e->options.latitude, e->options.longitude };
	char key[32];
	double km;

	snprintf(key, sizeof(key), "%s_pop", which);
	add_text(out, key, code);
	if (pop == NULL)
		return;
	snprintf(key, sizeof(key), "%s_city", which);
	add_text(out, key, pop->city);
	km = edge_distance_km(
		site, (struct edge_place){ pop->latitude, pop->longitude });
	if (km >= 0)
		buf_printf(out, ",\"%s_km\":%.0f", which, km);
}

/* And what could be had. */
static void add_pops(struct buf *out, const struct events *e,
		     const struct watch_news *news)
{
	struct edge_place site = { e->options.latitude, e->options.longitude };
	const struct edge_pop *nearest;
	const char *code; /* that of the row, of several in one city */
	double km;

	if (news->from[0] != '\0')
		add_pop(out, e, "from", news->from);
	add_pop(out, e, "to", news->to);
	add_text(out, "expected", expected_words[news->expected]);
	nearest = edge_pop_nearest(site, &km);
	if (nearest == NULL)
		return;
	code = pops_same(nearest->code, news->to) ? news->to : nearest->code;
	if (pops_same(nearest->code, news->from))
		code = news->from;
	add_pop(out, e, "nearest", code);
}

static void add_figures(struct buf *out, const struct events *e,
			const struct watch_news *news)
{
	switch (news->what) {
	case WATCH_LATENCY:
	case WATCH_IMPROVED:
		add_us(out, "baseline_us", news->before_ms);
		add_us(out, "rtt_us", news->now_ms);
		break;
	case WATCH_LOSS:
		buf_printf(out, ",\"loss_percent\":%.2f", news->loss_percent);
		break;
	case WATCH_POP:
		add_pops(out, e, news);
		break;
	case WATCH_BETWEEN:
		evidence_write(out, news->evidence, news->sample);
		break;
	case WATCH_OUTAGE:
		break;
	}
}

static void say(const struct watch_news *news, const struct series *s)
{
	const char *circuit = s->circuit ? s->circuit : "";
	char text[256];

	snprintf(text, sizeof(text),
		 "event=%s state=%s target=\"%.80s\" probe=%s%s%.64s%s",
		 names[news->what], states[news->state], s->target, s->probe,
		 *circuit ? " circuit=\"" : "", circuit, *circuit ? "\"" : "");
	if (is_bad(news))
		log_warn("events", "%s", text);
	else
		log_info("events", "%s", text);
}

struct telling {
	struct events *events;
	const struct series *series;
};

static void on_news(const struct watch_news *news, void *arg)
{
	const struct telling *t = arg;
	const struct series *s = t->series;
	struct buf body;

	buf_init(&body, BODY_MAX);
	buf_printf(&body, "\"event\":\"%s\",\"level\":\"%s\",\"state\":\"%s\"",
		   names[news->what], is_bad(news) ? "warning" : "info",
		   states[news->state]);
	add_text(&body, "target", s->target);
	add_text(&body, "probe", s->probe);
	add_text(&body, "circuit", s->circuit);
	add_text(&body, "provider", s->provider);
	buf_printf(&body, ",\"since_us\":%llu",
		   (unsigned long long)news->since_ns / 1000);
	if (news->state != WATCH_ONCE)
		add_us(&body, "duration_us",
		       news->now_ns > news->since_ns
			       ? (double)(news->now_ns - news->since_ns) / 1e6
			       : 0);
	add_figures(&body, t->events, news);
	if (body.error == 0) {
		say(news, s);
		t->events->cb(body.data, t->events->arg);
	}
	buf_finish(&body);
}

/* --- samples --- */

static struct entry *add_entry(struct events *e, uint32_t id,
			       const struct series *series)
{
	bool lands = strcmp(series->probe, "https") == 0;
	struct entry *entry =
		calloc(1, sizeof(*entry) + lands * sizeof(struct landing));

	if (entry == NULL)
		return NULL;
	if (lands)
		entry->watch.landing = entry->landing;
	entry->series = series;
	entry->place = place_of(series);
	if (!may_be_silent(series))
		speak(e, entry->place);
	e->entries[id] = entry;
	return entry;
}

static struct entry *entry_of(struct events *e, uint32_t id,
			      const struct series *series)
{
	size_t n = e->n ? e->n : 64;
	struct entry **entries;

	if (id < e->n)
		return e->entries[id] ? e->entries[id]
				      : add_entry(e, id, series);
	while (n <= id)
		n *= 2;
	entries = realloc(e->entries, n * sizeof(struct entry *));
	if (entries == NULL)
		return NULL;
	memset(entries + e->n, 0, (n - e->n) * sizeof(struct entry *));
	e->entries = entries;
	e->n = n;
	return add_entry(e, id, series);
}

void events_see(struct events *events, uint32_t id, const struct series *series,
		const struct ep_sample *sample)
{
	struct entry *entry = entry_of(events, id, series);
	struct telling t = { events, series };

	if (entry != NULL)
		watch_see(&entry->watch, &events->options.limits, sample,
			  silence_of(events, entry), on_news, &t);
}

/* What is configured is not learned. */
static bool is_learning(const struct events *e)
{
	return e->options.limits.n_pops == 0;
}

bool events_learned(const struct events *events, uint32_t id, struct buf *out)
{
	const struct entry *entry = id < events->n ? events->entries[id] : NULL;

	return entry != NULL && entry->watch.landing != NULL &&
	       is_learning(events) && landing_write(entry->landing, out);
}

bool events_recall(struct events *events, uint32_t id,
		   const struct series *series, const char *text)
{
	struct entry *entry;

	if (!is_learning(events))
		return false;
	entry = entry_of(events, id, series);
	return entry != NULL && entry->watch.landing != NULL &&
	       landing_read(entry->landing, text);
}

size_t events_open(const struct events *events)
{
	size_t n = 0;

	for (size_t i = 0; i < events->n; i++)
		n += events->entries[i] != NULL &&
		     !watch_is_well(&events->entries[i]->watch);
	return n;
}

struct events *events_create(const struct events_options *options, events_cb cb,
			     void *arg)
{
	struct events *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->options = *options;
	e->cb = cb;
	e->arg = arg;
	return e;
}

void events_destroy(struct events *events)
{
	if (events == NULL)
		return;
	for (size_t i = 0; i < events->n; i++)
		free(events->entries[i]);
	free(events->entries);
	free(events->spoken);
	free(events);
}
