/* What an https probe wants of OpenSSL beside what libcurl asks of it: whom to
 * trust, what the certificate says, and when the request leaves. */
#ifndef PROBES_CORE_HTTPS_TLS_H
#define PROBES_CORE_HTTPS_TLS_H

#include "core/https_phases.h"
#include "edgeprobe/private/trust.h"
#include "edgeprobe/sample.h"

/* Whose ClientHello and whose request is about to be written; one an engine.
 * Must outlive every connection. */
struct https_writing {
	struct https_phases *greeting; /* NULL: nobody's */
	struct https_phases *phases;   /* NULL: nobody's */
};

/* From libcurl's callback for a new connection's SSL_CTX. `leaf` is filled with
 * issuer and days left as soon as the server's certificate is there, trusted or
 * not; it must last until the handshake is over (or given up). When a ClientHello
 * is written, `writing->greeting` hears of it, and of a request
 * `writing->phases`, once each. */
CURLcode https_tls_prepare(void *ssl_ctx, struct ep_trust *trust,
			   struct ep_https *leaf,
			   struct https_writing *writing);

#endif
