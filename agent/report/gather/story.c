#include "report/gather/story.h"
#include "report/gather/places.h"
#include "report/gather/said.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 400

struct story_entry {
	struct model_event event;   /* but site and circuit */
	const char *site, *circuit; /* kept; circuit NULL: of the whole site */
	bool open;
};

/* What a state does to the event of that kind, target, probe and circuit. */
enum turn { ONCE, OPENS, UPDATES, CLOSES };

static const struct {
	const char *state;
	enum turn turn;
} turns[] = {
	{ "open", OPENS },     { "down", OPENS },    { "thinned", OPENS },
	{ "update", UPDATES }, { "closed", CLOSES }, { "lasting", CLOSES },
	{ "up", CLOSES },      { "whole", CLOSES },
};

static const char *const left_out[] = { "credential_expiring", "test" };

void story_init(struct story *story, struct texts *texts)
{
	memset(story, 0, sizeof(*story));
	story->texts = texts;
}

void story_finish(struct story *story)
{
	free(story->entries);
	memset(story, 0, sizeof(*story));
}

void story_begin(struct story *story)
{
	story->agent = story->n;
}

static enum turn turn_of(const char *state)
{
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++)
		if (strcmp(turns[i].state, state) == 0)
			return turns[i].turn;
	return ONCE;
}

static struct story_entry *add(struct story *story)
{
	size_t room = story->room == 0 ? 64 : story->room * 2;
	struct story_entry *grown;

	if (story->n == story->room) {
		grown = realloc(story->entries, room * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		story->entries = grown;
		story->room = room;
	}
	grown = &story->entries[story->n++];
	memset(grown, 0, sizeof(*grown));
	return grown;
}

/* The open one of the same kind and series, or NULL. */
static struct story_entry *find_open(struct story *story,
				     const struct story_entry *like)
{
	const struct model_event *e = &like->event;

	for (size_t i = story->n; i > story->agent; i--) {
		struct story_entry *at = &story->entries[i - 1];

		if (at->open && at->event.event == e->event &&
		    at->event.target == e->target &&
		    at->event.probe == e->probe && at->circuit == like->circuit)
			return at;
	}
	return NULL;
}

static const char *keep(struct story *story, const struct json *row,
			const char *key)
{
	return texts_keep(story->texts, json_text(json_get(row, key)));
}

static const char *words_of(struct story *story, const struct json *row)
{
	const char *text;
	struct buf words;

	buf_init(&words, TEXT_MAX);
	said_event(&words, row);
	text = texts_keep(story->texts, words.data);
	buf_finish(&words);
	return text;
}

static int read_entry(struct story *story, uint64_t time_ns,
		      const struct json *row, struct story_entry *ret_entry)
{
	struct story_entry entry = {
		.circuit = json_get(row, "circuit") == NULL &&
					   json_get(row, "target") == NULL
				   ? NULL
				   : keep(story, row, "circuit"),
		.event = {
			.time_ns = time_ns,
			.since_ns = time_ns,
			.event = keep(story, row, "event"),
			.level = keep(story, row, "level"),
			.state = keep(story, row, "state"),
			.target = keep(story, row, "target"),
			.probe = keep(story, row, "probe"),
			.text = words_of(story, row),
		},
	};
	double since_us;

	if (json_number(json_get(row, "since_us"), &since_us) && since_us > 0 &&
	    since_us < 1e16)
		entry.event.since_ns = (uint64_t)since_us * 1000;
	*ret_entry = entry;
	return entry.event.event == NULL || entry.event.level == NULL ||
			       entry.event.state == NULL ||
			       entry.event.target == NULL ||
			       entry.event.probe == NULL ||
			       entry.event.text == NULL
		       ? -ENOMEM
		       : 0;
}

/* It is told as it was while it lasted: not in the words of its end. */
static void turn(struct story_entry *open, const struct story_entry *news,
		 enum turn turn)
{
	if (turn == CLOSES) {
		open->open = false;
		open->event.until_ns = news->event.time_ns;
	} else {
		open->event.text = news->event.text;
		open->event.level = news->event.level;
	}
	open->event.state = news->event.state;
}

static bool is_left_out(const char *event)
{
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (event != NULL && strcmp(event, left_out[i]) == 0)
			return true;
	return event == NULL;
}

int story_tell(struct story *story, uint64_t time_ns, const struct json *row)
{
	struct story_entry news, *entry;
	enum turn what;

	if (is_left_out(json_text(json_get(row, "event"))))
		return 0;
	if (read_entry(story, time_ns, row, &news) < 0)
		return -ENOMEM;
	what = turn_of(news.event.state);
	entry = what == ONCE ? NULL : find_open(story, &news);
	if (entry != NULL) {
		turn(entry, &news, what);
		return 0;
	}
	entry = add(story);
	if (entry == NULL)
		return -ENOMEM;
	*entry = news;
	entry->open = what == OPENS || what == UPDATES;
	entry->event.until_ns = entry->open ? 0 : time_ns;
	return 0;
}

/* --- rows of other types --- */

static int add_note(struct story *story, uint64_t time_ns, const char *event,
		    const char *level, const char *text)
{
	struct story_entry *entry = add(story);
	struct texts *t = story->texts;

	if (entry == NULL)
		return -ENOMEM;
	entry->event = (struct model_event){
		.time_ns = time_ns,
		.since_ns = time_ns,
		.until_ns = time_ns,
		.event = event,
		.level = level,
		.state = "",
		.target = "",
		.probe = "",
		.text = texts_keep(t, text),
	};
	return entry->event.text == NULL ? -ENOMEM : 0;
}

int story_boot(struct story *story, uint64_t time_ns, const struct json *row)
{
	const char *version = json_text(json_get(row, "version"));
	char text[TEXT_MAX];

	for (size_t i = story->agent; i < story->n; i++)
		if (story->entries[i].open) {
			story->entries[i].open = false;
			story->entries[i].event.until_ns = time_ns;
		}
	snprintf(text, sizeof(text), "the agent started%s%s",
		 version == NULL ? "" : ", version ",
		 version == NULL ? "" : version);
	return add_note(story, time_ns, "agent_started", "info", text);
}

static const char *const gaps[] = {
	[GAP_EVICTED] = "dropped for want of room",
	[GAP_CORRUPT] = "damaged on disk",
	[GAP_OVERFLOW] = "never got to the disk",
	[GAP_REFUSED] = "refused by a collector",
};

int story_gap(struct story *story, const struct record *record)
{
	char text[TEXT_MAX];

	if (record->reason == GAP_REFUSED || record->last < record->first)
		return 0;
	snprintf(text, sizeof(text), "%llu rows of the agent are missing: %s",
		 (unsigned long long)(record->last - record->first + 1),
		 gaps[record->reason]);
	return add_note(story, record->time_ns, "rows_missing", "warning",
			text);
}

void story_end(struct story *story, const char *site)
{
	for (size_t i = story->agent; i < story->n; i++)
		story->entries[i].site = site;
	story->agent = story->n;
}

/* --- into the model --- */

static bool touches(const struct story_entry *entry, const struct model *model)
{
	const struct model_event *e = &entry->event;

	return e->since_ns < model->until_ns &&
	       (e->until_ns == 0 || e->until_ns >= model->since_ns);
}

static int compare(const void *a, const void *b)
{
	const struct model_event *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return strcmp(x->text, y->text);
}

static int put(const struct story_entry *entry, struct model *model)
{
	struct model_event *e = &model->events[model->n_events];
	const char **texts[] = { &e->event,  &e->level, &e->state,
				 &e->target, &e->probe, &e->text };

	*e = entry->event;
	e->site = entry->site == NULL ? MODEL_NONE
				      : places_site(model, entry->site);
	e->circuit = entry->circuit == NULL || e->site == MODEL_NONE
			     ? MODEL_NONE
			     : places_circuit(model, e->site, entry->circuit);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*texts[i] = arena_text(model->arena, *texts[i]);
		if (*texts[i] == NULL)
			return -ENOMEM;
	}
	model->n_events++;
	return 0;
}

int story_fill(const struct story *story, struct model *model)
{
	int r = 0;

	model->events =
		arena_alloc(model->arena, story->n, sizeof(*model->events));
	if (model->events == NULL)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < story->n; i++)
		if (touches(&story->entries[i], model))
			r = put(&story->entries[i], model);
	qsort(model->events, model->n_events, sizeof(*model->events), compare);
	return r;
}
