/* What speaks for something between a probe and the edge, for a row and for
 * people. Pure. */
#ifndef EVENTS_EVIDENCE_H
#define EVENTS_EVIDENCE_H

#include "base/buf.h"
#include "edgeprobe/sample.h"

/* Flags that say so. */
#define EVIDENCE_FLAGS                                                         \
	(EP_FLAG_TLS_ISSUER | EP_FLAG_NEARBY | EP_FLAG_BELOW_LIGHT)

/* Members of a row, each with a comma before it: `evidence`, the words of
 * `flags`; `tls_issuer`, `rtt_us`, `tls_first_byte_us` and `pop` of `sample`;
 * `text`, a sentence for each flag of `sample`, if it has any. */
void evidence_write(struct buf *out, unsigned flags,
		    const struct ep_sample *sample);

#endif
