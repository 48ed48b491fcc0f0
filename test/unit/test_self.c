/* The agent's rows about itself, on a clock that the test tells. What threads
 * say of themselves is in the integration tests. */
#include "edgeprobe/clock.h"
#include "lib/post.h"
#include "lib/store_kit.h"
#include "self.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S EP_NS_PER_S

struct rows {
	unsigned n;
	char bodies[8][2048];
};

static int collect(const struct record *record, void *arg)
{
	struct rows *rows = arg;

	assert_int_equal(record->type, ROW_SELF);
	assert_true(rows->n < 8);
	snprintf(rows->bodies[rows->n++], sizeof(rows->bodies[0]), "%s",
		 record->body);
	return 0;
}

static void read_rows(struct kit *kit, struct rows *rows)
{
	struct store_range range = { .destination = -1 };

	memset(rows, 0, sizeof(*rows));
	assert_int_equal(store_commit(kit->store, NULL), 0);
	assert_int_equal(store_scan(kit->store, &range, collect, rows, NULL),
			 0);
}

/* A member's number; text members are not asked for. */
static double number(const char *body, const char *key)
{
	char wanted[64];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\"%s\":", key);
	at = strstr(body, wanted);
	if (at == NULL)
		fail_msg("no %s in %s", key, body);
	return at == NULL ? 0 : strtod(at + strlen(wanted), NULL);
}

static void tick_for(struct self *self, uint64_t from_s, uint64_t to_s)
{
	for (uint64_t s = from_s; s < to_s; s++)
		self_tick(self, s * S);
}

static void there_is_one_a_minute_and_one_at_the_end(void **state)
{
	struct kit *kit = *state;
	struct self *self;
	struct rows rows;

	kit_open(kit, 0);
	self = self_create(kit->store, 100 * S);
	tick_for(self, 100, 225);
	read_rows(kit, &rows);
	assert_int_equal(rows.n, 2);
	self_end(self, 230 * S);
	read_rows(kit, &rows);
	assert_int_equal(rows.n, 3);
	assert_int_equal(number(rows.bodies[0], "period_us"), 60000000);
	assert_int_equal(number(rows.bodies[1], "period_us"), 60000000);
	assert_int_equal(number(rows.bodies[2], "period_us"), 10000000);
	self_destroy(self);
	kit_close(kit);
}

/* Nothing for each of the minutes in which there was nobody. */
static void a_stall_is_one_row(void **state)
{
	struct kit *kit = *state;
	struct self *self;
	struct rows rows;

	kit_open(kit, 0);
	self = self_create(kit->store, 0);
	tick_for(self, 0, 30);
	self_saw_tick(self, 600 * S);
	tick_for(self, 630, 680);
	read_rows(kit, &rows);
	assert_int_equal(rows.n, 1);
	assert_int_equal(number(rows.bodies[0], "lag_max_us"), 600000000);
	self_destroy(self);
	kit_close(kit);
}

static void what_was_counted_is_said_once(void **state)
{
	struct kit *kit = *state;
	struct self *self;
	struct rows rows;

	kit_open(kit, 0);
	self = self_create(kit->store, 0);
	for (unsigned i = 0; i < 99; i++)
		self_saw_commit(self, 2000000);
	self_saw_commit(self, 700000000);
	tick_for(self, 0, 125);
	read_rows(kit, &rows);
	assert_int_equal(rows.n, 2);
	assert_int_equal(number(rows.bodies[0], "commits"), 100);
	assert_int_equal(number(rows.bodies[0], "commit_max_us"), 700000);
	assert_in_range((unsigned)number(rows.bodies[0], "commit_p99_us"), 2000,
			2500);
	assert_int_equal(number(rows.bodies[1], "commits"), 0);
	assert_int_equal(number(rows.bodies[1], "commit_max_us"), 0);
	assert_true(number(rows.bodies[0], "rss_bytes") > 100000);
	assert_true(number(rows.bodies[0], "rss_max_bytes") >=
		    number(rows.bodies[0], "rss_bytes"));
	assert_true(number(rows.bodies[1], "store_bytes") > 0);
	assert_int_equal(number(rows.bodies[1], "store_rows"), 0);
	self_destroy(self);
	kit_close(kit);
}

/* Each part of the last minute, as its row has it. */
static void what_was_said_is_there_by_part(void **state)
{
	struct kit *kit = *state;
	struct self *self;
	struct rows rows;
	unsigned parts = 0, said = 0;

	kit_open(kit, 0);
	self = self_create(kit->store, 0);
	for (; self_part(self, parts) != NULL; parts++)
		assert_string_equal(self_part(self, parts), "");
	assert_true(parts > 0);
	self_saw_commit(self, 2000000);
	tick_for(self, 0, 65);
	read_rows(kit, &rows);
	for (unsigned i = 0; i < parts; i++) {
		if (self_part(self, i)[0] == '\0')
			continue;
		said++;
		assert_string_equal(self_part(self, i), rows.bodies[0]);
	}
	assert_int_equal(said, 1);
	assert_null(self_part(self, parts));
	self_destroy(self);
	kit_close(kit);
}

static void the_pace_of_rows(void **state)
{
	struct deliver_options o = { .max_rows = 100 };
	struct self_pace pace;
	struct self *self;
	struct post p;

	(void)state;
	post_open(&p);
	self = self_create(p.store, 0);
	assert_int_equal(self_add_destination(self, "hq", post_start(&p, &o)),
			 0);
	tick_for(self, 0, 5);
	post_add(&p, 120, "hello");
	post_run_empty(&p);
	/* Too soon: as it was before, and that was nothing. */
	self_pace(self, 0, 5 * S, &pace);
	assert_true(pace.acked == 0 && pace.added == 0);
	self_pace(self, 0, 40 * S, &pace);
	assert_true(pace.acked == 3 && pace.added == 3);
	/* The minute is over, and the next begins: as it was in the last. */
	tick_for(self, 40, 65);
	self_pace(self, 0, 66 * S, &pace);
	assert_true(pace.acked == 2);
	assert_true(pace.added >= 2 && pace.added < 2.2);
	self_forget_destinations(self);
	self_destroy(self);
	post_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(what_was_said_is_there_by_part),
		cmocka_unit_test(the_pace_of_rows),
		KIT_TEST(there_is_one_a_minute_and_one_at_the_end),
		KIT_TEST(a_stall_is_one_row),
		KIT_TEST(what_was_counted_is_said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
