/* What round trips, calls and answers themselves say. */
#include "edge/pop.h"
#include "report/judging/judging.h"
#include "report/model/line.h"
#include <math.h>
#include <string.h>

#define ANSWERS_MIN 30  /* for a median */
#define ASKED_MIN   200 /* for a share */
#define LOST_MIN    5   /* for a share of them: one or two say nothing */
#define LOADED_MIN  5   /* a download takes seconds */
#define BURST_MIN   3   /* the same of a worst moment */

/* --- Exchange --- */

static struct edge_place place_of(const struct model_site *site)
{
	return (struct edge_place){ site->latitude, site->longitude };
}

/* What the distance explains of it, if both ends are known. */
static const char *help_exchange(struct judging *j, uint32_t circuit, double ms)
{
	const struct model_site *site =
		&j->model->sites[j->model->circuits[circuit].site];
	const char *code = judging_pop_in_use(j, circuit);
	const struct edge_pop *pop = edge_pop_find(code);
	double km = (double)NAN, floor_ns;

	if (pop != NULL)
		km = edge_distance_km(
			place_of(site),
			(struct edge_place){ pop->latitude, pop->longitude });
	if (isnan(km))
		return judging_text(
			j,
			"Ask %s how its traffic reaches Microsoft (AS8075): "
			"directly, and near the site?",
			judging_provider(j, circuit));
	floor_ns = (double)edge_floor_ns(km);
	return judging_text(j,
			    "Light in fibre needs %s there and back to %s, "
			    "%.0f km away; ask %s where the other %s come "
			    "from, and whether it meets Microsoft (AS8075) "
			    "near the site.",
			    judging_ms(j, floor_ns), judging_pop(j, code), km,
			    judging_provider(j, circuit),
			    judging_ms(j, fmax(ms * 1e6 - floor_ns, 0)));
}

static void judge_exchange(struct judging *j, uint32_t circuit)
{
	const struct model_circuit *c = &j->model->circuits[circuit];
	uint64_t n;
	double ms = judging_exchange_ms(j->model, c->site, circuit, &n);
	struct judged d =
		judging_draft(j, (enum judge_rule_id)EDGE_EXCHANGE_RTT, circuit,
			      ms, judging_certainty(n));

	if (n < ANSWERS_MIN || !(ms > d.finding.limit))
		return;
	d.cause = CAUSE_EXCHANGE;
	d.finding.text = judging_text(
		j,
		"A TCP connection to Exchange takes %s at the median%s: a "
		"score of %.0f out of 100 (%s); %s is good.",
		judging_ms(j, ms * 1e6), judging_over(j, circuit), c->score,
		edge_score_meaning(c->score),
		judging_ms(j, d.finding.limit * 1e6));
	d.finding.help = help_exchange(j, circuit, ms);
	judging_add(j, &d);
}

/* --- Teams --- */

struct call_rule {
	enum edge_rule_id id;
	enum judge_cause cause;
	double value;   /* in the rule's unit */
	bool sustained; /* it is so all the time, not at one moment only */
	uint64_t n;
	const char *what;
};

static const char *help_call(struct judging *j, uint32_t circuit,
			     enum judge_cause cause)
{
	const char *provider = judging_provider(j, circuit);

	if (cause == CAUSE_TEAMS)
		return judging_text(j,
				    "Let UDP 3478 to 3481 leave at the site, "
				    "outside of VPN and proxy, and ask %s how "
				    "it reaches Microsoft (AS8075).",
				    provider);
	return judging_text(j,
			    "Compare with the load of the line at those times; "
			    "put voice first (DSCP EF) on it, and show %s the "
			    "times of loss and jitter.",
			    provider);
}

static void judge_call(struct judging *j, uint32_t circuit,
		       const struct call_rule *rule)
{
	double certainty = judging_certainty(rule->n);
	struct judged d = judging_draft(j, (enum judge_rule_id)rule->id,
					circuit, rule->value, certainty);
	const char *unit = d.finding.unit;

	if (!(rule->value > d.finding.limit))
		return;
	if (!rule->sustained)
		judging_level(&d, EDGE_WARNING, 0.4 * certainty);
	d.cause = rule->cause;
	d.finding.text = judging_text(
		j, "%s%s: %.1f %s%s; calls are good up to %.3g %s.", rule->what,
		judging_over(j, circuit), rule->value, unit,
		rule->sustained ? "" : " at the worst moment", d.finding.limit,
		unit);
	d.finding.help = help_call(j, circuit, rule->cause);
	judging_add(j, &d);
}

/* A worst moment of a line that is good all in all is a warning, and of one or
 * two packets it is nothing. */
static void judge_calls(struct judging *j, const struct model_series *s)
{
	const struct line *now = &s->now;
	double loss = line_loss_percent(now);
	uint64_t lost = now->outcomes[EP_LOST];
	double good =
		judge_rule(j->options, (enum judge_rule_id)EDGE_TEAMS_LOSS)
			.good;
	double still =
		judge_rule(j->options, (enum judge_rule_id)EDGE_TEAMS_JITTER)
			.good;
	struct call_rule rules[] = {
		{ EDGE_TEAMS_RTT, CAUSE_TEAMS, now->rtt.p50 / 1e6, true,
		  now->rtt.n, "The round trip of UDP to Teams' media relays" },
		{ EDGE_TEAMS_LOSS, CAUSE_LOSS, s->worst_loss_percent,
		  loss > good, lost,
		  "Packets lost within 15 s on the way to Teams' media "
		  "relays" },
		{ EDGE_TEAMS_BURST, CAUSE_LOSS, s->worst_burst_percent,
		  loss > good, lost,
		  "Packets lost within 200 ms on the way to Teams' media "
		  "relays" },
		{ EDGE_TEAMS_JITTER, CAUSE_JITTER, s->worst_jitter_ns / 1e6,
		  now->jitter / 1e6 > still, now->rtt.n,
		  "Jitter within 15 s on the way to Teams' media relays" },
	};

	if (strcmp(s->service, "Teams") != 0 || strcmp(s->probe, "stun") != 0 ||
	    now->rtt.n < ANSWERS_MIN)
		return;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].cause != CAUSE_LOSS || lost >= BURST_MIN)
			judge_call(j, s->circuit, &rules[i]);
}

/* --- answers --- */

static void judge_loss(struct judging *j, uint32_t circuit)
{
	const struct line *now = &j->model->circuits[circuit].now;
	uint64_t asked = line_sent(now) - now->outcomes[EP_FAILED];
	uint64_t lost = now->outcomes[EP_LOST];
	struct judged d =
		judging_draft(j, JUDGE_LOSS, circuit, line_loss_percent(now),
			      judging_certainty(lost));

	if (asked < ASKED_MIN || lost < LOST_MIN ||
	    !(d.finding.value > d.finding.limit))
		return;
	d.cause = CAUSE_LOSS;
	d.finding.text = judging_text(
		j, "%.1f %% of the probes%s were lost (%llu of %llu).",
		d.finding.value, judging_over(j, circuit),
		(unsigned long long)lost, (unsigned long long)asked);
	d.finding.help = judging_text(
		j,
		"Look whether the line is full when it happens, and measure "
		"its "
		"router, too (host \"gateway\"): loss that starts there is the "
		"line's; else show %s the times.",
		judging_provider(j, circuit));
	judging_add(j, &d);
}

/* Of what failed or was unreachable, the reason that is the most frequent. */
static const char *main_reason(const struct line *now)
{
	unsigned best = 0;

	for (unsigned i = 1; i < EP_REASON_COUNT; i++)
		if (i != EP_REASON_MISSED &&
		    (best == 0 || now->reasons[i] > now->reasons[best]))
			best = i;
	return now->reasons[best] == 0 ? "no reason known"
				       : ep_reason_name((enum ep_reason)best);
}

/* What is lost has a finding of its own. */
static void judge_reach(struct judging *j, uint32_t circuit)
{
	const struct line *now = &j->model->circuits[circuit].now;
	uint64_t sent = line_sent(now);
	uint64_t bad = sent - line_answered(now) - now->outcomes[EP_LOST];
	double percent =
		sent == 0 ? (double)NAN : 100 * (double)bad / (double)sent;
	struct judged d = judging_draft(j, JUDGE_UNAVAILABLE, circuit, percent,
					judging_certainty(bad));

	if (sent < ASKED_MIN || bad < LOST_MIN || !(percent > d.finding.limit))
		return;
	d.cause = CAUSE_REACH;
	d.finding.text = judging_text(
		j,
		"%.1f %% of the probes%s could not be made or were refused on "
		"the way, most of them with the reason %s.",
		percent, judging_over(j, circuit), main_reason(now));
	d.finding.help = "`edgeprobe report --by target,probe` shows which "
			 "targets it is, and the reasons of each.";
	judging_add(j, &d);
}

/* --- a full line --- */

static void judge_loaded(struct judging *j, uint32_t circuit)
{
	const struct line *now = &j->model->circuits[circuit].now;
	double ms = (now->loaded.p50 - now->rtt.p50) / 1e6;
	struct judged d =
		judging_draft(j, (enum judge_rule_id)EDGE_LOADED, circuit, ms,
			      judging_certainty(now->loaded.n));

	if (now->loaded.n < LOADED_MIN || !(ms > d.finding.limit))
		return;
	d.cause = CAUSE_LOADED;
	d.finding.text = judging_text(
		j,
		"While a download fills the line%s, round trips take %s "
		"instead of %s.",
		judging_over(j, circuit), judging_ms(j, now->loaded.p50),
		judging_ms(j, now->rtt.p50));
	d.finding.help = judging_text(
		j,
		"Queues before the line are too long (buffer bloat): shape "
		"traffic a little below its rate at the router, with a fair "
		"queue (FQ-CoDel, CAKE), or ask %s for it.",
		judging_provider(j, circuit));
	judging_add(j, &d);
}

void judging_figures(struct judging *j)
{
	for (uint32_t i = 0; i < j->model->n_circuits; i++) {
		judge_exchange(j, i);
		judge_loss(j, i);
		judge_reach(j, i);
		judge_loaded(j, i);
	}
	for (size_t i = 0; i < j->model->n_series; i++)
		if (j->model->series[i].circuit < j->model->n_circuits)
			judge_calls(j, &j->model->series[i]);
}
