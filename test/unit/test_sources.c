/* Targets that come of a source, and what is wrong with such. */
#include "config/sources.h"
#include "edgeprobe/kind.h"
#include "lib/load_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char folder[64];

/* A configuration whose store is in the folder, with these targets. */
static int load(const char *targets, struct config *ret_config,
		struct buf *problems)
{
	char text[4096];
	const char *all = text;
	int n = snprintf(
		text, sizeof(text),
		"{\"store\": {\"path\": \"%s/store.db\"}, "
		"\"circuits\": [{\"name\": \"x\"}, {\"name\": \"y\"}], "
		"\"defaults\": {\"interval\": \"60s\", \"path\": "
		"\"/d\", \"probes\": [\"tcp\"]},\n \"targets\": [%s]}",
		folder, targets);

	assert_true(n > 0 && (size_t)n < sizeof(text));
	return load_config(&all, 1, ret_config, problems);
}

static struct config good(const char *targets)
{
	struct config config = { 0 };
	struct buf problems;

	if (load(targets, &config, &problems) != 0)
		fail_msg("%s", problems.data);
	buf_finish(&problems);
	return config;
}

static void keep(const char *instance, const char *text)
{
	char *path, store[128];
	FILE *f;

	snprintf(store, sizeof(store), "%s/store.db", folder);
	path = sources_list_path(store, instance);
	unlink(path);
	if (text) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_true(fputs(text, f) >= 0);
		assert_int_equal(fclose(f), 0);
	}
	free(path);
}

static void expect_hosts(const struct config *c, const char *wanted)
{
	char got[2048] = "";
	size_t n = 0;

	for (size_t i = 0; i < c->n_targets; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s=%s ",
				      c->targets[i].name, c->targets[i].host);
	assert_string_equal(got, wanted);
}

static void an_item_becomes_the_hosts_of_its_source(void **state)
{
	struct config c = good("{\"source\": \"microsoft365\", "
			       "\"service_areas\": [\"Exchange\", \"Skype\"], "
			       "\"circuits\": [\"y\"], \"interval\": \"5s\"}, "
			       "{\"host\": \"h\"}");

	(void)state;
	expect_hosts(&c, "h=h "
			 "microsoft365/outlook.office365.com="
			 "outlook.office365.com "
			 "microsoft365/outlook.office.com=outlook.office.com "
			 "microsoft365/outlook.cloud.microsoft="
			 "outlook.cloud.microsoft "
			 "microsoft365/world.tr.teams.microsoft.com="
			 "world.tr.teams.microsoft.com ");
	assert_false(c.built_in_targets);
	assert_int_equal(c.n_sources, 1);
	assert_int_equal(c.n_sourced, 4);
	assert_string_equal(c.sourced[0].why, "entry 1, Exchange, Optimize");
	for (size_t i = 1; i < 5; i++) {
		assert_int_equal(c.targets[i].interval_ns, 5000000000);
		assert_int_equal(c.targets[i].n_circuits, 1);
		assert_int_equal(c.targets[i].circuits[0], 1);
		assert_string_equal(c.targets[i].path, "/d");
		assert_null(c.targets[i].source);
		assert_null(c.targets[i].areas);
	}
	assert_int_equal(c.targets[1].n_probes, 3);
	assert_int_equal(c.targets[4].n_probes, 1);
	assert_string_equal(c.targets[4].probes[0]->name, "stun");
	assert_int_equal(c.targets[0].n_probes, 1);
	config_finish(&c);
}

static void what_the_item_says_goes_first(void **state)
{
	struct config c =
		good("{\"name\": \"m365\", \"source\": "
		     "\"microsoft365\", \"service_areas\": "
		     "[\"SharePoint\"], \"tenant\": \"contoso\", "
		     "\"max_targets\": 1, \"probes\": [\"icmp\"]}, "
		     "{\"source\": \"front-door\", \"path\": \"/p\"}");

	(void)state;
	expect_hosts(&c, "m365/contoso.sharepoint.com=contoso.sharepoint.com "
			 "front-door/fpc.msedge.net=fpc.msedge.net ");
	assert_int_equal(c.targets[0].n_probes, 1);
	assert_string_equal(c.targets[0].probes[0]->name, "icmp");
	assert_string_equal(c.targets[1].path, "/p");
	assert_int_equal(c.targets[1].n_probes, 3);
	config_finish(&c);
}

static void groups_are_ready(void **state)
{
	struct config c = good("{\"source\": \"teams-media\"}, {\"source\": "
			       "\"front-door\"}, {\"source\": \"entra\"}");

	(void)state;
	expect_hosts(&c, "teams-media/world.tr.teams.microsoft.com="
			 "world.tr.teams.microsoft.com "
			 "front-door/fpc.msedge.net=fpc.msedge.net "
			 "entra/login.microsoftonline.com="
			 "login.microsoftonline.com ");
	assert_string_equal(c.targets[0].probes[0]->name, "stun");
	assert_string_equal(c.targets[1].path, "/apc/trans.gif");
	assert_int_equal(c.sourced[2].source, 2);
	config_finish(&c);
}

static const char one_host[] =
	"{\"version\": \"2026110100\", \"endpoints\": [{\"id\": 1, "
	"\"serviceArea\": \"Exchange\", \"category\": \"Optimize\", "
	"\"tcpPorts\": \"443\", \"urls\": [\"only.example\", "
	"\"no_way.%s.example\"]}]}";

static void the_kept_list_goes_before_the_built_in_one(void **state)
{
	char text[1024], label[65];
	struct config c;

	(void)state;
	/* a label that is too long makes a host that nobody can ask for */
	memset(label, 'a', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	snprintf(text, sizeof(text), one_host, label);
	keep("Worldwide", text);
	c = good("{\"source\": \"microsoft365\"}");
	assert_true(c.n_targets >= 1);
	assert_string_equal(c.targets[0].host, "only.example");
	assert_int_equal(c.n_sourced, c.n_targets);
	config_finish(&c);
	keep("Worldwide", NULL);
}

static void a_broken_list_is_passed_over(void **state)
{
	static const char *const broken[] = {
		"",
		"<html>sign in</html>",
		"{\"version\": \"2026110100\"}",
		"null",
		"{\"version\": \"2026110100\", \"endpoints\": [1]}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct config c;

		keep("Worldwide", broken[i]);
		c = good("{\"source\": \"microsoft365\"}");
		assert_int_equal(c.n_targets, 6);
		config_finish(&c);
	}
	keep("Worldwide", NULL);
}

/* Whatever stands there, nobody waits for it. */
static void a_list_that_is_no_file_is_passed_over(void **state)
{
	char store[128], *path;
	struct config c;

	(void)state;
	snprintf(store, sizeof(store), "%s/store.db", folder);
	path = sources_list_path(store, "Worldwide");
	assert_int_equal(mkfifo(path, 0600), 0);
	c = good("{\"source\": \"microsoft365\"}");
	assert_int_equal(c.n_targets, 6);
	config_finish(&c);
	unlink(path);
	free(path);
}

static void of_other_clouds_only_a_kept_list_is_used(void **state)
{
	char text[1024];
	struct config c = good("{\"source\": \"microsoft365\", \"instance\": "
			       "\"China\"}");

	(void)state;
	assert_int_equal(c.n_targets, 0);
	assert_false(c.built_in_targets);
	config_finish(&c);
	snprintf(text, sizeof(text), one_host, "b");
	keep("China", text);
	c = good("{\"source\": \"microsoft365\", \"instance\": \"China\"}");
	assert_string_equal(c.targets[0].host, "only.example");
	config_finish(&c);
	keep("China", NULL);
}

static void long_names_stay_apart(void **state)
{
	static const char prefix[] =
		"a-name-of-forty-eight-bytes-is-the-longest-prefix";
	char text[256];
	struct config c;

	(void)state;
	snprintf(text, sizeof(text),
		 "{\"name\": \"%.48s\", \"source\": \"microsoft365\"}", prefix);
	c = good(text);
	assert_int_equal(c.n_targets, 6);
	for (size_t i = 0; i < c.n_targets; i++)
		assert_true(strlen(c.targets[i].name) <= 64);
	config_finish(&c);
}

static void what_is_printed_loads_to_the_same(void **state)
{
	struct config first = good("{\"source\": \"microsoft365\"}, "
				   "{\"source\": \"teams-media\"}"),
		      second = { 0 };
	struct buf a, b, problems;
	const char *text;

	(void)state;
	buf_init(&a, 65536);
	buf_init(&b, 65536);
	config_print(&first, &a);
	text = a.data;
	assert_null(strstr(text, "source\":"));
	assert_int_equal(load_config(&text, 1, &second, &problems), 0);
	config_print(&second, &b);
	assert_string_equal(a.data, b.data);
	assert_int_equal(second.n_targets, 7);
	config_finish(&first);
	config_finish(&second);
	buf_finish(&a);
	buf_finish(&b);
	buf_finish(&problems);
}

/* Each begins in column 14 of line 2. */
static const char *const bad[][2] = {
	{ "{}", "2:14: \"host\" is missing in this target: name or address to "
		"measure; gateway: the router; required unless there is a "
		"source" },
	{ "{\"source\": \"microsoft365\", \"host\": \"h\"}",
	  "2:41: \"host\" and \"source\" are given, one of them is allowed" },
	{ "{\"source\": \"office\"}",
	  "2:25: \"source\" is \"office\", \"microsoft365\", \"teams-media\", "
	  "\"front-door\" or \"entra\" is allowed" },
	{ "{\"source\": \"microsoft365\", \"instance\": \"Germany\"}",
	  "2:53: \"instance\" is \"Germany\", \"Worldwide\", \"China\", "
	  "\"USGovDoD\" or \"USGovGCCHigh\" is allowed" },
	{ "{\"source\": \"microsoft365\", \"service_areas\": [\"Teams\"]}",
	  "2:59: \"service_areas\" is \"Teams\", a list of \"Common\", "
	  "\"Exchange\", \"SharePoint\" and \"Skype\" is allowed" },
	{ "{\"source\": \"microsoft365\", \"categories\": \"Allow\"}",
	  "2:55: \"categories\" is \"Allow\", a list of texts is allowed" },
	{ "{\"source\": \"microsoft365\", \"tenant\": \"a.b\"}",
	  "2:51: \"tenant\" is \"a.b\", letters, digits and '-' is allowed" },
	{ "{\"source\": \"microsoft365\", \"max_targets\": 1001}",
	  "2:56: \"max_targets\" is 1001, a whole number from 1 to 1000 is "
	  "allowed" },
	{ "{\"source\": \"entra\", \"tenant\": \"a\"}",
	  "2:34: \"tenant\" is given, it is allowed with \"source\": "
	  "\"microsoft365\" only" },
	{ "{\"host\": \"h\", \"instance\": \"China\"}",
	  "2:28: \"instance\" is given, it is allowed with \"source\": "
	  "\"microsoft365\" only" },
	{ "{\"source\": \"entra\"}, {\"source\": \"entra\"}",
	  "2:46: the name \"entra\" is taken (2:25), names are unique" },
	{ "{\"source\": \"entra\"}, {\"host\": \"h\", \"name\": \"entra/x\"}",
	  "2:57: names that begin with \"entra/\" are those of a source, "
	  "another one is allowed" },
	{ "{\"source\": \"microsoft365\", \"circuits\": [\"z\"]}",
	  "2:54: there is no circuit \"z\", configured are: \"x\" \"y\"" },
	{ "{\"source\": \"entra\", \"name\": "
	  "\"a-name-of-forty-nine-bytes-is-too-long-as-a-prefix\"}",
	  "2:42: \"name\" is \"a-name-of-forty-nine-bytes-is-too-long-as-a-"
	  "prefix\", with a source a text of at most 48 bytes is allowed" },
};

static void expect_problem(const char *targets, const char *wanted)
{
	struct config config = { 0 };
	struct buf problems;
	char *at, got[1024] = "";

	assert_int_equal(load(targets, &config, &problems), -EINVAL);
	for (at = problems.data; strncmp(at, "/etc/x/a.json:", 14) == 0;) {
		size_t n = strcspn(at + 14, "\n");

		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s",
			 (int)n, at + 14);
		at += 14 + n + 1;
	}
	/* the same of another place */
	at = strstr(got, "(/etc/x/a.json:");
	if (at)
		memmove(at + 1, at + 15, strlen(at + 15) + 1);
	assert_string_equal(got, wanted);
	buf_finish(&problems);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_problem(bad[i][0], bad[i][1]);
}

static int make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.40s/sources-XXXXXX",
		 tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_item_becomes_the_hosts_of_its_source),
		cmocka_unit_test(what_the_item_says_goes_first),
		cmocka_unit_test(groups_are_ready),
		cmocka_unit_test(the_kept_list_goes_before_the_built_in_one),
		cmocka_unit_test(a_broken_list_is_passed_over),
		cmocka_unit_test(a_list_that_is_no_file_is_passed_over),
		cmocka_unit_test(of_other_clouds_only_a_kept_list_is_used),
		cmocka_unit_test(long_names_stay_apart),
		cmocka_unit_test(what_is_printed_loads_to_the_same),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
