/* Who we are, signed: the JWT that a client with a certificate proves itself
 * with to Entra (RFC 7523; PS256, x5t#S256). */
#ifndef DELIVERY_ASSERTION_H
#define DELIVERY_ASSERTION_H

#include "delivery/secret.h"
#include "edgeprobe/error.h"
#include "edgeprobe/private/cert.h"
#include <stdint.h>

/* How long it may be used. */
#define ASSERTION_LIFE_S 600

/* Borrows all texts. */
struct assertion {
	const char *client_id;
	const char *audience;             /* URL of the token endpoint */
	uint64_t now_s;                   /* since 1970 */
	const char *cert_file, *key_file; /* PEM; the key is RSA, unencrypted */
};

/* 0, the text, which is the caller's, and what the certificate says. Otherwise a negative errno, and `err`
 * says in `key=value` words which file: as the file says; -EINVAL: it does not
 * hold what it should, or they do not belong together. */
int assertion_make(const struct assertion *what, struct secret *ret_jwt,
		   struct ep_cert_facts *ret_cert, struct ep_err *err);

#endif
