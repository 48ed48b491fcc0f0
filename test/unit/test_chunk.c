#include "edgeprobe/sample.h"
#include "lib/seeds.h"
#include "store/chunk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 60

static uint64_t state_of_random;

static uint64_t any(void)
{
	state_of_random ^= state_of_random << 13;
	state_of_random ^= state_of_random >> 7;
	state_of_random ^= state_of_random << 17;
	return state_of_random;
}

/* Numbers of every size, and the ends of what there is. */
static uint64_t wild(void)
{
	static const uint64_t ends[] = { 0,
					 1,
					 UINT64_MAX,
					 INT64_MAX,
					 (uint64_t)INT64_MIN,
					 UINT32_MAX,
					 (uint64_t)EP_DAYS_ABSENT };
	uint64_t n = any();

	if (n % 8 == 0)
		return ends[any() % (sizeof(ends) / sizeof(ends[0]))];
	return any() >> n % 64;
}

static void same(const struct chunk *a, const struct chunk *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct chunk_row *x = chunk_row(a, i),
				       *y = chunk_row(b, i);
		const struct chunk_https *p, *q;

		assert_memory_equal(x->col, y->col, sizeof(x->col));
		if (!(x->col[CHUNK_CODE] & CODE_HTTPS))
			continue;
		p = &a->https[x->https];
		q = &b->https[y->https];
		assert_memory_equal(p->col, q->col, sizeof(p->col));
		assert_string_equal(a->texts + p->text, b->texts + q->text);
	}
}

/* Returns how many bytes it made. */
static size_t round_trip(struct chunk *chunk)
{
	struct chunk *back;
	void *body;
	size_t len;

	assert_int_equal(chunk_encode(chunk, &body, &len), 0);
	assert_int_equal(chunk_decode(body, len, &back), 0);
	same(chunk, back);
	chunk_destroy(back);
	free(body);
	chunk_destroy(chunk);
	return len;
}

static struct chunk *begin(uint64_t id)
{
	struct chunk *chunk = chunk_create(id);

	assert_non_null(chunk);
	return chunk;
}

static void add_https(struct chunk *chunk, const char *text)
{
	struct chunk_https *https = chunk_add_https(chunk, text);

	assert_non_null(https);
	for (int i = 0; i < CHUNK_HTTPS_COLUMNS; i++)
		https->col[i] = wild();
}

/* --- any rows --- */

static void wild_row(struct chunk *chunk, uint64_t seq, uint64_t paths)
{
	struct chunk_row *row = chunk_add(chunk);
	char text[CHUNK_TEXT + 20];
	size_t len = any() % sizeof(text);

	for (int i = 0; i < CHUNK_COLUMNS; i++)
		row->col[i] = wild();
	row->col[CHUNK_SEQ] = seq;
	row->col[CHUNK_PATH] = any() % paths;
	if (!(row->col[CHUNK_CODE] & CODE_LATE))
		row->col[CHUNK_OF] = 0; /* it is not written */
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('!' + any() % 90);
	text[len] = '\0';
	if (row->col[CHUNK_CODE] & CODE_HTTPS)
		add_https(chunk, any() % 3 ? text : NULL);
}

static void any_rows_come_back(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct chunk *chunk = begin(wild() >> 14);
		uint64_t holes = 1 + any() % 64, paths = 1 + any() % 300;

		for (uint64_t seq = any() % holes; seq < CHUNK_NUMBERS;
		     seq += 1 + any() % holes)
			wild_row(chunk, seq, paths);
		round_trip(chunk);
	}
}

static void one_row_comes_back(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct chunk *chunk = begin(wild() >> 14);

		wild_row(chunk, any() % CHUNK_NUMBERS, UINT32_MAX);
		round_trip(chunk);
	}
}

static void as_many_rows_and_paths_as_there_can_be(void **state)
{
	struct chunk *chunk = begin(7);

	(void)state;
	for (uint64_t seq = 0; seq < CHUNK_NUMBERS; seq++) {
		wild_row(chunk, seq, 2);
		chunk->rows[seq].col[CHUNK_PATH] = CHUNK_NUMBERS - seq;
	}
	round_trip(chunk);
}

/* --- what it is for --- */

#define TARGETS 100

/* A second of each of 100 targets: noise of a line (some 2^18 ns), of a host
 * (2^14), a loss now and then. */
static struct chunk *usual(void)
{
	struct chunk *chunk = begin(3);

	for (uint64_t seq = 0; seq < CHUNK_NUMBERS; seq++) {
		struct chunk_row *row = chunk_add(chunk);
		uint64_t path = seq % TARGETS, slip = 40000 + any() % 16384;

		row->col[CHUNK_SEQ] = seq;
		row->col[CHUNK_PATH] = 1 + path;
		row->col[CHUNK_SENT] = 1767225600000000000u + path * 10000000u +
				       seq / TARGETS * 1000000000u + slip;
		row->col[CHUNK_SLIP] = slip;
		row->col[CHUNK_CODE] = 4096;
		row->col[CHUNK_RTT] = 5000000 + path * 300000 + any() % 262144;
		row->col[CHUNK_DNS] = (uint64_t)EP_ABSENT;
		row->col[CHUNK_UNCERTAINTY] = 5000;
		row->col[CHUNK_TTL] = 57 + path % 3;
		row->col[CHUNK_RETRANSMITS] = (uint64_t)EP_ABSENT;
		if (any() % 300)
			continue;
		row->col[CHUNK_CODE] |= 3 << 18;
		row->col[CHUNK_RTT] = row->col[CHUNK_TTL] = (uint64_t)EP_ABSENT;
		row->col[CHUNK_UNCERTAINTY] = 0;
	}
	return chunk;
}

/* 32 bits of noise are four bytes. */
static void a_usual_sample_takes_little_more_than_its_noise(void **state)
{
	size_t len = round_trip(usual());

	(void)state;
	assert_in_range(len, CHUNK_NUMBERS * 4, CHUNK_NUMBERS * 5);
}

/* Clocks that count microseconds. */
static void whole_microseconds_take_less(void **state)
{
	struct chunk *fine = usual(), *coarse = usual();

	(void)state;
	for (size_t i = 0; i < coarse->n; i++) {
		struct chunk_row *row = &coarse->rows[i];

		if (row->col[CHUNK_RTT] != (uint64_t)EP_ABSENT)
			row->col[CHUNK_RTT] -= row->col[CHUNK_RTT] % 1000;
	}
	assert_true(round_trip(coarse) + CHUNK_NUMBERS < round_trip(fine));
}

/* --- what is none --- */

static void a_flipped_bit_is_found(void **state)
{
	struct chunk *chunk = usual(), *none;
	uint8_t *body;
	size_t len;

	(void)state;
	assert_int_equal(chunk_encode(chunk, (void **)&body, &len), 0);
	chunk_destroy(chunk);
	for (int round = 0; round < 500; round++) {
		size_t at = any() % len;
		uint8_t bit = (uint8_t)(1 << any() % 8);

		body[at] ^= bit;
		assert_int_equal(chunk_decode(body, len, &none), -EBADMSG);
		body[at] ^= bit;
	}
	for (int round = 0; round < 50; round++)
		assert_int_equal(chunk_decode(body, any() % len, &none),
				 -EBADMSG);
	free(body);
}

static void refused(struct chunk *chunk)
{
	struct chunk *none;
	void *body;
	size_t len;

	assert_int_equal(chunk_encode(chunk, &body, &len), 0);
	assert_int_equal(chunk_decode(body, len, &none), -EBADMSG);
	chunk_destroy(chunk);
	free(body);
}

static void numbers_are_there_once_and_within(void **state)
{
	struct chunk *twice = begin(1), *beyond = begin(1);

	(void)state;
	wild_row(twice, 17, 3);
	wild_row(twice, 17, 3);
	refused(twice);
	wild_row(beyond, CHUNK_NUMBERS, 3);
	refused(beyond);
}

static void seeds_of_the_fuzzer(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 5);
}

/* Bytes that are made of a chunk's, which come past the checksum there. */
static void bytes_that_are_nearly_a_chunk(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		struct chunk *chunk = begin(5);
		uint8_t *body;
		size_t len;

		for (uint64_t seq = any() % 8; seq < 64; seq += 1 + any() % 8)
			wild_row(chunk, seq, 4);
		assert_int_equal(chunk_encode(chunk, (void **)&body, &len), 0);
		chunk_destroy(chunk);
		for (uint64_t n = 1 + any() % 4; n > 0; n--)
			body[any() % len] = (uint8_t)any();
		LLVMFuzzerTestOneInput(body, len - any() % 8);
		free(body);
	}
}

static int seed(void **state)
{
	(void)state;
	state_of_random = 0x9e3779b97f4a7c15u;
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(any_rows_come_back, seed),
		cmocka_unit_test_setup(one_row_comes_back, seed),
		cmocka_unit_test_setup(as_many_rows_and_paths_as_there_can_be,
				       seed),
		cmocka_unit_test_setup(
			a_usual_sample_takes_little_more_than_its_noise, seed),
		cmocka_unit_test_setup(whole_microseconds_take_less, seed),
		cmocka_unit_test_setup(a_flipped_bit_is_found, seed),
		cmocka_unit_test_setup(numbers_are_there_once_and_within, seed),
		cmocka_unit_test_setup(seeds_of_the_fuzzer, seed),
		cmocka_unit_test_setup(bytes_that_are_nearly_a_chunk, seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
