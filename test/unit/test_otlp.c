/* Rows as OTLP log records, and added up to OTLP metrics. */
#include "delivery/framing.h"
#include "delivery/metrics.h"
#include "edgeprobe/clock.h"

#include "lib/strict_json.h"

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

/* The beginning of a minute. */
#define T0 UINT64_C(1767225600000000000)

static const struct identity who = { "ams-01", "0123456789abcdef" };

static const struct series series = {
	.target = "exchange",
	.probe = "https",
	.host = "outlook.office365.com",
	.site = "Amsterdam office",
};

static struct record sample(uint64_t seq, uint64_t time_ns, int64_t rtt_ns)
{
	struct record r = {
		.type = ROW_SAMPLE,
		.seq = seq,
		.time_ns = time_ns,
		.series = &series,
	};

	ep_sample_init(&r.sample);
	r.sample.sent_ns = time_ns;
	r.sample.outcome = EP_REPLIED;
	r.sample.rtt_ns = rtt_ns;
	return r;
}

static struct record note(enum row_type type, uint64_t seq, const char *body)
{
	return (struct record){
		.type = type, .seq = seq, .time_ns = T0 + 5, .body = body
	};
}

/* --- a batch of these --- */

static void begin(struct frame *f, const char *encoding)
{
	frame_init(f, framing_find(encoding), 1000, 1 << 20);
}

static void put(struct frame *f, struct record r)
{
	assert_int_equal(frame_add(f, &who, &r), 0);
}

/* For integration/otlp.py, which has others read them. */
static void keep(const struct frame *f)
{
	static unsigned n;
	const char *folder = getenv("OTLP_DOCUMENTS");
	char path[1024];
	FILE *file;

	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%s-%u.json", folder,
		 f->framing->name + strlen("otlp-"), n++);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(f->body.data, file);
	fclose(file);
}

static void end(struct frame *f)
{
	assert_int_equal(frame_end(f, &who), 0);
	assert_true(strict_json(f->body.data, f->body.len));
	keep(f);
}

static void expect_has(const struct frame *f, const char *wanted)
{
	if (!strstr(f->body.data, wanted))
		fail_msg("no %s in %s", wanted, f->body.data);
}

static void expect_not(const struct frame *f, const char *unwanted)
{
	if (strstr(f->body.data, unwanted))
		fail_msg("%s in %s", unwanted, f->body.data);
}

#define TEXT(name, value)                                                      \
	"{\"key\":\"" name "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define INT(name, value)                                                       \
	"{\"key\":\"" name "\",\"value\":{\"intValue\":\"" value "\"}}"
#define DOUBLE(name, value)                                                    \
	"{\"key\":\"" name "\",\"value\":{\"doubleValue\":" value "}}"

static void expect_resource(const struct frame *f)
{
	expect_has(f, TEXT("service.name", "edgeprobe"));
	expect_has(f, TEXT("service.instance.id", "ams-01"));
	expect_has(f, TEXT("edgeprobe.agent", "ams-01"));
	expect_has(f, TEXT("edgeprobe.epoch", "0123456789abcdef"));
	expect_has(f, "{\"key\":\"host.name\",");
}

/* --- logs --- */

/* Or a store of documents takes the type of the first that comes. */
static void degrees_are_never_whole(void **state)
{
	struct record r = { .type = ROW_SELF,
			    .seq = 1,
			    .time_ns = T0,
			    .body = "\"part\":\"site\",\"latitude\":52,"
				    "\"longitude\":-4.9" };
	struct frame f;

	(void)state;
	begin(&f, "otlp-logs");
	put(&f, r);
	end(&f);
	expect_has(&f, DOUBLE("edgeprobe.latitude", "52"));
	expect_has(&f, DOUBLE("edgeprobe.longitude", "-4.9"));
	frame_finish(&f);
}

static void each_member_is_an_attribute(void **state)
{
	struct record r = sample(7, T0 + 358512, 5360000);
	struct frame f;

	(void)state;
	assert_int_equal(ep_address_parse("2001:db8::1", &r.sample.address), 0);
	r.sample.port = 443;
	r.sample.https.http_status = 200;
	r.sample.flags = EP_FLAG_DRAINING;
	begin(&f, "otlp-logs");
	put(&f, r);
	end(&f);
	expect_resource(&f);
	expect_has(&f,
		   "{\"timeUnixNano\":\"1767225600000358512\","
		   "\"observedTimeUnixNano\":\"1767225600000358512\","
		   "\"severityNumber\":9,\"severityText\":\"INFO\","
		   "\"body\":{\"stringValue\":"
		   "\"sample exchange https replied\"},\"attributes\":[" TEXT(
			   "edgeprobe.type",
			   "sample") "," INT("edgeprobe.seq",
					     "7") "," TEXT("edgeprobe.site",
							   "Amsterdam office"));
	expect_has(&f, TEXT("server.address", "outlook.office365.com"));
	expect_has(&f, TEXT("network.peer.address", "2001:db8::1"));
	expect_has(&f, INT("server.port", "443"));
	expect_has(&f, TEXT("network.type", "ipv6"));
	expect_has(&f, INT("http.response.status_code", "200"));
	/* A duration is a double even where it is whole. */
	expect_has(&f, DOUBLE("edgeprobe.rtt_us", "5360"));
	expect_has(&f, TEXT("edgeprobe.flags", "draining"));
	expect_not(&f, "ts_us");
	expect_not(&f, "edgeprobe.time");
	frame_finish(&f);
}

static void each_type_of_row_is_a_record(void **state)
{
	struct record lost = sample(1, T0, EP_ABSENT), late;
	struct frame f;

	(void)state;
	lost.sample.outcome = EP_LOST;
	lost.sample.reason = EP_REASON_TIMEOUT;
	late = sample(2, T0, 3500000000);
	late.type = ROW_LATE;
	late.of = 1;
	begin(&f, "otlp-logs");
	put(&f, lost);
	put(&f, late);
	put(&f, (struct record){ .type = ROW_GAP,
				 .seq = 3,
				 .time_ns = T0,
				 .first = 7,
				 .last = 9007199254740991,
				 .reason = GAP_EVICTED });
	put(&f, note(ROW_BOOT, 4, "\"version\":\"0.1.0\",\"reason\":\"x\""));
	put(&f, note(ROW_CLOCK, 5, "\"step_us\":-3000000"));
	put(&f, note(ROW_SELF, 6, "\"n\":12,\"x\":0.5,\"b\":true,\"z\":null"));
	put(&f, note(ROW_EVENT, 7, "\"event\":\"e\",\"l\":[1,{\"a\":\"b\"}]"));
	end(&f);
	expect_has(&f, TEXT("error.type", "timeout"));
	expect_has(&f, INT("edgeprobe.of", "1"));
	expect_has(&f, DOUBLE("edgeprobe.rtt_us", "3500000"));
	expect_has(&f, "\"severityNumber\":13,\"severityText\":\"WARN\","
		       "\"body\":{\"stringValue\":\"gap\"}");
	expect_has(&f, INT("edgeprobe.last", "9007199254740991"));
	expect_has(&f, TEXT("edgeprobe.reason", "evicted"));
	expect_has(&f, TEXT("edgeprobe.version", "0.1.0"));
	expect_has(&f, DOUBLE("edgeprobe.step_us", "-3000000"));
	expect_has(&f, INT("edgeprobe.n", "12"));
	expect_has(&f, DOUBLE("edgeprobe.x", "0.5"));
	expect_has(&f, "{\"key\":\"edgeprobe.b\",\"value\":"
		       "{\"boolValue\":true}}");
	expect_has(&f, "{\"key\":\"edgeprobe.z\",\"value\":{}}");
	expect_has(&f, TEXT("edgeprobe.l", "[1,{\\\"a\\\":\\\"b\\\"}]"));
	frame_finish(&f);
}

/* --- metrics --- */

#define POINT_OF(start, end)                                                   \
	"\"startTimeUnixNano\":\"" start "\",\"timeUnixNano\":\"" end "\","

static void a_minute_is_a_point(void **state)
{
	struct frame f;

	(void)state;
	begin(&f, "otlp-metrics");
	put(&f, sample(1, T0 + 1, 1000000));
	put(&f, sample(2, T0 + 30000000000, 4000000));
	/* The end of a minute belongs to it. */
	put(&f, sample(3, T0 + 60000000000, 2000000));
	put(&f, sample(4, T0 + 60000000001, 8000000));
	end(&f);
	expect_resource(&f);
	expect_has(&f, "{\"name\":\"edgeprobe.rtt\",\"unit\":\"s\","
		       "\"exponentialHistogram\":"
		       "{\"aggregationTemporality\":1,\"dataPoints\":[");
	expect_has(&f,
		   POINT_OF("1767225600000000000",
			    "1767225660000000000") "\"count\":\"3\",\"sum\":0."
						   "007,\"scale\":5,"
						   "\"zeroCount\":\"0\","
						   "\"positive\":{\"offset\":-"
						   "319,");
	expect_has(&f, "\"min\":0.001,\"max\":0.004}");
	expect_has(&f, POINT_OF("1767225660000000000",
				"1767225660000000001") "\"count\":\"1\","
						       "\"sum\":0.008,");
	expect_has(&f, TEXT("edgeprobe.outcome", "replied"));
	expect_has(&f, POINT_OF("1767225600000000000",
				"1767225660000000000") "\"asInt\":\"3\"}");
	expect_not(&f, "edgeprobe.dns.duration");
	frame_finish(&f);
}

/* One of each type, or more. */
static void put_all_types(struct frame *f)
{
	struct record lost = sample(1, T0 + 1, EP_ABSENT), late, missed, rich;

	lost.sample.outcome = EP_LOST;
	lost.sample.reason = EP_REASON_TIMEOUT;
	lost.sample.retransmits = 2;
	missed = lost;
	missed.sample.outcome = EP_FAILED;
	missed.sample.reason = EP_REASON_MISSED;
	missed.sample.missed = 17;
	late = sample(2, T0 + 2, 3500000000);
	late.type = ROW_LATE;
	rich = sample(3, T0 + 3, 1000);
	rich.sample.dns_ns = 0;
	rich.sample.https.connect_ns = 1500;
	rich.sample.https.tls_days_left = -3;
	rich.sample.https.http_status = 404;
	snprintf(rich.sample.https.pop, EP_POP_MAX, "AMS");
	rich.sample.flags = EP_FLAG_DRAINING | EP_FLAG_THINNED;
	begin(f, "otlp-metrics");
	put(f, lost);
	put(f, missed);
	put(f, late);
	put(f, rich);
	put(f, (struct record){ .type = ROW_GAP,
				.time_ns = T0 + 4,
				.first = 7,
				.last = 11,
				.reason = GAP_EVICTED });
	put(f, note(ROW_BOOT, 4, "\"version\":\"0.1.0\",\"reason\":\"x\""));
	put(f, note(ROW_CLOCK, 5, "\"step_us\":-3000000.5"));
	put(f, note(ROW_SELF, 6, "\"rows\":12,\"cpu_percent\":0.5"));
	put(f, note(ROW_SELF, 6, "\"rows\":13,\"cpu_percent\":1e1"));
	put(f, note(ROW_EVENT, 7, "\"event\":\"e\",\"level\":\"warn\""));
}

static void expect_samples(const struct frame *f)
{
	expect_has(f, TEXT("edgeprobe.outcome", "lost") "," TEXT("error.type",
								 "timeout"));
	expect_has(f, "{\"name\":\"edgeprobe.missed\",\"unit\":\"{probe}\","
		      "\"sum\":{\"aggregationTemporality\":1,"
		      "\"isMonotonic\":true,\"dataPoints\":[");
	expect_has(f, "\"asInt\":\"17\"}");
	expect_has(f, "\"name\":\"edgeprobe.retransmits\"");
	expect_has(f, "\"asInt\":\"4\"}"); /* two each */
	expect_has(f, "\"name\":\"edgeprobe.late.rtt\"");
	expect_has(f, "\"sum\":3.5,");
	/* A duration of nothing. */
	expect_has(f, "\"count\":\"1\",\"sum\":0,\"scale\":4,"
		      "\"zeroCount\":\"1\",\"min\":0,\"max\":0}");
	expect_has(f, "\"sum\":0.0000015,");
	expect_has(f, "{\"name\":\"edgeprobe.tls.days_left\",\"unit\":\"d\","
		      "\"gauge\":{\"dataPoints\":[");
	expect_has(f, "\"timeUnixNano\":\"1767225600000000003\","
		      "\"asInt\":\"-3\"}");
	expect_has(f, INT("http.response.status_code",
			  "404") "," TEXT("edgeprobe.pop", "AMS"));
	expect_has(f, TEXT("edgeprobe.flag", "draining"));
	expect_has(f, TEXT("edgeprobe.flag", "thinned"));
}

static void expect_others(const struct frame *f)
{
	expect_has(f, "\"name\":\"edgeprobe.gap.rows\"");
	expect_has(f, TEXT("edgeprobe.reason", "evicted") "]," POINT_OF(
			      "1767225600000000000",
			      "1767225600000000004") "\"asInt\":\"5\"}");
	expect_has(f, TEXT("edgeprobe.type", "boot") "," TEXT(
			      "edgeprobe.version",
			      "0.1.0") "," TEXT("edgeprobe.reason", "x"));
	expect_has(f, "{\"name\":\"edgeprobe.clock.step_us\",\"unit\":\"us\","
		      "\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":"
		      "\"1767225600000000005\",\"asDouble\":-3000000.5}]}}");
	expect_has(f, "{\"name\":\"edgeprobe.self.rows\",\"unit\":\"1\","
		      "\"gauge\":{\"dataPoints\":["
		      "{\"timeUnixNano\":\"1767225600000000005\","
		      "\"asInt\":\"12\"},"
		      "{\"timeUnixNano\":\"1767225600000000005\","
		      "\"asInt\":\"13\"}]}}");
	expect_has(f, "\"unit\":\"%\"");
	expect_has(f, "\"asDouble\":1e1}");
	expect_has(f, TEXT("edgeprobe.event", "e") "," TEXT("edgeprobe.level",
							    "warn"));
	/* All rows are counted by their type. */
	expect_has(f, TEXT("edgeprobe.type", "sample") "]," POINT_OF(
			      "1767225600000000000",
			      "1767225600000000003") "\"asInt\":\"3\"}");
}

static void each_type_of_row_is_a_figure(void **state)
{
	struct frame f;

	(void)state;
	put_all_types(&f);
	end(&f);
	expect_samples(&f);
	expect_others(&f);
	frame_finish(&f);
}

/* What is counted adds up, in how many batches it may have come. */
static uint64_t sum_of(const struct frame *f, const char *attributes)
{
	const char *at = strstr(f->body.data, "\"edgeprobe.rows\"");
	const char *value;

	assert_non_null(at);
	at = strstr(at, attributes);
	assert_non_null(at);
	value = strstr(at, "\"asInt\":\"");
	assert_non_null(value);
	return strtoull(value + strlen("\"asInt\":\""), NULL, 10);
}

/* Never longer than allowed; a row that is turned away leaves nothing. */
static void bytes_are_bounded(void **state)
{
	static const size_t bounds[] = { 5000, 20000, 100000, 900000 };
	char target[40];
	uint64_t rows = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(bounds); i++) {
		struct series s = series;
		struct frame f;
		int r = 0;

		frame_init(&f, framing_find("otlp-metrics"), 5000, bounds[i]);
		s.target = target;
		for (uint64_t n = 0; r == 0; n++) {
			struct record row =
				sample(n + 1, T0 + 1 + n * 100000000,
				       (int64_t)(1000 + n * n * n * 977));

			row.series = &s;
			row.sample.https.total_ns = (int64_t)(n * 1000000);
			snprintf(target, sizeof(target), "target-%u",
				 (unsigned)(n % 40));
			r = frame_add(&f, &who, &row);
		}
		assert_int_equal(r, -E2BIG);
		assert_true(f.full);
		end(&f);
		assert_true(f.rows > rows);
		rows = f.rows;
		assert_true(f.body.len <= bounds[i]);
		assert_int_equal(sum_of(&f, "\"sample\""),
				 f.rows < 600 ? f.rows : 600);
		frame_finish(&f);
	}
}

static void a_first_row_is_taken_whatever_it_brings(void **state)
{
	struct record r = sample(1, T0 + 1, 5);
	struct frame f;

	(void)state;
	frame_init(&f, framing_find("otlp-metrics"), 10, 10);
	assert_int_equal(frame_add(&f, &who, &r), 0);
	assert_int_equal(frame_add(&f, &who, &r), -E2BIG);
	end(&f);
	assert_int_equal(sum_of(&f, "\"sample\""), 1);
	frame_finish(&f);
}

/* The minute under way is not told until it is over. */
static void rows_wait_for_the_end_of_their_minute(void **state)
{
	struct record r = sample(2, T0 + 60000000001, 5);
	struct frame f;

	(void)state;
	begin(&f, "otlp-metrics");
	f.open_minute = metrics_minute(r.time_ns);
	put(&f, sample(1, T0 + 60000000000, 5));
	assert_int_equal(frame_add(&f, &who, &r), -E2BIG);
	assert_false(f.full);
	assert_int_equal(f.rows, 1);
	/* What has a later time waits for nothing: a clock went back. */
	r.time_ns += 60000000000;
	assert_int_equal(frame_add(&f, &who, &r), 0);
	end(&f);
	frame_finish(&f);

	begin(&f, "otlp-logs");
	r.time_ns -= 60000000000;
	f.open_minute = metrics_minute(r.time_ns);
	assert_int_equal(frame_add(&f, &who, &r), 0);
	frame_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_member_is_an_attribute),
		cmocka_unit_test(degrees_are_never_whole),
		cmocka_unit_test(each_type_of_row_is_a_record),
		cmocka_unit_test(a_minute_is_a_point),
		cmocka_unit_test(each_type_of_row_is_a_figure),
		cmocka_unit_test(bytes_are_bounded),
		cmocka_unit_test(a_first_row_is_taken_whatever_it_brings),
		cmocka_unit_test(rows_wait_for_the_end_of_their_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
