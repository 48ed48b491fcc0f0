/* What leaves the branch of its own addresses. */
#include "delivery/privacy.h"

#include "delivery/framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct identity who = { "ams-01", "0123456789abcdef" };

static struct record sample(struct series *series, const char *address)
{
	struct record r = { .type = ROW_SAMPLE,
			    .seq = 1,
			    .time_ns = 1767225600000358000,
			    .series = series };

	ep_sample_init(&r.sample);
	assert_int_equal(ep_address_parse(address, &r.sample.address), 0);
	return r;
}

/* The address that leaves, and the host. */
static void expect(const char *address, const char *host, const char *cut,
		   const char *cut_host)
{
	struct series series = { .target = "t", .probe = "icmp", .host = host };
	struct record r = sample(&series, address);
	char text[EP_ADDRESS_TEXT_MAX];
	const struct record *out;
	struct privacy p;

	privacy_init(&p);
	out = privacy_cut(&p, &r);
	assert_non_null(out);
	assert_string_equal(
		ep_address_format(&out->sample.address, text, sizeof(text)),
		cut);
	assert_string_equal(out->series->host, cut_host);
	/* what is stored stays as it is */
	assert_string_equal(series.host, host);
	assert_string_equal(
		ep_address_format(&r.sample.address, text, sizeof(text)),
		address);
	privacy_finish(&p);
}

static void addresses_of_the_branch_become_networks(void **state)
{
	(void)state;
	expect("10.1.2.3", "10.1.2.3", "10.1.2.0", "10.1.2.0");
	expect("192.168.7.254", "gateway", "192.168.7.0", "gateway");
	expect("172.31.255.1", "r.example", "172.31.255.0", "r.example");
	expect("100.64.0.9", "cgn", "100.64.0.0", "cgn");
	expect("169.254.1.2", "l", "169.254.1.0", "l");
	expect("fd12:3456:789a:1::5", "u", "fd12:3456:789a::", "u");
	expect("fe80::1", "gateway", "fe80::", "gateway");
}

static void addresses_of_others_stay(void **state)
{
	static const char *const others[] = {
		"13.107.6.152", "172.32.0.1",    "172.15.0.1",
		"192.169.0.1",  "100.128.0.1",   "127.0.0.1",
		"::1",          "2603:1000::24", "11.0.0.1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		expect(others[i], others[i], others[i], others[i]);
}

static void a_prefix_of_one_address_becomes_a_network(void **state)
{
	static const char *const pairs[][2] = {
		{ "203.0.113.7/32", "203.0.113.0/24" },
		{ "203.0.113.0/24", "203.0.113.0/24" },
		{ "203.0.112.0/22", "203.0.112.0/22" },
		{ "2001:db8:1:2::/64", "2001:db8:1::/48" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "office", "office" },
	};
	struct privacy p;

	(void)state;
	privacy_init(&p);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct series series = { .target = "t",
					 .probe = "tcp",
					 .host = "h",
					 .prefix = pairs[i][0] };
		struct record r = sample(&series, "13.107.6.152");

		assert_string_equal(privacy_cut(&p, &r)->series->prefix,
				    pairs[i][1]);
	}
	privacy_finish(&p);
}

static void addresses_in_events_become_networks(void **state)
{
	struct record r = {
		.type = ROW_EVENT,
		.body = "\"event\":\"circuit_changed\",\"addresses\":"
			"\"192.0.2.7,2001:db8:1:2::3,tun0\",\"n\":2,"
			"\"egress_address\":\"198.51.100.77\"",
	};
	struct record plain = { .type = ROW_BOOT, .body = "\"version\":\"1\"" };
	struct privacy p;

	(void)state;
	privacy_init(&p);
	assert_string_equal(privacy_cut(&p, &r)->body,
			    "\"event\":\"circuit_changed\",\"addresses\":"
			    "\"192.0.2.0,2001:db8:1::,tun0\",\"n\":2,"
			    "\"egress_address\":\"198.51.100.0\"");
	assert_ptr_equal(privacy_cut(&p, &plain), &plain);
	privacy_finish(&p);
}

static void what_is_known_of_a_circuit_becomes_networks(void **state)
{
	struct record r = {
		.type = ROW_SELF,
		.body = "\"part\":\"circuit\",\"circuit\":\"dsl\","
			"\"prefix\":\"203.0.113.7/32\","
			"\"egress_address\":\"203.0.113.7\","
			"\"resolver_address\":\"2001:db8:1:2::53\"",
	};
	struct record event = {
		.type = ROW_EVENT,
		.body = "\"event\":\"egress_changed\","
			"\"from_address\":\"203.0.113.7\","
			"\"to_address\":\"198.51.100.77\","
			"\"prefix\":\"203.0.112.0/22\"",
	};
	struct privacy p;

	(void)state;
	privacy_init(&p);
	assert_string_equal(privacy_cut(&p, &r)->body,
			    "\"part\":\"circuit\",\"circuit\":\"dsl\","
			    "\"prefix\":\"203.0.113.0/24\","
			    "\"egress_address\":\"203.0.113.0\","
			    "\"resolver_address\":\"2001:db8:1::\"");
	assert_string_equal(privacy_cut(&p, &event)->body,
			    "\"event\":\"egress_changed\","
			    "\"from_address\":\"203.0.113.0\","
			    "\"to_address\":\"198.51.100.0\","
			    "\"prefix\":\"203.0.112.0/22\"");
	privacy_finish(&p);
}

/* In every encoding, and only where it was asked for. */
static void no_encoding_lets_them_out(void **state)
{
	static const char *const names[] = { "ndjson",       "json-array",
					     "otlp-logs",    "otlp-metrics",
					     "elastic-bulk", "splunk-hec",
					     "vm-import" };
	struct series series = { .target = "lan",
				 .probe = "icmp",
				 .host = "10.1.2.3",
				 .prefix = "203.0.113.7/32" };
	struct record r = sample(&series, "10.1.2.3");
	struct record event = { .type = ROW_EVENT,
				.seq = 2,
				.time_ns = r.time_ns,
				.body = "\"event\":\"circuit_changed\","
					"\"addresses\":\"192.0.2.77\"" };

	(void)state;
	r.sample.outcome = EP_REPLIED;
	r.sample.rtt_ns = 1000;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (int hide = 0; hide < 2; hide++) {
			bool seen;
			struct frame f;

			frame_init(&f, framing_find(names[i]), 10, 1 << 20);
			f.truncate_addresses = hide;
			assert_int_equal(frame_add(&f, &who, &r), 0);
			assert_int_equal(frame_add(&f, &who, &event), 0);
			assert_int_equal(frame_end(&f, &who), 0);
			seen = strstr(f.body.data, "10.1.2.3") ||
			       strstr(f.body.data, "203.0.113.7") ||
			       strstr(f.body.data, "192.0.2.77");
			assert_int_equal(seen, !hide);
			frame_finish(&f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_branch_become_networks),
		cmocka_unit_test(addresses_of_others_stay),
		cmocka_unit_test(a_prefix_of_one_address_becomes_a_network),
		cmocka_unit_test(addresses_in_events_become_networks),
		cmocka_unit_test(what_is_known_of_a_circuit_becomes_networks),
		cmocka_unit_test(no_encoding_lets_them_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
