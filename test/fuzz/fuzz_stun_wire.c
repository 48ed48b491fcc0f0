/* libFuzzer: any bytes as an answer to a STUN Binding request, and as the quote
 * of one. test_stun_wire replays the seeds. */
#include "core/stun_wire.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* its end is seen by the sanitizer */
	uint8_t *copy = calloc(1, size + 1);
	struct stun_seen seen;
	uint64_t nonce = 0;
	uint32_t slot = 0;

	assert(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	stun_wire_parse(copy, size, &seen);
	assert(seen.what == STUN_OTHER || size >= STUN_REQUEST_BYTES);
	assert(seen.what != STUN_OTHER || seen.mapped.family == 0);
	assert(seen.mapped.family == 0 || seen.mapped.family == 4 ||
	       seen.mapped.family == 6);
	assert(seen.error == 0 || (seen.error >= 300 && seen.error < 700));
	if (stun_wire_quoted(copy, size, &slot, &nonce)) {
		uint8_t request[STUN_REQUEST_BYTES];

		stun_wire_request(slot, nonce, request);
		assert(memcmp(request + 8, copy + 8, 12) == 0);
	}
	free(copy);
	return 0;
}
