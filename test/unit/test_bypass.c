/* Hosts that are reached without the proxy. */
#include "delivery/bypass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void a_host_is_in_the_list_or_not(void **state)
{
	static const struct {
		const char *list, *host;
		bool is;
	} cases[] = {
		{ NULL, "example.com", false },
		{ "", "example.com", false },
		{ "*", "example.com", true },
		{ "*", "192.0.2.1", true },
		{ "example.com", "example.com", true },
		{ "example.com", "EXAMPLE.com.", true },
		{ "example.com", "www.example.com", true },
		{ ".example.com", "www.example.com", true },
		{ ".example.com", "example.com", true },
		{ "example.com", "badexample.com", false },
		{ "www.example.com", "example.com", false },
		{ "a.test,example.com", "www.example.com", true },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.10", false },
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "192.0.2.128/25", "192.0.2.129", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "0.0.0.0/0", "192.0.2.127", true },
		{ "0.0.0.0/0", "[2001:db8::1]", false },
		{ "2001:db8::/32", "[2001:db8:1::1]", true },
		{ "2001:db8::/33", "[2001:db8:8000::1]", false },
		{ "2001:db8::1", "2001:db8::1", true },
		/* No name is looked up, and no address is a name. */
		{ "10.0.0.0/8", "ten.example.com", false },
		{ "0.2.1", "192.0.2.1", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (bypass_has(cases[i].list, cases[i].host) != cases[i].is)
			fail_msg("%s in %s", cases[i].host, cases[i].list);
}

static void entries_that_mean_nothing_are_no_list(void **state)
{
	static const char *const good[] = { "*", "a,b.c,.d", "10.0.0.0/8",
					    "2001:db8::/32,::1" };
	static const char *const bad[] = { "a,,b",          "a b",
					   "10.0.0.0/33",   "host:80",
					   "10.0.0.0/",     ".",
					   "2001:db8::/129" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!bypass_is_valid(good[i]))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (bypass_is_valid(bad[i]))
			fail_msg("%s is taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_in_the_list_or_not),
		cmocka_unit_test(entries_that_mean_nothing_are_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
