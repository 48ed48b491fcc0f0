/* Small parts of the TCP kind, by themselves. */
#include "core/tcp_dial.h"
#include "core/tcp_refusers.h"
#include "edgeprobe/target.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void refusers_are_known_until_they_do_something_else(void **state)
{
	struct tcp_refusers r = { { 0 } };
	struct ep_address a, b;

	(void)state;
	ep_address_parse("192.0.2.1", &a);
	ep_address_parse("2001:db8::1", &b);
	assert_false(tcp_refusers_has(&r, &a, 443));
	tcp_refusers_note(&r, &a, 443, true);
	assert_true(tcp_refusers_has(&r, &a, 443));
	assert_false(tcp_refusers_has(&r, &a, 80));
	assert_false(tcp_refusers_has(&r, &b, 443));
	tcp_refusers_note(&r, &b, 443, true);
	tcp_refusers_note(&r, &a, 80, false);
	assert_true(tcp_refusers_has(&r, &a, 443));
	tcp_refusers_note(&r, &a, 443, false);
	assert_false(tcp_refusers_has(&r, &a, 443));
	assert_true(tcp_refusers_has(&r, &b, 443));
}

/* More of them than places: some are forgotten, and nobody is made one. */
static void refusers_that_clash_are_forgotten(void **state)
{
	struct tcp_refusers r = { { 0 } };
	struct ep_address a;
	unsigned known = 0;

	(void)state;
	ep_address_parse("192.0.2.1", &a);
	for (uint16_t port = 1; port <= 20000; port++)
		tcp_refusers_note(&r, &a, port, true);
	for (uint16_t port = 1; port <= 20000; port++)
		known += tcp_refusers_has(&r, &a, port);
	assert_true(known > TCP_REFUSERS / 2);
	assert_true(known <= TCP_REFUSERS);
	assert_true(tcp_refusers_has(&r, &a, 20000));
	for (uint16_t port = 20001; port <= 40000; port++)
		assert_false(tcp_refusers_has(&r, &a, port));
}

/* What must not be the same socket has not the same key. */
static void sockets_of_unlike_dials_are_not_shared(void **state)
{
	struct ep_target base = { .flow = 7 }, other[6];
	struct ep_address a4, a6;
	uint64_t key;

	(void)state;
	ep_address_parse("192.0.2.1", &a4);
	ep_address_parse("2001:db8::1", &a6);
	key = tcp_dial_key(&base, &a4, 443, 0);
	assert_true(key != 0);
	assert_true(key == tcp_dial_key(&base, &a4, 443, 0));
	assert_true(key != tcp_dial_key(&base, &a6, 443, 0));
	assert_true(key != tcp_dial_key(&base, &a4, 443, 1));
	for (unsigned i = 0; i < 6; i++)
		other[i] = base;
	other[0].flow = 8;
	other[1].ttl = 7;
	other[2].dscp = 7;
	other[3].source = "eth0";
	other[4].source = "eth1";
	other[5].source = "192.0.2.9";
	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < i; k++)
			assert_true(tcp_dial_key(&other[i], &a4, 443, 0) !=
				    tcp_dial_key(&other[k], &a4, 443, 0));
	for (unsigned i = 0; i < 6; i++)
		assert_true(key != tcp_dial_key(&other[i], &a4, 443, 0));
	base.fresh_flow = true;
	assert_int_equal(tcp_dial_key(&base, &a4, 443, 0), 0);
	base = (struct ep_target){ .flow = 0 };
	assert_int_equal(tcp_dial_key(&base, &a4, 443, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			refusers_are_known_until_they_do_something_else),
		cmocka_unit_test(refusers_that_clash_are_forgotten),
		cmocka_unit_test(sockets_of_unlike_dials_are_not_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
