#include "report/store/notes.h"
#include "base/buf.h"
#include <errno.h>
#include <string.h>

#define BODY_MAX 65536

struct reading {
	struct places *places;
	struct story *story;
	const char *site; /* kept */
};

/* Most rows about the agent are of no interest: they are not even parsed. */
static bool is_wanted(const struct record *record)
{
	switch (record->type) {
	case ROW_EVENT:
	case ROW_BOOT:
		return true;
	case ROW_SELF:
		return strncmp(record->body, "\"part\":\"site\"", 13) == 0 ||
		       strncmp(record->body, "\"part\":\"circuit\"", 16) == 0;
	case ROW_SAMPLE:
	case ROW_LATE:
	case ROW_GAP:
	case ROW_CLOCK:
		break;
	}
	return false;
}

static int tell_self(struct reading *rd, uint64_t time_ns,
		     const struct json *row)
{
	const char *name = json_text(json_get(row, "site"));

	if (strcmp(json_text(json_get(row, "part")), "circuit") == 0)
		return places_tell_circuit(rd->places, rd->site, time_ns, row);
	if (name != NULL)
		rd->site = texts_keep(rd->places->texts, name);
	if (rd->site == NULL)
		return -ENOMEM;
	return places_tell_site(rd->places, rd->site, time_ns, row);
}

static int tell(struct reading *rd, const struct record *record,
		const struct json *row)
{
	if (record->type == ROW_EVENT)
		return story_tell(rd->story, record->time_ns, row);
	if (record->type == ROW_BOOT)
		return story_boot(rd->story, record->time_ns, row);
	return tell_self(rd, record->time_ns, row);
}

/* A body that is no JSON says nothing. */
static int on_record(const struct record *record, void *arg)
{
	struct reading *rd = arg;
	struct json_doc *doc;
	struct json_fault fault;
	struct buf text;
	int r;

	if (record->type == ROW_GAP)
		return story_gap(rd->story, record);
	if (!is_wanted(record))
		return 0;
	buf_init(&text, BODY_MAX);
	buf_char(&text, '{');
	buf_text(&text, record->body);
	buf_char(&text, '}');
	r = text.error < 0
		    ? 0
		    : json_parse(text.data, text.len, false, &doc, &fault);
	if (r == 0 && text.error == 0) {
		r = tell(rd, record, json_root(doc));
		json_destroy(doc);
	}
	buf_finish(&text);
	return r == -EINVAL ? 0 : r;
}

int notes_read(struct store *store, const struct store_range *range,
	       const char *site, struct places *places, struct story *story,
	       struct ep_err *err)
{
	struct reading rd = { places, story, site };
	struct store_range notes = *range;
	int r;

	notes.types = 1u << ROW_EVENT | 1u << ROW_SELF | 1u << ROW_BOOT |
		      1u << ROW_GAP;
	story_begin(story);
	r = store_scan(store, &notes, on_record, &rd, err);
	if (r == -ENOMEM)
		ep_err_set(err, r, "out of memory");
	story_end(story, rd.site);
	return r;
}
