/* Days of a byte budget on a clock of their own. */
#include "circuit/meter.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/target.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#define DAY_S  86400u
#define HOUR_S 3600u
#define START  (1000 * EP_NS_PER_S)

static struct ep_target target_of(const char *kind)
{
	return (struct ep_target){ .kind = ep_kind_find(kind) };
}

static void add(struct meter_item *item, struct meter *meter, const char *kind,
		double a_second, unsigned number)
{
	struct ep_target target = target_of(kind);

	meter_item_init(item, meter, &target, a_second, number);
}

static struct ep_sample replied(uint32_t bytes)
{
	return (struct ep_sample){ .outcome = EP_REPLIED, .bytes = bytes };
}

/* A due time; the answer is there at once. True if it was sent. */
static bool probe(struct meter_item *item, uint64_t now_ns, uint32_t bytes)
{
	struct ep_sample sample = replied(bytes);

	if (!meter_ask(item, now_ns))
		return false;
	meter_sent(item, now_ns);
	meter_done(item, &sample);
	return true;
}

static void without_a_budget_all_go(void **state)
{
	struct meter meter;
	struct meter_item item;

	(void)state;
	meter_init(&meter, 0, START);
	add(&item, &meter, "icmp", 1000, 1);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(probe(&item, START, 168));
	assert_false(item.thinned);
	assert_true(meter_share(&meter) == 1.0);
}

/* Ten a second of 168 bytes from each of four, where a quarter may go. */
static void a_share_goes_evenly(void **state)
{
	enum { ITEMS = 4, SECONDS = 2 * HOUR_S };
	struct meter meter;
	struct meter_item items[ITEMS];
	unsigned sent[ITEMS] = { 0 }, last[ITEMS] = { 0 };
	unsigned gap_max = 0, together_max = 0;

	(void)state;
	meter_init(&meter, 1680ull * DAY_S, START);
	for (unsigned i = 0; i < ITEMS; i++)
		add(&items[i], &meter, "icmp", 10, i);
	for (unsigned turn = 0; turn < 10 * SECONDS; turn++) {
		uint64_t now_ns = START + turn * 100 * EP_NS_PER_MS;
		unsigned together = 0;

		for (unsigned i = 0; i < ITEMS; i++) {
			if (!probe(&items[i], now_ns, 168))
				continue;
			assert_true(items[i].thinned);
			if (sent[i]++ > 0 && turn - last[i] > gap_max &&
			    turn > 10 * HOUR_S / 2)
				gap_max = turn - last[i];
			last[i] = turn;
			together++;
		}
		if (together > together_max)
			together_max = together;
	}
	assert_in_range(gap_max, 4, 5);
	assert_in_range(together_max, 1, 2); /* not all in step */
	for (unsigned i = 0; i < ITEMS; i++)
		assert_in_range(sent[i], sent[0] - 2, sent[0] + 2);
	/* and what it may take it takes */
	assert_in_range((unsigned long)meter.spent, 1680ul * SECONDS * 85 / 100,
			1680ul * SECONDS);
}

struct log {
	uint64_t minutes[3 * 1440];
	size_t n;
};

static uint64_t worst_day(const struct log *log)
{
	uint64_t sum = 0, worst = 0;

	for (size_t i = 0; i < log->n; i++) {
		sum += log->minutes[i];
		if (i >= 1440)
			sum -= log->minutes[i - 1440];
		if (sum > worst)
			worst = sum;
	}
	return worst;
}

/* Each second one is due, from `from_s` on; it takes `bytes`. */
static void live(struct log *log, struct meter_item *item, unsigned from_s,
		 unsigned to_s, uint32_t bytes)
{
	for (unsigned s = from_s; s < to_s; s++)
		if (probe(item, START + s * EP_NS_PER_S, bytes))
			log->minutes[s / 60] += bytes;
}

#define BUDGET (20ull << 20)

static void no_day_takes_more_than_the_budget(void **state)
{
	static const uint32_t bytes[] = { 300, 7000, 14000, 60000 };
	struct log *log = calloc(1, sizeof(*log));
	struct meter meter;
	struct meter_item item;

	(void)state;
	log->n = 3ul * 1440;
	for (unsigned i = 0; i < 4; i++) {
		memset(log->minutes, 0, sizeof(log->minutes));
		meter_init(&meter, BUDGET, START);
		add(&item, &meter, "https", 1, i);
		live(log, &item, 0, 3 * DAY_S, bytes[i]);
		/* one more may be under way before it is known to be larger */
		assert_in_range(worst_day(log), BUDGET * 90 / 100,
				BUDGET + bytes[i]);
	}
	free(log);
}

static void after_a_day_of_silence_no_burst(void **state)
{
	struct log *log = calloc(1, sizeof(*log));
	struct meter meter;
	struct meter_item item;

	(void)state;
	log->n = 3ul * 1440;
	meter_init(&meter, BUDGET, START);
	add(&item, &meter, "https", 1, 0);
	live(log, &item, DAY_S, 3 * DAY_S, 7000);
	assert_in_range(worst_day(log), BUDGET * 90 / 100, BUDGET + 7000);
	free(log);
}

static void restarts_save_nothing_up(void **state)
{
	struct log *log = calloc(1, sizeof(*log));
	struct meter meter;
	struct meter_item item;

	(void)state;
	log->n = 3ul * 1440;
	for (unsigned s = 0; s < 3 * DAY_S; s += 300) {
		meter_init(&meter, BUDGET, START + s * EP_NS_PER_S);
		add(&item, &meter, "https", 1, 0);
		live(log, &item, s, s + 300, 7000);
	}
	assert_in_range(worst_day(log), BUDGET / 2, BUDGET);
	free(log);
}

/* Less than the least budget that a configuration can have holds one. */
static void a_small_budget_still_sends_large_probes(void **state)
{
	struct log *log = calloc(1, sizeof(*log));
	struct meter meter;
	struct meter_item item;

	(void)state;
	log->n = 3ul * 1440;
	meter_init(&meter, 64 << 10, START);
	add(&item, &meter, "https", 1, 0);
	live(log, &item, 0, 3 * DAY_S, 7000);
	assert_in_range(worst_day(log), 42000, 65536 + 7000);
	free(log);
}

/* What the bucket lets through at the start is no reason to say that fewer go
 * ever after. */
static void an_ample_budget_thins_only_the_start(void **state)
{
	struct meter meter;
	struct meter_item item;
	unsigned skipped = 0;

	(void)state;
	meter_init(&meter, 10000ull * DAY_S, START);
	add(&item, &meter, "https", 1, 0);
	for (unsigned s = 0; s < 60; s++)
		skipped += !probe(&item, START + s * EP_NS_PER_S, 7000);
	assert_in_range(skipped, 1, 2);
	assert_false(item.thinned);
	assert_true(meter_share(&meter) == 1.0);
}

static void what_never_left_costs_nothing(void **state)
{
	struct ep_sample failed = { .outcome = EP_FAILED };
	struct meter meter;
	struct meter_item item;

	(void)state;
	meter_init(&meter, BUDGET, START);
	add(&item, &meter, "https", 0.001, 0);
	meter_sent(&item, START);
	assert_true(meter.spent == 7000);
	meter_done(&item, &failed);
	assert_true(meter.spent == 0);
	assert_true(item.bytes == 7000); /* and teaches nothing */
}

static void a_kind_that_does_not_count_is_charged_the_guess(void **state)
{
	struct ep_sample silent = replied(0);
	struct meter meter;
	struct meter_item item;

	(void)state;
	meter_init(&meter, BUDGET, START);
	add(&item, &meter, "tcp", 0.001, 0);
	meter_sent(&item, START);
	meter_done(&item, &silent);
	assert_true(meter.spent == 380);
}

static void first_guesses_are_those_of_the_target(void **state)
{
	struct ep_target t = target_of("icmp");
	struct meter meter;
	struct meter_item item;

	(void)state;
	meter_init(&meter, BUDGET, START);
	meter_item_init(&item, &meter, &t, 1, 0);
	assert_true(item.bytes == 168);
	t.size = 1400;
	t.family = 6;
	meter_item_init(&item, &meter, &t, 1, 0);
	assert_true(item.bytes == 2 * 1448);
	t = target_of("https");
	t.kept = true;
	meter_item_init(&item, &meter, &t, 1, 0);
	assert_true(item.bytes == 2500);
}

/* Each address of a name is measured: four probes at a due time. */
static void several_probes_at_a_due_time(void **state)
{
	struct ep_sample sample = replied(168);
	struct meter meter;
	struct meter_item item;
	unsigned sent = 0;

	(void)state;
	meter_init(&meter, 168ull * DAY_S, START);
	add(&item, &meter, "icmp", 1, 0);
	for (unsigned s = 0; s < 12 * HOUR_S; s++) {
		uint64_t now_ns = START + s * EP_NS_PER_S;

		if (!meter_ask(&item, now_ns))
			continue;
		for (unsigned i = 0; i < 4; i++) {
			meter_sent(&item, now_ns);
			meter_done(&item, &sample);
		}
		sent++;
	}
	assert_in_range(sent, 12 * HOUR_S / 4 * 90 / 100, 12 * HOUR_S / 4);
	/* the plan knows of them: not only the bucket held it back */
	assert_true(meter_share(&meter) > 0.2 && meter_share(&meter) < 0.3);
}

static void news_are_told_once_and_when_they_are_news(void **state)
{
	struct meter_said said = { 0 };
	struct meter meter;
	struct meter_item items[3];
	uint64_t later_ns = START + 600 * EP_NS_PER_S;

	(void)state;
	meter_init(&meter, 168ull * DAY_S, START);
	add(&items[0], &meter, "icmp", 2, 0);
	assert_true(meter_has_news(&meter, &said, START));
	assert_false(meter_has_news(&meter, &said, later_ns));
	add(&items[1], &meter, "icmp", 2, 1);
	assert_false(meter_has_news(&meter, &said, START + 1));
	assert_true(meter_has_news(&meter, &said, later_ns));
	add(&items[2], &meter, "icmp", 0.01, 1);
	assert_false(meter_has_news(&meter, &said, 2 * later_ns));
	meter_init(&meter, 0, START);
	memset(&said, 0, sizeof(said));
	assert_false(meter_has_news(&meter, &said, START));
}

#define ROUNDS 20000

static void send_many(void *arg)
{
	struct meter *meter = arg;
	struct ep_sample sample = replied(100);
	struct meter_item item;

	add(&item, meter, "icmp", 1, 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		meter_ask(&item, START);
		meter_sent(&item, START);
		meter_done(&item, &sample);
	}
}

static void threads_share_it(void **state)
{
	struct meter meter;
	uv_thread_t threads[2];

	(void)state;
	meter_init(&meter, BUDGET, START);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			uv_thread_create(&threads[i], send_many, &meter), 0);
	for (int i = 0; i < 2; i++)
		uv_thread_join(&threads[i]);
	assert_true(meter.spent == 2 * ROUNDS * 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_budget_all_go),
		cmocka_unit_test(a_share_goes_evenly),
		cmocka_unit_test(no_day_takes_more_than_the_budget),
		cmocka_unit_test(after_a_day_of_silence_no_burst),
		cmocka_unit_test(restarts_save_nothing_up),
		cmocka_unit_test(a_small_budget_still_sends_large_probes),
		cmocka_unit_test(an_ample_budget_thins_only_the_start),
		cmocka_unit_test(what_never_left_costs_nothing),
		cmocka_unit_test(
			a_kind_that_does_not_count_is_charged_the_guess),
		cmocka_unit_test(first_guesses_are_those_of_the_target),
		cmocka_unit_test(several_probes_at_a_due_time),
		cmocka_unit_test(news_are_told_once_and_when_they_are_news),
		cmocka_unit_test(threads_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
