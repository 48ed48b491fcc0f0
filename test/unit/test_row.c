#include "delivery/row.h"

#include "lib/rounds.h"
#include "lib/seeds.h"
#include "lib/strict_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct identity who = { "ams-01", "0123456789abcdef" };

static const struct series full = {
	.target = "exchange",
	.probe = "https",
	.host = "outlook.office365.com",
	.site = "Amsterdam office",
	.country = "NL",
	.metro = "Amsterdam",
	.circuit = "fibre",
	.provider = "KPN",
	.prefix = "203.0.113.0/24",
};

static const struct series bare = { .target = "gateway", .probe = "icmp" };

#define HEAD(type)                                                             \
	"{\"type\":\"" type "\",\"time\":\"2026-01-01T00:00:00.000358Z\","     \
	"\"ts_us\":1767225600000358,\"agent\":\"ams-01\","                     \
	"\"epoch\":\"0123456789abcdef\",\"seq\":42"
#define PLACE                                                                  \
	",\"site\":\"Amsterdam office\",\"country\":\"NL\","                   \
	"\"metro\":\"Amsterdam\",\"circuit\":\"fibre\","                       \
	"\"provider\":\"KPN\",\"prefix\":\"203.0.113.0/24\","                  \
	"\"target\":\"exchange\",\"probe\":\"https\","                         \
	"\"host\":\"outlook.office365.com\""
#define BARE   ",\"target\":\"gateway\",\"probe\":\"icmp\""
#define TRUSTY ",\"stamp\":\"kernel\",\"slip_us\":12.5,\"uncertainty_us\":3.01"

static struct record record(enum row_type type, const struct series *series)
{
	struct record r = {
		.type = type,
		.seq = 42,
		.time_ns = 1767225600000358512,
		.series = series,
	};

	ep_sample_init(&r.sample);
	r.sample.sent_ns = r.time_ns;
	r.sample.stamp = EP_STAMP_KERNEL;
	r.sample.slip_ns = 12500;
	r.sample.uncertainty_ns = 3010;
	return r;
}

static void expect(const struct record *r, const char *wanted)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	row_write(&b, &who, r);
	assert_int_equal(b.error, 0);
	assert_string_equal(b.data, wanted);
	assert_true(strict_json(b.data, b.len));
	buf_finish(&b);
}

/* Each field that there is, in the order of the contract. */
static void a_sample_with_everything(void **state)
{
	struct record r = record(ROW_SAMPLE, &full);
	struct ep_sample *s = &r.sample;
	struct ep_https *h = &s->https;

	(void)state;
	s->outcome = EP_REPLIED;
	s->rtt_ns = 5360123;
	s->dns_ns = 1200000;
	s->port = 443;
	s->ttl = 57;
	s->retransmits = 0;
	s->flags = EP_FLAG_FRESH_FLOW | EP_FLAG_DRAINING |
		   EP_FLAG_CLOCK_UNSYNCED | EP_FLAG_DUPLICATE |
		   EP_FLAG_TLS_ISSUER | EP_FLAG_NEARBY | EP_FLAG_BELOW_LIGHT;
	assert_int_equal(ep_address_parse("2001:db8::1", &s->address), 0);
	h->connect_ns = 5400000;
	h->tls_ns = 11000100;
	h->tls_first_byte_ns = 6000000;
	h->first_byte_ns = 0;
	h->total_ns = 25000010;
	h->http_status = 200;
	snprintf(h->http_version, sizeof(h->http_version), "1.1");
	snprintf(h->pop, sizeof(h->pop), "AMS");
	snprintf(h->pop_source, sizeof(h->pop_source), "x-msedge-ref");
	snprintf(h->pop_ref, sizeof(h->pop_ref), "Ref A: \"1\" Ref B: AMS");
	snprintf(h->edge_cache, sizeof(h->edge_cache), "TCP_HIT");
	snprintf(h->tls_issuer, sizeof(h->tls_issuer), "DigiCert Inc");
	h->tls_days_left = -3;
	expect(&r, HEAD("sample") PLACE
	       ",\"address\":\"2001:db8::1\",\"port\":443,\"family\":6,"
	       "\"outcome\":\"replied\",\"rtt_us\":5360.123,\"dns_us\":1200,"
	       "\"connect_us\":5400,\"tls_us\":11000.1,"
	       "\"tls_first_byte_us\":6000,\"first_byte_us\":0,"
	       "\"total_us\":25000.01,\"http_status\":200,"
	       "\"http_version\":\"1.1\",\"pop\":\"AMS\","
	       "\"pop_source\":\"x-msedge-ref\","
	       "\"pop_ref\":\"Ref A: \\\"1\\\" Ref B: AMS\","
	       "\"edge_cache\":\"TCP_HIT\","
	       "\"tls_issuer\":\"DigiCert Inc\",\"tls_days_left\":-3,"
	       "\"ttl\":57,\"retransmits\":0" TRUSTY
	       ",\"flags\":\"fresh_flow,draining,clock_unsynced,"
	       "duplicate,tls_issuer_unexpected,tcp_answered_nearby,"
	       "below_light\"}");
}

static void a_sample_with_nothing(void **state)
{
	struct record r = record(ROW_SAMPLE, &bare);

	(void)state;
	r.sample.outcome = EP_LOST;
	r.sample.reason = EP_REASON_TIMEOUT;
	expect(&r, HEAD("sample") BARE
	       ",\"outcome\":\"lost\",\"reason\":\"timeout\"" TRUSTY "}");
}

/* A time is a round trip only where the target itself answered. */
static void rtt_goes_with_replied_and_refused(void **state)
{
	static const struct {
		enum ep_outcome outcome;
		enum ep_reason reason;
		const char *text;
	} cases[] = {
		{ EP_REPLIED, EP_REASON_NONE,
		  "\"outcome\":\"replied\",\"rtt_us\":1500" },
		{ EP_REFUSED, EP_REASON_TCP_RESET,
		  "\"outcome\":\"refused\",\"reason\":\"tcp_reset\","
		  "\"rtt_us\":1500" },
		{ EP_UNREACHABLE, EP_REASON_ADMIN_PROHIBITED,
		  "\"outcome\":\"unreachable\","
		  "\"reason\":\"admin_prohibited\"" },
		{ EP_FAILED, EP_REASON_DNS_NXDOMAIN,
		  "\"outcome\":\"failed\",\"reason\":\"dns_nxdomain\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct record r = record(ROW_SAMPLE, &bare);
		char wanted[512];

		r.sample.outcome = (uint8_t)cases[i].outcome;
		r.sample.reason = (uint8_t)cases[i].reason;
		r.sample.rtt_ns = 1500000;
		snprintf(wanted, sizeof(wanted), "%s,%s%s", HEAD("sample") BARE,
			 cases[i].text, TRUSTY "}");
		expect(&r, wanted);
	}
}

static void https_fields_only_for_https(void **state)
{
	struct record r = record(ROW_SAMPLE, &bare);

	(void)state;
	r.sample.rtt_ns = 1000;
	memset(&r.sample.https, 'x', sizeof(r.sample.https));
	expect(&r, HEAD("sample") BARE
	       ",\"outcome\":\"replied\",\"rtt_us\":1" TRUSTY "}");
}

static void a_missed_probe_says_how_many(void **state)
{
	struct record r = record(ROW_SAMPLE, &bare);

	(void)state;
	r.sample.outcome = EP_FAILED;
	r.sample.reason = EP_REASON_MISSED;
	r.sample.missed = 3;
	expect(&r, HEAD("sample") BARE
	       ",\"outcome\":\"failed\",\"reason\":\"missed\"" TRUSTY
	       ",\"missed\":3}");
}

static void a_late_reply_names_its_loss(void **state)
{
	struct record r = record(ROW_LATE, &full);

	(void)state;
	r.of = 17;
	r.sample.rtt_ns = 3500000000;
	r.sample.flags = EP_FLAG_DUPLICATE;
	assert_int_equal(ep_address_parse("192.0.2.7", &r.sample.address), 0);
	expect(&r, HEAD("late") PLACE
	       ",\"address\":\"192.0.2.7\",\"family\":4,\"of\":17,"
	       "\"rtt_us\":3500000" TRUSTY ",\"flags\":\"duplicate\"}");
}

static void a_gap_names_its_rows(void **state)
{
	static const char *const reasons[] = { "evicted", "corrupt", "overflow",
					       "refused" };

	(void)state;
	for (size_t i = 0; i < COUNT(reasons); i++) {
		struct record r = record(ROW_GAP, NULL);
		char wanted[512];

		r.first = 7;
		r.last = 9007199254740991;
		r.reason = (enum gap_reason)i;
		snprintf(wanted, sizeof(wanted),
			 "%s,\"first\":7,\"last\":9007199254740991,"
			 "\"reason\":\"%s\"}",
			 HEAD("gap"), reasons[i]);
		expect(&r, wanted);
	}
}

static void notes_carry_their_members(void **state)
{
	struct record r = record(ROW_CLOCK, NULL);

	(void)state;
	r.body = "\"step_us\":-3000000";
	expect(&r, HEAD("clock") ",\"step_us\":-3000000}");
	r.type = ROW_BOOT;
	r.body = "\"version\":\"0.1.0\",\"reason\":\"start\"";
	expect(&r, HEAD("boot") ",\"version\":\"0.1.0\",\"reason\":\"start\"}");
	r.type = ROW_SELF;
	r.body = NULL;
	expect(&r, HEAD("self") "}");
	r.type = ROW_EVENT;
	r.body = "";
	expect(&r, HEAD("event") "}");
}

/* --- anything at all --- */

static uint64_t seed;

static uint64_t any(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 11;
}

static const char *any_text(char *text, size_t size)
{
	size_t len = any() % size;

	for (size_t i = 0; i < len; i++)
		text[i] = (char)(1 + any() % 255);
	text[len] = '\0';
	return any() % 4 ? text : NULL;
}

static void any_record(struct record *r)
{
	struct ep_sample *s = &r->sample;

	*r = record((enum row_type)(any() % 3), NULL);
	r->seq = any();
	r->time_ns = any() << 11;
	r->of = any();
	r->first = any();
	s->outcome = (uint8_t)(any() % 8);
	s->reason = (uint8_t)any();
	s->stamp = (uint8_t)any();
	s->flags = (uint8_t)any();
	s->rtt_ns = (int64_t)any() - INT64_C(1) * 1000000;
	s->slip_ns = (int64_t)any();
	s->uncertainty_ns = any();
	s->ttl = (int16_t)any();
	s->retransmits = (int16_t)any();
	s->port = (uint16_t)any();
	s->address.family = (uint8_t)(any() % 3 * 2 + (any() % 2) * 2);
	s->address.family = s->address.family > 6 ? 6 : s->address.family;
	if (s->address.family == 2)
		s->address.family = 4;
	s->https.connect_ns = (int64_t)any();
	s->https.http_status = (uint16_t)any();
	s->https.tls_days_left = (int32_t)any();
	any_text(s->https.pop, sizeof(s->https.pop));
	any_text(s->https.pop_ref, sizeof(s->https.pop_ref));
	any_text(s->https.tls_issuer, sizeof(s->https.tls_issuer));
}

static void anything_is_strict_json_on_one_line(void **state)
{
	char texts[8][40];
	struct record r;
	struct buf b;

	(void)state;
	seed = 20260101;
	print_message("# seed %llu\n", (unsigned long long)seed);
	buf_init(&b, 1 << 16);
	for (int i = 0; i < rounds(20000); i++) {
		struct series series = { .probe = i % 2 ? "https" : "tcp" };
		struct identity hostile = { texts[7], "ffff" };

		any_record(&r);
		any_text(texts[7], sizeof(texts[7]));
		series.target = any_text(texts[0], sizeof(texts[0]));
		series.host = any_text(texts[1], sizeof(texts[1]));
		series.site = any_text(texts[2], sizeof(texts[2]));
		series.country = any_text(texts[3], sizeof(texts[3]));
		series.provider = any_text(texts[4], sizeof(texts[4]));
		series.prefix = any_text(texts[5], sizeof(texts[5]));
		r.series = r.type == ROW_GAP ? NULL : &series;
		buf_clear(&b);
		row_write(&b, &hostile, &r);
		if (!strict_json(b.data, b.len) || strchr(b.data, '\n'))
			fail_msg("row %d: %s", i, b.data);
	}
	buf_finish(&b);
}

/* --- the fuzzer's seeds: test/fuzz/fuzz_row.c --- */

static void seeds_of_the_fuzzer(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 5);
}

/* And without a fuzzer at hand: noise of a known seed. */
static void every_encoding_of_noise_is_strict(void **state)
{
	static uint8_t data[6000];

	(void)state;
	seed = 4;
	for (int i = 0; i < rounds(2000); i++) {
		size_t len = any() % sizeof(data);

		for (size_t k = 0; k < len; k++)
			data[k] = (uint8_t)any();
		assert_int_equal(LLVMFuzzerTestOneInput(data, len), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_with_everything),
		cmocka_unit_test(a_sample_with_nothing),
		cmocka_unit_test(rtt_goes_with_replied_and_refused),
		cmocka_unit_test(https_fields_only_for_https),
		cmocka_unit_test(a_missed_probe_says_how_many),
		cmocka_unit_test(a_late_reply_names_its_loss),
		cmocka_unit_test(a_gap_names_its_rows),
		cmocka_unit_test(notes_carry_their_members),
		cmocka_unit_test(anything_is_strict_json_on_one_line),
		cmocka_unit_test(seeds_of_the_fuzzer),
		cmocka_unit_test(every_encoding_of_noise_is_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
