#include "config/config.h"
#include "config/schema.h"
#include "edge/catalogue.h"
#include "edgeprobe/kind.h"
#include "lib/load_config.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S            UINT64_C(1000000000)

static struct config good(const char *text)
{
	struct config config = { 0 };
	struct buf problems;

	if (load_config(&text, 1, &config, &problems) != 0)
		fail_msg("%s", problems.data);
	assert_string_equal(problems.data, "");
	buf_finish(&problems);
	return config;
}

static void nothing_is_required(void **state)
{
	struct config c = good("{}");
	size_t n;

	(void)state;
	edge_catalogue(&n);
	assert_true(c.built_in_targets);
	assert_int_equal(c.n_targets, n);
	assert_int_equal(c.n_circuits + c.n_destinations, 0);
	assert_int_equal(c.targets[0].interval_ns, 10 * S);
	assert_int_equal(c.targets[0].timeout_ns, 3 * S);
	assert_int_equal(c.targets[0].count, 1);
	assert_int_equal(c.targets[0].port, 0);
	assert_int_equal(c.targets[0].family, 0);
	assert_true(isnan(c.site.latitude));
	assert_null(c.dns_servers);
	assert_int_equal(c.dns_timeout_ns, 5 * S);
	assert_null(c.ca_file);
	assert_int_equal(c.store_max_bytes, UINT64_C(1) << 30);
	assert_true(strlen(c.agent) > 0);
	config_finish(&c);
}

static void the_default_probes_are_all_kinds(void **state)
{
	struct config c = good("{\"targets\": [{\"host\": \"h\"}]}");
	size_t n, wanted = 0;
	const struct ep_kind *const *kinds = ep_kinds(&n);

	(void)state;
	assert_false(c.built_in_targets);
	for (size_t i = 0; i < n; i++)
		wanted += !kinds[i]->asked_for;
	assert_int_equal(wanted, n - 1); /* stun has to be asked for */
	assert_int_equal(c.targets[0].n_probes, wanted);
	for (size_t i = 0; i < wanted; i++)
		assert_false(c.targets[0].probes[i]->asked_for);
	assert_string_equal(c.targets[0].name, "h");
	config_finish(&c);
}

static void defaults_hold_wherever_they_stand(void **state)
{
	struct config c = good(
		"{\"targets\": [{\"host\": \"a\"}, {\"host\": \"b\", "
		"\"interval\": \"1s\", \"probes\": [\"icmp\"], \"path\": "
		"\"/b\"}], \"defaults\": {\"interval\": \"5s\", \"probes\": "
		"[\"tcp\"], \"path\": \"/d\", \"expect_status\": 204}}");

	(void)state;
	assert_int_equal(c.targets[0].interval_ns, 5 * S);
	assert_int_equal(c.targets[1].interval_ns, S);
	assert_string_equal(c.targets[0].probes[0]->name, "tcp");
	assert_string_equal(c.targets[1].probes[0]->name, "icmp");
	assert_int_equal(c.targets[1].n_probes, 1);
	assert_string_equal(c.targets[0].path, "/d");
	assert_string_equal(c.targets[1].path, "/b");
	assert_int_equal(c.targets[1].expect_status.status[0], 204);
	config_finish(&c);
}

static void defaults_reach_the_built_in_targets(void **state)
{
	struct config c = good("{\"defaults\": {\"interval\": \"1m\"}}");

	(void)state;
	assert_true(c.built_in_targets);
	assert_int_equal(c.targets[0].interval_ns, 60 * S);
	config_finish(&c);
}

static void circuits_are_all_unless_named(void **state)
{
	struct config c = good(
		"{\"targets\": [{\"host\": \"a\"}, {\"host\": \"b\", "
		"\"circuits\": [\"y\"]}, {\"host\": \"c\", \"circuits\": []}], "
		"\"circuits\": [{\"name\": \"x\"}, {\"name\": \"y\"}]}");

	(void)state;
	assert_int_equal(c.targets[0].n_circuits, 2);
	assert_int_equal(c.targets[1].n_circuits, 1);
	assert_int_equal(c.targets[1].circuits[0], 1);
	assert_int_equal(c.targets[2].n_circuits, 0);
	config_finish(&c);
}

static void files_merge_in_order(void **state)
{
	static const char *const texts[] = {
		"{\"agent\": \"one\", \"site\": {\"name\": \"s\", \"metro\": "
		"\"m\"}, \"targets\": [{\"host\": \"a\"}], \"dns\": "
		"{\"servers\": [\"192.0.2.1\"]}}",
		"{\"agent\": \"two\", \"site\": {\"name\": \"t\"}, "
		"\"targets\": "
		"[{\"host\": \"b\", \"circuits\": [\"x\"]}], \"dns\": "
		"{\"servers\": [\"192.0.2.2\"]}}",
		"{\"circuits\": [{\"name\": \"x\"}]}",
	};
	struct config c = { 0 };
	struct buf problems;

	(void)state;
	assert_int_equal(load_config(texts, 3, &c, &problems), 0);
	assert_string_equal(c.agent, "two");
	assert_string_equal(c.site.name, "t");
	assert_string_equal(c.site.metro, "m");
	assert_int_equal(c.n_targets, 2);
	assert_string_equal(c.targets[0].host, "a");
	assert_string_equal(c.targets[1].host, "b");
	assert_int_equal(c.targets[1].n_circuits, 1);
	assert_string_equal(c.dns_servers, "192.0.2.1,192.0.2.2");
	config_finish(&c);
	buf_finish(&problems);
}

static void files_are_looked_for_beside_their_file(void **state)
{
	struct config c = good(
		"{\"store\": {\"path\": \"s.db\"}, \"tls\": {\"ca_file\": "
		"\"/ca.pem\"}, \"destinations\": [{\"name\": \"a\", \"url\": "
		"\"https://a/\", \"token_file\": \"a.token\"}]}");

	(void)state;
	assert_string_equal(c.store_path, "/etc/x/s.db");
	assert_string_equal(c.ca_file, "/ca.pem");
	assert_string_equal(c.destinations[0].token_file, "/etc/x/a.token");
	assert_string_equal(c.destinations[0].ca_file, "/ca.pem");
	assert_true(c.destinations[0].gzip);
	assert_string_equal(c.destinations[0].encoding, "ndjson");
	config_finish(&c);
}

static void folders_are_not_compressed_unless_asked(void **state)
{
	struct config c = good("{\"destinations\": [{\"name\": \"a\", \"url\": "
			       "\"file:///x/\"}, {\"name\": \"b\", \"url\": "
			       "\"file:///y/\", \"gzip\": true}]}");

	(void)state;
	assert_false(c.destinations[0].gzip);
	assert_true(c.destinations[1].gzip);
	config_finish(&c);
}

static void the_store_is_where_the_machine_says(void **state)
{
	char *path;

	(void)state;
	setenv("STATE_DIRECTORY", "/run/a:/run/b", 1);
	path = config_default_store();
	assert_string_equal(path, "/run/a/store.db");
	free(path);
	unsetenv("STATE_DIRECTORY");
	setenv("XDG_STATE_HOME", "/x", 1);
	path = config_default_store();
	assert_string_equal(path, geteuid() == 0 ? "/var/lib/edgeprobe/store.db"
						 : "/x/edgeprobe/store.db");
	free(path);
}

static const char everything[] =
	"{\"agent\": \"a\", \"site\": {\"name\": \"\xc3\xa9 \\\"\", "
	"\"country\": \"NL\", \"metro\": \"m\", \"latitude\": 52.37, "
	"\"longitude\": -4.9, \"expected_pops\": [\"AMS\", \"BY1\", "
	"\"AMS\"]}, \"circuits\": [{\"name\": \"x\", "
	"\"provider\": \"p\", \"source\": \"eth0\", \"prefix\": "
	"\"2001:db8::/32\", \"connection\": \"c\", \"primary_location\": "
	"\"l\", \"backup_location\": \"k\", \"dns\": [\"::1\", "
	"\"[::1]:53\"]}], \"defaults\": {\"count\": 2, \"expect_issuer\": "
	"[\"Contoso\"]}, \"targets\": "
	"[{\"name\": \"t\", \"host\": \"h\", \"probes\": [\"https\", "
	"\"icmp\"], \"circuits\": [\"x\"], \"interval\": \"90s\", "
	"\"timeout\": \"250ms\", \"port\": 1, \"family\": \"both\", \"path\": "
	"\"/p?q\", \"expect_status\": [200, 301], \"expect_issuer\": "
	"[\"DigiCert\"], \"size\": 24, \"ttl\": 1, "
	"\"dscp\": 46}], \"dns\": {\"servers\": [\"192.0.2.1\"], \"timeout\": "
	"\"1.5s\", \"origin\": \"asn.test\"}, \"tls\": {\"ca_file\": \"ca\"}, "
	"\"store\": {\"path\": "
	"\"s\", \"max_size\": \"16MiB\"}, \"destinations\": [{\"name\": \"d\", "
	"\"url\": \"https://d/?v=1&sig=secret\", \"encoding\": \"json-array\", "
	"\"token_file\": \"t\", \"ca_file\": \"c\", \"cert_file\": \"e\", "
	"\"key_file\": \"k\", \"key_password_file\": \"w\", \"proxy\": "
	"\"https://p:1\", \"proxy_user\": \"u\", \"proxy_password_file\": "
	"\"v\", \"proxy_auth\": \"basic\", \"proxy_ca_file\": \"i\", "
	"\"no_proxy\": [\"10.0.0.0/8\", \".x\", \"*\"], \"circuit\": \"x\", "
	"\"gzip\": false, \"batch_rows\": 7, "
	"\"batch_bytes\": \"8KiB\", \"interval\": \"1s\", \"timeout\": "
	"\"2s\"}]}";

static void what_is_printed_loads_to_the_same(void **state)
{
	struct config first = good(everything), second;
	struct buf a, b;

	(void)state;
	buf_init(&a, 65536);
	buf_init(&b, 65536);
	config_print(&first, &a);
	second = good(a.data);
	config_print(&second, &b);
	assert_string_equal(a.data, b.data);
	assert_int_equal(second.targets[0].count, 2);
	assert_int_equal(second.targets[0].family, 46);
	assert_int_equal(second.targets[0].expect_status.n, 2);
	assert_string_equal(second.targets[0].expect_issuer,
			    "Contoso,DigiCert");
	assert_int_equal(second.dns_timeout_ns, 3 * S / 2);
	assert_string_equal(second.circuits[0].dns, "::1,[::1]:53");
	assert_string_equal(second.site.name, "\xc3\xa9 \"");
	assert_int_equal(second.site.n_expected_pops, 2);
	assert_string_equal(second.site.expected_pops[0], "AMS");
	assert_string_equal(second.site.expected_pops[1], "BY");
	assert_string_equal(second.destinations[0].key_file, "/etc/x/k");
	assert_string_equal(second.destinations[0].no_proxy, "10.0.0.0/8,.x,*");
	assert_string_equal(second.destinations[0].source, "eth0");
	config_finish(&first);
	config_finish(&second);
	buf_finish(&a);
	buf_finish(&b);
}

static void a_service_that_gives_tokens(void **state)
{
	struct config c =
		good("{\"destinations\": [{\"name\": \"a\", \"url\": "
		     "\"https://a/\", \"auth\": {\"type\": \"entra\", "
		     "\"tenant\": \"t\", \"client_id\": \"i\", \"cert_file\": "
		     "\"c.pem\", \"key_file\": \"/k.pem\"}}, {\"name\": \"b\", "
		     "\"url\": \"https://b/\"}]}");
	struct config again;
	struct buf out;

	(void)state;
	assert_string_equal(c.destinations[0].auth.type, "entra");
	assert_string_equal(c.destinations[0].auth.cert_file, "/etc/x/c.pem");
	assert_string_equal(c.destinations[0].auth.key_file, "/k.pem");
	assert_null(c.destinations[0].auth.secret_file);
	assert_null(c.destinations[1].auth.type);
	buf_init(&out, 65536);
	config_print(&c, &out);
	again = good(out.data); /* and an object that is not there stays so */
	assert_string_equal(again.destinations[0].auth.client_id, "i");
	assert_null(again.destinations[1].auth.type);
	config_finish(&c);
	config_finish(&again);
	buf_finish(&out);
}

static void secrets_are_not_printed(void **state)
{
	struct config c = good(everything);
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	config_print(&c, &out);
	assert_null(strstr(out.data, "secret"));
	assert_non_null(strstr(out.data, "\"https://d/?v=1&sig=***\""));
	config_finish(&c);
	buf_finish(&out);
}

/* A kind's option that no target could set would be of no use. */
static void every_option_of_a_kind_is_a_key(void **state)
{
	size_t n;
	const struct ep_kind *const *kinds = ep_kinds(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < kinds[i]->n_opts; j++) {
			const struct ep_opt *row = &kinds[i]->opts[j];
			const struct schema_key *key =
				schema_find(&schema_target, row->name);
			struct ep_opt opt;

			assert_non_null(key);
			opt = schema_opt(key);
			assert_int_equal(opt.type, row->type);
			assert_true(opt.min == row->min && opt.max == row->max);
			for (size_t k = 0; k < j; k++)
				assert_string_not_equal(kinds[i]->opts[k].name,
							row->name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_required),
		cmocka_unit_test(the_default_probes_are_all_kinds),
		cmocka_unit_test(defaults_hold_wherever_they_stand),
		cmocka_unit_test(defaults_reach_the_built_in_targets),
		cmocka_unit_test(circuits_are_all_unless_named),
		cmocka_unit_test(files_merge_in_order),
		cmocka_unit_test(files_are_looked_for_beside_their_file),
		cmocka_unit_test(folders_are_not_compressed_unless_asked),
		cmocka_unit_test(the_store_is_where_the_machine_says),
		cmocka_unit_test(what_is_printed_loads_to_the_same),
		cmocka_unit_test(a_service_that_gives_tokens),
		cmocka_unit_test(secrets_are_not_printed),
		cmocka_unit_test(every_option_of_a_kind_is_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
