/* Part of findings: what its files share. */
#ifndef REPORT_JUDGING_JUDGING_H
#define REPORT_JUDGING_JUDGING_H

#include "base/arena.h"
#include "report/judging/rules.h"
#include "report/model/model.h"
#include <stdbool.h>
#include <stddef.h>

/* What is behind a finding: one is kept of each for a site and circuit. */
enum judge_cause {
	CAUSE_REACH,
	CAUSE_LOSS,
	CAUSE_TEAMS,
	CAUSE_JITTER,
	CAUSE_EXCHANGE,
	CAUSE_RISE,
	CAUSE_PLACE,
	CAUSE_FAILOVER,
	CAUSE_EGRESS,
	CAUSE_RESOLVER,
	CAUSE_PEERS,
	CAUSE_SAVING,
	CAUSE_INTERCEPTION,
	CAUSE_LOADED,
	CAUSE_LINE,
};

struct judged {
	struct model_finding finding;
	enum judge_cause cause;
	double weight; /* the larger, the worse and the surer */
};

struct judging {
	struct model *model;
	const struct judge_options *options;
	struct judged *list; /* own array */
	size_t n, room;
	int error; /* -ENOMEM; nothing is added from then on */
};

/* A draft of a finding that `value` gives by a rule. `certainty`: 0 to 1. */
struct judged judging_draft(const struct judging *j, enum judge_rule_id id,
			    uint32_t circuit, double value, double certainty);
/* Level and weight of a draft for which there is no figure. */
void judging_level(struct judged *judged, enum edge_verdict verdict,
		   double weight);
/* Of the same site, circuit and cause the heavier one stays, and the earlier
 * beginning that is known. */
void judging_add(struct judging *j, const struct judged *judged);

/* A text in the model's arena; on lack of memory "" and j->error. */
const char *judging_text(struct judging *j, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* " over fibre", or "" where the routing table decides. */
const char *judging_over(struct judging *j, uint32_t circuit);
/* "KPN", or "the provider of fibre", or "the provider". */
const char *judging_provider(struct judging *j, uint32_t circuit);
/* "London (LON)", or the code alone. */
const char *judging_pop(struct judging *j, const char *code);
/* "14 ms", "3.5 ms", of nanoseconds. */
const char *judging_ms(struct judging *j, double ns);
/* "90 s", "14 min", "3.5 h", "2 days". */
const char *judging_time(struct judging *j, uint64_t ns);
/* Of the circuit now: its last run's; "". */
const char *judging_pop_in_use(const struct judging *j, uint32_t circuit);

/* How many answers make a figure's certainty a half. */
double judging_certainty(uint64_t n);

/* Values that count `weight` times; the lower of two in the middle. */
struct judged_values {
	double value[64];
	uint64_t weight[64];
	unsigned n; /* more are left out */
};
void judged_values_add(struct judged_values *v, double value, uint64_t weight);
double judged_values_median(struct judged_values *v); /* NAN: none */

/* The median TCP round trip to Exchange, ms, and of how many; NAN. `circuit`
 * MODEL_NONE: of all circuits of the site. */
double judging_exchange_ms(const struct model *model, uint32_t site,
			   uint32_t circuit, uint64_t *ret_n);

/* One file each. */
void judging_figures(struct judging *j); /* round trips, calls, loss, reach */
void judging_changes(struct judging *j); /* against before, against others */
void judging_places(struct judging *j);  /* edge, egress, name server */
void judging_events(struct judging *j);  /* what is open */
void judging_pairs(struct judging *j); /* circuits side by side; their texts */

#endif
