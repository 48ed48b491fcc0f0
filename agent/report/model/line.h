/* One line of a report: what it is about, and its figures. Plain numbers, so
 * that it does not matter who counted. Durations are nanoseconds as doubles. */
#ifndef REPORT_MODEL_LINE_H
#define REPORT_MODEL_LINE_H

#include "edgeprobe/outcome.h"
#include "report/model/keys.h"
#include <stddef.h>
#include <stdint.h>

/* Phases of an https probe; LINE_DNS is known for other kinds, too. */
enum line_phase {
	LINE_DNS,
	LINE_CONNECT,
	LINE_TLS,
	LINE_FIRST_BYTE,
	LINE_TOTAL,
	LINE_SRTT, /* no phase, but known in the same way: of kept connections
		    * the kernel's smoothed round trip */
	LINE_PHASES
};
extern const char *const line_phase_names[LINE_PHASES];

/* What stands for "https" in the key `probe` where a row is of a kept
 * connection. */
#define GROUP_KEPT "https kept"

/* Of `n` durations; all NAN when n is 0. The standard deviation is that of the
 * durations themselves (n, not n - 1). */
struct figures {
	uint64_t n;
	double min, mean, stddev, max;
	double p50, p75, p90, p95, p99;
};

#define LINE_POPS_MAX 24 /* beyond, they are counted as "other" */

struct line_pop {
	const char *code; /* "": other */
	uint64_t n;
};

struct line {
	/* Texts of the keys asked for, in their order; "" where none. */
	const char *keys[REPORT_KEYS_MAX];
	uint64_t outcomes[EP_CANCELLED]; /* by enum ep_outcome */
	uint64_t reasons[EP_REASON_COUNT];
	uint64_t missed; /* probes that never left */
	uint64_t late;   /* replies after their loss was counted */
	struct figures rtt, phases[LINE_PHASES];
	/* Round trips while a download filled the circuit (flag `loaded`): in no
	 * other figure of durations. */
	struct figures loaded;
	uint64_t jitter_n;
	double jitter;                       /* mean; NAN */
	struct line_pop pops[LINE_POPS_MAX]; /* most first */
	unsigned n_pops;
};

struct lines {
	struct line *at; /* sorted by keys */
	size_t n;
};

/* A line of nothing: counts 0, figures NAN, texts "". */
void line_init(struct line *line);

/* Probes that left, and those that came back (replied or refused). */
uint64_t line_sent(const struct line *line);
uint64_t line_answered(const struct line *line);
/* Lost share, 0 to 100, of those that were asked: failed ones do not count.
 * NAN: none was asked. */
double line_loss_percent(const struct line *line);
/* Share that was answered, 0 to 100, of all that were sent, failed ones, too:
 * what a user could use. NAN: none was sent. */
double line_availability_percent(const struct line *line);

#endif
