/* The public addresses that circuits come from, as STUN servers see them, and
 * when one is another. Pure: told each sample, in the order of sending.
 *
 * Servers may see different ones (a pool of addresses, by destination), so each
 * series is held against itself; and what another series of the same circuit has
 * told already is no news. IPv4 and IPv6 are apart. */
#ifndef EVENTS_EGRESS_H
#define EVENTS_EGRESS_H

#include "base/buf.h"
#include "base/record.h"

struct egress;

struct egress_news {
	const struct series *series;
	struct ep_address from; /* family 0: `to` is the first that is known */
	struct ep_address to;
	uint64_t since_ns; /* wall clock: the first of those that tell it */
};

/* Until it returns. */
typedef void (*egress_cb)(const struct egress_news *news, void *arg);

/* NULL: out of memory. */
struct egress *egress_create(egress_cb cb, void *arg);
void egress_destroy(struct egress *egress);

/* `id` numbers the series as in events_see(); its texts are borrowed as long as
 * this lives. What finds no memory is not watched. */
void egress_see(struct egress *egress, uint32_t id, const struct series *series,
		const struct ep_sample *sample);

/* The body of a row of type event: of news that have a `from`. */
void egress_write(struct buf *out, const struct egress_news *news);

#endif
