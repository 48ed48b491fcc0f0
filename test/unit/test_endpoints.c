/* Answers of the endpoints web service, and the hosts chosen of them. */
#include "edge/endpoints.h"
#include "lib/seeds.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In the documented form; empty fields are left out there, too. */
static const char answer[] =
	"[{\"id\":1,\"serviceArea\":\"Exchange\",\"serviceAreaDisplayName\":"
	"\"Exchange Online\",\"urls\":[\"outlook.office.com\","
	"\"outlook.office365.com\"],\"ips\":[\"13.107.6.152/31\"],"
	"\"tcpPorts\":\"80,443\",\"expressRoute\":true,\"category\":"
	"\"Optimize\",\"required\":true},"
	"{\"id\":2,\"serviceArea\":\"Exchange\",\"urls\":["
	"\"smtp.office365.com\"],\"tcpPorts\":\"587\",\"category\":\"Allow\","
	"\"required\":true},"
	"{\"id\":8,\"serviceArea\":\"Exchange\",\"urls\":[\"*.outlook.com\","
	"\"*.unheard.example\"],\"tcpPorts\":\"80,443\",\"category\":"
	"\"Default\",\"required\":true},"
	"{\"id\":11,\"serviceArea\":\"Skype\",\"ips\":[\"52.112.0.0/14\"],"
	"\"udpPorts\":\"3478-3481\",\"category\":\"Optimize\",\"required\":"
	"true},"
	"{\"id\":31,\"serviceArea\":\"SharePoint\",\"urls\":["
	"\"*.sharepoint.com\"],\"tcpPorts\":\"443,80\",\"category\":"
	"\"Optimize\",\"required\":true},"
	"{\"id\":56,\"serviceArea\":\"Common\",\"urls\":["
	"\"login.microsoftonline.com\",\"outlook.office.com\"],\"tcpPorts\":"
	"\"443\",\"category\":\"Allow\",\"required\":true}]";

static struct edge_endpoints parsed(void)
{
	struct edge_endpoints e;
	struct ep_err err = { 0 };

	if (edge_endpoints_parse(answer, strlen(answer), &e, &err) < 0)
		fail_msg("%s", err.text);
	return e;
}

static void an_answer_is_read(void **state)
{
	struct edge_endpoints e = parsed();

	(void)state;
	assert_int_equal(e.n, 6);
	assert_int_equal(e.list[0].id, 1);
	assert_string_equal(e.list[0].area, "Exchange");
	assert_int_equal(e.list[0].category, EDGE_OPTIMIZE);
	assert_int_equal(e.list[0].n_urls, 2);
	assert_true(e.list[0].tcp443 && e.list[0].required);
	assert_false(e.list[1].tcp443);
	assert_true(e.list[3].udp3478);
	assert_int_equal(e.list[3].n_urls, 0);
	edge_endpoints_finish(&e);
}

static void a_hostile_answer_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"<html>sign in</html>",
		"[1]",
		"[{\"id\":0,\"serviceArea\":\"a\",\"category\":\"Allow\"}]",
		"[{\"id\":\"1\",\"serviceArea\":\"a\",\"category\":\"Allow\"}]",
		"[{\"id\":1,\"category\":\"Allow\"}]",
		"[{\"id\":1,\"serviceArea\":\"a\",\"category\":\"Best\"}]",
		"[{\"id\":1,\"serviceArea\":\"a\",\"category\":\"Allow\","
		"\"urls\":\"x.y\"}]",
		"[{\"id\":1,\"serviceArea\":\"a\",\"category\":\"Allow\","
		"\"urls\":[1]}]",
		"[{\"id\":1,\"serviceArea\":\"a\",\"category\":\"Allow\"}",
	};
	struct edge_endpoints e = { "keep", NULL, 7 };
	struct ep_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			edge_endpoints_parse(bad[i], strlen(bad[i]), &e, &err),
			-EINVAL);
		assert_true(strlen(err.text) > 0);
		assert_string_equal(e.version, "keep");
		assert_int_equal(e.n, 7);
	}
	/* every cut of a good one */
	for (size_t n = 0; n < strlen(answer); n++)
		assert_int_equal(edge_endpoints_parse(answer, n, &e, &err),
				 -EINVAL);
}

/* What is no host is left out; the rest of the record counts. */
static void odd_names_are_left_out(void **state)
{
	static const char text[] =
		"[{\"id\":1,\"serviceArea\":\"a\",\"category\":\"Allow\","
		"\"tcpPorts\":\"443\",\"urls\":[\"ok.example.com\",\"a b.c\","
		"\"-x.y\",\"..\",\"x..y\",\"localhost\",\"$(id).x\",\"\"]}]";
	struct edge_endpoints e;

	(void)state;
	assert_int_equal(edge_endpoints_parse(text, strlen(text), &e, NULL), 0);
	assert_int_equal(e.list[0].n_urls, 1);
	assert_string_equal(e.list[0].urls[0], "ok.example.com");
	edge_endpoints_finish(&e);
}

static int version(const char *text, const char *instance, char *ret)
{
	return edge_version_parse(text, strlen(text), instance, ret, NULL);
}

static void the_version_is_found(void **state)
{
	char v[EDGE_VERSION_MAX] = "";

	(void)state;
	assert_int_equal(version("{\"instance\":\"Worldwide\",\"latest\":"
				 "\"2026110100\"}",
				 "Worldwide", v),
			 0);
	assert_string_equal(v, "2026110100");
	assert_int_equal(version("[{\"instance\":\"China\",\"latest\":"
				 "\"2026010100\"},{\"instance\":\"Worldwide\","
				 "\"latest\":\"2026110101\"}]",
				 "worldwide", v),
			 0);
	assert_string_equal(v, "2026110101");
	assert_int_equal(version("[{\"instance\":\"China\",\"latest\":"
				 "\"2026010100\"}]",
				 "Worldwide", v),
			 -ENOENT);
	assert_int_equal(version("{\"instance\":\"Worldwide\",\"latest\":"
				 "\"soon\"}",
				 "Worldwide", v),
			 -EINVAL);
	assert_int_equal(version("[]", "Worldwide", v), -ENOENT);
	assert_int_equal(version("7", "Worldwide", v), -EINVAL);
	assert_string_equal(v, "2026110101");
}

/* --- choosing --- */

struct chosen {
	char text[2048];
};

static int on_choice(const struct edge_choice *choice, void *arg)
{
	struct chosen *c = arg;
	size_t n = strlen(c->text);

	assert_true(strlen(choice->why) > 0);
	snprintf(c->text + n, sizeof(c->text) - n, "%s:%s ", choice->host,
		 choice->probes[0]);
	return 0;
}

static void expect(const struct edge_endpoints *e,
		   struct edge_selection selection, const char *wanted,
		   size_t left)
{
	struct chosen c = { "" };
	size_t n = 99;

	if (selection.max == 0)
		selection.max = 100;
	assert_int_equal(edge_choose(e, &selection, on_choice, &c, &n), 0);
	assert_string_equal(c.text, wanted);
	assert_int_equal(n, left);
}

static void hosts_are_chosen_once_and_the_best_first(void **state)
{
	struct edge_endpoints e = parsed();

	(void)state;
	expect(&e, (struct edge_selection){ .categories = "Optimize" },
	       "outlook.office.com:tcp outlook.office365.com:tcp "
	       "world.tr.teams.microsoft.com:stun microsoft.sharepoint.com:tcp "
	       "microsoft-my.sharepoint.com:tcp ",
	       0);
	expect(&e,
	       (struct edge_selection){ .categories = "Optimize",
					.areas = "SharePoint",
					.tenant = "contoso" },
	       "contoso.sharepoint.com:tcp contoso-my.sharepoint.com:tcp ", 0);
	expect(&e, (struct edge_selection){ .areas = "exchange,common" },
	       "outlook.office.com:tcp outlook.office365.com:tcp "
	       "login.microsoftonline.com:tcp autodiscover-s.outlook.com:tcp ",
	       0);
	expect(&e, (struct edge_selection){ .areas = "Nothing" }, "", 0);
	edge_endpoints_finish(&e);
}

static void never_more_than_the_bound(void **state)
{
	struct edge_endpoints e = parsed();

	(void)state;
	expect(&e, (struct edge_selection){ .max = 2 },
	       "outlook.office.com:tcp outlook.office365.com:tcp ", 5);
	edge_endpoints_finish(&e);
}

static void the_built_in_list_is_there(void **state)
{
	const struct edge_endpoints *e = edge_endpoints_built_in();

	(void)state;
	assert_string_equal(e->version, "2023073100");
	expect(e, (struct edge_selection){ .categories = "Optimize" },
	       "outlook.office365.com:tcp outlook.office.com:tcp "
	       "outlook.cloud.microsoft:tcp microsoft.sharepoint.com:tcp "
	       "microsoft-my.sharepoint.com:tcp "
	       "world.tr.teams.microsoft.com:stun ",
	       0);
}

struct left_out {
	char text[256];
};

static void on_left_out(const char *url, void *arg)
{
	struct left_out *l = arg;
	size_t n = strlen(l->text);

	snprintf(l->text + n, sizeof(l->text) - n, "%s ", url);
}

static void wildcards_without_a_host_are_named(void **state)
{
	static const struct edge_selection all = { .max = 9 },
					   best = { .categories = "Optimize",
						    .max = 9 };
	struct edge_endpoints e = parsed();
	struct left_out l = { "" };

	(void)state;
	edge_left_out(&e, &all, on_left_out, &l);
	assert_string_equal(l.text, "*.unheard.example ");
	l.text[0] = '\0';
	edge_left_out(&e, &best, on_left_out, &l);
	assert_string_equal(l.text, "");
	edge_endpoints_finish(&e);
}

/* Twice in a list, once in what is said of it. */
static void a_wildcard_is_named_once(void **state)
{
	static const char text[] =
		"[{\"id\":1,\"serviceArea\":\"a\",\"category\":\"Allow\","
		"\"tcpPorts\":\"443\",\"urls\":[\"*.x.example\","
		"\"*.X.example\"]},{\"id\":2,\"serviceArea\":\"a\","
		"\"category\":\"Allow\",\"tcpPorts\":\"443\",\"urls\":["
		"\"*.y.example\",\"*.x.example\"]}]";
	static const struct edge_selection all = { .max = 9 };
	struct left_out l = { "" };
	struct edge_endpoints e;

	(void)state;
	assert_int_equal(edge_endpoints_parse(text, strlen(text), &e, NULL), 0);
	edge_left_out(&e, &all, on_left_out, &l);
	assert_string_equal(l.text, "*.x.example *.y.example ");
	edge_endpoints_finish(&e);
}

static int kept(const char *version, const char *list, struct edge_endpoints *e)
{
	char text[4096];
	int n = snprintf(text, sizeof(text),
			 "{\"version\": %s, \"endpoints\": %s}", version, list);

	assert_true(n > 0 && (size_t)n < sizeof(text));
	return edge_endpoints_parse_kept(text, (size_t)n, e, NULL);
}

static void a_kept_list_has_its_version(void **state)
{
	struct edge_endpoints e = { "keep", NULL, 7 };

	(void)state;
	assert_int_equal(kept("\"soon\"", answer, &e), -EINVAL);
	assert_int_equal(kept("2026110100", answer, &e), -EINVAL);
	assert_int_equal(kept("\"2026110100\"", "[]", &e), -EINVAL);
	assert_int_equal(kept("\"2026110100\"", "null", &e), -EINVAL);
	assert_int_equal(
		edge_endpoints_parse_kept(answer, strlen(answer), &e, NULL),
		-EINVAL);
	assert_string_equal(e.version, "keep");
	assert_int_equal(kept("\"2026110100\"", answer, &e), 0);
	assert_string_equal(e.version, "2026110100");
	assert_int_equal(e.n, 6);
	edge_endpoints_finish(&e);
}

/* --- the fuzzer's seeds --- */

static void seeds_of_the_fuzzer(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(a_hostile_answer_changes_nothing),
		cmocka_unit_test(odd_names_are_left_out),
		cmocka_unit_test(the_version_is_found),
		cmocka_unit_test(hosts_are_chosen_once_and_the_best_first),
		cmocka_unit_test(never_more_than_the_bound),
		cmocka_unit_test(the_built_in_list_is_there),
		cmocka_unit_test(wildcards_without_a_host_are_named),
		cmocka_unit_test(a_wildcard_is_named_once),
		cmocka_unit_test(a_kept_list_has_its_version),
		cmocka_unit_test(seeds_of_the_fuzzer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
