/* What is usual for a series, over a restart of the agent. */
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include "event_watch.h"
#include "items.h"
#include "lib/load_config.h"
#include "lib/store_kit.h"
#include "store/memo.h"
#include "usual.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S    EP_NS_PER_S
#define HOUR (3600 * S)

#define TARGETS 5
#define ITEMS   (2 * TARGETS) /* one of each family */
#define FIRST   7             /* others come before them */

struct world {
	struct kit *kit;
	struct config config;
	struct items items;
	struct event_watch *watch;
	struct usual *usual;
	uint64_t at_ns;
	char said[4096]; /* the last event; "": none */
	unsigned n;      /* events */
};

static void on_row(enum row_type type, const char *body, void *arg)
{
	struct world *w = arg;

	if (type != ROW_EVENT)
		return;
	snprintf(w->said, sizeof(w->said), "%s", body);
	w->n++;
}

static int is_https(const struct ep_kind *kind)
{
	return strcmp(kind->name, "https") == 0;
}

/* Several targets, which are all the same. */
static void write_config(struct buf *out, const char *host, const char *site)
{
	buf_printf(out,
		   "{ \"agent\": \"a\", \"site\": { \"name\": \"x\"%s },"
		   " \"defaults\": { \"family\": \"both\","
		   " \"probes\": [\"https\"] }, \"targets\": [",
		   site);
	for (int i = 0; i < TARGETS; i++)
		buf_printf(out, "%s{ \"name\": \"%d\", \"host\": \"%s\" }",
			   i > 0 ? "," : "", i, host);
	buf_text(out, "] }");
}

/* The agent begins, with `host` as its targets' and `site` in its site. */
static void begin_at(struct world *w, const char *host, const char *site)
{
	struct buf text, problems;

	buf_init(&text, 4096);
	write_config(&text, host, site);
	assert_int_equal(load_config((const char *const[]){ text.data }, 1,
				     &w->config, &problems),
			 0);
	buf_finish(&problems);
	buf_finish(&text);
	assert_int_equal(items_init(&w->items, &w->config, is_https), 0);
	assert_int_equal(w->items.n, ITEMS);
	w->watch = event_watch_create(&w->config, on_row, w);
	w->usual = usual_create(w->kit->store, w->watch);
	assert_non_null(w->watch);
	assert_non_null(w->usual);
	usual_recall(w->usual, &w->items, FIRST);
	w->said[0] = '\0';
	w->n = 0;
}

static void begin(struct world *w)
{
	begin_at(w, "outlook.office365.com", "");
}

static void end(struct world *w)
{
	usual_destroy(w->usual);
	event_watch_destroy(w->watch);
	items_finish(&w->items);
	config_finish(&w->config);
	kit_close(w->kit);
	kit_open(w->kit, 0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	void *kit = NULL;

	assert_non_null(w);
	assert_int_equal(kit_setup(&kit), 0);
	w->kit = kit;
	w->at_ns = UINT64_C(1767225600) * S;
	kit_open(w->kit, 0);
	begin(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	void *kit = w->kit;

	end(w);
	kit_close(kit);
	free(w);
	return kit_teardown(&kit);
}

static void see_one(struct world *w, uint32_t i, const char *pop)
{
	struct ep_sample sample;

	ep_sample_init(&sample);
	sample.sent_ns = w->at_ns;
	sample.outcome = EP_REPLIED;
	sample.rtt_ns = 12000000;
	snprintf(sample.https.pop, sizeof(sample.https.pop), "%s", pop);
	event_watch_see(w->watch, FIRST + i, &w->items.items[i], &sample);
}

/* So many answers of each item, 10 s apart. */
static void see(struct world *w, const char *pop, unsigned n)
{
	for (; n > 0; n--) {
		for (uint32_t i = 0; i < ITEMS; i++)
			see_one(w, i, pop);
		w->at_ns += 10 * S;
	}
}

/* The same of each item. */
static void assert_said(const struct world *w, const char *state,
			const char *expected)
{
	char text[64];

	assert_int_equal(w->n % ITEMS, 0);
	assert_non_null(strstr(w->said, "\"event\":\"pop_changed\""));
	snprintf(text, sizeof(text), "\"state\":\"%s\"", state);
	assert_non_null(strstr(w->said, text));
	snprintf(text, sizeof(text), "\"expected\":\"%s\"", expected);
	assert_non_null(strstr(w->said, text));
}

static void it_moved_while_the_agent_was_down(void **state)
{
	struct world *w = *state;

	see(w, "AMS", 720);
	usual_keep(w->usual);
	end(w);
	w->at_ns += 3 * HOUR;
	begin(w);
	see(w, "FRA", 2);
	assert_string_equal(w->said, "");
	see(w, "FRA", 1);
	assert_said(w, "open", "unusual");
	assert_non_null(strstr(w->said, "\"from_pop\":\"AMS\""));
}

static void it_stayed_where_it_was(void **state)
{
	struct world *w = *state;

	see(w, "AMS", 720);
	usual_keep(w->usual);
	end(w);
	begin(w);
	see(w, "AMS", 100);
	assert_string_equal(w->said, "");
}

static void what_was_open_is_closed_after_a_restart(void **state)
{
	struct world *w = *state;

	see(w, "AMS", 720);
	see(w, "FRA", 5);
	assert_said(w, "open", "unusual");
	usual_keep(w->usual);
	end(w);
	begin(w);
	see(w, "FRA", 5);
	assert_string_equal(w->said, "");
	see(w, "AMS", 3);
	assert_said(w, "closed", "usual");
}

/* Killed, it has lost some minutes. */
static void it_is_kept_now_and_then(void **state)
{
	struct world *w = *state;

	see(w, "AMS", 720);
	usual_tick(w->usual, HOUR);
	usual_tick(w->usual, HOUR + USUAL_EVERY_NS - 1);
	assert_null(store_memo(w->kit->store, "usual"));
	usual_tick(w->usual, HOUR + USUAL_EVERY_NS);
	end(w);
	begin(w);
	see(w, "FRA", 3);
	assert_said(w, "open", "unusual");
}

static void a_new_store_knows_nothing(void **state)
{
	struct world *w = *state;

	usual_keep(w->usual);
	end(w);
	begin(w);
	see(w, "FRA", 3);
	assert_string_equal(w->said, "");
}

static void another_host_by_that_name_begins_anew(void **state)
{
	struct world *w = *state;

	see(w, "AMS", 720);
	usual_keep(w->usual);
	end(w);
	begin_at(w, "teams.microsoft.com", "");
	see(w, "FRA", 3);
	assert_string_equal(w->said, "");
}

static void what_is_configured_is_not_learned(void **state)
{
	struct world *w = *state;

	end(w);
	for (int i = 0; i < 2; i++) {
		begin_at(w, "outlook.office365.com",
			 ", \"expected_pops\": [\"AMS\"]");
		see(w, "FRA", 720);
		assert_said(w, "open", "unexpected");
		usual_keep(w->usual);
		end(w);
	}
	assert_null(store_memo(w->kit->store, "usual"));
	begin(w);
}

static void what_is_no_such_text_is_not_believed(void **state)
{
	struct world *w = *state;
	static const char *const texts[] = { "", "\n\n", "x",
					     "0123456789abcdef \n" };
	char *text;

	see(w, "AMS", 720);
	usual_keep(w->usual);
	text = store_memo(w->kit->store, "usual");
	assert_non_null(text);
	text[30] = '\0'; /* in the middle of the first line */
	assert_int_equal(store_memo_set(w->kit->store, "usual", text, NULL), 0);
	free(text);
	for (size_t i = 0; i <= sizeof(texts) / sizeof(texts[0]); i++) {
		end(w);
		begin(w);
		see(w, "FRA", 3);
		assert_string_equal(w->said, "");
		if (i < sizeof(texts) / sizeof(texts[0]))
			assert_int_equal(store_memo_set(w->kit->store, "usual",
							texts[i], NULL),
					 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_moved_while_the_agent_was_down),
		TEST(it_stayed_where_it_was),
		TEST(what_was_open_is_closed_after_a_restart),
		TEST(it_is_kept_now_and_then),
		TEST(a_new_store_knows_nothing),
		TEST(another_host_by_that_name_begins_anew),
		TEST(what_is_configured_is_not_learned),
		TEST(what_is_no_such_text_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
