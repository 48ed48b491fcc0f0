/* What a sample keeps of a certificate. */
#include "core/cert.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/cert.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct attribute {
	int nid, type;
	const char *value;
};

#define UTF8(nid, value)                                                       \
	{                                                                      \
		NID_##nid, V_ASN1_UTF8STRING, value                            \
	}

/* As it is on the wire: no value is checked. */
static void expect_issuer(const struct attribute *attributes, size_t size,
			  const char *issuer)
{
	X509_NAME *name = X509_NAME_new();
	char got[EP_TLS_ISSUER_MAX];

	assert_true(size <= sizeof(got));
	for (; attributes->nid != 0; attributes++)
		X509_NAME_add_entry_by_NID(
			name, attributes->nid, attributes->type,
			(const unsigned char *)attributes->value,
			(int)strlen(attributes->value), -1, 0);
	cert_issuer(name, got, size);
	assert_string_equal(got, issuer);
	X509_NAME_free(name);
}

static void issuers(void **state)
{
	static const struct {
		struct attribute name[4];
		const char *issuer;
	} rows[] = {
		{ { UTF8(countryName, "US"),
		    UTF8(organizationName, "Microsoft Corporation"),
		    UTF8(commonName, "A CA 01") },
		  "Microsoft Corporation" },
		{ { UTF8(commonName, "Only A Name") }, "Only A Name" },
		{ { UTF8(commonName, "x"), UTF8(organizationName, "One"),
		    UTF8(organizationName, "Two") },
		  "One" },
		{ { UTF8(organizationName, "Example, Inc.") },
		  "Example, Inc." },
		{ { UTF8(organizationName, ""), UTF8(commonName, "fallback") },
		  "fallback" },
		{ { UTF8(organizationName, "f\xc3\xbcr alle") },
		  "f\xc3\xbcr alle" },
		{ { { NID_organizationName, V_ASN1_T61STRING, "f\xfcr" } },
		  "f\xc3\xbcr" },
		{ { UTF8(organizationName, "broken \xc3"),
		    UTF8(commonName, "x") },
		  "broken ?" },
		{ { UTF8(organizationName, "\xed\xa0\x80\xf5\x01") }, "?????" },
		{ { UTF8(countryName, "US") }, "" },
		{ { { 0 } }, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_issuer(rows[i].name, EP_TLS_ISSUER_MAX, rows[i].issuer);
}

static void issuer_is_cut_at_a_character(void **state)
{
	const struct attribute cut[] = { UTF8(organizationName, "1234\xc3\xbc"),
					 { 0 } };
	const struct attribute whole[] = {
		UTF8(organizationName, "123\xc3\xbcx"), { 0 }
	};

	(void)state;
	expect_issuer(cut, 6, "1234");
	expect_issuer(whole, 6, "123\xc3\xbc");
}

static void days_left(void **state)
{
	/* 2026-11-21 10:00:00 UTC */
	const uint64_t now_ns = UINT64_C(1795255200) * EP_NS_PER_S;
	static const struct {
		const char *expires;
		int32_t days;
	} rows[] = {
		{ "20261121100000Z", 0 },  { "20261122095959Z", 0 },
		{ "20261122100000Z", 1 },  { "20261121095959Z", -1 },
		{ "20261120100000Z", -1 }, { "20261120095959Z", -2 },
		{ "20261201100000Z", 10 }, { "20271121100000Z", 365 },
	};
	ASN1_TIME *expires = ASN1_TIME_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ASN1_TIME_set_string(expires, rows[i].expires),
				 1);
		assert_int_equal(cert_days_left(expires, now_ns), rows[i].days);
	}
	ASN1_STRING_set(expires, "soon", -1);
	assert_int_equal(cert_days_left(expires, now_ns), EP_DAYS_ABSENT);
	ASN1_TIME_free(expires);
}

/* Those of devices end in the year 9999. */
static void when_it_begins_and_ends(void **state)
{
	X509 *cert = X509_new();
	struct ep_cert_facts facts;

	(void)state;
	ASN1_TIME_set_string(X509_getm_notBefore(cert), "20200101000000Z");
	ASN1_TIME_set_string(X509_getm_notAfter(cert), "99991231235959Z");
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN",
				   MBSTRING_ASC, (const unsigned char *)"A CA",
				   -1, -1, 0);
	ep_cert_read(cert, &facts);
	assert_string_equal(facts.issuer, "A CA");
	assert_int_equal(facts.starts_s, 1577836800);
	assert_int_equal(facts.expires_s, 253402300799);
	X509_free(cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_it_begins_and_ends),
		cmocka_unit_test(issuers),
		cmocka_unit_test(issuer_is_cut_at_a_character),
		cmocka_unit_test(days_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
