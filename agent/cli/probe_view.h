/* What `edgeprobe probe` shows: a line a sample and a table at the end. */
#ifndef CLI_PROBE_VIEW_H
#define CLI_PROBE_VIEW_H

#include "edge/intercept.h"
#include "edgeprobe/probe.h"
#include "report/lines/stats.h"
#include <stdint.h>
#include <stdio.h>

/* One target by one kind. */
struct probe_stream {
	struct ep_target target;
	const char *label;                   /* the operand as typed */
	unsigned label_width, address_width; /* of the columns */
	uint64_t started, done;              /* probes */
	uint64_t replied, refused, unreachable, lost, failed, missed, late;
	struct intercept intercept;
	struct stats rtt;
	struct jitter jitter;
	char address[EP_ADDRESS_TEXT_MAX + 8]; /* last one, with its port */
};

/* Count a sample into `s`; it gets the flags that edge/intercept.h has. */
void probe_count(struct probe_stream *s, struct ep_sample *sample);

/* The line of the `number`th probe of `s`. */
void probe_show(FILE *out, struct probe_stream *s, uint64_t number,
		const struct ep_sample *sample);

/* A reply after the deadline, or one that came again. */
void probe_show_late(FILE *out, const struct probe_stream *s, uint64_t number,
		     const struct ep_sample *sample);

/* The table of all streams. */
void probe_summary(FILE *out, const struct probe_stream *streams, size_t n);

#endif
