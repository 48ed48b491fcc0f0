#include "core/pop.h"
#include "lib/seeds.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OLDEST                                                                 \
	"0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NURURHRTA2MTkANDM3YzgyY2QtMzYw"    \
	"YS00YTU0LTk0YzMtNWZmNzA3NjQ3Nzgz"
#define MIDDLE                                                                 \
	"20231215T101010Z-abcdefghijklmnopqrstuvwxyz0123456789abcdefghijkl"
#define NEWEST(code) "20250615T101010Z-r17bcdf6f6d8h2w4hC1" code "0000000000"
#define REF_B(node)                                                            \
	"Ref A: 00112233445566778899AABBCCDDEEFF Ref B: " node                 \
	" Ref C: 2026-01-01T00:00:00Z"
#define REPORT_TO(code)                                                        \
	"{\"group\":\"NelOfficeUpload1\",\"endpoints\":["                      \
	"{\"url\":\"https://exo.nel.measure.office.net/api/report?TenantId="   \
	"&FrontEnd=Cafe&DestinationEndpoint=" code "\"}]}"

static const struct {
	const char *name, *value, *code;
} values[] = {
	{ "X-MSEdge-Ref", REF_B("CO1EDGE0322"), "CO" },
	{ "X-MSEdge-Ref", REF_B("PAOEDGE0418"), "PAO" },
	{ "X-MSEdge-Ref", REF_B("BY3EDGE0306"), "BY" },
	{ "X-MSEdge-Ref", REF_B("TEB31EDGE0206"), "TEB" },
	{ "X-MSEdge-Ref", REF_B("FRA261110505054"), "FRA" },
	{ "X-MSEdge-Ref", REF_B("DM2AA1091211027"), "DM" },
	{ "X-MSEdge-Ref", REF_B("PNQ241100406036"), "PNQ" },
	{ "X-MSEdge-Ref", REF_B("BOM02EDGE0712"), "BOM" },
	{ "X-MSEdge-Ref", REF_B("HK2EDGE0915"), "HK" },
	{ "X-FD-Ref", REF_B("AMS231032608021"), "AMS" },
	/* Mutations: spaces, no Ref A or C, case of the label. */
	{ "X-MSEdge-Ref", "Ref B:   PAOEDGE0418", "PAO" },
	{ "X-MSEdge-Ref", "ref b: PAOEDGE0418 ref c: x", "PAO" },
	{ "X-MSEdge-Ref", "Ref B:PAOEDGE0418", "PAO" },
	/* Nothing that is a code. */
	{ "X-MSEdge-Ref", REF_B("EDGE0418"), "" },
	{ "X-MSEdge-Ref", REF_B("XEDGE0418"), "" },
	{ "X-MSEdge-Ref", REF_B("0418"), "" },
	{ "X-MSEdge-Ref", REF_B("pao0418"), "" },
	{ "X-MSEdge-Ref", REF_B("ABCDEFGH0418"), "" },
	{ "X-MSEdge-Ref", REF_B("A1"), "" },
	{ "X-MSEdge-Ref", "Ref A: PAOEDGE0418 Ref C: x", "" },
	{ "X-MSEdge-Ref", "Ref B:", "" },
	{ "X-MSEdge-Ref", "Ref B", "" },
	{ "X-MSEdge-Ref", "PAOEDGE0418", "" },
	/* X-Azure-Ref, three generations. */
	{ "X-Azure-Ref", OLDEST, "WST" },
	{ "X-Azure-Ref", MIDDLE, "" },
	{ "X-Azure-Ref", NEWEST("FRA"), "FRA" },
	{ "X-Azure-Ref", NEWEST("BY1"), "BY1" },
	{ "X-Azure-Ref", NEWEST("PAR"), "PAR" },
	/* Mutations of the newest. */
	{ "X-Azure-Ref", NEWEST("fra"), "" },
	{ "X-Azure-Ref", NEWEST("1FR"), "" },
	{ "X-Azure-Ref", NEWEST("F1A"), "" },
	{ "X-Azure-Ref", "20250615T101010Z-r17bcdf6f6d8h2w4hC1FR", "" },
	{ "X-Azure-Ref", "20250615T101010Z-r17bcdf6f6d8h2w4hC1FRA", "FRA" },
	{ "X-Azure-Ref", "20250615T101010Z-R17bcdf6f6d8h2w4hC1FRA0", "" },
	{ "X-Azure-Ref", "20250615T101010Z-r17bcdf6f6d8h2whC1FRA000", "" },
	{ "X-Azure-Ref", "20250615T101010Zr17bcdf6f6d8h2w4hC1FRA000", "" },
	{ "X-Azure-Ref", "2025061ST101010Z-r17bcdf6f6d8h2w4hC1FRA00", "" },
	{ "X-Azure-Ref", "20250615T101010Z-r17bcdf6f6d8h2w4hC2FRA00", "" },
	/* Mutations of the oldest. */
	{ "X-Azure-Ref", "0", "" },
	{ "X-Azure-Ref", "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0z", "" },
	{ "X-Azure-Ref", "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NU", "" },
	{ "X-Azure-Ref", "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NUAA==", "WST" },
	{ "X-Azure-Ref", "1" OLDEST, "" },
	{ "X-Azure-Ref", "0!" OLDEST, "" },
	/* Exchange. */
	{ "X-FirstHopCafeEFZ", "DUB", "DUB" },
	{ "X-FEEFZInfo", "PHX", "PHX" },
	{ "X-FEEFZInfo", "PHX,", "" },
	{ "X-FEEFZInfo", "PHXA", "" },
	{ "X-FEEFZInfo", "ph", "" },
	{ "Report-To", REPORT_TO("PHX"), "PHX" },
	{ "Report-To", "DestinationEndpoint=MNZ&x", "MNZ" },
};

static void note(struct ep_https *h, const char *line)
{
	pop_note(h, line, strlen(line));
}

static void code_of_each_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct ep_https h = { .pop = "" };
		char line[256];

		snprintf(line, sizeof(line), "%s: %s\r\n", values[i].name,
			 values[i].value);
		note(&h, line);
		if (strcmp(h.pop, values[i].code) != 0)
			fail_msg("%s gives \"%s\", not \"%s\"", line, h.pop,
				 values[i].code);
		assert_string_equal(h.pop_source, values[i].name);
		assert_string_equal(h.pop_ref, values[i].value);
	}
}

static void lines_that_are_something_else(void **state)
{
	static const char *const lines[] = {
		"",
		"\r\n",
		"X-MSEdge-Ref",
		"HTTP/1.1 200 OK\r\n",
		": AMS\r\n",
		"X-MSEdge-Ref:\r\n",
		"X-Cache: HIT",
		"Report-To: {\"group\":\"x\",\"endpoints\":[]}",
		"Report-To: " REPORT_TO(""),
		"Report-To: " REPORT_TO("phx"),
		"Report-To: " REPORT_TO("PHX1"),
		"Report-To: DestinationEndpoint",
		"NEL: {\"report_to\":\"NelOfficeUpload1\"}",
		"X-FEProxyInfo: PH7PR17CA0070.NAMPRD17.PROD.OUTLOOK.COM",
		"X-CalculatedFETarget: BYAPR06CU002.internal.outlook.com",
		"X-FEServer: SN6PR16CA0066\r\n",
		"X-FEEFZInfo:  ",
		"X-FEEFZInf: PHX",
		"X-FEEFZInfos: PHX",
	};
	struct ep_https h = { .pop = "" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		note(&h, lines[i]);
		assert_string_equal(h.pop_source, "");
	}
	assert_string_equal(h.pop, "");
	assert_string_equal(h.pop_ref, "");
}

static void name_in_any_case_without_a_line_end(void **state)
{
	struct ep_https h = { .pop = "" };

	(void)state;
	note(&h, "x-fEEFZinfo:PHX");
	assert_string_equal(h.pop, "PHX");
	assert_string_equal(h.pop_source, "X-FEEFZInfo");
}

/* In whatever order they come. */
static void expect_order(const char *first, const char *second,
			 const char *code, const char *source)
{
	struct ep_https h = { .pop = "" };

	note(&h, first);
	note(&h, second);
	assert_string_equal(h.pop, code);
	assert_string_equal(h.pop_source, source);
}

static void expect_wins(const char *better, const char *worse, const char *code,
			const char *source)
{
	expect_order(better, worse, code, source);
	expect_order(worse, better, code, source);
}

static void precedence(void **state)
{
	(void)state;
	expect_wins("X-MSEdge-Ref: Ref B: AMS1", "X-FD-Ref: Ref B: FRA1", "AMS",
		    "X-MSEdge-Ref");
	expect_wins("X-FD-Ref: Ref B: FRA1", "X-Azure-Ref: " NEWEST("IST"),
		    "FRA", "X-FD-Ref");
	expect_wins("X-Azure-Ref: " NEWEST("IST"), "X-FirstHopCafeEFZ: DUB",
		    "IST", "X-Azure-Ref");
	expect_wins("X-FirstHopCafeEFZ: DUB", "X-FEEFZInfo: CDG", "DUB",
		    "X-FirstHopCafeEFZ");
	expect_wins("X-FEEFZInfo: CDG", "Report-To: " REPORT_TO("PHX"), "CDG",
		    "X-FEEFZInfo");
	/* One with a code goes before one without. */
	expect_wins("Report-To: " REPORT_TO("PHX"), "X-Azure-Ref: " MIDDLE,
		    "PHX", "Report-To");
	expect_wins("X-Azure-Ref: " MIDDLE, "Report-To: " REPORT_TO(""), "",
		    "X-Azure-Ref");
	expect_wins("X-FEEFZInfo: CDG", "X-Azure-Ref: " MIDDLE, "CDG",
		    "X-FEEFZInfo");
	expect_wins("X-MSEdge-Ref: none", "X-Azure-Ref: " MIDDLE, "",
		    "X-MSEdge-Ref");
	/* Of equals the first. */
	expect_order("X-FEEFZInfo: CDG", "X-FEEFZInfo: DUB", "CDG",
		     "X-FEEFZInfo");
}

static void long_and_dirty_values(void **state)
{
	struct ep_https h = { .pop = "" };
	char line[1024];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "X-MSEdge-Ref: Ref B: AMS1 \x01\x80", 28);
	pop_note(&h, line, sizeof(line));
	assert_string_equal(h.pop, "AMS");
	assert_int_equal(strlen(h.pop_ref), EP_POP_REF_MAX - 1);
	assert_int_equal(strncmp(h.pop_ref, "Ref B: AMS1 ??xx", 16), 0);
}

static const char *cache_of(const char *line)
{
	static struct ep_https h;

	memset(&h, 0, sizeof(h));
	note(&h, line);
	assert_string_equal(h.pop_source, "");
	return h.edge_cache;
}

static void whether_the_edge_answered_alone(void **state)
{
	struct ep_https h = { .pop = "" };

	(void)state;
	assert_string_equal(cache_of("X-Cache: TCP_HIT\r\n"), "TCP_HIT");
	assert_string_equal(cache_of("x-cache:TCP_REMOTE_HIT"),
			    "TCP_REMOTE_HIT");
	assert_string_equal(cache_of("X-Cache: PRIVATE_NOSTORE"),
			    "PRIVATE_NOSTORE");
	assert_string_equal(cache_of("X-Cache: CONFIG_NOCACHE, x"),
			    "CONFIG_NOCACHE");
	assert_string_equal(cache_of("X-Cache: Hit from cloudfront"), "Hit");
	assert_string_equal(cache_of("X-Cache: TCP_HIT\x80"), "TCP_HIT");
	assert_string_equal(cache_of("X-Cache: ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
			    "ABCDEFGHIJKLMNOPQRSTUVW");
	assert_string_equal(cache_of("X-Cache: "), "");
	assert_string_equal(cache_of("X-Cache: <x>"), "");
	assert_string_equal(cache_of("X-Cache-Info: L1_T2"), "");
	note(&h, "X-Cache: TCP_MISS");
	note(&h, "X-Cache: TCP_HIT");
	assert_string_equal(h.edge_cache, "TCP_MISS");
	pop_forget(&h);
	assert_string_equal(h.edge_cache, "");
}

static void forget(void **state)
{
	struct ep_https h = { .pop = "" };

	(void)state;
	note(&h, "X-MSEdge-Ref: Ref B: AMS1");
	pop_forget(&h);
	note(&h, "X-FEEFZInfo: CDG");
	assert_string_equal(h.pop, "CDG");
}

static void seeds_of_the_fuzzer(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 12);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_of_each_value),
		cmocka_unit_test(lines_that_are_something_else),
		cmocka_unit_test(name_in_any_case_without_a_line_end),
		cmocka_unit_test(precedence),
		cmocka_unit_test(long_and_dirty_values),
		cmocka_unit_test(whether_the_edge_answered_alone),
		cmocka_unit_test(forget),
		cmocka_unit_test(seeds_of_the_fuzzer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
