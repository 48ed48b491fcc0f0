/* What is worth knowing of a certificate. Pure. */
#ifndef EDGEPROBE_PRIVATE_CERT_H
#define EDGEPROBE_PRIVATE_CERT_H

#include "edgeprobe/sample.h"
#include <openssl/x509.h>
#include <stdint.h>

struct ep_cert_facts {
	/* Who issued it: the organisation (O), else the common name (CN), else
	 * "". UTF-8 without control characters. */
	char issuer[EP_TLS_ISSUER_MAX];
	/* Seconds since 1970; 0: not understood. */
	int64_t starts_s, expires_s;
};

void ep_cert_read(const X509 *cert, struct ep_cert_facts *ret_facts);

#endif
