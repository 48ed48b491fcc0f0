/* Names with many addresses, by a real name server on loopback whose answers
 * turn. */
#include "../lib/dns_server.h"
#include "../lib/resolve_world.h"
#include "core/engine_i.h"
#include "core/resolve.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POOL "127.0.0.9 ::1 127.0.0.3 127.0.0.30 127.0.0.4"

struct names_world {
	struct resolve_world w;
	struct dns_server *server;
	unsigned told;
	struct ep_names_change last; /* pointers are not kept */
	char host[EP_HOST_MAX + 1];
	struct ep_address added, removed; /* the first one of each */
};

static void on_names(const struct ep_names_change *change, void *arg)
{
	struct names_world *n = arg;

	n->told++;
	n->last = *change;
	snprintf(n->host, sizeof(n->host), "%s", change->host);
	if (change->n_added > 0)
		n->added = change->added[0];
	if (change->n_removed > 0)
		n->removed = change->removed[0];
	uv_stop(&n->w.loop);
}

static int begin(void **state)
{
	struct names_world *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	n->server = dns_server_start(NULL);
	dns_server_pool(n->server, POOL);
	resolve_world_open(&n->w, dns_server_name(n->server), 10 * EP_NS_PER_S);
	ep_engine_on_names(n->w.engine, on_names, n);
	*state = n;
	return 0;
}

static int end(void **state)
{
	struct names_world *n = *state;

	resolve_world_close(&n->w);
	dns_server_stop(n->server);
	free(n);
	return 0;
}

static struct resolve_answer ask(struct names_world *n, struct name_want want,
				 int family)
{
	struct ask a = { .want = want };

	resolve_world_start(&n->w, &a, "pool.test", family);
	assert_true(a.started >= 0);
	resolve_world_await(&n->w, &a);
	return a.query.answer;
}

static struct name_want nth(uint8_t number)
{
	return (struct name_want){ .pick = EP_PICK_NTH, .nth = number };
}

static void each_number_has_its_address(void **state)
{
	static const char *const sorted[] = { "127.0.0.3", "127.0.0.4",
					      "127.0.0.9", "127.0.0.30" };
	struct resolve_answer answer;

	for (uint8_t i = 0; i < 4; i++) {
		answer = ask(*state, nth(i), 4);
		resolve_world_expect_address(&answer, sorted[i]);
	}
	answer = ask(*state, nth(4), 4);
	resolve_world_expect_reason(&answer, "dns_nodata");
	answer = ask(*state, nth(0), 6);
	resolve_world_expect_address(&answer, "::1");
	answer = ask(*state, nth(4), 0); /* both families: IPv4 before IPv6 */
	resolve_world_expect_address(&answer, "::1");
	answer = ask(*state, nth(0), 0);
	resolve_world_expect_address(&answer, "127.0.0.3");
}

static void many_wait_for_one_answer(void **state)
{
	struct names_world *n = *state;
	struct ask asks[3];
	unsigned before = dns_server_questions(n->server);

	for (uint8_t i = 0; i < 3; i++) {
		asks[i] = (struct ask){ .want = nth((uint8_t)(2 * i)) };
		resolve_world_start(&n->w, &asks[i], "pool.test", 4);
	}
	for (unsigned i = 0; i < 3; i++)
		resolve_world_await(&n->w, &asks[i]);
	resolve_world_expect_address(&asks[0].query.answer, "127.0.0.3");
	resolve_world_expect_address(&asks[1].query.answer, "127.0.0.9");
	resolve_world_expect_reason(&asks[2].query.answer, "dns_nodata");
	assert_int_equal(dns_server_questions(n->server), before + 1);
}

static void first_turns_and_the_stable_one_stays(void **state)
{
	struct name_want first = { .pick = EP_PICK_FIRST };
	struct name_want stable = { .pick = EP_PICK_STABLE, .flow = 77 };
	struct resolve_answer kept = ask(*state, stable, 4);
	unsigned others = 0;

	assert_int_equal(kept.reason, EP_REASON_NONE);
	for (unsigned i = 0; i < 10; i++) {
		struct resolve_answer a = ask(*state, stable, 4);
		struct resolve_answer b = ask(*state, first, 4);

		assert_true(ep_address_equal(&a.address, &kept.address));
		others += !ep_address_equal(&b.address, &kept.address);
	}
	assert_true(others > 0); /* the server does turn them */
}

static void known_addresses_are_told_without_asking(void **state)
{
	struct names_world *n = *state;
	struct ep_target t = { .host = "POOL.test.", .family = 4 };
	struct ep_address known[EP_NTH_MAX];
	unsigned asked;

	assert_int_equal(
		ep_engine_addresses(n->w.engine, &t, known, EP_NTH_MAX), 0);
	ask(n, nth(0), 4);
	asked = dns_server_questions(n->server);
	/* its TTL is over long ago: the last good answer counts */
	assert_int_equal(
		ep_engine_addresses(n->w.engine, &t, known, EP_NTH_MAX), 4);
	assert_int_equal(known[3].bytes[3], 30);
	assert_int_equal(ep_engine_addresses(n->w.engine, &t, known, 2), 2);
	t.family = 6;
	assert_int_equal(
		ep_engine_addresses(n->w.engine, &t, known, EP_NTH_MAX), 0);
	t.host = "::1";
	assert_int_equal(
		ep_engine_addresses(n->w.engine, &t, known, EP_NTH_MAX), 1);
	t.family = 4;
	assert_int_equal(
		ep_engine_addresses(n->w.engine, &t, known, EP_NTH_MAX), 0);
	t.host = EP_HOST_GATEWAY;
	assert_int_equal(
		ep_engine_addresses(n->w.engine, &t, known, EP_NTH_MAX), 0);
	assert_int_equal(dns_server_questions(n->server), asked);
}

static void another_set_is_told(void **state)
{
	struct names_world *n = *state;

	for (unsigned i = 0; i < 5; i++)
		ask(n, nth(0), 4);
	assert_int_equal(n->told, 0); /* another order is no other set */
	dns_server_pool(n->server, "127.0.0.3 127.0.0.4 127.0.0.9 127.0.0.8");
	ask(n, nth(0), 4);
	while (n->told == 0)
		uv_run(&n->w.loop, UV_RUN_ONCE);
	assert_string_equal(n->host, "pool.test");
	assert_int_equal(n->last.family, 4);
	assert_int_equal(n->last.n, 4);
	assert_int_equal(n->last.changes, 1);
	assert_int_equal(n->last.n_added, 1);
	assert_int_equal(n->added.bytes[3], 8);
	assert_int_equal(n->last.n_removed, 1);
	assert_int_equal(n->removed.bytes[3], 30);
}

static void no_address_is_a_failure_and_no_other_set(void **state)
{
	struct names_world *n = *state;
	struct resolve_answer answer;

	ask(n, nth(0), 4);
	dns_server_pool(n->server, "");
	answer = ask(n, nth(0), 4);
	resolve_world_expect_reason(&answer, "dns_nodata");
	dns_server_pool(n->server, POOL);
	ep_engine_flush_names(n->w.engine); /* failures are kept a second */
	answer = ask(n, nth(0), 4);
	resolve_world_expect_address(&answer, "127.0.0.3");
	uv_run(&n->w.loop, UV_RUN_NOWAIT);
	assert_int_equal(n->told, 0);
}

/* --- probes --- */

struct seen {
	struct ep_sample sample;
	uv_loop_t *loop;
};

static void on_sample(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct seen *seen = arg;

	(void)target;
	seen->sample = *sample;
	uv_stop(seen->loop);
}

static struct ep_sample probe(struct names_world *n,
			      const struct ep_target *target)
{
	struct seen seen = { .loop = &n->w.loop };

	assert_int_equal(
		ep_probe_start(n->w.engine, target, 0, on_sample, &seen, NULL),
		0);
	uv_run(&n->w.loop, UV_RUN_DEFAULT);
	return seen.sample;
}

/* Nothing listens on port 1: refused, wherever it goes. */
static void probes_go_where_their_target_says(void **state)
{
	struct ep_target t = { .kind = ep_kind_find("tcp"),
			       .host = "pool.test",
			       .port = 1,
			       .pick = EP_PICK_NTH,
			       .nth = 3,
			       .family = 4 };
	struct ep_sample sample = probe(*state, &t);

	assert_int_equal(sample.address.bytes[3], 30);
	assert_int_equal(sample.outcome, EP_REFUSED);
	t.nth = 4;
	sample = probe(*state, &t);
	assert_int_equal(sample.outcome, EP_FAILED);
	assert_int_equal(sample.reason, EP_REASON_DNS_NODATA);
	t.pick = EP_PICK_STABLE;
	t.family = 0;
	t.source = "127.0.0.1"; /* leaves no other family */
	for (t.flow = 1; t.flow <= 20; t.flow++) {
		sample = probe(*state, &t);
		assert_int_equal(sample.address.family, 4);
		assert_int_equal(sample.outcome, EP_REFUSED);
	}
	t.source = "::1";
	sample = probe(*state, &t);
	assert_int_equal(sample.address.family, 6);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_number_has_its_address),
		TEST(many_wait_for_one_answer),
		TEST(first_turns_and_the_stable_one_stays),
		TEST(known_addresses_are_told_without_asking),
		TEST(another_set_is_told),
		TEST(no_address_is_a_failure_and_no_other_set),
		TEST(probes_go_where_their_target_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
