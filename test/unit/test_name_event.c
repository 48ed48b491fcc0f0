/* A name's other addresses, as a row. */
#include "lib/strict_json.h"
#include "name_event.h"
#include "notices.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ep_address address(const char *text)
{
	struct ep_address a;

	assert_int_equal(ep_address_parse(text, &a), 0);
	return a;
}

static void expect(const struct ep_names_change *change,
		   const struct config_circuit *circuit, const char *want)
{
	struct buf body;

	buf_init(&body, NOTICE_BODY_MAX);
	name_event_write(&body, change, circuit);
	assert_int_equal(body.error, 0);
	assert_string_equal(body.data, want);
	buf_finish(&body);
}

static void what_came_and_went(void **state)
{
	struct ep_address added[] = { address("192.0.2.1"),
				      address("2001:db8::1") };
	struct ep_address removed[] = { address("192.0.2.9") };
	struct ep_names_change change = { .host = "a.test",
					  .n = 4,
					  .n_added = 2,
					  .n_removed = 1,
					  .added = added,
					  .removed = removed,
					  .changes = 1 };

	(void)state;
	expect(&change, NULL,
	       "\"event\":\"addresses_changed\",\"level\":\"info\","
	       "\"state\":\"changed\",\"host\":\"a.test\","
	       "\"added\":\"192.0.2.1,2001:db8::1\","
	       "\"removed\":\"192.0.2.9\",\"n\":4,\"changes\":1");
}

static void many_changes_and_back_over_a_circuit(void **state)
{
	char name[] = "l\"te";
	struct config_circuit circuit = { .name = name };
	struct ep_names_change change = {
		.host = "a.test", .family = 6, .n = 2, .changes = 8
	};

	(void)state;
	expect(&change, &circuit,
	       "\"event\":\"addresses_changed\",\"level\":\"info\","
	       "\"state\":\"changing\",\"host\":\"a.test\",\"family\":6,"
	       "\"circuit\":\"l\\\"te\",\"n\":2,\"changes\":8");
}

static void longest_one_fits_and_is_json(void **state)
{
	struct ep_address all[EP_NTH_MAX];
	char host[EP_HOST_MAX + 1];
	struct ep_names_change change = { .host = host,
					  .family = 6,
					  .n = EP_NTH_MAX,
					  .n_added = EP_NTH_MAX,
					  .n_removed = EP_NTH_MAX,
					  .added = all,
					  .removed = all,
					  .changes = 4000000000 };
	struct buf body, row;

	(void)state;
	for (unsigned i = 0; i < EP_NTH_MAX; i++)
		all[i] = address("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
	memset(host, 'a', EP_HOST_MAX);
	host[EP_HOST_MAX] = '\0';
	buf_init(&body, NOTICE_BODY_MAX);
	name_event_write(&body, &change, NULL);
	assert_int_equal(body.error, 0);
	buf_init(&row, 2 * NOTICE_BODY_MAX);
	buf_printf(&row, "{%s}", body.data);
	assert_true(strict_json(row.data, row.len));
	buf_finish(&row);
	buf_finish(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_and_went),
		cmocka_unit_test(many_changes_and_back_over_a_circuit),
		cmocka_unit_test(longest_one_fits_and_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
