#include "base/ring.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct slot {
	uint64_t n;
	uint64_t check; /* ~n: a torn slot shows */
	char odd[3];    /* a size that is no power of two */
};

static struct slot slot_of(uint64_t n)
{
	return (struct slot){ .n = n, .check = ~n };
}

static void slots_are_rounded_up(void **state)
{
	static const struct {
		size_t asked, given;
	} cases[] = {
		{ 0, 2 }, { 1, 2 },     { 2, 2 },       { 3, 4 },
		{ 4, 4 }, { 100, 128 }, { 4096, 4096 }, { 4097, 8192 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ring *ring = ring_create(1, cases[i].asked);

		assert_non_null(ring);
		assert_int_equal(ring_slots(ring), cases[i].given);
		ring_destroy(ring);
	}
	ring_destroy(NULL);
}

static void full_is_refused_and_counted(void **state)
{
	struct ring *ring = ring_create(sizeof(struct slot), 4);
	struct slot out[8];

	(void)state;
	for (uint64_t i = 0; i < 4; i++) {
		struct slot s = slot_of(i);

		assert_int_equal(ring_push(ring, &s), 0);
		assert_int_equal(ring_used(ring), i + 1);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(ring_push(ring, &(struct slot){ 0 }),
				 -ENOBUFS);
	assert_int_equal(ring_take_overflown(ring), 3);
	assert_int_equal(ring_take_overflown(ring), 0);
	assert_int_equal(ring_pop(ring, out, 8), 4);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(out[i].n, i);
	assert_int_equal(ring_used(ring), 0);
	assert_int_equal(ring_pop(ring, out, 8), 0);
	ring_destroy(ring);
}

static void order_is_kept_over_the_end(void **state)
{
	struct ring *ring = ring_create(sizeof(struct slot), 8);
	struct slot out[8];
	uint64_t in = 0, seen = 0;

	(void)state;
	for (int round = 0; round < 100; round++) {
		size_t n;

		for (int i = 0; i < 1 + round % 8; i++) {
			struct slot s = slot_of(in);

			if (ring_push(ring, &s) == 0)
				in++;
		}
		n = ring_pop(ring, out, 1 + (size_t)round % 5);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(out[i].n, seen++);
	}
	ring_destroy(ring);
}

#define PARTS_SLOTS 512

struct mixture {
	struct ring *ring;
	uint64_t in, seen, chance;
};

static size_t draw(struct mixture *m, size_t below)
{
	m->chance = m->chance * 6364136223846793005U + 1442695040888963407U;
	return (m->chance >> 33) % below;
}

static void push_some(struct mixture *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct slot s = slot_of(m->in);
		bool full = m->in - m->seen == PARTS_SLOTS;

		assert_int_equal(ring_push(m->ring, &s), full ? -ENOBUFS : 0);
		m->in += !full;
	}
}

static void pop_some(struct mixture *m, size_t max)
{
	struct slot out[PARTS_SLOTS];
	size_t n = ring_pop(m->ring, out, max);

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(out[i].n, m->seen++);
		assert_int_equal(out[i].check, ~out[i].n);
	}
	assert_int_equal(ring_used(m->ring), m->in - m->seen);
}

/* Short at first, at times empty, more and more often full. */
static void order_is_kept_in_all_its_parts(void **state)
{
	struct mixture m = { .chance = 1 };

	(void)state;
	for (int rings = 0; rings < 300; rings++) {
		m.ring = ring_create(sizeof(struct slot), PARTS_SLOTS);
		m.in = m.seen = 0;
		for (size_t round = 1; round < 200; round++) {
			push_some(&m, draw(&m, 100 + round));
			pop_some(&m, draw(&m, 200));
		}
		ring_destroy(m.ring);
	}
}

static long resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size, resident;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
	fclose(f);
	return resident;
}

/* What a slow disk would need is not taken while the disk is none. */
static void a_short_queue_takes_little_memory(void **state)
{
	static char slot[4096];
	struct ring *ring = ring_create(sizeof(slot), 8192);
	long before = resident_pages();

	(void)state;
	memset(slot, 1, sizeof(slot));
	for (int i = 0; i < 3 * 8192; i++) {
		assert_int_equal(ring_push(ring, slot), 0);
		if (i > 100)
			assert_int_equal(ring_pop(ring, slot, 1), 1);
	}
	assert_in_range(resident_pages() - before, 0, 8192 / 4);
	ring_destroy(ring);
}

#define RACE_ROWS 200000

static void *produce(void *arg)
{
	struct ring *ring = arg;

	for (uint64_t i = 0; i < RACE_ROWS; i++) {
		struct slot s = slot_of(i);

		if (ring_push(ring, &s) < 0 && i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

/* Every push is either seen, whole and in order, or counted. */
static void two_threads_lose_nothing_in_silence(void **state)
{
	struct ring *ring = ring_create(sizeof(struct slot), 256);
	uint64_t seen = 0, lost = 0, least = 0;
	struct slot out[16];
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, produce, ring), 0);
	while (seen + lost < RACE_ROWS) {
		size_t n = ring_pop(ring, out, 16);

		for (size_t i = 0; i < n; i++) {
			assert_int_equal(out[i].check, ~out[i].n);
			assert_true(out[i].n >= least);
			least = out[i].n + 1;
		}
		seen += n;
		lost += ring_take_overflown(ring);
		assert_true(ring_used(ring) <= ring_slots(ring));
	}
	pthread_join(thread, NULL);
	assert_int_equal(seen + lost, RACE_ROWS);
	assert_int_equal(ring_used(ring), 0);
	ring_destroy(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_rounded_up),
		cmocka_unit_test(full_is_refused_and_counted),
		cmocka_unit_test(order_is_kept_over_the_end),
		cmocka_unit_test(order_is_kept_in_all_its_parts),
		cmocka_unit_test(a_short_queue_takes_little_memory),
		cmocka_unit_test(two_threads_lose_nothing_in_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
