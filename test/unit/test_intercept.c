/* What stands between a probe and the edge, by what samples say. */
#include "edge/intercept.h"
#include "edgeprobe/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define MS       ((int64_t)EP_NS_PER_MS)
#define EXCHANGE "outlook.office365.com"

static const struct intercept_rule exchange = {
	.host = EXCHANGE,
	.site = { 52.37, 4.90 },
};

static struct ep_sample sample(int64_t rtt_ns, int64_t tls_ns)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.rtt_ns = rtt_ns;
	s.retransmits = 0;
	s.https.tls_first_byte_ns = tls_ns;
	return s;
}

static unsigned by(const char *issuer, const char *host, const char *issuers)
{
	struct intercept_rule rule = { .host = host,
				       .issuers = issuers,
				       .site = { (double)NAN, (double)NAN } };
	struct ep_sample s = sample(EP_ABSENT, EP_ABSENT);
	struct intercept in = { 0 };

	snprintf(s.https.tls_issuer, sizeof(s.https.tls_issuer), "%s", issuer);
	return intercept_see(&in, &rule, &s);
}

static void authorities_of_microsofts_hosts(void **state)
{
	(void)state;
	assert_int_equal(by("Microsoft Corporation", EXCHANGE, NULL), 0);
	assert_int_equal(by("DigiCert Inc", "LOGIN.microsoftonline.com.", NULL),
			 0);
	assert_int_equal(by("DigiCert, Inc.", "x.azurefd.net", NULL), 0);
	assert_int_equal(by("Zscaler Inc.", EXCHANGE, NULL),
			 EP_FLAG_TLS_ISSUER);
	assert_int_equal(by("Microsoft Corp", EXCHANGE, NULL),
			 EP_FLAG_TLS_ISSUER);
	assert_int_equal(by("", EXCHANGE, NULL), 0);
}

static void any_authority_of_others(void **state)
{
	(void)state;
	assert_int_equal(by("Let's Encrypt", "www.example.com", NULL), 0);
	assert_int_equal(
		by("Let's Encrypt", "vm.westeurope.cloudapp.azure.com", NULL),
		0);
	assert_int_equal(
		by("Zscaler Inc.", "outlook.office365.com.example", NULL), 0);
}

static void authorities_that_are_configured(void **state)
{
	const char *ours = "Contoso,Let's Encrypt";

	(void)state;
	assert_int_equal(by("Let's Encrypt", "www.example.com", ours), 0);
	assert_int_equal(by("CONTOSO Root CA", "www.example.com", ours), 0);
	assert_int_equal(by("Zscaler Inc.", "www.example.com", ours),
			 EP_FLAG_TLS_ISSUER);
	/* They stand instead of Microsoft's, not beside them. */
	assert_int_equal(by("Contoso", EXCHANGE, ours), 0);
	assert_int_equal(by("DigiCert Inc", EXCHANGE, ours),
			 EP_FLAG_TLS_ISSUER);
}

/* The flags of the last of `n` alike. */
static unsigned after(struct intercept *in, const struct intercept_rule *rule,
		      unsigned n, const struct ep_sample *s)
{
	unsigned flags = 0;

	while (n-- > 0)
		flags = intercept_see(in, rule, s);
	return flags;
}

static void a_proxy_answers_syns(void **state)
{
	const struct ep_sample near = sample(1 * MS, 21 * MS);
	const struct ep_sample far = sample(20 * MS, 22 * MS);
	struct intercept in = { 0 };

	(void)state;
	assert_int_equal(after(&in, &exchange, INTERCEPT_NEARBY - 1, &near), 0);
	assert_int_equal(after(&in, &exchange, 1, &near), EP_FLAG_NEARBY);
	/* It is told of those that say it, until some in a row do not. */
	assert_int_equal(after(&in, &exchange, INTERCEPT_DIRECT - 1, &far), 0);
	assert_int_equal(after(&in, &exchange, 1, &near), EP_FLAG_NEARBY);
	assert_int_equal(after(&in, &exchange, INTERCEPT_DIRECT, &far), 0);
	assert_int_equal(after(&in, &exchange, INTERCEPT_NEARBY - 1, &near), 0);
	assert_int_equal(after(&in, &exchange, 1, &near), EP_FLAG_NEARBY);
}

static void a_server_that_is_slow_to_sign(void **state)
{
	const struct ep_sample slow = sample(2 * MS, 40 * MS);
	const struct ep_sample quick = sample(2 * MS, 5 * MS);
	struct intercept in = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(
			after(&in, &exchange, INTERCEPT_NEARBY - 1, &slow), 0);
		assert_int_equal(after(&in, &exchange, 1, &quick), 0);
	}
}

static void what_is_near_enough(void **state)
{
	const struct ep_sample multiple = sample(1 * MS, 6 * MS);
	const struct ep_sample distance = sample(30 * MS, 60 * MS);
	const struct ep_sample both = sample(30 * MS, 60 * MS + 1);
	struct intercept in = { 0 };

	(void)state;
	assert_int_equal(after(&in, &exchange, 50, &multiple), 0);
	assert_int_equal(after(&in, &exchange, 50, &distance), 0);
	assert_int_equal(after(&in, &exchange, 50, &both), EP_FLAG_NEARBY);
}

static void what_says_nothing_of_it(void **state)
{
	struct ep_sample s = sample(1 * MS, 30 * MS);
	struct intercept_rule other = exchange;
	struct intercept in = { 0 };

	(void)state;
	other.host = "slow.example.com";
	assert_int_equal(after(&in, &other, 50, &s), 0);
	s.flags = EP_FLAG_DRAINING;
	assert_int_equal(after(&in, &exchange, 50, &s), 0);
	s.flags = EP_FLAG_LOADED;
	assert_int_equal(after(&in, &exchange, 50, &s), 0);
	s.flags = EP_FLAG_STALLED;
	assert_int_equal(after(&in, &exchange, 50, &s), 0);
	s.flags = EP_FLAG_KEPT;
	assert_int_equal(after(&in, &exchange, 50, &s), 0);
	s.flags = 0;
	s.retransmits = 1;
	assert_int_equal(after(&in, &exchange, 50, &s), 0);
	s.retransmits = 0;
	s.https.tls_first_byte_ns = EP_ABSENT;
	assert_int_equal(after(&in, &exchange, 50, &s), 0);
	assert_int_equal(in.near, 0);
	/* But a host of one's own is the edge's, if it answers like it. */
	s = sample(1 * MS, 30 * MS);
	snprintf(s.https.pop_source, sizeof(s.https.pop_source), "X-Azure-Ref");
	assert_int_equal(after(&in, &other, 50, &s), EP_FLAG_NEARBY);
}

static unsigned from(struct edge_place site, const char *pop,
		     const char *source, int64_t rtt_ns)
{
	struct intercept_rule rule = { .host = EXCHANGE, .site = site };
	struct ep_sample s = sample(rtt_ns, EP_ABSENT);
	struct intercept in = { 0 };

	s.uncertainty_ns = 60000;
	snprintf(s.https.pop, sizeof(s.https.pop), "%s", pop);
	snprintf(s.https.pop_source, sizeof(s.https.pop_source), "%s", source);
	return intercept_see(&in, &rule, &s);
}

/* Amsterdam to Paris is 430 km, of which 380 count: 3.7 ms. */
static void nearer_than_light_can_be(void **state)
{
	const struct edge_place ams = { 52.37, 4.90 };
	const struct edge_place nowhere = { (double)NAN, (double)NAN };
	const char *ref = "X-MSEdge-Ref";

	(void)state;
	assert_int_equal(from(ams, "PAR", ref, 3 * MS), EP_FLAG_BELOW_LIGHT);
	assert_int_equal(from(ams, "PAR", ref, 4 * MS), 0);
	assert_int_equal(from(ams, "AMS", ref, 0), 0);
	assert_int_equal(from(ams, "ZZZ", ref, 0), 0);
	assert_int_equal(from(ams, "", "X-Azure-Ref", 0), 0);
	assert_int_equal(from(ams, "PAR", ref, EP_ABSENT), 0);
	assert_int_equal(from(nowhere, "PAR", ref, 0), 0);
	/* Not what is told of a server behind the front door. */
	assert_int_equal(from(ams, "PAR", "X-FirstHopCafeEFZ", 0),
			 EP_FLAG_BELOW_LIGHT);
	assert_int_equal(from(ams, "PAR", "X-FEEFZInfo", 0), 0);
	assert_int_equal(from(ams, "PAR", "Report-To", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authorities_of_microsofts_hosts),
		cmocka_unit_test(any_authority_of_others),
		cmocka_unit_test(authorities_that_are_configured),
		cmocka_unit_test(a_proxy_answers_syns),
		cmocka_unit_test(a_server_that_is_slow_to_sign),
		cmocka_unit_test(what_is_near_enough),
		cmocka_unit_test(what_says_nothing_of_it),
		cmocka_unit_test(nearer_than_light_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
