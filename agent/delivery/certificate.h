/* The certificate and key that we show to a collector (mTLS), in PEM files that
 * others replace while we run. */
#ifndef DELIVERY_CERTIFICATE_H
#define DELIVERY_CERTIFICATE_H

#include "edgeprobe/error.h"
#include "edgeprobe/private/cert.h"
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define CERTIFICATE_FILES 3

/* Zero-initialise and set the files (borrowed). The certificate's file may hold
 * the rest of its chain, too. */
struct certificate {
	const char *cert_file, *key_file;
	const char *password_file; /* of the key; NULL: it is not encrypted */
	struct stat seen[CERTIFICATE_FILES]; /* when they were read */
	bool current; /* what is in the files is what is held */
	X509 *leaf;   /* NULL: nothing usable has been read yet */
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
	struct ep_cert_facts facts; /* of the leaf */
};

/* Read the files if they are not those that were read last. 1: the pair is a
 * new one; 0: the same; or a negative errno, and `err` says in `key=value`
 * words which file and what is allowed: a pair that does not fit together, such
 * as a new certificate whose key is still to come, a key that everybody may
 * read, or what is no such file. The last good pair stays in use. */
int certificate_refresh(struct certificate *certificate, struct ep_err *err);

/* Let the connections of `ssl_ctx` show it. 0 or -EINVAL. */
int certificate_show(const struct certificate *certificate, SSL_CTX *ssl_ctx);

void certificate_finish(struct certificate *certificate);

#endif
