/* The certificate authorities of a PEM bundle, parsed once a process: parsing
 * 140 of them takes 40 ms and 1.5 MB, and libcurl would do it for each of its
 * multis. May be used from any thread. */
#ifndef EDGEPROBE_PRIVATE_TRUST_H
#define EDGEPROBE_PRIVATE_TRUST_H

#include "edgeprobe/error.h"
#include <curl/curl.h>
#include <stdint.h>

/* Counted: one for each bundle, however many hold it. */
struct ep_trust;

/* Hold the authorities of the bundle `configured` (NULL: that of SSL_CERT_FILE,
 * else the system's), and parse it if nobody does yet. 0, or with `err` (which
 * may be NULL) filled: -EINVAL: there is no certificate in it; -ENOENT, -EACCES,
 * ... as the file says; -ENOTSUP: libcurl does its TLS by another library than
 * OpenSSL; -ENOMEM. */
int ep_trust_take(const char *configured, struct ep_trust **ret_trust,
		  struct ep_err *err);

/* NULL is fine. */
void ep_trust_drop(struct ep_trust *trust);

/* For a CURLOPT_SSL_CTX_FUNCTION: let the connections of `ssl_ctx` trust these
 * authorities and no others. The file is looked at once a minute at most, and
 * read again if it changed; while it cannot be read the old ones count. */
CURLcode ep_trust_apply(struct ep_trust *trust, void *ssl_ctx);

/* Look at the file now. 0, and a number that is another one when there are other
 * authorities; -EINVAL: what it holds now cannot be used, and the old ones
 * count. */
int ep_trust_look(struct ep_trust *trust, uint64_t *ret_version);

/* The function itself; its argument is the struct ep_trust. The handle's own
 * CURLOPT_CAINFO and CURLOPT_CAPATH should be NULL. */
CURLcode ep_trust_on_ssl_ctx(CURL *easy, void *ssl_ctx, void *trust);

#endif
