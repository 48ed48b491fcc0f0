#include "edge/catalogue.h"
#include "edgeprobe/error.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_probe(const struct edge_target *e, const char *probe)
{
	struct ep_target target = {
		.kind = ep_kind_find(probe),
		.host = e->host,
		.path = e->path,
	};
	struct ep_err err = { 0 };

	if (ep_target_check(&target, &err) < 0)
		fail_msg("%s: %s", e->name, err.text);
}

static void every_target_can_be_measured(void **state)
{
	size_t n;
	const struct edge_target *all = edge_catalogue(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_non_null(all[i].probes[0]);
		assert_null(all[i].probes[EDGE_PROBES_MAX]);
		for (size_t j = 0; all[i].probes[j]; j++)
			check_probe(&all[i], all[i].probes[j]);
	}
}

static void names_are_unique_and_short(void **state)
{
	size_t n;
	const struct edge_target *all = edge_catalogue(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_true(strlen(all[i].name) <= 16);
		assert_true(strlen(all[i].phrase) > 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(all[i].name, all[j].name);
	}
}

/* What an enterprise asks about first. */
static void the_great_services_are_there(void **state)
{
	static const char *const hosts[] = {
		"outlook.office365.com", "microsoft.sharepoint.com",
		"teams.microsoft.com",   "login.microsoftonline.com",
		"fpc.msedge.net",        "world.tr.teams.microsoft.com",
	};
	size_t n;
	const struct edge_target *all = edge_catalogue(&n);

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		size_t j = 0;

		while (j < n && strcmp(all[j].host, hosts[i]) != 0)
			j++;
		if (j == n)
			fail_msg("%s is missing", hosts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_target_can_be_measured),
		cmocka_unit_test(names_are_unique_and_short),
		cmocka_unit_test(the_great_services_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
