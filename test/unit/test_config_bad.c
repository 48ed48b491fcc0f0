/* What is wrong with a configuration is said, all of it, and where. */
#include "lib/load_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct bad {
	const char *text;
	const char *problems; /* without the "/etc/x/a.json:" of each line */
};

#define TARGET_KEYS                                                            \
	"name host source instance service_areas categories tenant "           \
	"max_targets probes circuits interval timeout count spacing schedule " \
	"addresses fresh_flow kept port family path expect_status "            \
	"expect_issuer size dont_fragment ttl dscp"

static const struct bad bad[] = {
	/* the way of a destination; a password is not repeated */
	{ "{\"destinations\": [{\"name\": \"a\", \"url\": \"https://a/\", "
	  "\"proxy\": \"http://u:secret@p:1\"}]}",
	  "1:63: \"proxy\" cannot be used, a URL without user and password "
	  "(see \"proxy_user\" and \"proxy_password_file\") is allowed" },
	{ "{\"destinations\": [{\"name\": \"a\", \"url\": "
	  "\"https://u:secret@a/\"}]}",
	  "1:40: \"url\" cannot be used, a URL without user and password (see "
	  "\"token_file\") is allowed" },
	{ "{\"destinations\": [{\"name\": \"a\", \"url\": \"https://a/\", "
	  "\"proxy\": \"socks5://p:1\"}]}",
	  "1:63: \"proxy\" is \"socks5://p:1\", http://HOST:PORT or "
	  "https://HOST:PORT is allowed" },
	{ "{\"destinations\": [{\"name\": \"a\", \"url\": \"https://a/\", "
	  "\"proxy_auth\": \"best\", \"no_proxy\": [\"a:80\"]}]}",
	  "1:68: \"proxy_auth\" is \"best\", \"any\", \"basic\", \"digest\", "
	  "\"ntlm\" or \"negotiate\" is allowed\n"
	  "1:89: \"no_proxy\" is \"a:80\", names such as \"example.com\", "
	  "addresses, prefixes such as \"10.0.0.0/8\", or \"*\" is allowed" },
	{ "{\"circuits\": [{\"name\": \"x\"}], \"destinations\": [{\"name\": "
	  "\"a\", \"url\": \"https://a/\", \"circuit\": \"x\"}, {\"name\": "
	  "\"b\", \"url\": \"https://b/\", \"circuit\": \"y\"}]}",
	  "1:94: the circuit \"x\" has no \"source\", which is what a "
	  "destination leaves by\n"
	  "1:146: there is no circuit \"y\", configured are: \"x\"" },
	/* the text as a whole */
	{ "", "1:1: empty: at least {} is expected" },
	{ "[]", "1:1: the file holds a list, an object { ... } is expected" },
	{ "3", "1:1: the file holds a number, an object { ... } is expected" },
	{ "{}\n x", "2:2: nothing is allowed after the closing bracket" },
	{ "{\"agent\":\n \"a\\u0000b\"}",
	  "2:4: a NUL is not allowed, not even as \\u0000" },
	/* keys */
	{ "{\"destinations\": [{\"name\": \"a\", \"url\": \"https://a/\", "
	  "\"auth\": {}}]}",
	  "1:62: \"type\" is missing in the object \"auth\": who gives it: "
	  "entra, azure_arc (the Arc agent of this machine) or azure_vm" },
	{ "{\"destinations\": [{\"name\": \"a\", \"url\": \"https://a/\", "
	  "\"auth\": {\"type\": \"ntlm\"}}]}",
	  "1:71: \"type\" is \"ntlm\", \"entra\", \"azure_arc\" or "
	  "\"azure_vm\" is allowed" },
	{ "{\"destinations\": [{\"name\": \"a\", \"url\": \"https://a/\", "
	  "\"auth\": {\"type\": \"entra\", \"authority\": "
	  "\"file:///x/\"}}]}",
	  "1:93: \"authority\" is \"file:///x/\", https://, or http:// to "
	  "this machine is allowed" },
	{ "{\n  \"tagrets\": []\n}",
	  "2:3: unknown key \"tagrets\" in the configuration, did you mean "
	  "\"targets\"?" },
	{ "{\"Agent\": \"a\"}",
	  "1:2: unknown key \"Agent\" in the configuration, did you mean "
	  "\"agent\"?" },
	{ "{\"zzz\": 1}",
	  "1:2: unknown key \"zzz\" in the configuration, allowed are: agent "
	  "site circuits places defaults targets dns tls store events "
	  "load_test privacy control microsoft365 destinations limits" },
	{ "{\"targets\": [{\"host\": \"a\", \"a\\nb\": 1}]}",
	  "1:28: unknown key \"a\\nb\" in this target, allowed "
	  "are: " TARGET_KEYS },
	{ "{\"agent\": \"a\",\n \"agent\": \"b\"}",
	  "2:2: \"agent\" is in the configuration twice, once is allowed" },
	{ "{\"targets\": [{\"host\": \"a\", \"port\": 1, \"port\": 2}]}",
	  "1:39: \"port\" is in this target twice, once is allowed" },
	{ "{\"defaults\": {\"host\": \"a\"}}",
	  "1:15: unknown key \"host\" in the defaults, did you mean "
	  "\"port\"?" },
	{ "{\"defaults\": {\"probes\": [\"x\"]}, \"targets\": [{\"host\": "
	  "\"::1\", \"family\": 4}]}",
	  "1:26: \"probes\" is \"x\", each of \"icmp\", \"tcp\", "
	  "\"https\" and \"stun\" once is allowed\n"
	  "1:54: ::1 is no address of IPv4" },
	/* types */
	{ "{\"agent\": 3}",
	  "1:11: \"agent\" is 3, a text of 1 to 64 bytes is allowed" },
	{ "{\"agent\": null}",
	  "1:11: \"agent\" is null, a text of 1 to 64 bytes is allowed" },
	{ "{\"site\": []}",
	  "1:10: \"site\" is a list, an object { ... } is allowed" },
	{ "{\"site\": {\"latitude\": \"52\"}}",
	  "1:23: \"latitude\" is \"52\", a number from -90 to 90 is "
	  "allowed" },
	{ "{\"targets\": {}}",
	  "1:13: \"targets\" is an object, a list [ ... ] of objects is "
	  "allowed" },
	{ "{\"targets\": [\"a\"]}",
	  "1:14: \"targets\" is \"a\", a list of objects { ... } is "
	  "allowed" },
	{ "{\"destinations\": [{\"name\": \"a\", \"url\": "
	  "\"https://a/\", \"gzip\": 1}]}",
	  "1:62: \"gzip\" is 1, true or false is allowed" },
	/* bounds */
	{ "{\"agent\": \"\"}",
	  "1:11: \"agent\" is \"\", a text of 1 to 64 bytes is allowed" },
	{ "{\"agent\": \"a b\"}",
	  "1:11: \"agent\" is \"a b\", 1 to 64 letters, digits, '.', '_' and "
	  "'-' is allowed" },
	{ "{\"site\": {\"name\": \"a\\u0007\"}}",
	  "1:19: \"name\" is \"a\\u0007\", a text without control characters "
	  "is allowed" },
	{ "{\"site\": {\"expected_pops\": [\"amz\", \"oslo\", 3, "
	  "\"nowhere\"]}}",
	  "1:29: \"expected_pops\" is \"amz\", did you mean \"AMS\"?\n"
	  "1:36: \"expected_pops\" is \"oslo\", did you mean \"OSL\"?\n"
	  "1:44: \"expected_pops\" is 3, a list of texts, none empty, is "
	  "allowed\n"
	  "1:47: \"expected_pops\" is \"nowhere\", the code of an edge "
	  "location, such as \"AMS\", is allowed" },
	{ "{\"site\": {\"latitude\": 90.1, \"longitude\": -1e999}}",
	  "1:23: \"latitude\" is 90.1, a number from -90 to 90 is allowed\n"
	  "1:42: \"longitude\" is -1e999, a number from -180 to 180 is "
	  "allowed" },
	{ "{\"store\": {\"max_size\": \"15MiB\"}}",
	  "1:24: \"max_size\" is \"15MiB\", a text such as \"64MiB\" (B, KiB, "
	  "MiB, GiB) from 16MiB to 1024GiB is allowed" },
	{ "{\"store\": {\"max_size\": 1073741824}}",
	  "1:24: \"max_size\" is 1073741824, a text such as \"64MiB\" (B, "
	  "KiB, MiB, GiB) from 16MiB to 1024GiB is allowed" },
	{ "{\"store\": {\"max_size\": \"1025GiB\"}}",
	  "1:24: \"max_size\" is \"1025GiB\", a text such as \"64MiB\" (B, "
	  "KiB, MiB, GiB) from 16MiB to 1024GiB is allowed" },
	{ "{\"defaults\": {\"schedule\": \"often\", \"addresses\": \"two\"}}",
	  "1:27: \"schedule\" is \"often\", \"periodic\" or \"poisson\" is "
	  "allowed\n"
	  "1:49: \"addresses\" is \"two\", \"one\", \"stable\" or \"all\" is "
	  "allowed" },
	{ "{\"circuits\": [{\"name\": \"a\", \"budget\": \"1KiB\"}]}",
	  "1:39: \"budget\" is \"1KiB\", a text such as \"64MiB\" (B, KiB, "
	  "MiB, GiB) from 64KiB to 1024GiB is allowed" },
	{ "{\"dns\": {\"servers\": [\"192.0.2.1:0\", \"example.com\"]}}",
	  "1:22: \"servers\" is \"192.0.2.1:0\", \"192.0.2.53\", "
	  "\"192.0.2.53:5353\", \"2001:db8::53\" or \"[2001:db8::53]:5353\" "
	  "is allowed\n"
	  "1:37: \"servers\" is \"example.com\", \"192.0.2.53\", "
	  "\"192.0.2.53:5353\", \"2001:db8::53\" or \"[2001:db8::53]:5353\" "
	  "is allowed" },
	/* circuits */
	{ "{\"circuits\": [{\"provider\": \"KPN\"}]}",
	  "1:15: \"name\" is missing in this circuit: what the internet line "
	  "is called" },
	{ "{\"circuits\": [{\"name\": \"a\", \"prefix\": "
	  "\"203.0.113.0/33\"}]}",
	  "1:39: \"prefix\" is \"203.0.113.0/33\", a prefix such as "
	  "\"203.0.113.0/24\" or \"2001:db8::/32\" is allowed" },
	{ "{\"circuits\": [{\"name\": \"a\", \"prefix\": "
	  "\"203.0.113.1/24\"}]}",
	  "1:39: \"prefix\" is \"203.0.113.1/24\", a prefix whose bits behind "
	  "the length are zero is allowed" },
	{ "{\"circuits\": [{\"name\": \"a\", \"source\": "
	  "\"an-interface-too-long\"}]}",
	  "1:39: \"source\" is \"an-interface-too-long\", an address of this "
	  "machine, or the name of an interface (at most 15 bytes) is "
	  "allowed" },
	/* names */
	{ "{\"circuits\": [{\"name\": \"a\"},\n{\"name\": \"a\"}]}",
	  "2:10: the name \"a\" is taken (/etc/x/a.json:1:24), names are "
	  "unique" },
	{ "{\"targets\": [{\"host\": \"h\"}, {\"name\": \"h\", \"host\": "
	  "\"b\"}]}",
	  "1:38: the name \"h\" is taken (/etc/x/a.json:1:23), names are "
	  "unique" },
	{ "{\"targets\": [{\"host\": \"h\", \"circuits\": [\"lte\"]}]}",
	  "1:41: there is no circuit \"lte\", configured are: none" },
	{ "{\"circuits\": [{\"name\": \"a\"}, {\"name\": \"b\"}], "
	  "\"defaults\": {\"circuits\": [\"c\", \"a\", \"a\"]}}",
	  "1:72: there is no circuit \"c\", configured are: \"a\" \"b\"\n"
	  "1:82: \"circuits\" is \"a\", each circuit once is allowed" },
};

#define INTERVAL                                                               \
	"a text such as \"10s\" (ms, s, m, h, d) from 100ms to 1d is allowed"
#define TIMEOUT                                                                \
	"a text such as \"10s\" (ms, s, m, h, d) from 10ms to 5m is allowed"
#define PROBES                                                                 \
	"each of \"icmp\", \"tcp\", \"https\" and \"stun\" once is allowed"

/* What follows {"targets": [{"host": "h", and begins in column 28. */
static const struct bad bad_targets[] = {
	{ "\"port\": 0", "36: \"port\" is 0, a whole number from 1 to 65535 is "
			 "allowed" },
	{ "\"port\": 65536", "36: \"port\" is 65536, a whole number from 1 to "
			     "65535 is allowed" },
	{ "\"port\": 1.5",
	  "36: \"port\" is 1.5, a whole number from 1 to 65535 "
	  "is allowed" },
	{ "\"port\": \"443\"", "36: \"port\" is \"443\", a whole number from 1 "
			       "to 65535 is allowed" },
	{ "\"count\": 1001", "37: \"count\" is 1001, a whole number from 1 to "
			     "1000 is allowed" },
	{ "\"count\": 0",
	  "37: \"count\" is 0, a whole number from 1 to 1000 is allowed" },
	{ "\"interval\": \"99ms\"", "40: \"interval\" is \"99ms\", " INTERVAL },
	{ "\"interval\": \"25h\"", "40: \"interval\" is \"25h\", " INTERVAL },
	{ "\"interval\": 10", "40: \"interval\" is 10, " INTERVAL },
	{ "\"interval\": \"10\"", "40: \"interval\" is \"10\", " INTERVAL },
	{ "\"interval\": -1", "40: \"interval\" is -1, " INTERVAL },
	{ "\"timeout\": \"9ms\"", "39: \"timeout\" is \"9ms\", " TIMEOUT },
	{ "\"timeout\": \"301s\"", "39: \"timeout\" is \"301s\", " TIMEOUT },
	{ "\"family\": 5", "38: \"family\" is 5, 4, 6 or \"both\" is allowed" },
	{ "\"family\": 0", "38: \"family\" is 0, 4, 6 or \"both\" is allowed" },
	{ "\"probes\": []", "38: \"probes\" is a list, a list of at least one "
			    "probe is allowed" },
	{ "\"probes\": \"tcp\"", "38: \"probes\" is \"tcp\", a list of texts "
				 "is allowed" },
	{ "\"probes\": [\"udp\"]", "39: \"probes\" is \"udp\", " PROBES },
	{ "\"probes\": [\"tcp\", \"tcp\"]",
	  "46: \"probes\" is \"tcp\", " PROBES },
	{ "\"probes\": [3]", "39: \"probes\" is 3, a list of texts, none "
			     "empty, is allowed" },
	{ "\"path\": \"x\"", "36: \"path\" is \"x\", a path that starts with "
			     "'/' is allowed" },
	{ "\"path\": \"/ x\"", "36: \"path\" is \"/ x\", printable ASCII "
			       "without blanks and '#' (others as %XX) is "
			       "allowed" },
	{ "\"expect_status\": 99", "45: \"expect_status\" is 99, a status or a "
				   "list of up to 16, each from 100 to 599 is "
				   "allowed" },
	{ "\"expect_status\": [200, \"x\"]",
	  "45: \"expect_status\" is a list, a status or a list of up to 16, "
	  "each from 100 to 599 is allowed" },
	{ "\"size\": 23", "36: \"size\" is 23, a whole number from 24 to 1472 "
			  "is allowed" },
	{ "\"ttl\": 256", "35: \"ttl\" is 256, a whole number from 1 to 255 is "
			  "allowed" },
	{ "\"dscp\": 64", "36: \"dscp\" is 64, a whole number from 0 to 63 is "
			  "allowed" },
};

static const char *const bad_hosts[] = {
	"https://a", "a:443",       "[::1]", "a b", "a/b", "..",  "a..b",
	".a",        "\xc3\xa9.nl", "a,b",   "::g", "*.a", "a@b",
};

static const char *const good_hosts[] = {
	"a",   "a.b-c_d.e",   "a.b.",       "192.0.2.1",
	"::1", "2001:db8::1", "fe80::1%lo",
};

static const char *const bad_urls[] = {
	"ftp://a/",
	"a",
	"https://",
	"https:///x",
	"https://a:0/",
	"https://a:65536/",
	"https://a:x/",
	"https://u:p@a/",
	"https://a b/",
	"https://[::1/",
	"https://[1.2.3.4]/",
	"http://example.com/",
	"http://127.0.0.1.example.com/",
	"http://localhost.example.com/",
	"http://[2001:db8::1]/",
	"file://etc/x/",
	"file:///",
	"FILE:///x/",
};

static const char *const good_urls[] = {
	"https://a",
	"https://a:8443/x?y=z",
	"https://[2001:db8::1]:1/",
	"http://127.0.0.1:8080/",
	"http://127.1.2.3/",
	"http://localhost/x",
	"http://[::1]:1",
	"file:///x/",
	"file:///x",
};

/* Each line of `problems` without the name of the file in front of it. */
static void strip(char *problems, const char *name)
{
	char *to = problems, *from = problems;
	size_t n = strlen(name);

	while (*from) {
		if (strncmp(from, name, n) == 0)
			from += n;
		while (*from && *from != '\n')
			*to++ = *from++;
		if (*from && *++from)
			*to++ = '\n';
	}
	*to = '\0';
}

static void check_bad(const char *text, const char *wanted)
{
	struct config config = { 0 };
	struct buf problems;

	if (load_config(&text, 1, &config, &problems) != -EINVAL)
		fail_msg("accepted: %s", text);
	strip(problems.data, "/etc/x/a.json:");
	if (strcmp(problems.data, wanted) != 0)
		fail_msg("%s\ngives:  %s\nwanted: %s", text, problems.data,
			 wanted);
	buf_finish(&problems);
}

static void every_problem_has_its_place_and_what_is_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		check_bad(bad[i].text, bad[i].problems);
}

static void every_key_of_a_target_is_bounded(void **state)
{
	char text[512], wanted[512];

	(void)state;
	for (size_t i = 0; i < COUNT(bad_targets); i++) {
		snprintf(text, sizeof text,
			 "{\"targets\": [{\"host\": \"h\", %s}]}",
			 bad_targets[i].text);
		snprintf(wanted, sizeof wanted, "1:%s",
			 bad_targets[i].problems);
		check_bad(text, wanted);
	}
}

/* The value between `start` and the closing of its text, object and list. */
static int load_one(const char *start, const char *value)
{
	char text[1024];
	const char *texts[] = { text };
	struct config config = { 0 };
	struct buf problems;
	int r;

	snprintf(text, sizeof text, "%s%s\"}]}", start, value);
	r = load_config(texts, 1, &config, &problems);
	assert_int_equal(r == 0, problems.len == 0);
	config_finish(&config);
	buf_finish(&problems);
	return r;
}

static void check_each(const char *start, const char *const *values, size_t n,
		       int wanted)
{
	for (size_t i = 0; i < n; i++)
		if (load_one(start, values[i]) != wanted)
			fail_msg("%s, not %d", values[i], wanted);
}

static void a_host_is_a_name_or_an_address(void **state)
{
	static const char start[] = "{\"targets\": [{\"host\": \"";
	char host[301];

	(void)state;
	check_each(start, bad_hosts, COUNT(bad_hosts), -EINVAL);
	check_each(start, good_hosts, COUNT(good_hosts), 0);
	memset(host, 'a', sizeof host);
	host[300] = '\0';
	assert_int_equal(load_one(start, host), -EINVAL);
	host[253] = '\0';
	assert_int_equal(load_one(start, host), 0);
	assert_int_equal(load_one(start, ""), -EINVAL);
	check_bad("{\"targets\": [{\"host\": \"\"}]}",
		  "1:23: \"host\" is \"\", a text of 1 to 253 bytes is "
		  "allowed");
	check_bad("{\"targets\": [{\"host\": \"::1\", \"family\": 4}]}",
		  "1:23: ::1 is no address of IPv4");
}

static void name_servers_fit_their_circuit(void **state)
{
#define CIRCUIT(source, dns)                                                   \
	"{\"circuits\": [{\"name\": \"a\", \"source\": \"" source              \
	"\", \"dns\": [" dns "]}]}"
	struct config config;
	static const char *const good[] = {
		CIRCUIT("192.0.2.7", "\"192.0.2.53\""),
		CIRCUIT("192.0.2.7", "\"2001:db8::53\", \"192.0.2.53:5353\""),
		CIRCUIT("2001:db8::7", "\"[2001:db8::53]:5353\""),
		CIRCUIT("eth0", "\"2001:db8::53\""),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct buf problems;

		assert_int_equal(load_config(&good[i], 1, &config, &problems),
				 0);
		config_finish(&config);
		buf_finish(&problems);
	}
	check_bad(CIRCUIT("192.0.2.7", "\"2001:db8::53\", \"::1\""),
		  "1:59: none of these can be asked from \"source\", "
		  "192.0.2.7: one of IPv4 is needed");
	check_bad(CIRCUIT("2001:db8::7", "\"192.0.2.53:5353\""),
		  "1:61: none of these can be asked from \"source\", "
		  "2001:db8::7: one of IPv6 is needed");
#undef CIRCUIT
}

static void a_destination_is_https_here_or_a_folder(void **state)
{
	static const char start[] =
		"{\"destinations\": [{\"name\": \"a\", \"url\": \"";

	(void)state;
	check_each(start, bad_urls, COUNT(bad_urls), -EINVAL);
	check_each(start, good_urls, COUNT(good_urls), 0);
}

static void problems_of_all_files_come_in_order(void **state)
{
	static const char *const texts[] = {
		("{\"targets\": [{\"name\": \"x\", \"host\": \"a\"}],\n"
		 "\"agent\": 1}"),
		"{", "{\"targets\": [{\"name\": \"x\", \"host\": \"\"}]}"
	};
	struct config c = { 0 };
	struct buf problems;

	(void)state;
	assert_int_equal(load_config(texts, 3, &c, &problems), -EINVAL);
	assert_string_equal(
		problems.data,
		"/etc/x/a.json:2:10: \"agent\" is 1, a text of 1 to 64 bytes "
		"is "
		"allowed\n"
		"/etc/x/b.json:1:2: the text ends where a key in double quotes "
		"is expected\n"
		"/etc/x/c.json:1:23: the name \"x\" is taken "
		"(/etc/x/a.json:1:23), names are unique\n"
		"/etc/x/c.json:1:36: \"host\" is \"\", a text of 1 to 253 "
		"bytes "
		"is allowed\n");
	buf_finish(&problems);
}

static void many_problems_are_counted(void **state)
{
	struct buf text, problems;
	struct config c = { 0 };
	const char *texts[1], *last;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_text(&text, "{\"targets\": [");
	for (int i = 0; i < 30000; i++)
		buf_text(&text, i == 0 ? "{\"host\": 1}" : ",{\"host\": 1}");
	buf_text(&text, "]}");
	texts[0] = text.data;
	assert_int_equal(load_config(texts, 1, &c, &problems), -EINVAL);
	last = strstr(problems.data, "\n24951 more problems\n");
	assert_non_null(last);
	buf_finish(&text);
	buf_finish(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_problem_has_its_place_and_what_is_allowed),
		cmocka_unit_test(every_key_of_a_target_is_bounded),
		cmocka_unit_test(a_host_is_a_name_or_an_address),
		cmocka_unit_test(name_servers_fit_their_circuit),
		cmocka_unit_test(a_destination_is_https_here_or_a_folder),
		cmocka_unit_test(problems_of_all_files_come_in_order),
		cmocka_unit_test(many_problems_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
