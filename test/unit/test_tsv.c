#include "report/clickhouse/facts.h"
#include "report/clickhouse/fault.h"
#include "report/clickhouse/scope.h"
#include "report/clickhouse/tsv.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct tsv over(char *line)
{
	struct tsv t;

	tsv_init(&t, line);
	return t;
}

static void fields_of_a_line(void **state)
{
	char line[] = "a\\tb\\\\\\'\\n\t\t42\t-1.5e3\tinf\t\\N\t\\N";
	struct tsv t = over(line);

	(void)state;
	assert_string_equal(tsv_text(&t), "a\tb\\'\n");
	assert_string_equal(tsv_text(&t), "");
	assert_int_equal(tsv_uint(&t), 42);
	assert_true(tsv_double(&t) == -1500);
	assert_true(isinf(tsv_double(&t)));
	assert_true(isnan(tsv_double(&t)));
	assert_false(tsv_done(&t));
	assert_string_equal(tsv_text(&t), "");
	assert_true(tsv_done(&t));
	assert_string_equal(tsv_text(&t), ""); /* there is no more */
	assert_false(tsv_done(&t));
}

static void numbers_that_are_none(void **state)
{
	static const char *const bad[] = {
		"",     " 1",  "1 ",  "+1", "-1",
		"0x10", "1.5", "\\N", "x",  "18446744073709551616",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[64];
		struct tsv t;

		snprintf(line, sizeof(line), "%s", bad[i]);
		t = over(line);
		assert_int_equal(tsv_uint(&t), 0);
		assert_true(t.bad);
	}
	for (size_t i = 0; i < 3; i++) {
		static const char *const no[] = { "", " 1", "1,5" };
		char line[64];
		struct tsv t;

		snprintf(line, sizeof(line), "%s", no[i]);
		t = over(line);
		tsv_double(&t);
		assert_true(t.bad);
	}
}

static void a_map_of_steps(void **state)
{
	char line[] = "([1,20,300],[7,8,9])\t([],[])";
	uint64_t key, value, keys = 0, values = 0;
	struct tsv t = over(line);
	struct tsv_map map = tsv_map(&t);

	(void)state;
	while (tsv_map_next(&map, &key, &value)) {
		keys = keys * 1000 + key;
		values = values * 10 + value;
	}
	assert_false(map.bad);
	assert_int_equal(keys, 1020300);
	assert_int_equal(values, 789);
	map = tsv_map(&t);
	assert_false(tsv_map_next(&map, &key, &value));
	assert_false(map.bad);
	assert_true(tsv_done(&t));
}

static void maps_that_are_none(void **state)
{
	static const char *const bad[] = {
		"",
		"([1],[2",
		"([1],[])",
		"([],[1])",
		"([1,2],[3])",
		"([1],[2,3])",
		"([1,],[2,])",
		"([,1],[,2])",
		"([-1],[2])",
		"([1],[2.5])",
		"([1] ,[2])",
		"([1],[2])x",
		"([99999999999999999999],[1])",
		"],[",
		"([],[",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[64];
		uint64_t key, value;
		struct tsv_map map;
		struct tsv t;

		snprintf(line, sizeof(line), "%s", bad[i]);
		t = over(line);
		map = tsv_map(&t);
		while (tsv_map_next(&map, &key, &value))
			;
		assert_true(map.bad || t.bad);
	}
}

static void a_row_as_it_was(void **state)
{
	static const struct clickhouse_member members[] = {
		{ "event", false },
		{ "level", false },
		{ "rtt_us", true },
		{ "share", true },
	};
	char line[] = "it \\\"is\\\"\t\t12.5\t\\N", wrong[] = "a\tb\tc\t1";
	struct json_doc *row = NULL;
	struct tsv t = over(line);
	double number = 0;

	(void)state;
	assert_int_equal(clickhouse_row(&t, members, 4, &row), 0);
	assert_true(tsv_done(&t));
	assert_string_equal(json_text(json_get(json_root(row), "event")),
			    "it \"is\"");
	assert_null(json_get(json_root(row), "level"));
	assert_true(json_number(json_get(json_root(row), "rtt_us"), &number));
	assert_true(number == 12.5);
	assert_null(json_get(json_root(row), "share"));
	json_destroy(row);
	t = over(wrong);
	assert_int_equal(clickhouse_row(&t, members, 4, &row), -EPROTO);
}

/* What stands inside of quotes cannot end them. */
static void names_in_a_question(void **state)
{
	struct buf sql;

	(void)state;
	buf_init(&sql, 1000);
	clickhouse_literal(&sql, "x' OR '1'='1");
	buf_char(&sql, ' ');
	clickhouse_literal(&sql, "\\' -- \\");
	buf_char(&sql, ' ');
	clickhouse_name(&sql, "a`; DROP TABLE `b\\");
	assert_string_equal(sql.data, "'x\\' OR \\'1\\'=\\'1' "
				      "'\\\\\\' -- \\\\' "
				      "`a\\`; DROP TABLE \\`b\\\\`");
	buf_finish(&sql);
}

static void what_clickhouse_has_against_it(void **state)
{
	static const struct {
		long status;
		const char *body;
		int code;
		const char *says;
	} cases[] = {
		{ 404,
		  "Code: 60, e.displayText() = DB::Exception: Table "
		  "edgeprobe.hours doesn't exist., e.what() = DB::Exception",
		  -ENOENT, "packaging/clickhouse/schema.sql" },
		{ 500, "Code: 81. DB::Exception: Database x does not exist",
		  -ENOENT, "name the database" },
		{ 500, "Code: 47, e.displayText() = DB::Exception: Unknown",
		  -ENOENT, "ddl --upgrade" },
		{ 401, "", -EACCES, "password" },
		{ 403, "Code: 516. DB::Exception: x: Authentication failed",
		  -EACCES, "password" },
		{ 500, "Code: 193, e.displayText() = DB::Exception: Wrong",
		  -EACCES, "password" },
		{ 500, "Code: 497. DB::Exception: r: Not enough privileges",
		  -EACCES, "does not let us read: r: Not" },
		{ 500, "Code: 241. DB::Exception: Memory\nlimit\t\texceeded",
		  -EREMOTEIO, "status 500: Memory limit exceeded" },
		{ 502, "<html>\r\n<h1>Bad</h1>", -EREMOTEIO,
		  "status 502: <html> <h1>Bad</h1>" },
		{ 302, "", -EREMOTEIO, "status 302: nothing more" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ep_err err = { 0 };

		assert_int_equal(
			clickhouse_fault(cases[i].status, cases[i].body, &err),
			cases[i].code);
		assert_non_null(strstr(err.text, cases[i].says));
		assert_null(strchr(err.text, '\n'));
	}
}

static void an_exception_among_rows(void **state)
{
	struct ep_err err = { 0 };

	(void)state;
	assert_int_equal(clickhouse_fault_inside("1\t2\tCode: 7", &err), 0);
	assert_int_equal(
		clickhouse_fault_inside("1\tCode: 241, e.displayText() = "
					"DB::Exception: Memory limit",
					&err),
		-EREMOTEIO);
	assert_non_null(strstr(err.text, "Memory limit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_a_line),
		cmocka_unit_test(numbers_that_are_none),
		cmocka_unit_test(a_map_of_steps),
		cmocka_unit_test(maps_that_are_none),
		cmocka_unit_test(a_row_as_it_was),
		cmocka_unit_test(names_in_a_question),
		cmocka_unit_test(what_clickhouse_has_against_it),
		cmocka_unit_test(an_exception_among_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
