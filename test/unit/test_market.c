/* The market of a country and the service behind a host. */
#include "edge/market.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void a_country_has_a_market(void **state)
{
	(void)state;
	assert_string_equal(edge_market("NL"), "Europe");
	assert_string_equal(edge_market("nl"), "Europe");
	assert_string_equal(edge_market("BR"), "South America");
	assert_string_equal(edge_market("ZW"), "Africa");
	assert_string_equal(edge_market("JP"), "Asia");
}

static void what_is_no_country_has_none(void **state)
{
	(void)state;
	assert_string_equal(edge_market(""), "");
	assert_string_equal(edge_market("N"), "");
	assert_string_equal(edge_market("NLD"), "");
	assert_string_equal(edge_market("QQ"), "");
	assert_string_equal(edge_market(" N"), ""); /* across two codes */
}

/* Two letters each, sorted, and in one market only. */
static void the_table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; edge_market_name(i) != NULL; i++) {
		const char *codes = edge_market_countries(i);

		assert_int_equal(strlen(codes) % 3, 2);
		for (; *codes != '\0'; codes += codes[2] == ' ' ? 3 : 2) {
			char code[3] = { codes[0], codes[1] };

			assert_string_equal(edge_market(code),
					    edge_market_name(i));
			if (codes[2] == ' ')
				assert_true(memcmp(codes, &codes[3], 2) < 0);
		}
	}
	assert_null(edge_market_countries(100));
}

static void a_host_is_of_a_service(void **state)
{
	(void)state;
	assert_string_equal(edge_service("outlook.office365.com"), "Exchange");
	assert_string_equal(edge_service("OUTLOOK.office365.com."), "Exchange");
	assert_string_equal(edge_service("contoso-my.sharepoint.com"),
			    "SharePoint");
	assert_string_equal(edge_service("world.tr.teams.microsoft.com"),
			    "Teams");
	assert_string_equal(edge_service("login.microsoftonline.com"), "Entra");
	assert_string_equal(edge_service("contoso.azurefd.net"), "Front Door");
	assert_string_equal(edge_service("fpc.msedge.net"), "Front Door");
	assert_string_equal(edge_service("admin.microsoft.com"),
			    "Microsoft 365");
}

static void a_strangers_host_is_of_none(void **state)
{
	const char *service;

	(void)state;
	assert_string_equal(edge_service(""), "");
	assert_string_equal(edge_service("."), "");
	assert_string_equal(edge_service(".sharepoint.com"), "");
	assert_string_equal(edge_service("evilsharepoint.com"), "");
	assert_string_equal(edge_service("sharepoint.com.example.org"), "");
	assert_null(edge_service_suffix(1000, &service));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_country_has_a_market),
		cmocka_unit_test(what_is_no_country_has_none),
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(a_host_is_of_a_service),
		cmocka_unit_test(a_strangers_host_is_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
