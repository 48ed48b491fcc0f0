/* Whose fault it was. */
#include "delivery/http_fault.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
static const struct {
	struct http_facts facts;
	const char *wanted;
} cases[] = {
	/* The proxy. */
	{ { .result = CURLE_COULDNT_RESOLVE_PROXY, .proxied = true },
	  "proxy_name" },
	{ { .result = CURLE_COULDNT_CONNECT, .proxied = true }, "proxy_down" },
	{ { .result = CURLE_OPERATION_TIMEDOUT, .proxied = true },
	  "proxy_silent" },
	{ { .result = CURLE_RECV_ERROR, .proxied = true, .tunnel = 407 },
	  "proxy_login" },
	{ { .result = CURLE_RECV_ERROR, .proxied = true, .tunnel = 403 },
	  "proxy_refused" },
	{ { .result = CURLE_RECV_ERROR, .proxied = true, .tunnel = 302 },
	  "proxy_refused" },
	{ { .result = CURLE_RECV_ERROR, .proxied = true, .tunnel = 503 },
	  "proxy_upstream" },
	{ { .result = CURLE_PEER_FAILED_VERIFICATION, .proxied = true,
	    .tls_of_proxy = true,
	    .verify_error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	  "proxy_untrusted" },
	{ { .result = CURLE_PEER_FAILED_VERIFICATION, .proxied = true,
	    .tls_of_proxy = true }, "proxy_tls" },
	{ { .result = CURLE_SSL_CONNECT_ERROR, .proxied = true,
	    .tls_of_proxy = true }, "proxy_tls" },
	{ { .result = CURLE_RECV_ERROR, .proxied = true }, "proxy_broken" },
	{ { .result = CURLE_PROXY, .proxied = true }, "proxy_broken" },
	/* TLS. */
	{ { .result = CURLE_PEER_FAILED_VERIFICATION, .proxied = true,
	    .tunnel = 200,
	    .verify_error = X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN },
	  "tls_untrusted" },
	{ { .result = CURLE_PEER_FAILED_VERIFICATION }, "tls_name" },
	{ { .result = CURLE_PEER_FAILED_VERIFICATION,
	    .verify_error = X509_V_ERR_CERT_HAS_EXPIRED }, "tls_expired" },
	{ { .result = CURLE_PEER_FAILED_VERIFICATION,
	    .verify_error = X509_V_ERR_CERT_NOT_YET_VALID }, "tls_expired" },
	{ { .result = CURLE_SSL_CONNECT_ERROR }, "tls_failed" },
	{ { .result = CURLE_SSL_CONNECT_ERROR,
	    .alert = SSL_AD_HANDSHAKE_FAILURE }, "tls_failed" },
	/* Who we are. */
	{ { .status = 401, .class = ACK_ENDPOINT }, "login_missing" },
	{ { .status = 403, .class = ACK_ENDPOINT }, "login_missing" },
	{ { .status = 401, .token_sent = true }, "token_refused" },
	{ { .status = 401, .token_sent = true, .certificate_shown = true },
	  "token_refused" },
	{ { .status = 401, .certificate_asked = true },
	  "certificate_missing" },
	{ { .status = 403, .certificate_shown = true },
	  "certificate_refused" },
	{ { .status = 403, .certificate_shown = true,
	    .certificate_over = true, .token_sent = true },
	  "certificate_expired" },
	{ { .status = 400, .certificate_page = true }, "certificate_missing" },
	{ { .status = 400, .certificate_page = true, .token_sent = true,
	    .certificate_shown = true }, "certificate_refused" },
	{ { .result = CURLE_RECV_ERROR,
	    .alert = SSL_AD_CERTIFICATE_REQUIRED }, "certificate_missing" },
	{ { .result = CURLE_SSL_CONNECT_ERROR, .certificate_asked = true,
	    .alert = SSL_AD_HANDSHAKE_FAILURE }, "certificate_missing" },
	{ { .result = CURLE_RECV_ERROR, .certificate_shown = true,
	    .alert = SSL_AD_UNKNOWN_CA }, "certificate_refused" },
	{ { .result = CURLE_RECV_ERROR, .certificate_shown = true,
	    .certificate_over = true, .alert = SSL_AD_CERTIFICATE_EXPIRED },
	  "certificate_expired" },
	{ { .result = CURLE_SEND_ERROR, .certificate_asked = true },
	  "certificate_missing" },
	{ { .result = CURLE_SEND_ERROR, .certificate_shown = true,
	    .certificate_over = true }, "certificate_expired" },
	{ { .result = CURLE_SEND_ERROR, .certificate_shown = true },
	  "collector_broken" },
	/* The collector, and the way to it. */
	{ { .result = CURLE_COULDNT_RESOLVE_HOST }, "collector_name" },
	{ { .result = CURLE_COULDNT_CONNECT }, "collector_down" },
	{ { .result = CURLE_COULDNT_CONNECT, .proxied = true,
	    .bind_error = -19 }, "circuit_gone" },
	{ { .result = CURLE_OPERATION_TIMEDOUT }, "collector_silent" },
	{ { .result = CURLE_OPERATION_TIMEDOUT, .proxied = true,
	    .tunnel = 200 }, "collector_silent" },
	{ { .result = CURLE_OPERATION_TIMEDOUT, .proxied = true,
	    .reused = true }, "collector_silent" },
	{ { .result = CURLE_GOT_NOTHING }, "collector_broken" },
	{ { .result = CURLE_GOT_NOTHING, .proxied = true, .tunnel = 200 },
	  "collector_broken" },
	{ { .status = 404 }, "collector_path" },
	{ { .status = 302 }, "collector_moved" },
	{ { .status = 200, .class = ACK_ENDPOINT, .page = true },
	  "collector_page" },
	{ { .status = 200, .class = ACK_ENDPOINT }, "collector_shape" },
	/* Nobody's, or nothing that a word would help with. */
	{ { .status = 200, .class = ACK_DONE }, "none" },
	{ { .status = 400, .class = ACK_BAD_DATA }, "none" },
	{ { .status = 503, .class = ACK_BUSY }, "none" },
	{ { .result = CURLE_OUT_OF_MEMORY }, "none" },
};
/* clang-format on */

static void each_situation_has_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *name = http_fault_name(http_fault(&cases[i].facts));

		if (strcmp(name, cases[i].wanted) != 0)
			fail_msg("case %zu is %s, not %s", i, name,
				 cases[i].wanted);
	}
}

/* One line, one pair of quotes, and room for the rest of a verdict. */
static void each_says_what_helps(void **state)
{
	(void)state;
	for (unsigned i = HTTP_NO_FAULT + 1; i < HTTP_FAULTS; i++) {
		const char *help = http_fault_help(i);

		assert_in_range(strlen(help), 10, 120);
		assert_null(strpbrk(help, "\"\n"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_situation_has_its_name),
		cmocka_unit_test(each_says_what_helps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
