/* libFuzzer: any bytes as an ICMP message, in the three forms that sockets
 * give them. The first byte chooses family, type and code of the third.
 * Built with -Dfuzz=true; test/long/fuzz.sh runs it from seeds/icmp_wire.
 * test_icmp_wire replays the seeds. */
#include "core/icmp_wire.h"
#include "core/inflight.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One request that waits: nothing but its own nonce may be taken for it. */
static void match(const struct icmp_seen *seen)
{
	struct inflight *table = inflight_create(1);
	struct inflight_slot *slot, *found;

	assert(table != NULL);
	if (inflight_take(table, 1, &slot) == 0) {
		slot->nonce = UINT64_C(0x1122334455667788);
		slot->icmp_id = 0x1234;
		slot->address = seen->source;
		slot->sent.before_ns = 1;
		inflight_sent(table, slot, 1000);
		found = inflight_find(table, seen, 2);
		assert(found == NULL || found == slot);
		assert(found == NULL || !seen->has_nonce ||
		       seen->nonce == slot->nonce);
		assert(found == NULL || seen->has_nonce ||
		       (seen->what == ICMP_ERROR && seen->id == 0x1234));
	}
	inflight_destroy(table);
}

static void check(const struct icmp_seen *seen, size_t size)
{
	assert(seen->what == ICMP_OTHER || size >= 8);
	assert(seen->what != ICMP_REPLY || seen->has_nonce);
	assert(seen->what != ICMP_ERROR || seen->reason != EP_REASON_NONE);
	if (seen->what != ICMP_OTHER)
		match(seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct icmp_seen seen;
	uint8_t family;

	if (size == 0)
		return 0;
	family = data[0] & 1 ? 6 : 4;
	icmp_wire_parse_packet(data + 1, size - 1, &seen);
	check(&seen, size);
	icmp_wire_parse(family, data + 1, size - 1, &seen);
	check(&seen, size);
	icmp_wire_parse_quote(family, (data[0] >> 1) & 15, data[0] >> 5,
			      data + 1, size - 1, &seen);
	check(&seen, size);
	return 0;
}
