/* Whose reply is this? The table on virtual time. */
#include "core/inflight.h"
#include "edgeprobe/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#define SECOND EP_NS_PER_S

static struct ep_address address(uint8_t last)
{
	struct ep_address a = { .family = 4, .bytes = { 192, 0, 2, last } };

	return a;
}

static struct inflight_slot *take_and_send(struct inflight *t, uint64_t now_ns,
					   uint64_t timeout_ns, uint64_t nonce)
{
	struct inflight_slot *slot;

	assert_int_equal(inflight_take(t, now_ns, &slot), 0);
	slot->nonce = nonce;
	slot->icmp_id = 7;
	slot->address = address(1);
	slot->sent.before_ns = now_ns;
	inflight_sent(t, slot, timeout_ns);
	return slot;
}

/* Its deadline is over, its window is not. */
static struct inflight_slot *take_and_lose(struct inflight *t, uint64_t now_ns,
					   uint64_t timeout_ns, uint64_t nonce)
{
	struct inflight_slot *slot =
		take_and_send(t, now_ns, timeout_ns, nonce);

	slot->state = INFLIGHT_LOST;
	return slot;
}

static struct icmp_seen reply_to(const struct inflight_slot *slot)
{
	struct icmp_seen seen = {
		.what = ICMP_REPLY,
		.source = slot->address,
		.id = slot->icmp_id,
		.seq = (uint16_t)slot->index,
		.has_nonce = true,
		.slot = slot->index,
		.nonce = slot->nonce,
	};

	return seen;
}

/* A quote of eight bytes. */
static struct icmp_seen short_quote_of(const struct inflight_slot *slot)
{
	struct icmp_seen seen = {
		.what = ICMP_ERROR,
		.source = address(254),
		.asked = slot->address,
		.id = slot->icmp_id,
		.seq = (uint16_t)slot->index,
	};

	return seen;
}

static void only_slot_nonce_and_address_together_are_ours(void **state)
{
	struct inflight *t = inflight_create(2048);
	struct inflight_slot *a = take_and_send(t, 1, SECOND, 0xaaaa);
	struct inflight_slot *b = take_and_send(t, 1, SECOND, 0xbbbb);
	struct icmp_seen seen = reply_to(a);

	(void)state;
	assert_ptr_equal(inflight_find(t, &seen, 2), a);
	seen.nonce ^= 1;
	assert_null(inflight_find(t, &seen, 2));
	seen = reply_to(a);
	seen.slot = b->index;
	assert_null(inflight_find(t, &seen, 2));
	seen.slot = 1023; /* there, and never sent */
	assert_null(inflight_find(t, &seen, 2));
	seen.slot = 1024; /* not there yet */
	assert_null(inflight_find(t, &seen, 2));
	seen.slot = UINT32_MAX;
	assert_null(inflight_find(t, &seen, 2));
	seen = reply_to(a);
	seen.source = address(2);
	assert_null(inflight_find(t, &seen, 2));
	inflight_destroy(t);
}

#define MANY 100000

/* Replies in any order, more of them than there are sequence numbers. */
static void many_in_any_order_are_told_apart(void **state)
{
	struct inflight *t = inflight_create(INFLIGHT_SLOTS_MAX);
	struct icmp_seen *seen = test_calloc(MANY, sizeof(*seen));
	uint64_t x = 88172645463325252;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		seen[i] = reply_to(
			take_and_send(t, SECOND + i, SECOND, 1000000 + i));
	for (uint32_t i = MANY - 1; i > 0; i--) {
		struct icmp_seen other = seen[i];
		uint32_t j;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		j = (uint32_t)(x % (i + 1));
		seen[i] = seen[j];
		seen[j] = other;
	}
	for (uint32_t i = 0; i < MANY; i++) {
		struct inflight_slot *slot =
			inflight_find(t, &seen[i], 2 * SECOND);

		assert_non_null(slot);
		assert_true(slot->nonce == seen[i].nonce);
		assert_int_equal(slot->state, INFLIGHT_WAITING);
		slot->state = INFLIGHT_ANSWERED;
		seen[i].nonce++; /* its neighbour's */
		assert_null(inflight_find(t, &seen[i], 2 * SECOND));
	}
	test_free(seen);
	inflight_destroy(t);
}

static void an_error_with_the_nonce_may_come_from_any_router(void **state)
{
	struct inflight *t = inflight_create(1024);
	struct inflight_slot *a = take_and_send(t, 1, SECOND, 0xaaaa);
	struct icmp_seen seen = reply_to(a);

	(void)state;
	seen.what = ICMP_ERROR;
	seen.source = address(254);
	assert_ptr_equal(inflight_find(t, &seen, 2), a);
	seen.nonce++;
	assert_null(inflight_find(t, &seen, 2));
	inflight_destroy(t);
}

static void a_short_quote_must_fit_in_everything_it_has(void **state)
{
	struct inflight *t = inflight_create(1024);
	struct inflight_slot *a = take_and_send(t, 1, SECOND, 0xaaaa);
	struct icmp_seen seen = short_quote_of(a);

	(void)state;
	assert_ptr_equal(inflight_find(t, &seen, 2), a);
	seen.id++;
	assert_null(inflight_find(t, &seen, 2));
	seen = short_quote_of(a);
	seen.seq++;
	assert_null(inflight_find(t, &seen, 2));
	seen = short_quote_of(a);
	seen.asked = address(2);
	assert_null(inflight_find(t, &seen, 2));
	seen = short_quote_of(a);
	a->state = INFLIGHT_ANSWERED;
	assert_null(inflight_find(t, &seen, 2));
	inflight_destroy(t);
}

/* 65536 slots apart the seq is the same: two that fit are none. */
static void a_short_quote_that_fits_two_is_nobodys(void **state)
{
	struct inflight *t = inflight_create(1 << 17);
	struct inflight_slot *first = NULL, *slot = NULL;
	struct icmp_seen seen;

	(void)state;
	for (unsigned i = 0; i <= 65536; i++) {
		slot = take_and_send(t, 1, SECOND, i);
		if (i == 0)
			first = slot;
	}
	assert_int_equal((uint16_t)slot->index, (uint16_t)first->index);
	seen = short_quote_of(slot);
	assert_null(inflight_find(t, &seen, 2));
	first->state = INFLIGHT_ANSWERED;
	assert_ptr_equal(inflight_find(t, &seen, 2), slot);
	slot->address = address(9);
	first->state = INFLIGHT_WAITING;
	assert_ptr_equal(inflight_find(t, &seen, 2), first);
	inflight_destroy(t);
}

static void a_slot_is_kept_for_its_window_and_not_longer(void **state)
{
	static const struct {
		uint64_t timeout_ns, window_ns;
	} rows[] = {
		{ 1, 10 * SECOND },
		{ 3 * SECOND, 10 * SECOND },
		{ 5 * SECOND, 10 * SECOND },
		{ 6 * SECOND, 12 * SECOND },
		{ 60 * SECOND, 120 * SECOND },
		{ 3600 * SECOND, 7200 * SECOND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct inflight *t = inflight_create(1);
		uint64_t sent = 5 * SECOND, end = sent + rows[i].window_ns;
		struct inflight_slot *slot =
			take_and_lose(t, sent, rows[i].timeout_ns, 0xaaaa);
		struct icmp_seen seen = reply_to(slot);
		uint32_t index = slot->index;

		assert_ptr_equal(inflight_find(t, &seen, end - 1), slot);
		assert_null(inflight_find(t, &seen, end));
		for (unsigned n = 1; n < 1024; n++) {
			assert_int_equal(inflight_take(t, end - 1, &slot), 0);
			assert_int_not_equal(slot->index, index);
		}
		assert_int_equal(inflight_take(t, end - 1, &slot), -ENOBUFS);
		assert_int_equal(inflight_take(t, end, &slot), 0);
		assert_int_equal(slot->index, index);
		assert_int_equal(slot->nonce, 0);
		inflight_destroy(t);
	}
}

/* We stood still for longer than its window: the reply is there, unread, and
 * others are sent before it is looked at. */
static void a_slot_whose_owner_waits_is_nobody_elses(void **state)
{
	struct inflight *t = inflight_create(1);
	struct inflight_slot *waiting = take_and_send(t, 1, SECOND, 0xaaaa);
	struct icmp_seen seen = reply_to(waiting),
			 error = short_quote_of(waiting);
	struct inflight_slot *slot;

	(void)state;
	for (unsigned i = 1; i < 1024; i++) {
		assert_int_equal(inflight_take(t, 40 * SECOND, &slot), 0);
		assert_ptr_not_equal(slot, waiting);
	}
	assert_int_equal(inflight_take(t, 40 * SECOND, &slot), -ENOBUFS);
	assert_ptr_equal(inflight_find(t, &seen, 40 * SECOND), waiting);
	assert_ptr_equal(inflight_find(t, &error, 40 * SECOND), waiting);
	waiting->state = INFLIGHT_ANSWERED;
	assert_null(inflight_find(t, &seen, 40 * SECOND));
	assert_int_equal(inflight_take(t, 40 * SECOND, &slot), 0);
	assert_ptr_equal(slot, waiting);
	inflight_destroy(t);
}

static void a_long_timeout_holds_up_no_short_one(void **state)
{
	struct inflight *t = inflight_create(2048);
	uint64_t now_ns = SECOND;
	size_t bytes;

	(void)state;
	take_and_lose(t, now_ns, 600 * SECOND, 1);
	for (unsigned i = 0; i < 900; i++) /* one in 20 ms: 500 are kept */
		take_and_lose(t, now_ns += SECOND / 50, SECOND, i);
	bytes = inflight_bytes(t);
	for (unsigned i = 0; i < 20000; i++)
		take_and_lose(t, now_ns += SECOND / 50, SECOND, i);
	assert_int_equal(inflight_bytes(t), bytes);
	inflight_destroy(t);
}

static void one_that_did_not_leave_is_usable_at_once(void **state)
{
	struct inflight *t = inflight_create(1);
	struct inflight_slot *slot;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		assert_int_equal(inflight_take(t, 1, &slot), 0);
		assert_null(inflight_at(t, slot->index));
		inflight_give_back(t, slot);
	}
	inflight_destroy(t);
}

/* 20,000 probes a second for 30 s: memory stays what 10 s need. */
static void the_highest_rate_fits_and_memory_stays(void **state)
{
	struct inflight *t = inflight_create(INFLIGHT_SLOTS_MAX);
	uint64_t now_ns = 1;

	(void)state;
	for (unsigned i = 0; i < 600000; i++) {
		struct inflight_slot *slot =
			take_and_lose(t, now_ns, 3 * SECOND, i);

		assert_true(slot->index < 600000);
		now_ns += SECOND / 20000;
	}
	assert_true(inflight_bytes(t) < 50 << 20);
	inflight_destroy(t);
}

static void a_full_table_says_so(void **state)
{
	struct inflight *t = inflight_create(1025); /* two chunks */
	struct inflight_slot *slot;

	(void)state;
	for (unsigned i = 0; i < 2048; i++)
		take_and_lose(t, 1, SECOND, i);
	assert_int_equal(inflight_take(t, 2, &slot), -ENOBUFS);
	assert_int_equal(inflight_take(t, 1 + 10 * SECOND, &slot), 0);
	inflight_destroy(t);
	inflight_destroy(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_slot_nonce_and_address_together_are_ours),
		cmocka_unit_test(many_in_any_order_are_told_apart),
		cmocka_unit_test(
			an_error_with_the_nonce_may_come_from_any_router),
		cmocka_unit_test(a_short_quote_must_fit_in_everything_it_has),
		cmocka_unit_test(a_short_quote_that_fits_two_is_nobodys),
		cmocka_unit_test(a_slot_is_kept_for_its_window_and_not_longer),
		cmocka_unit_test(a_slot_whose_owner_waits_is_nobody_elses),
		cmocka_unit_test(a_long_timeout_holds_up_no_short_one),
		cmocka_unit_test(one_that_did_not_leave_is_usable_at_once),
		cmocka_unit_test(the_highest_rate_fits_and_memory_stays),
		cmocka_unit_test(a_full_table_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
