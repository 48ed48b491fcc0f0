#include "core/tcp_refusers.h"

/* FNV-1a; never 0. */
static uint32_t hash_of(const struct ep_address *address, uint16_t port)
{
	uint32_t hash = UINT32_C(2166136261) ^ port;

	for (unsigned i = 0; i < sizeof(address->bytes); i++)
		hash = (hash ^ address->bytes[i]) * UINT32_C(16777619);
	return hash | 1;
}

static unsigned place_of(uint32_t hash)
{
	return hash / 2 % TCP_REFUSERS;
}

void tcp_refusers_note(struct tcp_refusers *refusers,
		       const struct ep_address *address, uint16_t port,
		       bool refused)
{
	uint32_t hash = hash_of(address, port);
	uint32_t *place = &refusers->hashes[place_of(hash)];

	if (refused)
		*place = hash;
	else if (*place == hash)
		*place = 0;
}

bool tcp_refusers_has(const struct tcp_refusers *refusers,
		      const struct ep_address *address, uint16_t port)
{
	uint32_t hash = hash_of(address, port);

	return refusers->hashes[place_of(hash)] == hash;
}
