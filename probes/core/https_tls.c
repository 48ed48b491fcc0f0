#include "core/https_tls.h"
#include "core/cert.h"
#include "edgeprobe/clock.h"
#include <openssl/ssl.h>

/* Before the verdict, so that an unknown authority gets its name told. */
static int on_verify(X509_STORE_CTX *chain, void *leaf)
{
	const X509 *cert = X509_STORE_CTX_get0_cert(chain);

	if (cert != NULL)
		cert_note(cert, ep_clock_wall_ns(), leaf);
	return X509_verify_cert(chain);
}

/* The header of a record is shown when the record is enciphered, right before
 * the system call that sends it. */
/* NOLINTNEXTLINE(readability-function-size): OpenSSL's parameters */
static void on_record(int is_write, int version, int type, const void *bytes,
		      size_t n, SSL *ssl, void *arg)
{
	const unsigned char *header = bytes;
	struct https_writing *writing = arg;

	(void)version;
	(void)ssl;
	if (!is_write || type != SSL3_RT_HEADER || n == 0)
		return;
	if (header[0] == SSL3_RT_HANDSHAKE && writing->greeting != NULL) {
		https_phases_greet(writing->greeting, ep_clock_mono_ns());
		writing->greeting = NULL;
	}
	if (header[0] != SSL3_RT_APPLICATION_DATA || writing->phases == NULL)
		return;
	https_phases_request(writing->phases, ep_clock_mono_ns());
	writing->phases = NULL;
}

/* Without renegotiation nobody asks for `leaf` after the handshake. */
CURLcode https_tls_prepare(void *ssl_ctx, struct ep_trust *trust,
			   struct ep_https *leaf, struct https_writing *writing)
{
	SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_cert_verify_callback(ssl_ctx, on_verify, leaf);
	SSL_CTX_set_msg_callback(ssl_ctx, on_record);
	SSL_CTX_set_msg_callback_arg(ssl_ctx, writing);
	return ep_trust_apply(trust, ssl_ctx);
}
