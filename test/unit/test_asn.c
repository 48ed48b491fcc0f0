/* Whose network an address is in: what is asked, and what is made of answers
 * that may be anything. */
#include "edge/asn.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_question(const char *address, const char *zone,
			    const char *wanted)
{
	char name[EDGE_ASN_QUESTION_MAX];
	struct ep_address a;

	assert_int_equal(ep_address_parse(address, &a), 0);
	assert_string_equal(edge_asn_ask_origin(&a, zone, name), wanted);
}

static void addresses_are_asked_for_backwards(void **state)
{
	char name[EDGE_ASN_QUESTION_MAX];

	(void)state;
	expect_question("198.51.100.7", "asn.cymru.com",
			"7.100.51.198.origin.asn.cymru.com");
	expect_question("2001:db8::a1", "asn.cymru.com",
			"1.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d."
			"0.1.0.0.2.origin6.asn.cymru.com");
	assert_string_equal(
		edge_asn_ask_name(UINT32_MAX, "asn.cymru.com", name),
		"AS4294967295.asn.cymru.com");
}

static void the_longest_zone_leaves_a_name_of_the_dns(void **state)
{
	char zone[EDGE_ASN_ZONE_MAX + 1], name[EDGE_ASN_QUESTION_MAX];
	struct ep_address a;

	(void)state;
	memset(zone, 'z', sizeof(zone) - 1);
	zone[sizeof(zone) - 1] = '\0';
	assert_int_equal(ep_address_parse("2001:db8::1", &a), 0);
	edge_asn_ask_origin(&a, zone, name);
	assert_int_equal(strlen(name), 72 + EDGE_ASN_ZONE_MAX);
	assert_true(strlen(name) <= 253);
	assert_string_equal(name + 72, zone);
}

static void the_origin_of_the_longest_prefix_counts(void **state)
{
	static const struct {
		const char *text;
		uint32_t wanted;
	} cases[] = {
		{ "1136 | 198.51.100.0/24 | NL | ripencc | 1996-11-01", 1136 },
		{ "1136 286 | 198.51.100.0/24 | NL | ripencc | 1996", 1136 },
		{ "4294967295|::/0|", UINT32_MAX },
		{ " 8075 | 2001:db8::/32", 8075 },
		{ "1 | 198.51.0.0/16 | a\n2 | 198.51.100.0/24 | b\n"
		  "3 | 198.51.100.0/24 | c\n4 | 198.0.0.0/8 | d",
		  2 },
		{ "5 | 198.51.0.0/16 |\n0 | 198.51.100.0/24 |", 5 },
		{ "no | 198.51.100.0/24 |\n\n7 | 198.0.0.0/0 |", 7 },
		{ "", 0 },
		{ "\n", 0 },
		{ "|", 0 },
		{ "||||", 0 },
		{ "1136", 0 },
		{ "1136 |", 0 },
		{ "1136 | NL | ripencc", 0 },
		{ "1136 | 198.51.100.0", 0 },
		{ "1136 | 198.51.100.0/", 0 },
		{ "1136 | 198.51.100.0/33 |", 0 },
		{ "1136 | 198.51.100.0/-1 |", 0 },
		{ "1136 | 2001:db8::/129 |", 0 },
		{ "1136 | 198.51.100.0/24/24 |", 0 },
		{ "0 | 198.51.100.0/24 |", 0 },
		{ "-1 | 198.51.100.0/24 |", 0 },
		{ "4294967296 | 198.51.100.0/24 |", 0 },
		{ "99999999999999999999999 | 198.51.100.0/24 |", 0 },
		{ "AS1136 | 198.51.100.0/24 |", 0 },
		{ "1136a | 198.51.100.0/24 |", 0 },
		{ "11\t36 | 198.51.100.0/24 |", 0 },
		{ "\xff\xfe | 198.51.100.0/24 |", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t got = edge_asn_origin(cases[i].text);

		if (got != cases[i].wanted)
			fail_msg("%u of \"%s\"", got, cases[i].text);
	}
}

static void a_prefix_may_be_of_any_length(void **state)
{
	char text[4096];
	int n = snprintf(text, sizeof(text), "1136 | ");

	(void)state;
	memset(text + n, '1', sizeof(text) - (size_t)n);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(edge_asn_origin(text), 0);
	memset(text, '1', sizeof(text) - 1);
	assert_int_equal(edge_asn_origin(text), 0);
}

static void expect_name(const char *text, const char *wanted)
{
	char name[EDGE_ASN_NAME_MAX] = "untouched";
	int r = edge_asn_name(text, 1136, name);

	assert_int_equal(r, wanted != NULL ? 0 : -EINVAL);
	assert_string_equal(name, wanted != NULL ? wanted : "untouched");
}

static void the_name_of_that_network_is_taken(void **state)
{
	(void)state;
	expect_name("1136 | NL | ripencc | 1993-05-10 | KPN KPN National, NL",
		    "KPN KPN National, NL");
	expect_name("1136||||x", "x");
	expect_name("1136 | NL | ripencc |  |  A | B  ", "A | B");
	expect_name("286 | NL | r | d | OTHER\n1136 | NL | r | d | KPN", "KPN");
	expect_name("1136 | NL | r | d |\n1136 | NL | r | d | KPN", "KPN");
	expect_name("286 | NL | ripencc | 1993-05-10 | OTHER", NULL);
	expect_name("1136 | NL | ripencc | KPN", NULL);
	expect_name("1136 | NL | ripencc | 1993-05-10 |   ", NULL);
	expect_name("AS1136 | NL | ripencc | 1993-05-10 | KPN", NULL);
	expect_name("", NULL);
	expect_name("||||", NULL);
}

static void a_name_is_printable(void **state)
{
	(void)state;
	expect_name("1136||||Telef\xc3\xb4nica", "Telef\xc3\xb4nica");
	expect_name("1136||||a\x1b[31mb\x7f\tc\rd", "a?[31mb??c?d");
	expect_name("1136||||a\xc2\x9b"
		    "31mb",
		    "a??31mb");
	expect_name("1136||||Telef\xf4nica", "Telef?nica");
	expect_name("1136||||\xc3", "?");
	expect_name("1136||||a\xed\xa0\x80", "a???");
}

static void a_long_name_is_cut_where_a_character_ends(void **state)
{
	char text[512], wanted[EDGE_ASN_NAME_MAX];

	(void)state;
	memset(wanted, 'n', 64);
	wanted[64] = '\0';
	snprintf(text, sizeof(text), "1136||||%s", wanted);
	expect_name(text, wanted);
	snprintf(text, sizeof(text), "1136||||%sn", wanted);
	expect_name(text, wanted);
	wanted[63] = '\0';
	snprintf(text, sizeof(text), "1136||||%s\xc3\xb4%s", wanted, wanted);
	expect_name(text, wanted);
	memset(text + 8, 0x80, 200);
	text[208] = '\0';
	memset(wanted, '?', 64);
	wanted[64] = '\0';
	expect_name(text, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_asked_for_backwards),
		cmocka_unit_test(the_longest_zone_leaves_a_name_of_the_dns),
		cmocka_unit_test(the_origin_of_the_longest_prefix_counts),
		cmocka_unit_test(a_prefix_may_be_of_any_length),
		cmocka_unit_test(the_name_of_that_network_is_taken),
		cmocka_unit_test(a_name_is_printable),
		cmocka_unit_test(a_long_name_is_cut_where_a_character_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
