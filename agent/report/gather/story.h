/* What happened: rows of events become one entry from when something began to
 * when it was over, with a text for people. */
#ifndef REPORT_GATHER_STORY_H
#define REPORT_GATHER_STORY_H

#include "base/json.h"
#include "base/record.h"
#include "report/lines/texts.h"
#include "report/model/model.h"

/* Of one agent or more; rows of each in the order of time. */
struct story {
	struct texts *texts; /* borrowed; keeps all texts */
	struct story_entry *entries;
	size_t n, room;
	size_t agent; /* entries from here on are of the agent at hand */
};

void story_init(struct story *story, struct texts *texts);
void story_finish(struct story *story);

/* From now on rows of another agent. */
void story_begin(struct story *story);

/* A row of type event. An event that is open when its agent starts anew ends
 * there: the agent forgot it, too, and will say so if it is still so. What is no
 * business of a report (credentials, tests of destinations) is left out. 0 or
 * -ENOMEM. */
int story_tell(struct story *story, uint64_t time_ns, const struct json *row);
/* Rows of type boot and gap. */
int story_boot(struct story *story, uint64_t time_ns, const struct json *row);
int story_gap(struct story *story, const struct record *record);

/* All of the agent at hand was at this site; a kept text. */
void story_end(struct story *story, const char *site);

/* Those that touch the model's window, by time, into it. 0 or -ENOMEM. */
int story_fill(const struct story *story, struct model *model);

#endif
