#include "base/arena.h"
#include "lib/report_model.h"
#include "report/findings.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S   UINT64_C(1000000000)
#define MIN (60 * S)

/* One site with one line, fine in all respects: an answer of 12 ms to Exchange
 * by TCP, an edge location in its own city. */
struct world {
	struct model model;
	struct model_circuit *line;
	struct model_site *site;
	struct model_series *tcp;
	struct model_run run;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	report_model_init(&w->model);
	report_model_site(&w->model, "Utrecht", 52.09, 5.12);
	report_model_circuit(&w->model, 0, "fibre");
	report_model_series(&w->model, 0, "outlook", "tcp", "Exchange");
	w->site = &w->model.sites[0];
	w->site->metro = "Utrecht";
	w->site->country = "NL";
	w->line = &w->model.circuits[0];
	w->line->provider = "KPN";
	w->tcp = &w->model.series[0];
	report_model_answers(&w->tcp->now, 1000, 12);
	report_model_answers(&w->tcp->before, 1000, 12);
	w->run = (struct model_run){ "AMS", w->model.since_ns,
				     w->model.until_ns, 100, MODEL_PRIMARY };
	w->line->runs = &w->run;
	w->line->n_runs = 1;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	report_model_finish(&w->model);
	free(w);
	return 0;
}

static void judge(struct world *w)
{
	struct ep_err err = { 0 };

	assert_int_equal(model_judge(&w->model, NULL, &err), 0);
}

static void expect_none(struct world *w)
{
	judge(w);
	if (w->model.n_findings > 0)
		fail_msg("%s", w->model.findings[0].text);
}

static const struct model_finding *expect_one(struct world *w, const char *rule,
					      const char *level,
					      const char *text)
{
	const struct model_finding *f;

	judge(w);
	assert_int_equal(w->model.n_findings, 1);
	f = w->model.findings;
	assert_string_equal(f->text, text);
	assert_string_equal(f->rule, rule);
	assert_string_equal(f->level, level);
	assert_true(*f->source != '\0' && *f->help != '\0');
	assert_int_equal(f->site, 0);
	assert_int_equal(f->circuit, 0);
	return f;
}

static struct model_event *event(struct world *w, const char *name,
				 uint64_t since_ns)
{
	struct model_event *e = &w->model.events[w->model.n_events++];

	*e = (struct model_event){ .time_ns = since_ns,
				   .since_ns = since_ns,
				   .site = 0,
				   .circuit = 0,
				   .event = name,
				   .level = "warning",
				   .state = "open",
				   .target = "outlook",
				   .probe = "tcp",
				   .text = "" };
	return e;
}

/* --- nothing --- */

static void all_is_well(void **state)
{
	struct world *w = *state;

	expect_none(w);
	assert_true(w->line->score > 95);
	assert_true(w->line->now.rtt.n == 1000);
	assert_int_equal(w->line->headline, MODEL_TCP);
	assert_true(w->site->now.rtt.n == 1000);
	assert_true(w->site->before.rtt.n == 1000);
}

static void an_empty_model(void **state)
{
	struct model m = { .arena = arena_create() };
	struct ep_err err = { 0 };

	(void)state;
	assert_int_equal(model_judge(&m, NULL, &err), 0);
	assert_int_equal(m.n_findings, 0);
	arena_destroy(m.arena);
}

static void nothing_was_measured(void **state)
{
	struct world *w = *state;

	line_init(&w->tcp->now);
	line_init(&w->tcp->before);
	w->line->n_runs = 0;
	w->site->latitude = w->site->longitude = (double)NAN;
	expect_none(w);
	assert_true(isnan(w->line->score) && isnan(w->site->score));
}

static void few_samples_are_no_evidence(void **state)
{
	struct world *w = *state;

	report_model_answers(&w->tcp->now, 20, 400);
	w->tcp->now.outcomes[EP_LOST] = 4;
	w->tcp->now.outcomes[EP_FAILED] = 4;
	expect_none(w);
}

static void what_is_over_is_no_finding(void **state)
{
	struct world *w = *state;

	event(w, "unreachable", w->model.since_ns)->until_ns =
		w->model.since_ns + MIN;
	event(w, "latency_degraded", w->model.since_ns)->until_ns =
		w->model.since_ns + MIN;
	event(w, "unheard_of", w->model.since_ns);
	event(w, "unreachable", w->model.since_ns)->circuit = MODEL_NONE;
	expect_none(w);
}

/* --- figures --- */

static void exchange_is_far(void **state)
{
	struct world *w = *state;
	const struct model_finding *f;

	report_model_answers(&w->tcp->now, 1000, 112);
	report_model_answers(&w->tcp->before, 1000, 112);
	f = expect_one(w, "exchange_rtt", "bad",
		       "A TCP connection to Exchange takes 112 ms at the "
		       "median over fibre: a score of 58 out of 100 (users may "
		       "have issues); 25 ms is good.");
	assert_string_equal(f->pop, "AMS");
	assert_string_equal(f->unit, "ms");
	assert_true(f->value == 112 && f->limit == 25);
	assert_non_null(strstr(f->help, "Amsterdam (AMS), 35 km away"));
	assert_non_null(strstr(f->help, "ask KPN"));
}

static void limits_are_configured(void **state)
{
	struct world *w = *state;
	struct judge_options options;
	struct ep_err err = { 0 };

	judge_options_init(&options);
	options.limits[EDGE_EXCHANGE_RTT].good = 10;
	assert_int_equal(model_judge(&w->model, &options, &err), 0);
	assert_int_equal(w->model.n_findings, 1);
	assert_string_equal(w->model.findings[0].level, "warning");
	assert_string_equal(w->model.findings[0].source, "configuration");
	assert_true(w->model.findings[0].limit == 10);
	options.limits[EDGE_EXCHANGE_RTT].poor = 11;
	assert_int_equal(model_judge(&w->model, &options, &err), 0);
	assert_string_equal(w->model.findings[0].level, "bad");
	options.limits[EDGE_EXCHANGE_RTT].good = 30; /* more than poor */
	assert_true(judge_rule(&options, (enum judge_rule_id)EDGE_EXCHANGE_RTT)
			    .poor == 30);
}

static void a_handshake_of_https_stands_in_for_tcp(void **state)
{
	struct world *w = *state;

	w->tcp->probe = "https";
	w->tcp->now.rtt.p50 = 300e6;
	w->tcp->now.phases[LINE_CONNECT] = w->tcp->now.rtt;
	w->tcp->now.phases[LINE_CONNECT].p50 = 25e6;
	judge(w);
	assert_true(w->line->score > 79.9 && w->line->score < 80.1);
}

static void a_site_scores_by_the_median_of_its_answers(void **state)
{
	struct world *w = *state;

	report_model_circuit(&w->model, 0, "lte");
	report_model_series(&w->model, 1, "outlook", "tcp", "Exchange");
	report_model_answers(&w->model.series[1].now, 10, 200);
	judge(w);
	assert_true(w->model.circuits[1].score < 41);
	assert_true(w->site->score > 95);
}

static void calls_suffer(void **state)
{
	struct world *w = *state;
	struct model_series *s;

	report_model_series(&w->model, 0, "relay", "stun", "Teams");
	s = &w->model.series[1];
	report_model_answers(&s->now, 10000, 20);
	s->now.jitter = 1e6;
	s->now.outcomes[EP_LOST] = 1;
	s->worst_loss_percent = 1.2; /* of one packet: nothing */
	s->worst_burst_percent = 12.5;
	expect_none(w);
	s->now.outcomes[EP_LOST] = 40;
	s->worst_loss_percent = 20;
	expect_one(w, "teams_loss", "warning",
		   "Packets lost within 15 s on the way to Teams' media relays "
		   "over fibre: 20.0 % at the worst moment; calls are good up "
		   "to 1 %.");
	s->now.outcomes[EP_LOST] = 400;
	expect_one(w, "teams_loss", "bad",
		   "Packets lost within 15 s on the way to Teams' media relays "
		   "over fibre: 20.0 %; calls are good up to 1 %.");
}

static void probes_are_lost(void **state)
{
	struct world *w = *state;

	w->tcp->now.outcomes[EP_REPLIED] = 980;
	w->tcp->now.outcomes[EP_LOST] = 20;
	expect_one(w, "loss", "warning",
		   "2.0 % of the probes over fibre were lost (20 of 1000).");
}

static void probes_fail(void **state)
{
	struct world *w = *state;

	w->tcp->now.outcomes[EP_REPLIED] = 900;
	w->tcp->now.outcomes[EP_FAILED] = 100;
	w->tcp->now.reasons[EP_REASON_MISSED] = 900;
	w->tcp->now.reasons[EP_REASON_DNS_TIMEOUT] = 90;
	w->tcp->now.reasons[EP_REASON_NO_ROUTE] = 10;
	judge(w);
	assert_int_equal(w->model.n_findings, 1);
	assert_string_equal(w->model.findings[0].rule, "unavailable");
	assert_string_equal(w->model.findings[0].level, "bad");
	assert_non_null(strstr(w->model.findings[0].text, "dns_timeout"));
}

/* --- changes --- */

static void it_was_faster_before(void **state)
{
	struct world *w = *state;

	report_model_answers(&w->tcp->now, 1000, 16.9); /* below 5 ms */
	expect_none(w);
	report_model_answers(&w->tcp->now, 1000, 24);
	expect_one(w, "change", "warning",
		   "Round trips over fibre are 24 ms at the median, 12 ms "
		   "(100 %) longer than in the window before.");
}

static void another_target_is_no_change(void **state)
{
	struct world *w = *state;

	report_model_series(&w->model, 0, "teams", "tcp", "Teams");
	report_model_answers(&w->model.series[1].now, 9000, 90);
	expect_none(w);
}

static struct model_series *sister(struct world *w, const char *name, double ms)
{
	uint32_t site = report_model_site(&w->model, name, 52.1, 5.1);
	uint32_t circuit = report_model_circuit(&w->model, site, "");
	uint32_t series = report_model_series(&w->model, circuit, "outlook",
					      "tcp", "Exchange");

	w->model.sites[site].metro = "utrecht";
	w->model.sites[site].country = "NL";
	report_model_answers(&w->model.series[series].now, 1000, ms);
	return &w->model.series[series];
}

static void sister_sites_are_faster(void **state)
{
	struct world *w = *state;

	sister(w, "Utrecht 2", 8);
	sister(w, "Utrecht 3", 9.5);
	sister(w, "Utrecht 4", 5);
	expect_one(w, "peers", "warning",
		   "Round trips over fibre are 12 ms at the median, 50 % above "
		   "the 8.0 ms of 3 other sites in Utrecht.");
}

static void sister_sites_are_not_faster_by_much(void **state)
{
	struct world *w = *state;
	struct model_series *s = sister(w, "Utrecht 2", 10); /* 20 %, 2 ms */

	expect_none(w);
	report_model_answers(&s->now, 50, 5); /* few */
	expect_none(w);
	report_model_answers(&s->now, 1000, 5);
	s->host = "elsewhere";
	expect_none(w);
	s->host = "outlook";
	w->model.sites[1].metro = "Amersfoort";
	expect_none(w);
}

/* --- places --- */

static void the_edge_location_is_far_although_one_is_near(void **state)
{
	struct world *w = *state;
	const struct model_finding *f;

	w->run.pop = "ATL";
	f = expect_one(w, "pop_distance", "bad",
		       "Traffic over fibre meets Microsoft in Atlanta (ATL), "
		       "7086 km away, although Amsterdam (AMS) is 35 km away: "
		       "at least 69 ms of each round trip is the detour.");
	assert_string_equal(
		f->help,
		"Ask KPN why traffic from Utrecht reaches Microsoft in Atlanta "
		"(ATL), 7086 km away, and not in Amsterdam (AMS); send the "
		"times and the references of the answers (pop_ref in the rows "
		"of `edgeprobe export`).");
	assert_true(f->since_ns == 0);
	assert_string_equal(f->pop, "ATL");
}

static void far_is_no_fault_where_nothing_is_nearer(void **state)
{
	struct world *w = *state;

	w->site->latitude = -14.3; /* Samoa */
	w->site->longitude = -170.7;
	w->run.pop = "AKL";
	expect_none(w);
	w->run.pop = "ZZZ";
	expect_none(w);
}

static void neither_at_home_nor_at_the_backup(void **state)
{
	struct world *w = *state;
	struct model_run runs[] = {
		{ "AMS", w->model.since_ns, w->model.since_ns + MIN, 9, 0 },
		{ "LON", w->model.since_ns + 2 * MIN, w->model.until_ns, 9, 0 },
	};
	const struct model_finding *f;

	w->line->runs = runs;
	w->line->n_runs = 2;
	w->line->primary_location = "Amsterdam";
	w->line->backup_location = "Frankfurt";
	f = expect_one(w, "location", "warning",
		       "Traffic over fibre meets Microsoft in London (LON), "
		       "367 km away, which is not its primary location, "
		       "Amsterdam, nor its backup, Frankfurt.");
	assert_true(f->since_ns == w->model.since_ns + 2 * MIN);
	assert_int_equal(w->line->n_failovers, 1);
	w->line->backup_location = "London";
	expect_one(w, "location", "warning",
		   "Traffic over fibre meets Microsoft at its backup location, "
		   "in London (LON), 367 km away, and not at the primary, "
		   "Amsterdam.");
}

static void a_failover_that_is_over(void **state)
{
	struct world *w = *state;
	struct model_run runs[] = {
		{ "AMS", w->model.since_ns, w->model.since_ns + MIN, 9, 0 },
		{ "FRA", w->model.since_ns + 2 * MIN,
		  w->model.since_ns + 15 * MIN, 9, 0 },
		{ "AMS", w->model.since_ns + 16 * MIN, w->model.until_ns, 9,
		  0 },
	};
	const struct model_finding *f;

	w->line->runs = runs;
	w->line->n_runs = 3;
	w->line->primary_location = "Amsterdam";
	w->line->backup_location = "Frankfurt";
	f = expect_one(w, "failover", "warning",
		       "Traffic over fibre left its primary location, "
		       "Amsterdam, once for 14 min; the last time it went to "
		       "Frankfurt (FRA), for 14 min.");
	assert_true(f->value == 14 * 60);
	assert_true(f->since_ns == w->model.since_ns + 2 * MIN);
}

static void not_where_it_is_expected(void **state)
{
	struct world *w = *state;

	w->site->expected_pops = "FRA,AM";
	expect_none(w);
	w->site->expected_pops = "FRA, BRU";
	expect_one(w, "expected_pops", "warning",
		   "Traffic over fibre meets Microsoft in Amsterdam (AMS), 35 "
		   "km away, and not in FRA, BRU, as expected.");
	w->site->expected_pops = ",,,";
	judge(w);
	w->line->n_runs = 0;
	expect_none(w);
}

static void not_where_it_was_before(void **state)
{
	struct world *w = *state;

	w->tcp->before.pops[0] = (struct line_pop){ "AMS", 95 };
	w->tcp->before.pops[1] = (struct line_pop){ "FRA", 5 };
	w->tcp->before.n_pops = 2;
	expect_none(w);
	w->run.pop = "BRU"; /* some 100 km further: no other place */
	expect_none(w);
	w->run.pop = "FRA";
	expect_one(w, "usual_pop", "warning",
		   "Traffic over fibre meets Microsoft in Frankfurt (FRA), 332 "
		   "km away, and no longer in Amsterdam (AMS), as usual (95 % "
		   "of the answers before).");
	w->tcp->before.pops[1].n = 40; /* nothing new */
	expect_none(w);
}

static void it_leaves_far_away(void **state)
{
	struct world *w = *state;

	w->line->egress_km = 900;
	w->line->egress_place = "Milan";
	expect_one(w, "egress", "warning",
		   "Traffic over fibre leaves to the internet in Milan, 900 km "
		   "from the site: at least 8.8 ms of each round trip.");
	w->line->egress_km = 700;
	w->line->resolver_km = 1900;
	w->line->resolver_address = "192.0.2.53";
	expect_one(w, "resolver", "bad",
		   "Names over fibre are looked up 1900 km from the site (by "
		   "192.0.2.53): front doors are chosen near there.");
}

/* --- events --- */

static void nothing_answers(void **state)
{
	struct world *w = *state;
	uint64_t since = w->model.since_ns + 10 * MIN;
	const struct model_finding *f;

	event(w, "unreachable", since);
	f = expect_one(w, "unreachable", "bad", "Nothing answers over fibre.");
	assert_true(f->since_ns == since);
	assert_true(isnan(f->value) && isnan(f->limit));
	/* Its end was not told, but it has answered since. */
	w->tcp->cells[30].asked = 5;
	expect_none(w);
	w->tcp->cells[30].lost = 5;
	expect_one(w, "unreachable", "bad", "Nothing answers over fibre.");
}

static void one_target_of_several_does_not_answer(void **state)
{
	struct world *w = *state;

	report_model_series(&w->model, 0, "own", "tcp", "");
	report_model_answers(&w->model.series[1].now, 1000, 12);
	event(w, "unreachable", w->model.since_ns + MIN)->target = "own";
	expect_one(w, "unreachable", "warning",
		   "No answer over fibre from own (tcp), while others do.");
	w->model.series[1].service = "Azure";
	judge(w);
	assert_string_equal(w->model.findings[0].level, "bad");
}

static void latency_has_been_worse_since(void **state)
{
	struct world *w = *state;
	const struct model_finding *f;

	for (unsigned i = 0; i < 60; i++)
		w->tcp->cells[i].p50 = i < 20 ? 12e6f : 44e6f;
	report_model_answers(&w->tcp->now, 1000, 24);
	event(w, "latency_degraded", w->model.since_ns + 20 * MIN);
	f = expect_one(w, "latency_degraded", "warning",
		       "Round trips over fibre to outlook (tcp) take 44 ms, "
		       "and took 12 ms before.");
	assert_true(f->since_ns == w->model.since_ns + 20 * MIN);
	assert_true(f->value > 43.9 && f->limit < 12.1);
}

static void the_line_is_down(void **state)
{
	struct world *w = *state;
	struct model_event *e =
		event(w, "circuit_changed", w->model.since_ns + MIN);

	e->target = e->probe = "";
	e->state = "down";
	expect_one(w, "circuit_changed", "bad",
		   "The line fibre is down: the machine has no interface or "
		   "address for it.");
	event(w, "unreachable", w->model.since_ns + 2 * MIN);
	judge(w); /* one cause, told once */
	assert_int_equal(w->model.n_findings, 1);
	assert_true(w->model.findings[0].since_ns == w->model.since_ns + MIN);
}

static void something_stands_between(void **state)
{
	struct world *w = *state;

	w->tcp->n_issuer = 2;
	expect_none(w);
	event(w, "interception", w->model.since_ns + MIN)->text =
		"its certificate is of Proxy Ltd";
	expect_one(w, "interception", "bad",
		   "Something stands between the site and outlook (tcp) over "
		   "fibre: its certificate is of Proxy Ltd.");
	w->model.n_events = 0;
	w->tcp->n_issuer = 990;
	expect_one(w, "interception", "bad",
		   "Something on the way opens TLS to outlook over fibre: its "
		   "certificate is not Microsoft's.");
}

/* --- circuits side by side --- */

static struct model_pair *pair(struct world *w)
{
	struct model_pair *p = &w->model.pairs[0];

	report_model_circuit(&w->model, 0, "");
	report_model_series(&w->model, 1, "outlook", "tcp", "Exchange");
	report_model_answers(&w->model.series[1].now, 1000, 12);
	report_model_answers(&w->model.series[1].before, 1000, 12);
	w->model.n_pairs = 1;
	*p = (struct model_pair){
		1, 0, 900, { 14e6, 12.4e6, 15.2e6 }, { 31e6, 25e6, 38e6 }, ""
	};
	return p;
}

static void another_circuit_would_be_better(void **state)
{
	struct world *w = *state;
	const struct model_pair *p = pair(w);

	judge(w);
	assert_string_equal(p->text,
			    "circuit fibre would save 14 ms (12 to 15) at p50, "
			    "31 at p90, to outlook (tcp)");
	assert_int_equal(w->model.n_findings, 1);
	assert_string_equal(w->model.findings[0].rule, "saving");
	assert_int_equal(w->model.findings[0].circuit, 1);
	assert_string_equal(w->model.findings[0].text,
			    "To outlook (tcp), circuit fibre would save 14 ms "
			    "(12 to 15) of the round trip.");
}

static void circuits_do_not_differ(void **state)
{
	struct world *w = *state;
	struct model_pair *p = pair(w);

	p->p50 = (struct model_interval){ 9e6, -0.3e6, 19e6 };
	p->p90 = (struct model_interval){ 1e6, -5e6, 9e6 };
	expect_none(w);
	assert_string_equal(p->text,
			    "no difference between the default route and "
			    "circuit fibre to outlook (tcp): 9.0 ms (-0.3 to "
			    "19) at p50");
	p->p90.low = 0.04e6;
	expect_none(w);
	assert_string_equal(p->text,
			    "circuit fibre would save 1.0 ms (0.04 to 9.0) at "
			    "p90, no difference at p50, to outlook (tcp)");
	p->p50 = (struct model_interval){ 1e6, 0.5e6, 2e6 }; /* little */
	p->p90 = (struct model_interval){ -3e6, -4e6, -2e6 };
	expect_none(w);
	assert_string_equal(p->text,
			    "circuit fibre would save 1.0 ms (0.5 to 2.0) at "
			    "p50, cost 3.0 at p90, to outlook (tcp)");
}

/* --- all together --- */

static void the_worst_comes_first(void **state)
{
	struct world *w = *state;
	struct model_series *s = sister(w, "Utrecht 2", 130);

	report_model_answers(&w->tcp->now, 1000, 30);
	report_model_answers(&w->tcp->before, 1000, 30);
	report_model_answers(&s->before, 1000, 130);
	judge(w);
	assert_int_equal(w->model.n_findings, 3);
	assert_string_equal(w->model.findings[0].level, "bad");
	assert_int_equal(w->model.findings[0].site, 1);
	assert_int_equal(w->model.findings[2].site, 0);
	assert_string_equal(w->model.findings[2].level, "warning");
}

static void hostile_names(void **state)
{
	static char name[3000];
	struct world *w = *state;

	memset(name, '%', sizeof(name) - 1);
	w->line->name = w->line->provider = w->site->name = name;
	w->site->metro = w->tcp->target = w->run.pop = name;
	w->line->primary_location = w->line->backup_location = name;
	w->site->expected_pops = name;
	report_model_answers(&w->tcp->now, 1000, 500);
	event(w, "unreachable", w->model.since_ns)->target = name;
	event(w, "latency_degraded", w->model.since_ns)->target = name;
	judge(w);
	assert_in_range(w->model.n_findings, 3, 9);
	for (size_t i = 0; i < w->model.n_findings; i++)
		assert_in_range(strlen(w->model.findings[i].text), 10, 1100);
}

static void every_rule_has_a_name(void **state)
{
	struct judge_options options;

	(void)state;
	judge_options_init(&options);
	for (unsigned i = 0; i < JUDGE_RULES; i++) {
		struct edge_rule rule =
			judge_rule(&options, (enum judge_rule_id)i);

		assert_true(*rule.name != '\0' && *rule.source != '\0');
		assert_true(rule.good < rule.poor);
	}
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(all_is_well),
		cmocka_unit_test(an_empty_model),
		IN_WORLD(nothing_was_measured),
		IN_WORLD(few_samples_are_no_evidence),
		IN_WORLD(what_is_over_is_no_finding),
		IN_WORLD(exchange_is_far),
		IN_WORLD(limits_are_configured),
		IN_WORLD(a_handshake_of_https_stands_in_for_tcp),
		IN_WORLD(a_site_scores_by_the_median_of_its_answers),
		IN_WORLD(calls_suffer),
		IN_WORLD(probes_are_lost),
		IN_WORLD(probes_fail),
		IN_WORLD(it_was_faster_before),
		IN_WORLD(another_target_is_no_change),
		IN_WORLD(sister_sites_are_faster),
		IN_WORLD(sister_sites_are_not_faster_by_much),
		IN_WORLD(the_edge_location_is_far_although_one_is_near),
		IN_WORLD(far_is_no_fault_where_nothing_is_nearer),
		IN_WORLD(neither_at_home_nor_at_the_backup),
		IN_WORLD(a_failover_that_is_over),
		IN_WORLD(not_where_it_is_expected),
		IN_WORLD(not_where_it_was_before),
		IN_WORLD(it_leaves_far_away),
		IN_WORLD(nothing_answers),
		IN_WORLD(one_target_of_several_does_not_answer),
		IN_WORLD(latency_has_been_worse_since),
		IN_WORLD(the_line_is_down),
		IN_WORLD(something_stands_between),
		IN_WORLD(another_circuit_would_be_better),
		IN_WORLD(circuits_do_not_differ),
		IN_WORLD(the_worst_comes_first),
		IN_WORLD(hostile_names),
		cmocka_unit_test(every_rule_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
