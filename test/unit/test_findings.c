#include "base/arena.h"
#include "lib/findings_world.h"
#include <math.h>
#include <string.h>

/* --- nothing --- */

static void all_is_well(void **state)
{
	struct world *w = *state;

	findings_expect_none(w);
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
	findings_expect_none(w);
	assert_true(isnan(w->line->score) && isnan(w->site->score));
}

static void few_samples_are_no_evidence(void **state)
{
	struct world *w = *state;

	report_model_answers(&w->tcp->now, 20, 400);
	w->tcp->now.outcomes[EP_LOST] = 4;
	w->tcp->now.outcomes[EP_FAILED] = 4;
	findings_expect_none(w);
}

static void what_is_over_is_no_finding(void **state)
{
	struct world *w = *state;

	findings_event(w, "unreachable", w->model.since_ns)->until_ns =
		w->model.since_ns + MIN;
	findings_event(w, "latency_degraded", w->model.since_ns)->until_ns =
		w->model.since_ns + MIN;
	findings_event(w, "unheard_of", w->model.since_ns);
	findings_event(w, "unreachable", w->model.since_ns)->circuit =
		MODEL_NONE;
	findings_expect_none(w);
}

/* --- figures --- */

static void exchange_is_far(void **state)
{
	struct world *w = *state;
	const struct model_finding *f;

	report_model_answers(&w->tcp->now, 1000, 112);
	report_model_answers(&w->tcp->before, 1000, 112);
	f = findings_expect(
		w, "exchange_rtt", "bad",
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
	assert_true(w->model.rtt.good == 10 && w->model.rtt.poor == 11);
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
	findings_judge(w);
	assert_true(w->line->score > 79.9 && w->line->score < 80.1);
}

static void a_site_scores_by_the_median_of_its_answers(void **state)
{
	struct world *w = *state;

	report_model_circuit(&w->model, 0, "lte");
	report_model_series(&w->model, 1, "outlook", "tcp", "Exchange");
	report_model_answers(&w->model.series[1].now, 10, 200);
	findings_judge(w);
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
	findings_expect_none(w);
	s->now.outcomes[EP_LOST] = 40;
	s->worst_loss_percent = 20;
	findings_expect(
		w, "teams_loss", "warning",
		"Packets lost within 15 s on the way to Teams' media relays "
		"over fibre: 20.0 % at the worst moment; calls are good up "
		"to 1 %.");
	s->now.outcomes[EP_LOST] = 400;
	findings_expect(
		w, "teams_loss", "bad",
		"Packets lost within 15 s on the way to Teams' media relays "
		"over fibre: 20.0 %; calls are good up to 1 %.");
}

static void probes_are_lost(void **state)
{
	struct world *w = *state;

	w->tcp->now.outcomes[EP_REPLIED] = 980;
	w->tcp->now.outcomes[EP_LOST] = 20;
	findings_expect(
		w, "loss", "warning",
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
	findings_judge(w);
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
	findings_expect_none(w);
	report_model_answers(&w->tcp->now, 1000, 24);
	findings_expect(w, "change", "warning",
			"Round trips over fibre are 24 ms at the median, 12 ms "
			"(100 %) longer than in the window before.");
}

static void another_target_is_no_change(void **state)
{
	struct world *w = *state;

	report_model_series(&w->model, 0, "teams", "tcp", "Teams");
	report_model_answers(&w->model.series[1].now, 9000, 90);
	findings_expect_none(w);
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

	sister(w, "Utrecht 2", 6);
	sister(w, "Utrecht 3", 6.5);
	sister(w, "Utrecht 4", 5);
	findings_expect(
		w, "peers", "warning",
		"Round trips over fibre are 12 ms at the median, 100 % above "
		"the 6.0 ms of 3 other sites in Utrecht.");
}

static void sister_sites_are_not_faster_by_much(void **state)
{
	struct world *w = *state;
	struct model_series *s = sister(w, "Utrecht 2", 7.5); /* 60 %, 4.5 ms */

	findings_expect_none(w);
	report_model_answers(&s->now, 50, 5); /* few */
	findings_expect_none(w);
	report_model_answers(&s->now, 1000, 5);
	s->host = "elsewhere";
	findings_expect_none(w);
	s->host = "outlook";
	w->model.sites[1].metro = "Amersfoort";
	findings_expect_none(w);
}

/* --- all together --- */

static void the_worst_comes_first(void **state)
{
	struct world *w = *state;
	struct model_series *s = sister(w, "Utrecht 2", 130);

	report_model_answers(&w->tcp->now, 1000, 30);
	report_model_answers(&w->tcp->before, 1000, 30);
	report_model_answers(&s->before, 1000, 130);
	findings_judge(w);
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
	findings_event(w, "unreachable", w->model.since_ns)->target = name;
	findings_event(w, "latency_degraded", w->model.since_ns)->target = name;
	findings_judge(w);
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

static void a_full_line_is_slow(void **state)
{
	struct world *w = *state;

	report_model_answers(&w->line->now, 1000, 12);
	w->line->now.loaded =
		(struct figures){ .n = 10, .p50 = 180e6, .p95 = 300e6 };
	findings_expect(w, "loaded", "warning",
			"While a download fills the line over fibre, round "
			"trips take 180 ms instead of 12 ms.");
	w->line->now.loaded.p50 = 100e6; /* 88 more */
	findings_expect_none(w);
	w->line->now.loaded = (struct figures){ .n = 4, .p50 = 900e6 };
	findings_expect_none(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_full_line_is_slow),
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
		IN_WORLD(the_worst_comes_first),
		IN_WORLD(hostile_names),
		cmocka_unit_test(every_rule_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
