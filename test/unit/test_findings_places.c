#include "lib/findings_world.h"
#include <math.h>
#include <string.h>

/* --- places --- */

static void the_edge_location_is_far_although_one_is_near(void **state)
{
	struct world *w = *state;
	const struct model_finding *f;

	w->run.pop = "ATL";
	f = findings_expect(
		w, "pop_distance", "bad",
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
	findings_expect_none(w);
	w->run.pop = "ZZZ";
	findings_expect_none(w);
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
	f = findings_expect(
		w, "location", "warning",
		"Traffic over fibre meets Microsoft in London (LON), "
		"367 km away, which is not its primary location, "
		"Amsterdam, nor its backup, Frankfurt.");
	assert_true(f->since_ns == w->model.since_ns + 2 * MIN);
	assert_int_equal(w->line->n_failovers, 1);
	w->line->backup_location = "London";
	findings_expect(
		w, "location", "warning",
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
	f = findings_expect(
		w, "failover", "warning",
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
	findings_expect_none(w);
	w->site->expected_pops = "FRA, BRU";
	findings_expect(
		w, "expected_pops", "warning",
		"Traffic over fibre meets Microsoft in Amsterdam (AMS), 35 "
		"km away, and not in FRA, BRU, as expected.");
	w->site->expected_pops = ",,,";
	findings_judge(w);
	w->line->n_runs = 0;
	findings_expect_none(w);
}

static void not_where_it_was_before(void **state)
{
	struct world *w = *state;

	w->tcp->before.pops[0] = (struct line_pop){ "AMS", 95 };
	w->tcp->before.pops[1] = (struct line_pop){ "FRA", 5 };
	w->tcp->before.n_pops = 2;
	findings_expect_none(w);
	w->run.pop = "BRU"; /* some 100 km further: no other place */
	findings_expect_none(w);
	w->run.pop = "FRA";
	findings_expect(
		w, "usual_pop", "warning",
		"Traffic over fibre meets Microsoft in Frankfurt (FRA), 332 "
		"km away, and no longer in Amsterdam (AMS), as usual (95 % "
		"of the answers before).");
	w->tcp->before.pops[1].n = 40; /* nothing new */
	findings_expect_none(w);
}

static void it_leaves_far_away(void **state)
{
	struct world *w = *state;

	w->line->egress_km = 900;
	w->line->egress_place = "Milan";
	findings_expect(
		w, "egress", "warning",
		"Traffic over fibre leaves to the internet in Milan, 900 km "
		"from the site: at least 8.8 ms of each round trip.");
	w->line->egress_km = 700;
	w->line->resolver_km = 1900;
	w->line->resolver_address = "192.0.2.53";
	findings_expect(
		w, "resolver", "bad",
		"Names over fibre are looked up 1900 km from the site (by "
		"192.0.2.53): front doors are chosen near there.");
}

static void it_leaves_from_a_strange_address(void **state)
{
	struct world *w = *state;

	w->line->prefix = "203.0.113.16/28";
	w->line->egress_address = "203.0.113.17";
	findings_expect_none(w);
	w->line->egress_address = "192.168.1.2"; /* seen from within */
	findings_expect_none(w);
	w->line->egress_address = "2001:db8::1"; /* only IPv4 is registered */
	findings_expect_none(w);
	w->line->egress_address = "198.51.100.7";
	w->line->observed_provider = "AS64500 EXAMPLE-NET";
	findings_expect(w, "prefix", "warning",
			"Traffic over fibre leaves from 198.51.100.7, which is "
			"not in the prefix 203.0.113.16/28 that is registered "
			"for it.");
	assert_non_null(strstr(w->model.findings[0].help,
			       "(the address is of AS64500 EXAMPLE-NET)"));
	w->line->prefix = ""; /* nothing is registered */
	findings_expect_none(w);
}

/* --- events --- */

static void nothing_answers(void **state)
{
	struct world *w = *state;
	uint64_t since = w->model.since_ns + 10 * MIN;
	const struct model_finding *f;

	findings_event(w, "unreachable", since);
	f = findings_expect(w, "unreachable", "bad",
			    "Nothing answers over fibre.");
	assert_true(f->since_ns == since);
	assert_true(isnan(f->value) && isnan(f->limit));
	/* Its end was not told, but it has answered since. */
	w->tcp->cells[30].asked = 5;
	findings_expect_none(w);
	w->tcp->cells[30].lost = 5;
	findings_expect(w, "unreachable", "bad", "Nothing answers over fibre.");
}

static void one_target_of_several_does_not_answer(void **state)
{
	struct world *w = *state;

	report_model_series(&w->model, 0, "own", "tcp", "");
	report_model_answers(&w->model.series[1].now, 1000, 12);
	findings_event(w, "unreachable", w->model.since_ns + MIN)->target =
		"own";
	findings_expect(
		w, "unreachable", "warning",
		"No answer over fibre from own (tcp), while others do.");
	w->model.series[1].service = "Azure";
	findings_judge(w);
	assert_string_equal(w->model.findings[0].level, "bad");
}

static void latency_has_been_worse_since(void **state)
{
	struct world *w = *state;
	struct model_run runs[2];
	const struct model_finding *f;

	for (unsigned i = 0; i < 60; i++)
		w->tcp->cells[i].p50 = i < 20 ? 12e6f : 44e6f;
	report_model_answers(&w->tcp->now, 1000, 24);
	findings_event(w, "latency_degraded", w->model.since_ns + 20 * MIN);
	f = findings_expect(
		w, "latency_degraded", "bad",
		"Round trips over fibre to outlook (tcp) take 44 ms, "
		"and took 12 ms before.");
	assert_true(f->since_ns == w->model.since_ns + 20 * MIN);
	assert_true(f->value > 43.9 && f->limit < 12.1);
	assert_non_null(strstr(f->help, "the edge location is the same"));
	runs[0] = (struct model_run){ "FRA", w->model.since_ns,
				      w->model.since_ns + 21 * MIN, 9, 0 };
	runs[1] = (struct model_run){ "AMS", w->model.since_ns + 22 * MIN,
				      w->model.until_ns, 9, 0 };
	w->line->runs = runs;
	w->line->n_runs = 2;
	findings_judge(w);
	assert_string_equal(w->model.findings[0].help,
			    "At that time traffic moved from Frankfurt (FRA) "
			    "to Amsterdam (AMS): ask KPN why.");
}

static void another_line_is_better_meanwhile(void **state)
{
	struct world *w = *state;
	uint32_t lte = report_model_circuit(&w->model, 0, "lte");
	struct model_series *other = &w->model.series[report_model_series(
		&w->model, lte, "outlook", "tcp", "Exchange")];

	for (unsigned i = 0; i < 60; i++) {
		w->tcp->cells[i].p50 = i < 20 ? 12e6f : 44e6f;
		other->cells[i].p50 = 21e6f;
	}
	report_model_answers(&w->tcp->now, 1000, 24);
	findings_event(w, "latency_degraded", w->model.since_ns + 20 * MIN);
	findings_judge(w);
	assert_string_equal(w->model.findings[0].rule, "latency_degraded");
	assert_non_null(strstr(w->model.findings[0].help,
			       "Meanwhile the same takes 21 ms over lte"));
	assert_non_null(
		strstr(w->model.findings[0].help, "which saves 23 ms."));
	for (unsigned i = 0; i < 60; i++)
		other->cells[i].p50 = 40e6f; /* not worth the change */
	findings_judge(w);
	assert_null(strstr(w->model.findings[0].help, "Meanwhile"));
}

static void the_line_is_down(void **state)
{
	struct world *w = *state;
	struct model_event *e =
		findings_event(w, "circuit_changed", w->model.since_ns + MIN);

	e->target = e->probe = "";
	e->state = "down";
	findings_expect(
		w, "circuit_changed", "bad",
		"The line fibre is down: the machine has no interface or "
		"address for it.");
	findings_event(w, "unreachable", w->model.since_ns + 2 * MIN);
	findings_judge(w); /* one cause, told once */
	assert_int_equal(w->model.n_findings, 1);
	assert_true(w->model.findings[0].since_ns == w->model.since_ns + MIN);
}

static void something_stands_between(void **state)
{
	struct world *w = *state;

	w->tcp->n_issuer = 2;
	findings_expect_none(w);
	findings_event(w, "interception", w->model.since_ns + MIN)->text =
		"its certificate is of Proxy Ltd";
	findings_expect(
		w, "interception", "bad",
		"Something stands between the site and outlook (tcp) over "
		"fibre: its certificate is of Proxy Ltd.");
	w->model.n_events = 0;
	w->tcp->n_issuer = 990;
	findings_expect(
		w, "interception", "bad",
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

	findings_judge(w);
	assert_string_equal(p->text,
			    "circuit fibre would save 14 ms (12 to 15) at p50, "
			    "31 at p90, to outlook (tcp)");
	assert_int_equal(w->model.n_findings, 1);
	assert_string_equal(w->model.findings[0].rule, "saving");
	assert_int_equal(w->model.findings[0].circuit, 1);
	assert_string_equal(w->model.findings[0].text,
			    "To outlook (tcp), circuit fibre would save 14 ms "
			    "(12 to 15) of the round trip.");
	/* A spare line is slower: no news. */
	w->line->connection = "utrecht-1";
	findings_expect_none(w);
	w->model.circuits[1].connection = "utrecht-2";
	findings_judge(w);
	assert_int_equal(w->model.n_findings, 1);
}

static void circuits_do_not_differ(void **state)
{
	struct world *w = *state;
	struct model_pair *p = pair(w);

	p->p50 = (struct model_interval){ 9e6, -0.3e6, 19e6 };
	p->p90 = (struct model_interval){ 1e6, -5e6, 9e6 };
	findings_expect_none(w);
	assert_string_equal(p->text,
			    "no difference between the default route and "
			    "circuit fibre to outlook (tcp): 9.0 ms (-0.3 to "
			    "19) at p50");
	p->p90.low = 0.04e6;
	findings_expect_none(w);
	assert_string_equal(p->text,
			    "circuit fibre would save 1.0 ms (0.04 to 9.0) at "
			    "p90, no difference at p50, to outlook (tcp)");
	p->p50 = (struct model_interval){ 1e6, 0.5e6, 2e6 }; /* little */
	p->p90 = (struct model_interval){ -3e6, -4e6, -2e6 };
	findings_expect_none(w);
	assert_string_equal(p->text,
			    "circuit fibre would save 1.0 ms (0.5 to 2.0) at "
			    "p50, cost 3.0 at p90, to outlook (tcp)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(the_edge_location_is_far_although_one_is_near),
		IN_WORLD(far_is_no_fault_where_nothing_is_nearer),
		IN_WORLD(neither_at_home_nor_at_the_backup),
		IN_WORLD(a_failover_that_is_over),
		IN_WORLD(not_where_it_is_expected),
		IN_WORLD(not_where_it_was_before),
		IN_WORLD(it_leaves_far_away),
		IN_WORLD(it_leaves_from_a_strange_address),
		IN_WORLD(nothing_answers),
		IN_WORLD(one_target_of_several_does_not_answer),
		IN_WORLD(latency_has_been_worse_since),
		IN_WORLD(another_line_is_better_meanwhile),
		IN_WORLD(the_line_is_down),
		IN_WORLD(something_stands_between),
		IN_WORLD(another_circuit_would_be_better),
		IN_WORLD(circuits_do_not_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
