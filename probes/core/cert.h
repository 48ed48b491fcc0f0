/* What a sample keeps of a certificate, from libcurl's description. Pure. */
#ifndef PROBES_CORE_CERT_H
#define PROBES_CORE_CERT_H

#include <stddef.h>
#include <stdint.h>

/* Who issued: the organisation (O) in a name such as "C = US, O = Example
 * Inc, CN = Example CA" or "C=US; O=Example Inc; CN=Example CA", else the
 * common name (CN), else "". Cut at a whole UTF-8 character; control bytes and
 * broken UTF-8 as '?'. */
void cert_issuer(const char *name, char *ret_issuer, size_t size);

/* Days from `now_ns` (since 1970) to a time such as "Nov 21 10:00:00 2026
 * GMT", rounded down: 0 on the last day, -1 on the day after. EP_DAYS_ABSENT
 * if it is not understood. */
int32_t cert_days_left(const char *expires, uint64_t now_ns);

#endif
