/* How long a backlog takes to be made up for, by the agents' own delivery and
 * a real collector on loopback: BATCHES (30), with all times of the pace
 * divided by FASTER (200). */
#include "delivery/drain.h"
#include "delivery/turn.h"
#include "edgeprobe/clock.h"
#include "lib/post.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY_NS     (86400 * EP_NS_PER_S)
#define BATCH_ROWS 10u

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *given = getenv(name);

	return given ? (unsigned)strtoul(given, NULL, 10) : otherwise;
}

/* Rows of a day ago: the newest batch of them is fresh. */
static void add_old(struct post *p, unsigned batches)
{
	for (unsigned i = 0; i < batches * BATCH_ROWS; i++)
		store_add_note(p->store, ROW_EVENT, ep_clock_wall_ns() - DAY_NS,
			       "\"event\":\"old\"");
	assert_int_equal(store_commit(p->store, NULL), 0);
}

/* What the pace alone takes from the first batch to the last, if each of them
 * is answered at once. */
static uint64_t pace_ns(const struct drain_options *options, unsigned batches)
{
	struct drain drain = { .options = options };
	uint64_t now_ns = DAY_NS, began_ns;

	drain_begin(&drain, now_ns, 0);
	began_ns = drain.next_ns;
	for (unsigned i = 0; i < batches; i++) {
		now_ns = drain.next_ns;
		drain_sent(&drain, now_ns, true);
		drain_passed(&drain, now_ns, true, 0);
	}
	return now_ns - began_ns;
}

static void await_requests(struct post *p, unsigned n)
{
	while (collector_requests(p->collector) < n)
		uv_run(&p->loop, UV_RUN_ONCE);
}

/* The numbers at the end of an Idempotency-Key. */
static void read_run(const struct collector_request *request, uint64_t *first,
		     uint64_t *last)
{
	char key[256];
	char *at;

	collector_field(request, "Idempotency-Key", key, sizeof(key));
	at = strrchr(key, '-');
	assert_non_null(at);
	*last = strtoull(at + 1, NULL, 10);
	*at = '\0';
	at = strrchr(key, '-');
	assert_non_null(at);
	*first = strtoull(at + 1, NULL, 10);
}

/* The newest, then all that is older, in order. */
static void check_order(const struct post *p, unsigned batches)
{
	const struct collector_request *r = collector_request(p->collector, 0);
	uint64_t next = 1, first, last;

	read_run(r, &first, &last);
	assert_int_equal(first, batches * BATCH_ROWS + 1);
	for (r = r->next; r; r = r->next) {
		assert_true(r->said_yes);
		read_run(r, &first, &last);
		assert_int_equal(first, next);
		next = last + 1;
	}
	assert_int_equal(next, batches * BATCH_ROWS + 1);
}

static void a_backlog_at_its_pace(void **state)
{
	unsigned batches = setting("BATCHES", 30);
	unsigned faster = setting("FASTER", 200);
	struct drain_options pace = drain_up_to(faster);
	struct deliver_options o = { .max_rows = BATCH_ROWS };
	uint64_t began_ns, took_ns, wanted_ns;
	struct post *p = *state;

	pace.offset_ns = 0; /* else a random part of a minute */
	add_old(p, batches + 1);
	began_ns = uv_hrtime();
	post_start(p, &o);
	deliver_tune_drain(p->deliver, &pace);
	await_requests(p, batches + 1);
	took_ns = uv_hrtime() - began_ns;
	post_run_empty(p);
	wanted_ns = pace_ns(&pace, batches);
	print_message("# %u batches at up to %u a second took %.2f s, %.2f of "
		      "them by the pace; that is %.1f minutes at up to one a "
		      "second\n",
		      batches, faster, (double)took_ns / 1e9,
		      (double)wanted_ns / 1e9,
		      (double)wanted_ns / 60e9 * faster);
	check_order(p, batches);
	assert_true(took_ns >= wanted_ns);
}

static int set_up(void **state)
{
	struct post *p = calloc(1, sizeof(*p));

	post_open(p);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	post_close(*state);
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_backlog_at_its_pace, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
