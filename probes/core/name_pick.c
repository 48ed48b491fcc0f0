#include "core/name_pick.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct name_choice {
	uint64_t flow;
	struct ep_address address;
};

/* The finaliser of splitmix64. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t weight(uint64_t flow, const struct ep_address *address)
{
	uint64_t halves[2];

	memcpy(halves, address->bytes, sizeof(halves));
	return mix(mix(mix(flow + address->family) ^ halves[0]) ^ halves[1]);
}

/* Rendezvous: each flow has an order of its own of all addresses that could
 * ever be, so that losing one moves only the flows that were on it, and each
 * start chooses alike. */
static const struct ep_address *heaviest(const struct name_set *set,
					 uint64_t flow)
{
	const struct ep_address *best = &set->at[0];
	uint64_t most = weight(flow, best);

	for (unsigned i = 1; i < set->n; i++) {
		uint64_t w = weight(flow, &set->at[i]);

		if (w <= most)
			continue;
		best = &set->at[i];
		most = w;
	}
	return best;
}

static struct name_choice *find(struct name_choices *choices, uint64_t flow)
{
	for (unsigned i = 0; i < choices->n; i++)
		if (choices->at[i].flow == flow)
			return &choices->at[i];
	return NULL;
}

/* NULL: there is no room, and it is not remembered. */
static struct name_choice *add(struct name_choices *choices, uint64_t flow)
{
	struct name_choice *grown;

	if (choices->n == NAME_CHOICES_MAX)
		return NULL;
	grown = realloc(choices->at, (choices->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	choices->at = grown;
	grown[choices->n].flow = flow;
	return &grown[choices->n++];
}

static void pick_stable(struct name_choices *choices,
			const struct name_set *set, uint64_t flow,
			struct ep_address *ret_address)
{
	struct name_choice *choice = find(choices, flow);

	if (choice != NULL && name_set_has(set, &choice->address)) {
		*ret_address = choice->address;
		return;
	}
	*ret_address = *heaviest(set, flow);
	if (choice == NULL)
		choice = add(choices, flow);
	if (choice != NULL)
		choice->address = *ret_address;
}

int name_pick(struct name_choices *choices, const struct name_set *set,
	      const struct ep_address *first, const struct name_want *want,
	      struct ep_address *ret_address)
{
	switch ((enum ep_pick)want->pick) {
	case EP_PICK_FIRST:
		*ret_address = *first;
		return 0;
	case EP_PICK_STABLE:
		pick_stable(choices, set, want->flow, ret_address);
		return 0;
	case EP_PICK_NTH:
		if (want->nth >= set->n)
			return -ENOENT;
		*ret_address = set->at[want->nth];
		return 0;
	}
	return -EINVAL;
}

void name_choices_finish(struct name_choices *choices)
{
	free(choices->at);
	choices->at = NULL;
	choices->n = 0;
}
