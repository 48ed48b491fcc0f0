/* The cache of names on virtual time, and lists of name servers. */
#include "core/name_cache.h"
#include "core/name_server_list.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S EP_NS_PER_S

static const struct ep_address home = { .family = 4,
					.bytes = { 127, 0, 0, 1 } };

static void store(struct name *name, enum ep_reason reason, uint64_t ttl_s,
		  uint64_t now_ns)
{
	struct name_answer answer = { .reason = reason, .ttl_s = ttl_s };

	if (reason == EP_REASON_NONE)
		name_answer_add(&answer, &home);
	assert_int_equal(name_store(name, &answer, now_ns), 0);
}

static struct name *get(struct name_cache *cache, const char *host, int family)
{
	struct name *name = NULL;

	assert_int_equal(name_cache_get(cache, host, family, &name), 0);
	return name;
}

static void answer_holds_for_its_ttl(void **state)
{
	static const struct {
		enum ep_reason reason;
		uint64_t ttl_s, holds_s;
	} rows[] = {
		{ EP_REASON_NONE, 0, 0 },
		{ EP_REASON_NONE, 1, 1 },
		{ EP_REASON_NONE, 300, 300 },
		{ EP_REASON_NONE, 86400, 86400 },
		{ EP_REASON_NONE, 4000000000, 86400 },
		{ EP_REASON_DNS_NXDOMAIN, 300, 1 },
		{ EP_REASON_DNS_TIMEOUT, 0, 1 },
	};
	struct name_cache *cache;
	struct name *name;

	(void)state;
	assert_int_equal(name_cache_create(4, &cache), 0);
	name = get(cache, "a.test", 4);
	assert_false(name_is_fresh(name, 0));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t end = 7 * S + rows[i].holds_s * S;

		store(name, rows[i].reason, rows[i].ttl_s, 7 * S);
		assert_int_equal(name_is_fresh(name, 7 * S),
				 rows[i].holds_s > 0);
		if (rows[i].holds_s > 0)
			assert_true(name_is_fresh(name, end - 1));
		assert_false(name_is_fresh(name, end));
		assert_int_equal(name->reason, rows[i].reason);
	}
	name_cache_destroy(cache);
}

static void families_are_kept_apart(void **state)
{
	struct name_cache *cache;

	(void)state;
	assert_int_equal(name_cache_create(8, &cache), 0);
	store(get(cache, "a.test", 4), EP_REASON_NONE, 60, 0);
	assert_true(name_is_fresh(get(cache, "a.test", 4), 1));
	assert_false(name_is_fresh(get(cache, "a.test", 6), 1));
	assert_false(name_is_fresh(get(cache, "a.test", 0), 1));
	assert_false(name_is_fresh(get(cache, "b.test", 4), 1));
	name_cache_destroy(cache);
}

static void longest_unused_makes_room(void **state)
{
	struct name_cache *cache;

	(void)state;
	assert_int_equal(name_cache_create(2, &cache), 0);
	store(get(cache, "a.test", 4), EP_REASON_NONE, 60, 0);
	store(get(cache, "b.test", 4), EP_REASON_NONE, 60, 0);
	get(cache, "a.test", 4);
	get(cache, "c.test", 4); /* instead of b */
	assert_true(name_is_fresh(get(cache, "a.test", 4), 1));
	assert_false(name_is_fresh(get(cache, "b.test", 4), 1));
	name_cache_destroy(cache);
}

static void look_up_under_way_is_not_evicted(void **state)
{
	struct lookup *lookup = (struct lookup *)(uintptr_t)64;
	struct name_cache *cache;
	struct name *name;

	(void)state;
	assert_int_equal(name_cache_create(1, &cache), 0);
	name = get(cache, "a.test", 4);
	name_cache_pin(cache, name, lookup);
	assert_ptr_equal(get(cache, "a.test", 4), name);
	assert_int_equal(name_cache_get(cache, "b.test", 4, &name), -ENOBUFS);
	name_cache_pin(cache, name, NULL);
	assert_int_equal(name_cache_get(cache, "b.test", 4, &name), 0);
	name_cache_destroy(cache);
}

static void thousands_of_names(void **state)
{
	struct name_cache *cache;
	char host[32];

	(void)state;
	assert_int_equal(name_cache_create(5000, &cache), 0);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(host, sizeof(host), "n%u.test", i);
		store(get(cache, host, 4), EP_REASON_NONE, 60, 0);
	}
	assert_true(name_is_fresh(get(cache, "n9999.test", 4), 1));
	assert_true(name_is_fresh(get(cache, "n5001.test", 4), 1));
	assert_false(name_is_fresh(get(cache, "n4999.test", 4), 1));
	name_cache_destroy(cache);
}

static void flush_and_hosts(void **state)
{
	struct name_answer answer = { .reason = EP_REASON_NONE };
	struct name_cache *cache;
	struct name *name;

	(void)state;
	assert_int_equal(name_cache_create(2, &cache), 0);
	name = get(cache, "a.test", 4);
	name_answer_add(&answer, &home);
	assert_int_equal(name_store_hosts(name, &answer), 0);
	name->hosts_version = 3;
	assert_true(name_is_fresh(name, 1000000 * S));
	name_cache_flush(cache);
	assert_false(name_is_fresh(name, 0));
	assert_int_equal(name->hosts_version, 0);
	name_cache_destroy(cache);
}

static void servers_as_people_write_them(void **state)
{
	static const struct {
		const char *text;
		unsigned n;
		const char *address; /* of the last one */
		uint16_t port;
	} rows[] = {
		{ "192.0.2.53", 1, "192.0.2.53", 53 },
		{ "192.0.2.53:5353", 1, "192.0.2.53", 5353 },
		{ "2001:db8::53", 1, "2001:db8::53", 53 },
		{ "[2001:db8::53]", 1, "2001:db8::53", 53 },
		{ "[2001:db8::53]:5353", 1, "2001:db8::53", 5353 },
		{ "192.0.2.1,[::1]:65535", 2, "::1", 65535 },
		{ "192.0.2.1, 192.0.2.2", 2, "192.0.2.2", 53 },
		{ "1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4,5.5.5.5,6.6.6.6,7.7.7.7,"
		  "8.8.8.8:1",
		  8, "8.8.8.8", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct name_server servers[NAME_SERVERS_MAX];
		char text[EP_ADDRESS_TEXT_MAX];
		struct ep_err err = { 0 };
		unsigned n = 0;

		assert_int_equal(
			name_server_list_parse(rows[i].text, servers, &n, &err),
			0);
		assert_int_equal(n, rows[i].n);
		assert_string_equal(ep_address_format(&servers[n - 1].address,
						      text, sizeof(text)),
				    rows[i].address);
		assert_int_equal(servers[n - 1].port, rows[i].port);
	}
}

static void bad_servers_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "name server 1" },
		{ ",", "name server 1" },
		{ "192.0.2.1,", "name server 2" },
		{ "dns.example", "\"dns.example\"" },
		{ "192.0.2.1:0", "1 to 65535" },
		{ "192.0.2.1:65536", "1 to 65535" },
		{ "192.0.2.1:", "name server 1" },
		{ "192.0.2.1:53x", "name server 1" },
		{ "192.0.2.1:+53", "name server 1" },
		{ "[192.0.2.1]:53", "name server 1" },
		{ "[2001:db8::1", "name server 1" },
		{ "[2001:db8::1]53", "name server 1" },
		{ "[]", "name server 1" },
		{ "[", "name server 1" },
		{ "]", "name server 1" },
		{ "fe80::1%lo", "link-local" },
		{ "192.0.2.1;192.0.2.2", "name server 1" },
		{ "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
		  "1.1.1.1,1.1.1.1",
		  "more than 8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct name_server servers[NAME_SERVERS_MAX];
		struct ep_err err = { 0 };
		unsigned n = 77;

		assert_int_equal(
			name_server_list_parse(rows[i].text, servers, &n, &err),
			-EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_int_equal(n, 77);
		if (strstr(err.text, rows[i].says) == NULL)
			fail_msg("\"%s\": %s", rows[i].text, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_holds_for_its_ttl),
		cmocka_unit_test(families_are_kept_apart),
		cmocka_unit_test(longest_unused_makes_room),
		cmocka_unit_test(look_up_under_way_is_not_evicted),
		cmocka_unit_test(thousands_of_names),
		cmocka_unit_test(flush_and_hosts),
		cmocka_unit_test(servers_as_people_write_them),
		cmocka_unit_test(bad_servers_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
