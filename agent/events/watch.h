/* What has become worse, or other, for one series (a target, by one kind of
 * probe, over one circuit). Pure: told each sample, in the order of sending.
 *
 * Samples are taken together by the minute, so that the agent's rate changes
 * nothing: a minute's figure is the median of its round trips. What our own host
 * spoilt (unmeasured, missed, no source, ...) is left out, and so are round trips
 * while our own backlog was sent or we stood still. */
#ifndef EVENTS_WATCH_H
#define EVENTS_WATCH_H

#include "edgeprobe/sample.h"
#include "events/change.h"
#include "events/landing.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WATCH_RTTS    32 /* round trips that a minute's median is made of */
#define WATCH_MINUTES 15 /* that a share lost is of, at most */

/* From where on a change is told. */
struct watch_limits {
	double step_ms, step_share; /* a rise of both: 5, 0.2 */
	double loss_percent;        /* 1 */
	unsigned outage;            /* unanswered in a row: 5 */
	uint64_t outage_ns;         /* for so long at least: 10 s */
	uint64_t lasting_ns;        /* what stays so long is normal: 24 h */
	const char *const *pops;    /* edge locations that are expected */
	size_t n_pops;              /* 0: what is usual is learned */
};
extern const struct watch_limits watch_defaults;

enum watch_what {
	WATCH_LATENCY,  /* round trips are longer than they were */
	WATCH_IMPROVED, /* shorter than they ever were here; told once */
	WATCH_LOSS,     /* answers are missing */
	WATCH_OUTAGE,   /* no answers at all */
	WATCH_POP,      /* another edge location answers; told once where it
			 * is as good as the one before */
	WATCH_BETWEEN,  /* something stands between us and the edge */
};

enum watch_state {
	WATCH_OPEN,
	WATCH_UPDATE,  /* it is still so, with other figures */
	WATCH_CLOSED,  /* as it was */
	WATCH_LASTING, /* closed, too: it has been so for so long that it is
			* normal now */
	WATCH_ONCE,
};

struct watch_news {
	enum watch_what what;
	enum watch_state state;
	uint64_t since_ns; /* wall clock: when it began */
	uint64_t now_ns;
	double before_ms, now_ms; /* levels; LATENCY and IMPROVED */
	double loss_percent;      /* LOSS */
	/* Until the callback returns: */
	const char *from, *to;       /* POP: codes; from "": there was none */
	enum pops_expected expected; /* POP */
	unsigned evidence;           /* BETWEEN: enum ep_flag, or-ed */
	const struct ep_sample *sample; /* BETWEEN: the last one */
};

/* What silence means: many hosts answer no ICMP, or not always. */
enum watch_silence {
	WATCH_SPEAKS, /* an outage */
	WATCH_SPOKE,  /* one if it has ever answered */
	WATCH_MUTE,   /* nothing */
};

typedef void (*watch_cb)(const struct watch_news *news, void *arg);

struct watch_minute {
	uint64_t from_ns;
	unsigned asked, answered, timed;
	uint16_t rtts[WATCH_RTTS]; /* figure.h */
};

/* Zero-initialise. */
struct watch {
	struct watch_minute minute;
	struct change change;
	/* Of each figure: minutes since 1970, the lower half. */
	uint16_t minutes[CHANGE_WINDOW];
	uint16_t lasted;     /* minutes that it is worse; no single hole of them
			  * counts for more than an hour */
	double normal_ms;    /* the level that others are held against */
	double told_ms;      /* the worse level that was told last */
	uint64_t latency_ns; /* since when it is worse; 0: it is not */
	struct {
		uint16_t asked, lost;
	} past[WATCH_MINUTES];   /* newest first */
	uint64_t loss_ns;        /* 0: no event is open */
	uint64_t outage_ns;      /* 0: no event is open */
	uint64_t silent_ns;      /* the first unanswered in a row; 0: none */
	unsigned silent, heard;  /* in a row */
	bool answered;           /* ever */
	struct landing *landing; /* borrowed; NULL: neither POP nor BETWEEN is
				  * looked for */
};

/* Calls back any number of times before it returns. */
void watch_see(struct watch *w, const struct watch_limits *limits,
	       const struct ep_sample *sample, enum watch_silence silence,
	       watch_cb cb, void *arg);

/* Whether round trips, answers, and what answers them are as usual. */
bool watch_is_well(const struct watch *w);

#endif
