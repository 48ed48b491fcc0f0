/* Places of the enterprise's own addresses, and rounds as dense as a call. */
#include "lib/load_config.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NAME "/etc/x/a.json:"

/* A text, and what is wrong with it, without the file's name. */
static const struct {
	const char *text, *wanted[2];
} bad[] = {
	{ "{\"places\": [{\"name\": \"hub\", \"prefixes\": "
	  "[\"203.0.113.7/24\"], \"latitude\": 91, \"longitude\": 0}]}",
	  { "1:42: \"prefixes\" is \"203.0.113.7/24\", a prefix whose bits "
	    "behind the length are zero is allowed\n",
	    "1:73: \"latitude\" is 91, a number from -90 to 90 is allowed" } },
	{ "{\"places\": [{\"name\": \"hub\", \"prefixes\": []}]}",
	  { "1:13: \"latitude\" is missing in this place: degrees, north is "
	    "positive\n",
	    "1:13: \"longitude\" is missing in this place: degrees, east is "
	    "positive" } },
	{ "{\"targets\": [{\"host\": \"a\", \"interval\": \"1s\", "
	  "\"count\": 100, \"spacing\": \"20ms\"}]}",
	  { "1:71: a round takes 2000 ms, \"count\" times \"spacing\", at most "
	    "its \"interval\" is allowed",
	    "" } },
	{ "{\"defaults\": {\"spacing\": \"20ms\"}, \"targets\": [{\"host\": "
	  "\"a\", \"count\": 501}]}",
	  { "1:70: a round takes 10020 ms, \"count\" times \"spacing\", at "
	    "most its \"interval\" is allowed",
	    "" } },
};

static void has(const char *problems, const char *wanted)
{
	const char *at = strstr(problems, wanted);

	if (at == NULL)
		fail_msg("%s is not in %s", wanted, problems);
	if (*wanted && strncmp(at - strlen(NAME), NAME, strlen(NAME)) != 0)
		fail_msg("no file in %s", problems);
}

static void what_is_wrong_is_said_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config config = { 0 };
		struct buf problems;
		int r = load_config(&bad[i].text, 1, &config, &problems);

		assert_int_equal(r, -EINVAL);
		has(problems.data, bad[i].wanted[0]);
		has(problems.data, bad[i].wanted[1]);
		buf_finish(&problems);
	}
}

static void places_are_read_and_printed(void **state)
{
	static const char *const text =
		"{\"places\": [{\"name\": \"Ashburn hub\", \"prefixes\": "
		"[\"203.0.113.0/24\", \"2001:db8::/32\"], \"latitude\": "
		"39.04, \"longitude\": -77.49}]}";
	struct config config = { 0 }, again = { 0 };
	struct buf problems, out;
	const char *printed;

	(void)state;
	assert_int_equal(load_config(&text, 1, &config, &problems), 0);
	buf_finish(&problems);
	buf_init(&out, 1 << 20);
	config_print(&config, &out);
	printed = out.data;
	assert_int_equal(load_config(&printed, 1, &again, &problems), 0);
	buf_finish(&problems);
	assert_int_equal(again.n_hubs, 1);
	assert_string_equal(again.hubs[0].name, "Ashburn hub");
	assert_string_equal(again.hubs[0].prefixes,
			    "203.0.113.0/24,2001:db8::/32");
	assert_true(again.hubs[0].latitude > 39.03 &&
		    again.hubs[0].longitude < -77.48);
	buf_finish(&out);
	config_finish(&config);
	config_finish(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_said_where),
		cmocka_unit_test(places_are_read_and_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
