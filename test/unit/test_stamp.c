/* Which stamps count, and how sure the figure is, by table. */
#include "core/stamp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/socket.h>

#define US     1000
#define MS     1000000
#define KERNEL 5000 /* what is never known of a kernel stamp */

/* Monotonic times below are small; wall time is this much ahead. */
#define WALL INT64_C(1700000000000000000)

static uint64_t wall(uint64_t mono_ns)
{
	return mono_ns + (uint64_t)WALL;
}

struct row {
	const char *what;
	uint64_t before, after, snd; /* mono; snd 0: none */
	uint64_t empty, read, rx;    /* mono; rx 0: none */
	int64_t step;                /* of the wall clock in between */
	uint64_t rtt, uncertainty;
	enum ep_stamp stamp;
};

static const struct row rows[] = {
	{ "both by the kernel", 100 * US, 110 * US, 105 * US, 0, 900 * US,
	  805 * US, 0, 700 * US, KERNEL, EP_STAMP_KERNEL },
	{ "read 5 ms late: no matter", 100 * US, 110 * US, 105 * US, 0, 6 * MS,
	  805 * US, 0, 700 * US, KERNEL, EP_STAMP_KERNEL },
	{ "a second in the local queue: no matter", 100 * US, 110 * US,
	  1000 * MS, 0, 1001 * MS, 1000 * MS + 500 * US, 0, 500 * US, KERNEL,
	  EP_STAMP_KERNEL },
	{ "no transmit stamp: middle of the send call", 100 * US, 120 * US, 0,
	  0, 900 * US, 810 * US, 0, 700 * US, 10 * US + KERNEL,
	  EP_STAMP_MIXED },
	{ "the reply came inside the send call", 100 * US, 200 * US, 0, 0,
	  900 * US, 140 * US, 0, 20 * US, 20 * US + KERNEL, EP_STAMP_MIXED },
	{ "no receive stamp: when it was read", 100 * US, 110 * US, 105 * US,
	  600 * US, 900 * US, 0, 0, 795 * US, 300 * US + KERNEL,
	  EP_STAMP_MIXED },
	{ "no stamp at all", 100 * US, 120 * US, 0, 600 * US, 900 * US, 0, 0,
	  790 * US, 10 * US + 300 * US, EP_STAMP_USER },
	{ "nothing read since before the send", 100 * US, 120 * US, 0, 50 * US,
	  900 * US, 0, 0, 790 * US, 10 * US + 800 * US, EP_STAMP_USER },
	{ "a transmit stamp from before the send", 100 * US, 120 * US, 50 * US,
	  0, 900 * US, 810 * US, 0, 700 * US, 10 * US + KERNEL,
	  EP_STAMP_MIXED },
	{ "a transmit stamp from after the reply", 100 * US, 120 * US, 850 * US,
	  0, 900 * US, 810 * US, 0, 700 * US, 10 * US + KERNEL,
	  EP_STAMP_MIXED },
	{ "a receive stamp from before the send", 100 * US, 110 * US, 105 * US,
	  600 * US, 900 * US, 50 * US, 0, 795 * US, 300 * US + KERNEL,
	  EP_STAMP_MIXED },
	{ "a receive stamp from the future", 100 * US, 110 * US, 105 * US,
	  600 * US, 900 * US, 950 * US, 0, 795 * US, 300 * US + KERNEL,
	  EP_STAMP_MIXED },
	{ "the clock stepped an hour on", 100 * US, 120 * US, 105 * US,
	  600 * US, 900 * US, 805 * US, INT64_C(3600000000000), 790 * US,
	  10 * US + 300 * US, EP_STAMP_USER },
	{ "the clock stepped 100 us back", 100 * US, 120 * US, 105 * US,
	  600 * US, 900 * US, 805 * US, -100 * US, 790 * US, 10 * US + 300 * US,
	  EP_STAMP_USER },
	{ "reading the clocks is good to 40 us: no step", 100 * US, 110 * US,
	  105 * US, 0, 900 * US, 805 * US, 40 * US, 740 * US, KERNEL,
	  EP_STAMP_KERNEL },
};

static void the_best_stamps_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct stamp_send sent = { r->before, r->after, 0, WALL,
					   false };
		struct stamp_seen seen = { 0, r->empty, r->read,
					   WALL + r->step };
		struct stamp_rtt rtt;

		if (r->snd != 0)
			sent.kernel_ns = wall(r->snd);
		if (r->rx != 0)
			seen.kernel_ns = wall(r->rx) + (uint64_t)r->step;
		stamp_rtt(&sent, &seen, &rtt);
		assert_true(rtt.stepped ==
			    (r->step > 50 * US || r->step < -50 * US));
		if (rtt.rtt_ns != r->rtt || rtt.stamp != r->stamp ||
		    rtt.uncertainty_ns != r->uncertainty)
			fail_msg("%s: rtt %lu, uncertainty %lu, stamp %d",
				 r->what, (unsigned long)rtt.rtt_ns,
				 (unsigned long)rtt.uncertainty_ns,
				 (int)rtt.stamp);
	}
}

static void a_stamp_outside_the_send_and_now_is_not_taken(void **state)
{
	struct stamp_send sent = { 100 * US, 110 * US, 0, WALL, false };

	(void)state;
	assert_true(stamp_plausible(&sent, wall(105 * US), 200 * US));
	assert_true(stamp_plausible(&sent, wall(199 * US), 200 * US));
	assert_false(stamp_plausible(&sent, wall(50 * US), 200 * US));
	assert_false(stamp_plausible(&sent, wall(300 * US), 200 * US));
	assert_false(stamp_plausible(&sent, 0, 200 * US));
}

/* Two devices, one upon the other, give one each. */
static void of_several_stamps_the_best_is_kept(void **state)
{
	struct stamp_send sent = { 100 * US, 150 * US, 0, WALL, false };

	(void)state;
	stamp_take(&sent, wall(110 * US), true);
	stamp_take(&sent, wall(120 * US), true);
	assert_true(sent.queue && sent.kernel_ns == wall(110 * US));
	stamp_take(&sent, wall(130 * US), false);
	stamp_take(&sent, wall(140 * US), false);
	stamp_take(&sent, wall(105 * US), true);
	stamp_take(&sent, wall(125 * US), false);
	assert_true(!sent.queue && sent.kernel_ns == wall(140 * US));
}

static void a_stamp_of_the_queue_is_told_and_less_sure(void **state)
{
	struct stamp_send sent = { 100 * US, 150 * US, 0, WALL, false };
	struct stamp_seen seen = { wall(900 * US), 0, 950 * US, WALL };
	struct stamp_rtt rtt;

	(void)state;
	stamp_take(&sent, wall(110 * US), true);
	stamp_rtt(&sent, &seen, &rtt);
	assert_true(rtt.queue);
	assert_int_equal(rtt.stamp, EP_STAMP_KERNEL);
	assert_int_equal(rtt.rtt_ns, 790 * US);
	/* what was left of the send call */
	assert_int_equal(rtt.uncertainty_ns, KERNEL + 40 * US);
	stamp_take(&sent, wall(140 * US), false);
	stamp_rtt(&sent, &seen, &rtt);
	assert_false(rtt.queue);
	assert_int_equal(rtt.rtt_ns, 760 * US);
	assert_int_equal(rtt.uncertainty_ns, KERNEL);
	/* nor is it of any use if the clock was stepped */
	sent.queue = true;
	seen.offset_ns += MS;
	stamp_rtt(&sent, &seen, &rtt);
	assert_false(rtt.queue);
	assert_true(rtt.stepped);
}

static void without_stamps_a_step_does_not_matter(void **state)
{
	struct stamp_send sent = { 100 * US, 120 * US, 0, WALL, false };
	struct stamp_seen seen = { 0, 600 * US, 900 * US, WALL + 5 * MS };
	struct stamp_rtt rtt;

	(void)state;
	stamp_rtt(&sent, &seen, &rtt);
	assert_int_equal(rtt.rtt_ns, 790 * US);
	assert_false(rtt.stepped);
}

static void the_ring_knows_the_last_sends(void **state)
{
	static struct stamp_ring ring;

	(void)state;
	memset(&ring, 0, sizeof(ring));
	for (uint32_t i = 0; i < 3 * STAMP_RING; i++)
		assert_int_equal(stamp_ring_put(&ring, 1000 + i), i);
	assert_int_equal(stamp_ring_get(&ring, 3 * STAMP_RING - 1),
			 1000 + 3 * STAMP_RING - 1);
	assert_int_equal(stamp_ring_get(&ring, 2 * STAMP_RING),
			 1000 + 2 * STAMP_RING);
	assert_int_equal(stamp_ring_get(&ring, 2 * STAMP_RING - 1), UINT32_MAX);
}

static void the_ring_goes_on_where_numbers_wrap(void **state)
{
	static struct stamp_ring ring;

	(void)state;
	memset(&ring, 0, sizeof(ring));
	ring.next = UINT32_MAX;
	assert_int_equal(stamp_ring_put(&ring, 1), UINT32_MAX);
	assert_int_equal(stamp_ring_put(&ring, 2), 0);
	assert_int_equal(stamp_ring_get(&ring, UINT32_MAX), 1);
	assert_int_equal(stamp_ring_get(&ring, 0), 2);
}

/* A kernel that counts a send that failed is one ahead from then on. */
static void a_kernel_that_counts_more_is_caught_up_with(void **state)
{
	static struct stamp_ring ring;

	(void)state;
	memset(&ring, 0, sizeof(ring));
	assert_int_equal(stamp_ring_put(&ring, 10), 0);
	assert_int_equal(stamp_ring_get(&ring, 1), UINT32_MAX);
	assert_int_equal(stamp_ring_put(&ring, 11), 2);
	assert_int_equal(stamp_ring_get(&ring, 2), 11);
}

/* --- control data --- */

union control {
	struct cmsghdr align;
	char room[256];
};

static void put(struct msghdr *m, int type, const void *value, size_t size)
{
	struct cmsghdr *c =
		(void *)((char *)m->msg_control + m->msg_controllen);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), value, size);
	m->msg_controllen += CMSG_SPACE(size);
}

static void the_software_stamp_is_read(void **state)
{
	struct scm_timestamping stamps = { .ts = { { 1700000000, 123 } } };
	int other = 5;
	union control control = { 0 };
	struct msghdr m = { .msg_control = &control };

	(void)state;
	assert_int_equal(stamp_of_message(&m), 0);
	put(&m, SO_RXQ_OVFL, &other, sizeof(other));
	assert_int_equal(stamp_of_message(&m), 0);
	put(&m, SO_TIMESTAMPING, &stamps, sizeof(stamps));
	assert_true(stamp_of_message(&m) == wall(123));
}

static void a_short_stamp_is_none(void **state)
{
	struct scm_timestamping stamps = { .ts = { { 1700000000, 123 } } };
	union control control = { 0 };
	struct msghdr m = { .msg_control = &control };

	(void)state;
	put(&m, SO_TIMESTAMPING, &stamps, sizeof(stamps) - 1);
	assert_int_equal(stamp_of_message(&m), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_stamps_count),
		cmocka_unit_test(a_stamp_outside_the_send_and_now_is_not_taken),
		cmocka_unit_test(of_several_stamps_the_best_is_kept),
		cmocka_unit_test(a_stamp_of_the_queue_is_told_and_less_sure),
		cmocka_unit_test(without_stamps_a_step_does_not_matter),
		cmocka_unit_test(the_ring_knows_the_last_sends),
		cmocka_unit_test(the_ring_goes_on_where_numbers_wrap),
		cmocka_unit_test(a_kernel_that_counts_more_is_caught_up_with),
		cmocka_unit_test(the_software_stamp_is_read),
		cmocka_unit_test(a_short_stamp_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
