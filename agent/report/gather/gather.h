/* From the rows of stores to a model: what there is beside lines. */
#ifndef REPORT_GATHER_GATHER_H
#define REPORT_GATHER_GATHER_H

#include "report/gather/cells.h"
#include "report/gather/places.h"
#include "report/gather/story.h"
#include "report/judging/pairs.h"
#include "report/judging/runs.h"
#include "report/lines/leaves.h"

struct gather {
	struct leaves *leaves; /* borrowed, with arena and texts */
	struct cells cells;
	struct places places;
	struct story story;
	struct runs *runs;
	struct pairs *pairs;
	struct gather_stream *streams; /* by number */
	struct gather_track **tracks;
	uint32_t n_streams, room_streams;
	size_t n_tracks;
};

/* 0 or -ENOMEM; gather_finish() is due in either case. */
int gather_init(struct gather *gather, struct leaves *leaves, uint64_t since_ns,
		struct source_grid grid);
void gather_finish(struct gather *gather);

/* A stream begins: what follows one another, over one line of one store. Its
 * number is the caller's, from 0 on; texts of `series` are kept ones; `kept`: of
 * kept connections. `arg` is the gather, here and below. 0 or -ENOMEM. */
int gather_stream(uint32_t stream, const struct series *series, bool kept,
		  void *arg);
/* A row of a stream, from the PoP `pop` ("": unknown; a kept text). */
int gather_row(uint32_t stream, const struct scan_row *row, const char *pop,
	       void *arg);

/* For a source that has counted already: what a stream did at about that time.
 * It tells runs and pairs by itself. */
struct gather_step {
	uint64_t rtt_ns;
	uint32_t n;
};

struct gather_counted {
	uint64_t time_ns;
	uint32_t asked, lost, failed;
	const struct gather_step *steps; /* its round trips */
	size_t n_steps;
};

int gather_counted(struct gather *gather, uint32_t stream,
		   const struct gather_counted *counted);

/* A packet of a stream that was counted: its round trip, or VOICE_LOST. */
int gather_voice(struct gather *gather, uint32_t stream, uint64_t sent_ns,
		 int64_t rtt_ns);

/* Once, when all was read: everything that source_ops.model() fills, but what it
 * is read from. 0 or -ENOMEM. */
int gather_fill(struct gather *gather, struct model *model);

#endif
