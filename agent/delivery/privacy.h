/* A row as it may leave the branch: of the branch's own addresses only the
 * network, /24 or /48. Pure. */
#ifndef DELIVERY_PRIVACY_H
#define DELIVERY_PRIVACY_H

#include "base/buf.h"
#include "base/record.h"

/* Where a changed row is kept; one at a time. */
struct privacy {
	struct record record;
	struct series series;
	char host[EP_ADDRESS_TEXT_MAX];
	char prefix[EP_ADDRESS_TEXT_MAX + 4];
	struct buf body;
};

void privacy_init(struct privacy *privacy);
void privacy_finish(struct privacy *privacy);

/* Own are private, shared, unique local and link-local addresses (RFC 1918,
 * 6598, 4193, 3927) wherever a row has them, and whatever addresses a circuit
 * has; loopback tells nothing and stays. Returns `record` itself if there is
 * nothing to hide, else a copy, valid until the next call; NULL: out of
 * memory. */
const struct record *privacy_cut(struct privacy *privacy,
				 const struct record *record);

#endif
