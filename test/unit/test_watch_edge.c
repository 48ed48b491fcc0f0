/* What a series' samples make of events: which edge location answers, and what
 * stands before it. */
#include "events/watch.h"

#include "edgeprobe/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START    (UINT64_C(1767225600) * EP_NS_PER_S)
#define S        EP_NS_PER_S
#define NEWS_MAX 64

struct scene {
	struct watch w;
	struct landing landing;
	struct watch_limits limits;
	enum watch_silence silence;
	uint64_t at_ns, step_ns, seed;
	struct watch_news news[NEWS_MAX];
	unsigned n;
	char from[8], to[8];
};

static void on_news(const struct watch_news *news, void *arg)
{
	struct scene *s = arg;

	assert_true(s->n < NEWS_MAX);
	if (news->from != NULL) {
		snprintf(s->from, sizeof(s->from), "%.7s", news->from);
		snprintf(s->to, sizeof(s->to), "%.7s", news->to);
	}
	s->news[s->n++] = *news;
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->limits = watch_defaults;
	s->w.landing = &s->landing;
	s->at_ns = START;
	s->step_ns = 10 * S;
	s->seed = 1;
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void see_pop(struct scene *s, const char *pop)
{
	struct ep_sample sample;

	ep_sample_init(&sample);
	sample.sent_ns = s->at_ns;
	sample.outcome = EP_REPLIED;
	sample.rtt_ns = 12000000;
	memcpy(sample.https.pop, pop, strlen(pop) + 1);
	watch_see(&s->w, &s->limits, &sample, s->silence, on_news, s);
	s->at_ns += s->step_ns;
}

static void another_edge_location_answers(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 10; i++)
		see_pop(s, "AMS");
	see_pop(s, "FRA"); /* a moment of it is not told */
	see_pop(s, "FRA");
	see_pop(s, "");
	see_pop(s, "AMS");
	see_pop(s, "FRA");
	see_pop(s, "DUB");
	see_pop(s, "FRA");
	assert_int_equal(s->n, 0);
	see_pop(s, "FRA");
	see_pop(s, "FRA");
	assert_int_equal(s->n, 1);
	assert_int_equal(s->news[0].what, WATCH_POP);
	assert_string_equal(s->from, "AMS");
	assert_string_equal(s->to, "FRA");
	for (int i = 0; i < 10; i++)
		see_pop(s, "FRA");
	assert_int_equal(s->n, 1);
}

/* So many hours of answers, `every` one of which comes from `other`. */
static void land(struct scene *s, unsigned hours, const char *pop,
		 const char *other, unsigned every)
{
	unsigned n = hours * 360;

	for (unsigned i = 1; i <= n; i++)
		see_pop(s, every != 0 && i / 10 % every == 0 ? other : pop);
}

static void what_is_usual_is_learned(void **state)
{
	struct scene *s = *state;
	uint64_t away_ns;

	land(s, 2, "AMS", "", 0);
	away_ns = s->at_ns;
	land(s, 3, "FRA", "", 0);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->news[0].state, WATCH_OPEN);
	assert_int_equal(s->news[0].expected, POPS_UNUSUAL);
	assert_true(s->news[0].since_ns == away_ns);
	assert_false(watch_is_well(&s->w));
	land(s, 1, "DUB", "", 0);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->news[1].state, WATCH_UPDATE);
	assert_true(s->news[1].since_ns == away_ns);
	land(s, 1, "AM", "", 0); /* another code of Amsterdam */
	assert_int_equal(s->n, 3);
	assert_int_equal(s->news[2].state, WATCH_CLOSED);
	assert_int_equal(s->news[2].expected, POPS_USUAL);
	assert_true(s->news[2].since_ns == away_ns);
	assert_true(watch_is_well(&s->w));
	/* It was there for hours, and is no news any more. */
	land(s, 1, "FRA", "", 0);
	assert_int_equal(s->n, 4);
	assert_int_equal(s->news[3].state, WATCH_ONCE);
	assert_int_equal(s->news[3].expected, POPS_USUAL);
}

static void in_the_first_hour_nothing_is_usual(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 300; i++)
		see_pop(s, "AMS");
	for (int i = 0; i < 20; i++)
		see_pop(s, "FRA");
	assert_int_equal(s->n, 1);
	assert_int_equal(s->news[0].state, WATCH_ONCE);
	assert_int_equal(s->news[0].expected, POPS_UNKNOWN);
}

/* Anycast that lands here and there: told, but not as something bad. */
static void two_that_share(void **state)
{
	struct scene *s = *state;

	for (int hour = 0; hour < 30; hour++) {
		s->n = 0;
		land(s, 1, "AMS", "FRA", 3);
		assert_true(s->n > 10);
		for (unsigned i = 0; i < s->n; i++)
			assert_int_equal(s->news[i].state, WATCH_ONCE);
	}
}

static void what_is_usual_for_a_day_is_usual(void **state)
{
	struct scene *s = *state;

	land(s, 2, "AMS", "", 0);
	land(s, 25, "FRA", "", 0);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->news[1].state, WATCH_LASTING);
	assert_int_equal(s->news[1].expected, POPS_USUAL);
	assert_string_equal(s->to, "FRA");
	assert_true(watch_is_well(&s->w));
}

static void what_is_configured_is_not_learned(void **state)
{
	static const char *const pops[] = { "LON" };
	struct scene *s = *state;

	s->limits.pops = pops;
	s->limits.n_pops = 1;
	land(s, 50, "AMS", "", 0);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->news[0].state, WATCH_OPEN);
	assert_int_equal(s->news[0].expected, POPS_UNEXPECTED);
	assert_string_equal(s->from, "");
	assert_string_equal(s->to, "AMS");
	see_pop(s, "LON");
	see_pop(s, "LON");
	assert_int_equal(s->n, 1);
	see_pop(s, "LON");
	assert_int_equal(s->n, 2);
	assert_int_equal(s->news[1].state, WATCH_CLOSED);
	assert_int_equal(s->news[1].expected, POPS_CONFIGURED);
}

static void see_flags(struct scene *s, unsigned flags, const char *issuer)
{
	struct ep_sample sample;

	ep_sample_init(&sample);
	sample.sent_ns = s->at_ns;
	sample.outcome = EP_REPLIED;
	sample.rtt_ns = 12000000;
	sample.flags = (uint16_t)flags;
	snprintf(sample.https.tls_issuer, sizeof(sample.https.tls_issuer), "%s",
		 issuer);
	watch_see(&s->w, &s->limits, &sample, s->silence, on_news, s);
	s->at_ns += s->step_ns;
}

static void three_in_a_row_are_interception(void **state)
{
	struct scene *s = *state;
	uint64_t began_ns;

	see_flags(s, 0, "DigiCert Inc");
	see_flags(s, EP_FLAG_TLS_ISSUER, "P");
	see_flags(s, EP_FLAG_TLS_ISSUER, "P");
	see_flags(s, 0, "DigiCert Inc");
	began_ns = s->at_ns;
	see_flags(s, EP_FLAG_TLS_ISSUER, "P");
	see_flags(s, EP_FLAG_TLS_ISSUER, "P");
	see_flags(s, 0, ""); /* no handshake: neither way */
	assert_int_equal(s->n, 0);
	see_flags(s, EP_FLAG_TLS_ISSUER, "P");
	assert_int_equal(s->n, 1);
	assert_int_equal(s->news[0].what, WATCH_BETWEEN);
	assert_int_equal(s->news[0].state, WATCH_OPEN);
	assert_int_equal(s->news[0].evidence, EP_FLAG_TLS_ISSUER);
	assert_true(s->news[0].since_ns == began_ns);
	assert_false(watch_is_well(&s->w));
	for (int i = 0; i < 9; i++)
		see_flags(s, EP_FLAG_TLS_ISSUER | EP_FLAG_NEARBY, "P");
	assert_int_equal(s->n, 2); /* one more thing speaks for it */
	assert_int_equal(s->news[1].state, WATCH_UPDATE);
	assert_int_equal(s->news[1].evidence,
			 EP_FLAG_TLS_ISSUER | EP_FLAG_NEARBY);
	see_flags(s, 0, "DigiCert Inc");
	see_flags(s, 0, "DigiCert Inc");
	see_flags(s, EP_FLAG_TLS_ISSUER, "P");
	see_flags(s, 0, "DigiCert Inc");
	see_flags(s, 0, "DigiCert Inc");
	assert_int_equal(s->n, 2);
	see_flags(s, 0, "DigiCert Inc");
	assert_int_equal(s->n, 3);
	assert_int_equal(s->news[2].state, WATCH_CLOSED);
	assert_true(s->news[2].since_ns == began_ns);
	assert_true(watch_is_well(&s->w));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_edge_location_answers),
		TEST(what_is_usual_is_learned),
		TEST(in_the_first_hour_nothing_is_usual),
		TEST(two_that_share),
		TEST(what_is_usual_for_a_day_is_usual),
		TEST(what_is_configured_is_not_learned),
		TEST(three_in_a_row_are_interception),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
