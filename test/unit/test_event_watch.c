/* Samples on their way into the store get the flags that say what filled their
 * line. */
#include "event_watch.h"
#include "items.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define S UINT64_C(1000000000)

struct world {
	struct config config;
	struct config_circuit circuits[2];
	struct event_watch *watch;
	struct item items[3]; /* over the first, the second, none */
};

static void on_row(enum row_type type, const char *body, void *arg)
{
	(void)type;
	(void)body;
	(void)arg;
}

static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->circuits[0].name = (char *)"fibre";
	w->circuits[1].name = (char *)"lte";
	w->config.circuits = w->circuits;
	w->config.n_circuits = 2;
	w->config.site.latitude = w->config.site.longitude = (double)NAN;
	for (size_t i = 0; i < 3; i++) {
		w->items[i].series.target = "exchange";
		w->items[i].series.probe = "tcp";
		w->items[i].circuit = i < 2 ? &w->circuits[i] : NULL;
		w->items[i].circuit_index = i < 2 ? i : 0;
	}
	w->watch = event_watch_create(&w->config, on_row, w);
	assert_non_null(w->watch);
}

static int is_loaded(struct world *w, uint32_t item, uint64_t sent_ns)
{
	struct ep_sample sample;

	ep_sample_init(&sample);
	sample.sent_ns = sent_ns;
	sample.rtt_ns = 1000000;
	event_watch_see(w->watch, item, &w->items[item], &sample);
	return (sample.flags & EP_FLAG_LOADED) != 0;
}

static void what_is_sent_over_a_full_line_says_so(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_false(is_loaded(&w, 1, 9 * S));
	event_watch_load(w.watch, 1, 10 * S, UINT64_MAX);
	assert_false(is_loaded(&w, 1, 10 * S - 1));
	assert_true(is_loaded(&w, 1, 10 * S));
	assert_true(is_loaded(&w, 1, 50 * S));
	event_watch_load(w.watch, 1, 10 * S, 20 * S);
	assert_true(is_loaded(&w, 1, 20 * S - 1)); /* told late */
	assert_false(is_loaded(&w, 1, 20 * S));
	event_watch_destroy(w.watch);
}

static void other_lines_are_not_full(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	event_watch_load(w.watch, 1, 10 * S, 20 * S);
	assert_false(is_loaded(&w, 0, 15 * S));
	assert_true(is_loaded(&w, 2, 15 * S)); /* by whichever there is */
	assert_false(is_loaded(&w, 2, 25 * S));
	event_watch_destroy(w.watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_over_a_full_line_says_so),
		cmocka_unit_test(other_lines_are_not_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
