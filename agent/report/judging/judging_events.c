/* What is still so: events without an end, and what stands between. Many targets
 * of a circuit are told together. */
#include "report/judging/judging.h"
#include "report/model/line.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#define INTERCEPTED_MIN 3 /* samples, and half of all */
#define BAD_RISE_NS     10e6
#define SAME_TIME_NS    (UINT64_C(15) * 60 * 1000000000)

/* Open events of one kind of one circuit. */
struct open_events {
	const struct model_event *first; /* the longest */
	unsigned targets;
	bool microsoft; /* one of them is */
};

static const struct model_series *series_of(const struct model *model,
					    const struct model_event *e)
{
	for (size_t i = 0; i < model->n_series; i++) {
		const struct model_series *s = &model->series[i];

		if (s->circuit == e->circuit &&
		    strcmp(s->target, e->target) == 0 &&
		    strcmp(s->probe, e->probe) == 0)
			return s;
	}
	return NULL;
}

/* The event's end may be missing: what has answered since is not silent. */
static bool has_answered(const struct model *model,
			 const struct model_series *s, uint64_t after_ns)
{
	if (s == NULL || s->cells == NULL)
		return false;
	for (unsigned i = 0; i < model->n_buckets; i++)
		if (model->since_ns + i * model->bucket_ns > after_ns &&
		    s->cells[i].asked > s->cells[i].lost)
			return true;
	return false;
}

static bool is_open(const struct model *model, const struct model_event *e,
		    const char *event)
{
	if (e->until_ns != 0 || e->circuit >= model->n_circuits ||
	    strcmp(e->event, event) != 0)
		return false;
	return strcmp(event, "unreachable") != 0 ||
	       !has_answered(model, series_of(model, e), e->time_ns);
}

static struct open_events collect(const struct model *model, uint32_t circuit,
				  const char *event)
{
	struct open_events open = { .first = NULL };

	for (size_t i = 0; i < model->n_events; i++) {
		const struct model_event *e = &model->events[i];
		const struct model_series *s;

		if (e->circuit != circuit || !is_open(model, e, event))
			continue;
		s = series_of(model, e);
		open.targets++;
		if (s != NULL && *s->service != '\0')
			open.microsoft = true;
		if (open.first == NULL || e->since_ns < open.first->since_ns)
			open.first = e;
	}
	return open;
}

/* "exchange (tcp)", "exchange (tcp) and 4 more". */
static const char *targets_of(struct judging *j, const struct open_events *open)
{
	const struct model_event *e = open->first;

	if (*e->target == '\0')
		return "the line";
	if (open->targets == 1)
		return judging_text(j, "%s (%s)", e->target, e->probe);
	return judging_text(j, "%s (%s) and %u more", e->target, e->probe,
			    open->targets - 1);
}

static struct judged draft(const struct judging *j,
			   const struct open_events *open)
{
	const struct model_event *e = open->first;

	return (struct judged){
		.finding = {
			.site = j->model->circuits[e->circuit].site,
			.circuit = e->circuit,
			.pop = judging_pop_in_use(j, e->circuit),
			.rule = e->event,
			.source = "edgeprobe",
			.unit = "",
			.value = (double)NAN,
			.limit = (double)NAN,
			.since_ns = e->since_ns,
			.text = "",
			.help = "",
		},
	};
}

static unsigned count_series(const struct model *model, uint32_t circuit)
{
	unsigned n = 0;

	for (size_t i = 0; i < model->n_series; i++)
		n += model->series[i].circuit == circuit &&
		     line_sent(&model->series[i].now) > 0;
	return n;
}

/* A target that is none of Microsoft's, alone among others, is rather that
 * target's trouble. */
static void judge_silence(struct judging *j, uint32_t circuit)
{
	struct open_events open = collect(j->model, circuit, "unreachable");
	unsigned all = count_series(j->model, circuit);
	struct judged d;

	if (open.first == NULL)
		return;
	d = draft(j, &open);
	d.cause = CAUSE_REACH;
	if (open.targets >= all) {
		judging_level(&d, EDGE_BAD, 1);
		d.finding.text = judging_text(j, "Nothing answers%s.",
					      judging_over(j, circuit));
		d.finding.help = judging_text(
			j,
			"Look at the line and its router first; %s will want "
			"to know since when.",
			judging_provider(j, circuit));
	} else {
		judging_level(&d, open.microsoft ? EDGE_BAD : EDGE_WARNING,
			      0.8);
		d.finding.text = judging_text(
			j, "No answer%s from %s, while others do.",
			judging_over(j, circuit), targets_of(j, &open));
		d.finding.help = "Others answer over the same line: look at "
				 "firewall, proxy and the name of that target "
				 "before you ask the provider.";
	}
	judging_add(j, &d);
}

static void judge_down(struct judging *j, uint32_t circuit)
{
	struct open_events open = collect(j->model, circuit, "circuit_changed");
	struct judged d;

	if (open.first == NULL || strcmp(open.first->state, "down") != 0)
		return;
	d = draft(j, &open);
	d.cause = CAUSE_REACH;
	judging_level(&d, EDGE_BAD, 1);
	d.finding.text = judging_text(
		j,
		"The line %s is down: the machine has no interface or "
		"address for it.",
		j->model->circuits[circuit].name);
	d.finding.help = "Look at the cable, the interface and the router; "
			 "`edgeprobe status` says what it waits for.";
	judging_add(j, &d);
}

static void judge_open_loss(struct judging *j, uint32_t circuit)
{
	struct open_events open = collect(j->model, circuit, "loss_degraded");
	struct judged d;

	if (open.first == NULL)
		return;
	d = draft(j, &open);
	d.cause = CAUSE_LOSS;
	judging_level(&d, EDGE_WARNING, 0.6);
	d.finding.text =
		judging_text(j, "Probes are being lost%s, on the way to %s.",
			     judging_over(j, circuit), targets_of(j, &open));
	d.finding.help = judging_text(
		j,
		"Look whether the line is full, and measure its router, too "
		"(host \"gateway\"); loss beyond it is for %s.",
		judging_provider(j, circuit));
	judging_add(j, &d);
}

/* --- round trips --- */

/* The median of the cells' medians between two moments; NAN. */
static double level_of(const struct model *model, const struct model_series *s,
		       uint64_t from_ns, uint64_t to_ns)
{
	struct judged_values values = { .n = 0 };
	unsigned n = 0, step;

	for (unsigned pass = 0; pass < 2; pass++) {
		step = n / 64 + 1; /* as many as fit */
		n = 0;
		for (unsigned i = 0; i < model->n_buckets; i++) {
			uint64_t begin = model->since_ns + i * model->bucket_ns;

			if (begin < from_ns ||
			    begin + model->bucket_ns > to_ns ||
			    !(s->cells[i].p50 > 0))
				continue;
			if (pass == 1 && n % step == 0)
				judged_values_add(&values,
						  (double)s->cells[i].p50, 1);
			n++;
		}
	}
	return judged_values_median(&values);
}

/* The run that began then, if another went before it; NULL. */
static const struct model_run *run_since(const struct model_circuit *c,
					 uint64_t since_ns)
{
	for (size_t i = 1; i < c->n_runs; i++) {
		uint64_t from_ns = c->runs[i].from_ns;
		uint64_t apart = from_ns > since_ns ? from_ns - since_ns
						    : since_ns - from_ns;

		if (apart <= SAME_TIME_NS &&
		    strcmp(c->runs[i].pop, c->runs[i - 1].pop) != 0)
			return &c->runs[i];
	}
	return NULL;
}

/* What the same target takes over the best other circuit of the site since then,
 * if that is less by what a saving has to be: a sentence; "". */
static const char *help_elsewhere(struct judging *j,
				  const struct model_series *s,
				  uint64_t since_ns, double now)
{
	const struct model *model = j->model;
	uint32_t site = model->circuits[s->circuit].site;
	double least = now - judge_rule(j->options, JUDGE_SAVING).good * 1e6;
	uint32_t circuit = MODEL_NONE;

	for (size_t i = 0; i < model->n_series; i++) {
		const struct model_series *o = &model->series[i];
		double level;

		if (o->circuit >= model->n_circuits || o->cells == NULL ||
		    o->circuit == s->circuit ||
		    model->circuits[o->circuit].site != site ||
		    strcmp(o->target, s->target) != 0 ||
		    strcmp(o->probe, s->probe) != 0)
			continue;
		level = level_of(model, o, since_ns, UINT64_MAX);
		if (!(level < least))
			continue;
		least = level;
		circuit = o->circuit;
	}
	if (circuit == MODEL_NONE)
		return "";
	return judging_text(j,
			    " Meanwhile the same takes %s over %s: send "
			    "Microsoft 365 traffic that way until it is "
			    "mended, which saves %s.",
			    judging_ms(j, least),
			    model_circuit_label(model, circuit),
			    judging_ms(j, now - least));
}

static const char *help_latency(struct judging *j, uint32_t circuit,
				uint64_t since_ns)
{
	const struct model_run *run =
		run_since(&j->model->circuits[circuit], since_ns);

	if (run == NULL)
		return judging_text(
			j,
			"Ask %s what changed at that time: the edge location "
			"is the same, so the way there is likeliest.",
			judging_provider(j, circuit));
	return judging_text(j,
			    "At that time traffic moved from %s to %s: ask %s "
			    "why.",
			    judging_pop(j, run[-1].pop),
			    judging_pop(j, run->pop),
			    judging_provider(j, circuit));
}

/* How bad, as the rule of change has it; little is no more than a warning. */
static void measure_rise(const struct judging *j, struct judged *d,
			 double before, double after)
{
	struct edge_rule rule = judge_rule(j->options, JUDGE_CHANGE);

	d->finding.unit = "ms";
	d->finding.value = after / 1e6;
	d->finding.limit = before / 1e6;
	if (after - before >= BAD_RISE_NS &&
	    100 * (after - before) / before > rule.poor)
		judging_level(d, EDGE_BAD, 0.9);
}

static void judge_latency(struct judging *j, uint32_t circuit)
{
	struct open_events open =
		collect(j->model, circuit, "latency_degraded");
	const struct model_series *s;
	double before = (double)NAN, after = (double)NAN;
	struct judged d;

	if (open.first == NULL)
		return;
	s = series_of(j->model, open.first);
	if (s != NULL && s->cells != NULL) {
		before = level_of(j->model, s, 0, open.first->since_ns);
		after = level_of(j->model, s, open.first->since_ns, UINT64_MAX);
	}
	d = draft(j, &open);
	d.cause = CAUSE_RISE;
	judging_level(&d, EDGE_WARNING, 0.7);
	d.finding.text = judging_text(
		j, "Round trips%s to %s are longer than they were.",
		judging_over(j, circuit), targets_of(j, &open));
	if (after > before) {
		measure_rise(j, &d, before, after);
		d.finding.text = judging_text(
			j, "Round trips%s to %s take %s, and took %s before.",
			judging_over(j, circuit), targets_of(j, &open),
			judging_ms(j, after), judging_ms(j, before));
	}
	d.finding.help = help_latency(j, circuit, open.first->since_ns);
	if (after > before)
		d.finding.help = judging_text(
			j, "%s%s", d.finding.help,
			help_elsewhere(j, s, open.first->since_ns, after));
	judging_add(j, &d);
}

/* --- what stands between --- */

#define LET_PASS                                                               \
	"Let Microsoft's Optimize endpoints pass proxy and TLS inspection "    \
	"untouched; until then round trips are those to the device between."
#define INTERCEPTION_SOURCE "Microsoft 365 network insights (2021-12)"

static void judge_open_interception(struct judging *j, uint32_t circuit)
{
	struct open_events open = collect(j->model, circuit, "interception");
	struct judged d;

	if (open.first == NULL)
		return;
	d = draft(j, &open);
	d.cause = CAUSE_INTERCEPTION;
	d.finding.source = INTERCEPTION_SOURCE;
	judging_level(&d, EDGE_BAD, 0.85);
	d.finding.text = judging_text(
		j, "Something stands between the site and %s%s%s%s.",
		targets_of(j, &open), judging_over(j, circuit),
		*open.first->text == '\0' ? "" : ": ", open.first->text);
	d.finding.help = LET_PASS;
	judging_add(j, &d);
}

static void judge_interception(struct judging *j, const struct model_series *s)
{
	uint64_t most = s->n_issuer > s->n_nearby ? s->n_issuer : s->n_nearby;
	uint64_t answers = line_answered(&s->now);
	struct model_event as_event = { .circuit = s->circuit,
					.event = "interception" };
	struct judged d = draft(j, &(struct open_events){ &as_event, 1, true });

	if (*s->service == '\0' || most < INTERCEPTED_MIN || 2 * most < answers)
		return;
	d.cause = CAUSE_INTERCEPTION;
	d.finding.source = INTERCEPTION_SOURCE;
	judging_level(&d, s->n_issuer > 0 ? EDGE_BAD : EDGE_WARNING, 0.8);
	d.finding.text = judging_text(
		j,
		s->n_issuer > 0
			? "Something on the way opens TLS to %s%s: its "
			  "certificate is not Microsoft's."
			: "Something near answers TCP for %s%s in Microsoft's "
			  "place: TLS is answered from further away.",
		s->target, judging_over(j, s->circuit));
	d.finding.help = LET_PASS;
	judging_add(j, &d);
}

void judging_events(struct judging *j)
{
	for (uint32_t i = 0; i < j->model->n_circuits; i++) {
		judge_silence(j, i);
		judge_down(j, i);
		judge_open_loss(j, i);
		judge_latency(j, i);
		judge_open_interception(j, i);
	}
	for (size_t i = 0; i < j->model->n_series; i++)
		if (j->model->series[i].circuit < j->model->n_circuits)
			judge_interception(j, &j->model->series[i]);
}
