#include "cli/operand.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct good {
	const char *text, *kind, *host, *path;
	uint16_t port;
};

static const struct good good[] = {
	{ "outlook.office365.com", NULL, "outlook.office365.com", "", 0 },
	{ "192.0.2.1", NULL, "192.0.2.1", "", 0 },
	{ "2001:db8::1", NULL, "2001:db8::1", "", 0 },
	{ "icmp://192.0.2.1", "icmp", "192.0.2.1", "", 0 },
	{ "icmp://[2001:db8::1]", "icmp", "2001:db8::1", "", 0 },
	{ "icmp://2001:db8::1", "icmp", "2001:db8::1", "", 0 },
	{ "tcp://example.com", "tcp", "example.com", "", 0 },
	{ "tcp://example.com:8443", "tcp", "example.com", "", 8443 },
	{ "tcp://[2001:db8::1]:80", "tcp", "2001:db8::1", "", 80 },
	{ "tcp://example.com:65535/", "tcp", "example.com", "", 65535 },
	{ "https://example.com", "https", "example.com", "", 0 },
	{ "https://example.com/", "https", "example.com", "", 0 },
	{ "https://example.com/a/b?c=d", "https", "example.com", "/a/b?c=d",
	  0 },
	{ "https://example.com:444/x", "https", "example.com", "/x", 444 },
};

static void what_people_type_is_understood(void **state)
{
	struct operand o;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct good *g = &good[i];

		assert_int_equal(operand_parse(g->text, &o, NULL), 0);
		assert_string_equal(o.host, g->host);
		assert_string_equal(o.path, g->path);
		assert_int_equal(o.port, g->port);
		if (g->kind == NULL)
			assert_null(o.kind);
		else
			assert_string_equal(o.kind->name, g->kind);
	}
}

struct bad {
	const char *text, *says;
};

static const struct bad bad[] = {
	{ "", "the host is empty" },
	{ "ftp://example.com", "unknown scheme" },
	{ "http://example.com", "unknown scheme" },
	{ "averyveryverylongscheme://x", "unknown scheme" },
	{ "://example.com", "unknown scheme" },
	{ "tcp://", "the host is empty" },
	{ "tcp://:443", "the host is empty" },
	{ "tcp://example.com:0", "1 to 65535" },
	{ "tcp://example.com:65536", "1 to 65535" },
	{ "tcp://example.com:99999999999999999999", "1 to 65535" },
	{ "tcp://example.com:x", "1 to 65535" },
	{ "tcp://example.com:", "1 to 65535" },
	{ "tcp://example.com/path", "only https takes a path" },
	{ "icmp://example.com:7", "icmp has no ports" },
	{ "example.com:443", "a bare host takes no port" },
	{ "example.com/x", "only https takes a path" },
	{ "tcp://[2001:db8::1", "not closed" },
	{ "tcp://[example.com]:80", "no IPv6 address" },
	{ "tcp://user@example.com", "0x40" },
	{ "tcp://exa mple.com", "0x20" },
	{ "https://example.com/a b", "percent-encoded" },
	{ "https://example.com?x", "starts with a slash" },
};

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ep_err err = { 0 };
		struct operand o = { .port = 7 };

		assert_int_equal(operand_parse(bad[i].text, &o, &err), -EINVAL);
		if (strstr(err.text, bad[i].says) == NULL)
			fail_msg("\"%s\" gave: %s", bad[i].text, err.text);
		assert_int_equal(o.port, 7); /* untouched on failure */
	}
}

static void a_host_of_300_bytes_is_refused(void **state)
{
	struct ep_err err = { 0 };
	struct operand o;
	char text[400] = "tcp://";

	(void)state;
	memset(text + 6, 'a', 300);
	assert_int_equal(operand_parse(text, &o, &err), -EINVAL);
	assert_non_null(strstr(err.text, "more than 253 bytes"));
	text[6 + 253] = '\0';
	assert_int_equal(operand_parse(text, &o, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_type_is_understood),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(a_host_of_300_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
