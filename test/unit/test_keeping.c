/* What the keeping thread's work writes down by itself, with a wall clock that
 * does as the test says: linked with --wrap. */
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "keeping.h"
#include "lib/load_config.h"
#include "lib/store_kit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define READINGS 4

/* At the start, and at each tick; the last one goes on for ever. */
static const int64_t *offsets_ns;
static const uint64_t *suspended_ns;
static unsigned reading;

int64_t __wrap_ep_clock_offset_ns(void);
uint64_t __wrap_ep_clock_suspended_ns(void);

int64_t __wrap_ep_clock_offset_ns(void)
{
	unsigned i = reading < READINGS ? reading : READINGS - 1;

	reading++;
	return offsets_ns[i];
}

/* Read right after the offset: of the same moment. */
uint64_t __wrap_ep_clock_suspended_ns(void)
{
	return suspended_ns[reading <= READINGS ? reading - 1 : READINGS - 1];
}

struct world {
	struct config config;
	uv_loop_t loop;
	struct ep_scope scope;
	uv_check_t check;
	struct keeping *keeping;
	int result;
	char text[4096]; /* rows as "type body\n" */
};

static void on_ended(struct ep_scope *scope)
{
	(void)scope;
}

static void on_checked(uv_check_t *check)
{
	struct world *w = container_of(check, struct world, check);

	if (reading < READINGS)
		return;
	ep_scope_shut(&w->scope, (uv_handle_t *)check);
	ep_scope_end(&w->scope, on_ended);
	keeping_close(w->keeping, 0, &w->result);
}

static void load(struct world *w, const struct kit *kit)
{
	char text[512];
	const char *const texts[] = { text };
	struct buf problems;

	snprintf(text, sizeof(text),
		 "{ \"agent\": \"a\", \"store\": { \"path\": \"%s\" } }",
		 kit->path);
	assert_int_equal(load_config(texts, 1, &w->config, &problems), 0);
	buf_finish(&problems);
}

static int tell(const struct record *record, void *arg)
{
	struct world *w = arg;
	size_t n = strlen(w->text);

	snprintf(w->text + n, sizeof(w->text) - n, "%s %s\n",
		 row_type_name(record->type),
		 record->type == ROW_CLOCK ? record->body : "");
	return 0;
}

static void read_rows(struct world *w, struct kit *kit)
{
	struct store_range range = { .destination = -1 };

	kit_open(kit, 0);
	assert_int_equal(store_scan(kit->store, &range, tell, w, NULL), 0);
	kit_close(kit);
}

static void live(struct world *w, struct kit *kit)
{
	reading = 0;
	load(w, kit);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(keeping_open(&w->loop, &w->config, &w->keeping, NULL),
			 0);
	uv_check_init(&w->loop, &w->check);
	ep_scope_init(&w->scope);
	ep_scope_adopt(&w->scope, (uv_handle_t *)&w->check);
	uv_check_start(&w->check, on_checked);
	keeping_start(w->keeping);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	assert_int_equal(w->result, 0);
	config_finish(&w->config);
	read_rows(w, kit);
}

static void run_story(void **state, const int64_t *offsets,
		      const uint64_t *suspended, const char *want)
{
	struct world *w = calloc(1, sizeof(*w));

	offsets_ns = offsets;
	suspended_ns = suspended;
	live(w, *state);
	assert_string_equal(w->text, want);
	free(w);
}

static const uint64_t awake[READINGS];

static void a_step_is_a_row(void **state)
{
	static const int64_t offsets[READINGS] = { 0, 5000000000, 5000000000,
						   2000000000 };

	run_story(state, offsets, awake,
		  "boot \nclock \"step_us\":5000000\n"
		  "clock \"step_us\":-3000000\nself \n");
}

static void slewing_is_none(void **state)
{
	static const int64_t offsets[READINGS] = { 0, 40000000, 80000000,
						   120000000 };

	run_story(state, offsets, awake, "boot \nself \n");
}

static void a_suspend_says_how_long(void **state)
{
	static const int64_t offsets[READINGS] = { 0, 0, 60000000000,
						   60000000000 };
	static const uint64_t suspended[READINGS] = { 7, 7, 60000000007,
						      60000000007 };

	run_story(state, offsets, suspended,
		  "boot \nclock \"step_us\":60000000,"
		  "\"suspended_us\":60000000\nself \n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_step_is_a_row),
		KIT_TEST(slewing_is_none),
		KIT_TEST(a_suspend_says_how_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
