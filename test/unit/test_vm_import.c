#include "delivery/vm_import.h"

#include "delivery/framing.h"
#include "lib/framed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct identity who = { "ams-\"1\"", "0123456789abcdef" };
static const struct series series = { .target = "exchange",
				      .probe = "https",
				      .host = "h.test",
				      .site = "K\xc3\xb6ln",
				      .provider = "KPN" };

#define BEGIN(name)                                                            \
	"{\"metric\":{\"__name__\":\"edgeprobe_" name "\","                    \
	"\"agent\":\"ams-\\\"1\\\"\""
#define PLACE                                                                  \
	",\"site\":\"K\xc3\xb6ln\",\"provider\":\"KPN\","                      \
	"\"target\":\"exchange\",\"probe\":\"https\",\"host\":\"h.test\""
#define END(value)                                                             \
	"},\"values\":[" value "],\"timestamps\":[1767225600000],\"seq\":7}"

static struct record sample(void)
{
	struct record r = { .type = ROW_SAMPLE,
			    .seq = 7,
			    .time_ns = 1767225600000358000,
			    .series = &series };

	ep_sample_init(&r.sample);
	r.sample.outcome = EP_REPLIED;
	r.sample.rtt_ns = 4091250;
	return r;
}

static void expect(const struct record *record, const char *lines)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	vm_import_row(&out, &who, record);
	assert_int_equal(out.error, 0);
	assert_string_equal(out.data, lines);
	buf_char(&out, '\n');
	assert_true(
		framed_strictly(framing_find("vm-import"), out.data, out.len));
	buf_finish(&out);
}

static void a_reply_is_a_count_and_its_times(void **state)
{
	struct record r = sample();

	(void)state;
	r.sample.dns_ns = 1000;
	r.sample.address.family = 6;
	r.sample.https.tls_ns = 0;
	r.sample.https.tls_days_left = -3;
	memcpy(r.sample.https.pop, "AMS", 4);
	expect(&r, BEGIN("samples") PLACE
	       ",\"family\":\"6\",\"outcome\":\"replied\",\"pop\":\"AMS\"" END(
		       "1") "\n" BEGIN("rtt_us") PLACE
	       ",\"family\":\"6\"" END("4091.25") "\n" BEGIN("dns_us") PLACE
	       ",\"family\":\"6\"" END("1") "\n" BEGIN("tls_us") PLACE
	       ",\"family\":\"6\"" END("0") "\n" BEGIN("tls_days_left") PLACE
	       ",\"family\":\"6\"" END("-3"));
}

static void a_loss_is_a_count_with_its_reason(void **state)
{
	struct record r = sample();

	(void)state;
	r.sample.outcome = EP_LOST;
	r.sample.reason = EP_REASON_TIMEOUT;
	r.sample.flags = EP_FLAG_KEPT;
	expect(&r, BEGIN("samples") PLACE
	       ",\"kept\":\"1\",\"outcome\":"
	       "\"lost\",\"reason\":\"timeout\"" END("1"));
}

static void probes_that_never_left_are_counted(void **state)
{
	struct record r = sample();

	(void)state;
	r.sample.outcome = EP_FAILED;
	r.sample.reason = EP_REASON_MISSED;
	r.sample.missed = 12;
	expect(&r, BEGIN("samples") PLACE
	       ",\"outcome\":\"failed\",\"reason\":\"missed\"" END(
		       "1") "\n" BEGIN("missed") PLACE END("12"));
}

static void late_and_gap_rows_are_a_figure(void **state)
{
	struct record late = sample(), gap = sample();

	(void)state;
	late.type = ROW_LATE;
	expect(&late, BEGIN("late_rtt_us") PLACE END("4091.25"));
	gap.type = ROW_GAP;
	gap.first = 10;
	gap.last = 19;
	gap.reason = GAP_EVICTED;
	expect(&gap, BEGIN("gap_rows") ",\"reason\":\"evicted\"" END("10"));
}

/* Texts that tell a row from others are labels, figures are values. */
static void other_rows_are_their_figures(void **state)
{
	struct record r = sample();

	(void)state;
	r.type = ROW_SELF;
	r.body = "\"part\":\"packets\",\"cpu_us\":12.5,\"text\":\"x\","
		 "\"list\":[1],\"drops\":0";
	expect(&r,
	       BEGIN("rows") ",\"part\":\"packets\",\"type\":\"self\"" END("1") "\n" BEGIN(
		       "self_cpu_us") ",\"part\":"
				      "\"packets\"" END("12.5") "\n" BEGIN(
					      "self_drops") ",\"part\":"
							    "\"packets"
							    "\"" END("0"));
}

/* However many lines a row has, it stays whole. */
static void a_batch_is_cut_between_rows(void **state)
{
	const struct framing *framing = framing_find("vm-import");
	struct buf halves[2];
	struct frame f;
	uint64_t seq = 0;

	(void)state;
	frame_init(&f, framing, 10, 1 << 20);
	for (unsigned i = 0; i < 4; i++) {
		struct record r = sample();

		r.seq = 7 + i;
		r.sample.dns_ns = i % 2 ? 5 : EP_ABSENT;
		assert_int_equal(frame_add(&f, &who, &r), 0);
	}
	assert_int_equal(frame_end(&f, &who), 0);
	for (unsigned i = 0; i < 2; i++)
		buf_init(&halves[i], 1 << 20);
	assert_int_equal(framing_split(framing, f.body.data, f.body.len, 2,
				       halves, &seq),
			 0);
	assert_int_equal(seq, 9);
	assert_non_null(strstr(halves[0].data, "\"seq\":8}"));
	assert_null(strstr(halves[0].data, "\"seq\":9}"));
	assert_null(strstr(halves[1].data, "\"seq\":8}"));
	assert_memory_equal(f.body.data, halves[0].data, halves[0].len);
	assert_memory_equal(f.body.data + halves[0].len, halves[1].data,
			    halves[1].len);
	for (unsigned i = 0; i < 2; i++)
		buf_finish(&halves[i]);
	frame_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_is_a_count_and_its_times),
		cmocka_unit_test(a_loss_is_a_count_with_its_reason),
		cmocka_unit_test(probes_that_never_left_are_counted),
		cmocka_unit_test(late_and_gap_rows_are_a_figure),
		cmocka_unit_test(other_rows_are_their_figures),
		cmocka_unit_test(a_batch_is_cut_between_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
