/* The answer to an https probe's request, as libcurl hands it over: bounded, and
 * looked at line by line. Notes only; nothing is settled here. */
#ifndef PROBES_CORE_HTTPS_ANSWER_H
#define PROBES_CORE_HTTPS_ANSWER_H

#include "core/https_phases.h"
#include "core/https_verdict.h"
#include "edgeprobe/sample.h"
#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

/* Set the first part; the rest begins as zero. All is borrowed. */
struct https_answer {
	struct https_end *end;
	struct https_phases *phases;
	struct ep_https *https; /* the PoP goes here */
	size_t header_bytes, body_bytes;
	bool interim; /* the header being read is of a 1xx */
};

/* Let `easy` hand its header and body to `answer`. */
CURLcode https_answer_watch(struct https_answer *answer, CURL *easy);

/* When it has ended, or is given up: status, version and durations, as far as
 * it came, and whether it said how long it is. */
void https_answer_conclude(struct https_answer *answer, CURL *easy,
			   int64_t dns_ns);

#endif
