/* What a sample keeps of a certificate. Pure. */
#ifndef PROBES_CORE_CERT_H
#define PROBES_CORE_CERT_H

#include "edgeprobe/sample.h"
#include <openssl/x509.h>
#include <stdint.h>

/* Who issued: the organisation (O) in the issuer's name, else the common name
 * (CN), else "". Cut at a whole UTF-8 character; control bytes and broken
 * UTF-8 as '?'. */
void cert_issuer(const X509_NAME *name, char *ret_issuer, size_t size);

/* Days from `now_ns` (since 1970) to `expires`, rounded down: 0 on the last day,
 * -1 on the day after. EP_DAYS_ABSENT if it is not understood. */
int32_t cert_days_left(const ASN1_TIME *expires, uint64_t now_ns);

/* Both, of a leaf certificate, into `https`. */
void cert_note(const X509 *leaf, uint64_t now_ns, struct ep_https *https);

#endif
