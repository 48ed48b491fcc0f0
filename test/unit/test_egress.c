/* Public addresses of circuits, of samples made for it. */
#include "events/egress.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define T0 UINT64_C(1767225600000000000)

static const struct series relay = { .target = "relay",
				     .probe = "stun",
				     .circuit = "dsl",
				     .provider = "KPN \"NL\"" };
static const struct series other = { .target = "other",
				     .probe = "stun",
				     .circuit = "dsl",
				     .provider = "KPN \"NL\"" };
static const struct series mobile = { .target = "relay",
				      .probe = "stun",
				      .circuit = "lte" };
static const struct series routed = { .target = "relay", .probe = "stun" };

struct told {
	unsigned n;
	char text[4096];
	uint64_t now_ns;
	struct egress *egress;
};

static void on_news(const struct egress_news *news, void *arg)
{
	char from[EP_ADDRESS_TEXT_MAX], to[EP_ADDRESS_TEXT_MAX];
	struct told *t = arg;
	size_t len = strlen(t->text);

	t->n++;
	snprintf(t->text + len, sizeof(t->text) - len, "%s %s>%s @%llu\n",
		 news->series->circuit ? news->series->circuit : "-",
		 ep_address_format(&news->from, from, sizeof(from)),
		 ep_address_format(&news->to, to, sizeof(to)),
		 (unsigned long long)(news->since_ns - T0) / 1000000000);
}

static void begin(struct told *t)
{
	memset(t, 0, sizeof(*t));
	t->now_ns = T0;
	t->egress = egress_create(on_news, t);
	assert_non_null(t->egress);
}

/* `n` answers, one a second. */
static void see(struct told *t, uint32_t id, const struct series *series,
		const char *address, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct ep_sample sample;

		ep_sample_init(&sample);
		sample.sent_ns = t->now_ns;
		t->now_ns += UINT64_C(1000000000);
		if (*address)
			assert_int_equal(
				ep_address_parse(address, &sample.mapped), 0);
		egress_see(t->egress, id, series, &sample);
	}
}

static void three_in_a_row_are_a_change(void **state)
{
	struct told t;

	(void)state;
	begin(&t);
	see(&t, 0, &relay, "203.0.113.7", 5);
	see(&t, 0, &relay, "203.0.113.8", 2);
	see(&t, 0, &relay, "", 3); /* lost: they say nothing */
	see(&t, 0, &relay, "203.0.113.7", 1);
	see(&t, 0, &relay, "203.0.113.8", 2);
	assert_string_equal(t.text, "dsl >203.0.113.7 @0\n");
	see(&t, 0, &relay, "203.0.113.8", 1);
	see(&t, 0, &relay, "203.0.113.8", 9);
	assert_string_equal(t.text, "dsl >203.0.113.7 @0\n"
				    "dsl 203.0.113.7>203.0.113.8 @11\n");
	egress_destroy(t.egress);
}

static void two_that_take_turns_are_none(void **state)
{
	struct told t;

	(void)state;
	begin(&t);
	see(&t, 0, &relay, "203.0.113.7", 3);
	for (unsigned i = 0; i < 20; i++) {
		see(&t, 0, &relay, "203.0.113.8", 1);
		see(&t, 0, &relay, "203.0.113.9", 1);
	}
	assert_int_equal(t.n, 1);
	egress_destroy(t.egress);
}

static void one_change_of_a_circuit_is_told_once(void **state)
{
	struct told t;

	(void)state;
	begin(&t);
	see(&t, 0, &relay, "203.0.113.7", 3);
	see(&t, 70, &other, "203.0.113.7", 3);
	see(&t, 2, &mobile, "198.51.100.1", 3);
	see(&t, 3, &routed, "192.0.2.1", 3);
	see(&t, 0, &relay, "203.0.113.8", 3);
	see(&t, 70, &other, "203.0.113.8", 3);
	assert_string_equal(t.text, "dsl >203.0.113.7 @0\n"
				    "lte >198.51.100.1 @6\n"
				    "- >192.0.2.1 @9\n"
				    "dsl 203.0.113.7>203.0.113.8 @12\n");
	egress_destroy(t.egress);
}

/* By destination, as large gateways have it. */
static void servers_that_see_different_ones_see_no_change(void **state)
{
	struct told t;

	(void)state;
	begin(&t);
	for (unsigned i = 0; i < 10; i++) {
		see(&t, 0, &relay, "203.0.113.7", 4);
		see(&t, 1, &other, "203.0.113.9", 4);
	}
	assert_int_equal(t.n, 1);
	see(&t, 1, &other, "198.51.100.9", 3);
	assert_non_null(strstr(t.text, "203.0.113.9>198.51.100.9"));
	egress_destroy(t.egress);
}

static void families_are_apart(void **state)
{
	struct told t;

	(void)state;
	begin(&t);
	for (unsigned i = 0; i < 5; i++) {
		see(&t, 0, &relay, "203.0.113.7", 3);
		see(&t, 0, &relay, "2001:db8::7", 3);
	}
	assert_int_equal(t.n, 2);
	see(&t, 0, &relay, "2001:db8::8", 3);
	assert_non_null(strstr(t.text, "2001:db8::7>2001:db8::8"));
	egress_destroy(t.egress);
}

static void the_row_says_which_line_and_both(void **state)
{
	struct egress_news news = { .series = &relay, .since_ns = T0 };
	struct buf out;

	(void)state;
	ep_address_parse("203.0.113.7", &news.from);
	ep_address_parse("2001:db8::7", &news.to);
	buf_init(&out, 4096);
	egress_write(&out, &news);
	assert_string_equal(out.data,
			    "\"event\":\"egress_changed\",\"level\":\"info\","
			    "\"state\":\"changed\",\"circuit\":\"dsl\","
			    "\"provider\":\"KPN \\\"NL\\\"\","
			    "\"since_us\":1767225600000000,"
			    "\"from_address\":\"203.0.113.7\","
			    "\"to_address\":\"2001:db8::7\"");
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_in_a_row_are_a_change),
		cmocka_unit_test(two_that_take_turns_are_none),
		cmocka_unit_test(one_change_of_a_circuit_is_told_once),
		cmocka_unit_test(servers_that_see_different_ones_see_no_change),
		cmocka_unit_test(families_are_apart),
		cmocka_unit_test(the_row_says_which_line_and_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
