/* Whose network an address is in, asked of real name servers; the day is the
 * test's. */
#include "edgeprobe/clock.h"
#include "lib/dns_server.h"
#include "lib/dns_text.h"
#include "provider.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S     EP_NS_PER_S
#define DAY   (86400 * S)
#define START (1000 * S)

static const struct dns_text texts[] = {
	{ "7.100.51.198.origin.asn.test",
	  "64502 | 198.51.0.0/16 | NL | ripencc | 2001-02-03\n"
	  "64500 64501 | 198.51.\t100.0/24 | NL | ripencc | 2001-02-03" },
	{ "8.100.51.198.origin.asn.test", "64503 | 198.51.100.0/24 | NL" },
	{ "9.100.51.198.origin.asn.test", "banana" },
	{ "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	  "origin6.asn.test",
	  "64500 | 2001:db8::/32 | NL | ripencc | 2001-02-03" },
	{ "as64500.asn.test",
	  "64500 | NL | ripencc | d | EXAMPLE Example, NL" },
	{ "as64503.asn.test", "none of your business" },
	{ NULL, NULL },
};

struct world {
	struct config config;
	struct config_circuit lines[2];
	struct dns_server *all, *own;
	uv_loop_t loop;
	uv_timer_t look;
	struct provider *provider;
	struct ep_address address;
	size_t circuit;
	uint64_t now_ns;
	unsigned questions; /* to wait for, of `asked` */
	struct dns_server *asked;
};

static void begin(struct world *w)
{
	struct ep_err err = { 0 };

	memset(w, 0, sizeof(*w));
	w->all = dns_server_start(NULL);
	w->own = dns_server_start(NULL);
	dns_server_texts(w->all, texts);
	dns_server_texts(w->own, texts);
	w->config.dns_origin = (char *)"asn.test";
	w->config.dns_timeout_ns = 20 * S;
	w->config.dns_servers = (char *)(uintptr_t)dns_server_name(w->all);
	w->config.circuits = w->lines;
	w->config.n_circuits = 2;
	w->lines[1].dns = (char *)(uintptr_t)dns_server_name(w->own);
	w->lines[1].source = (char *)"127.0.0.1";
	w->now_ns = START;
	w->asked = w->all;
	assert_int_equal(uv_loop_init(&w->loop), 0);
	uv_timer_init(&w->loop, &w->look);
	assert_int_equal(
		provider_open(&w->loop, &w->config, &w->provider, &err), 0);
	assert_non_null(w->provider);
}

static void end(struct world *w)
{
	provider_close(w->provider);
	uv_close((uv_handle_t *)&w->look, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	dns_server_stop(w->all);
	dns_server_stop(w->own);
}

static const struct edge_asn *look(struct world *w, const char *address)
{
	assert_int_equal(ep_address_parse(address, &w->address), 0);
	return provider_of(w->provider, w->circuit, &w->address, w->now_ns);
}

static void on_look(uv_timer_t *timer)
{
	struct world *w = timer->data;

	if (provider_of(w->provider, w->circuit, &w->address, w->now_ns))
		uv_stop(&w->loop);
}

/* Until it is known. */
static void learn(struct world *w, const char *address, uint32_t number,
		  const char *name)
{
	const struct edge_asn *asn;

	assert_null(look(w, address));
	w->look.data = w;
	uv_timer_start(&w->look, on_look, 1, 1);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	uv_timer_stop(&w->look);
	asn = look(w, address);
	assert_non_null(asn);
	assert_int_equal(asn->number, number);
	assert_string_equal(asn->name, name);
}

static void a_network_has_a_number_and_a_name(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	learn(&w, "198.51.100.7", 64500, "EXAMPLE Example, NL");
	learn(&w, "2001:db8::1", 64500, "EXAMPLE Example, NL");
	assert_int_equal(dns_server_questions(w.all), 4);
	assert_int_equal(dns_server_questions(w.own), 0);
	end(&w);
}

static void a_circuit_asks_its_own_servers(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.circuit = 1;
	learn(&w, "198.51.100.7", 64500, "EXAMPLE Example, NL");
	assert_int_equal(dns_server_questions(w.all), 0);
	assert_int_equal(dns_server_questions(w.own), 2);
	end(&w);
}

static void a_number_without_a_name_is_better_than_none(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	learn(&w, "198.51.100.8", 64503, "");
	end(&w);
}

static void what_is_under_way_is_not_asked_for_again(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_null(look(&w, "198.51.100.7"));
	w.now_ns += DAY;
	assert_null(look(&w, "198.51.100.7"));
	w.now_ns = START;
	learn(&w, "198.51.100.7", 64500, "EXAMPLE Example, NL");
	assert_int_equal(dns_server_questions(w.all), 2);
	end(&w);
}

static void on_asked(uv_timer_t *timer)
{
	struct world *w = timer->data;

	if (dns_server_questions(w->asked) >= w->questions)
		uv_stop(&w->loop);
}

/* Until so many questions were seen. */
static void run(struct world *w, unsigned questions)
{
	w->questions = questions;
	w->look.data = w;
	uv_timer_start(&w->look, on_asked, 1, 1);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	uv_timer_stop(&w->look);
}

static void an_address_is_asked_for_once_a_day(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	learn(&w, "198.51.100.7", 64500, "EXAMPLE Example, NL");
	w.now_ns += DAY - 1;
	w.circuit = 1; /* another line of the same address is no other one */
	assert_non_null(look(&w, "198.51.100.7"));
	w.circuit = 0;
	learn(&w, "198.51.100.8", 64503, "");
	assert_int_equal(dns_server_questions(w.all), 4);
	assert_int_equal(dns_server_questions(w.own), 0);
	w.now_ns += 1;
	assert_non_null(look(&w, "198.51.100.7"));
	assert_non_null(look(&w, "198.51.100.8"));
	run(&w, 6);
	assert_int_equal(dns_server_questions(w.all), 6);
	end(&w);
}

/* Of no use to ask again and again: neither one that nobody knows nor one that
 * nonsense is said of. The next one comes through. */
static void what_is_not_known_is_asked_for_a_day_later(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_null(look(&w, "203.0.113.1"));
	assert_null(look(&w, "198.51.100.9"));
	run(&w, 2);
	learn(&w, "198.51.100.7", 64500, "EXAMPLE Example, NL");
	w.now_ns += DAY - 1;
	assert_null(look(&w, "203.0.113.1"));
	assert_null(look(&w, "198.51.100.9"));
	learn(&w, "2001:db8::1", 64500, "EXAMPLE Example, NL");
	assert_int_equal(dns_server_questions(w.all), 6);
	w.now_ns += 1;
	assert_null(look(&w, "198.51.100.9"));
	run(&w, 7);
	end(&w);
}

/* More addresses than are remembered: the oldest is asked for again. */
static void a_line_that_changes_all_the_time_needs_no_more_room(void **state)
{
	char text[EP_ADDRESS_TEXT_MAX];
	struct world w;

	(void)state;
	begin(&w);
	learn(&w, "198.51.100.7", 64500, "EXAMPLE Example, NL");
	for (unsigned i = 0; i < 40; i++) {
		w.now_ns += S;
		snprintf(text, sizeof(text), "203.0.113.%u", i);
		assert_null(look(&w, text));
		run(&w, dns_server_questions(w.all));
	}
	w.now_ns += S;
	learn(&w, "198.51.100.7", 64500, "EXAMPLE Example, NL");
	end(&w);
}

static void closing_while_it_is_asked_ends_everything(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.config.dns_servers = NULL;
	w.lines[0].dns = (char *)"192.0.2.1,nonsense";
	assert_null(look(&w, "198.51.100.8"));
	w.circuit = 1;
	assert_null(look(&w, "198.51.100.7"));
	end(&w);
}

static void nothing_is_asked_unless_it_is_configured(void **state)
{
	struct ep_err err = { 0 };
	struct provider *provider;
	struct world w;

	(void)state;
	begin(&w);
	w.config.dns_origin = NULL;
	assert_int_equal(provider_open(&w.loop, &w.config, &provider, &err), 0);
	assert_null(provider);
	provider_close(provider);
	assert_int_equal(dns_server_questions(w.all), 0);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_has_a_number_and_a_name),
		cmocka_unit_test(a_circuit_asks_its_own_servers),
		cmocka_unit_test(a_number_without_a_name_is_better_than_none),
		cmocka_unit_test(what_is_under_way_is_not_asked_for_again),
		cmocka_unit_test(an_address_is_asked_for_once_a_day),
		cmocka_unit_test(what_is_not_known_is_asked_for_a_day_later),
		cmocka_unit_test(
			a_line_that_changes_all_the_time_needs_no_more_room),
		cmocka_unit_test(closing_while_it_is_asked_ends_everything),
		cmocka_unit_test(nothing_is_asked_unless_it_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
