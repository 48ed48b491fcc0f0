#include "base/buf.h"
#include "config/config.h"
#include "lib/load_config.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void what_is_not_given_is_built_in(void **state)
{
	const char *text = "{\"limits\": {\"loss\": {\"poor\": 3}}}";
	struct config c = { 0 };
	struct buf problems;

	(void)state;
	assert_int_equal(load_config(&text, 1, &c, &problems), 0);
	assert_true(c.limits.loss.poor == 3 && isnan(c.limits.loss.good));
	assert_true(isnan(c.limits.peers.good));
	assert_true(c.limits.exchange_rtt.good == 0);
	assert_null(c.limits.vantage);
	buf_finish(&problems);
	config_finish(&c);
}

/* What was printed is read again and printed the same. */
static void limits_come_back_as_they_were_given(void **state)
{
	const char *text = "{\"limits\": {\"vantage\": \"edge\", "
			   "\"exchange_rtt\": {\"good\": \"25ms\", \"poor\": "
			   "\"25ms\"}, \"pop_distance\": {\"good\": 1200.5}}}";
	struct config c = { 0 };
	struct buf problems, first, second;

	(void)state;
	buf_init(&first, 65536);
	buf_init(&second, 65536);
	assert_int_equal(load_config(&text, 1, &c, &problems), 0);
	assert_true(c.limits.exchange_rtt.good == 25000000);
	assert_true(c.limits.pop_distance.good == 1200.5);
	config_print(&c, &first);
	config_finish(&c);
	buf_finish(&problems);
	assert_non_null(strstr(first.data, "\"good\": \"25ms\""));
	assert_null(strstr(first.data, "\"peers\""));
	assert_int_equal(
		load_config((const char *const *)&first.data, 1, &c, &problems),
		0);
	config_print(&c, &second);
	assert_string_equal(first.data, second.data);
	config_finish(&c);
	buf_finish(&problems);
	buf_finish(&first);
	buf_finish(&second);
}

static void none_are_not_printed(void **state)
{
	const char *text = "{\"limits\": {}}";
	struct config c = { 0 };
	struct buf problems, out;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(load_config(&text, 1, &c, &problems), 0);
	config_print(&c, &out);
	assert_null(strstr(out.data, "limits"));
	config_finish(&c);
	buf_finish(&problems);
	buf_finish(&out);
}

static const struct {
	const char *text, *problem;
} bad[] = {
	{ "{\"limits\": {\"teams_loss\": 3}}",
	  "1:27: \"teams_loss\" is 3, an object { ... } is allowed" },
	{ "{\"limits\": {\"egress\": {\"good\": \"1km\"}}}",
	  "1:32: \"good\" is \"1km\", a number from 0.01 to 20000 is "
	  "allowed" },
	{ "{\"limits\": {\"exchange_rtt\": {\"good\": 25}}}",
	  "1:38: \"good\" is 25, a text such as \"10s\" (ms, s, m, h, d) from "
	  "1ms to 1m is allowed" },
	{ "{\"limits\": {\"exchange_rt\": {}}}",
	  "1:13: unknown key \"exchange_rt\" in the object \"limits\", did you "
	  "mean \"exchange_rtt\"?" },
	{ "{\"limits\": {\"peers\": {\"poor\": 5, \"good\": 9}}}",
	  "1:22: \"good\" of \"peers\" is more than its \"poor\", at most as "
	  "much is allowed" },
	{ "{\"limits\": {\"vantage\": \"moon\"}}",
	  "1:24: \"vantage\" is \"moon\", client or edge is allowed" },
};

static void what_is_wrong_has_its_place(void **state)
{
	struct config c = { 0 };
	struct buf problems;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(load_config(&bad[i].text, 1, &c, &problems),
				 -EINVAL);
		if (!strstr(problems.data, bad[i].problem))
			fail_msg("%s gives %s", bad[i].text, problems.data);
		buf_finish(&problems);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_given_is_built_in),
		cmocka_unit_test(limits_come_back_as_they_were_given),
		cmocka_unit_test(none_are_not_printed),
		cmocka_unit_test(what_is_wrong_has_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
