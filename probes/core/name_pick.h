/* Which of a name's addresses a probe measures. Pure. */
#ifndef PROBES_CORE_NAME_PICK_H
#define PROBES_CORE_NAME_PICK_H

#include "core/name_set.h"
#include "edgeprobe/address.h"
#include "edgeprobe/target.h"
#include <stdint.h>

/* Flows that a name remembers the choice of; further ones go by their hash
 * alone, so that a new address may become theirs. */
#define NAME_CHOICES_MAX 64

/* As in struct ep_target. */
struct name_want {
	uint64_t flow;
	uint8_t pick, nth;
};

struct name_choice;

/* What was chosen before. Zero it first. */
struct name_choices {
	unsigned n;
	struct name_choice *at;
};

/* The address of `set` that `want` wants; `first` is the one that the name
 * server has put first. 0; -ENOENT: EP_PICK_NTH is beyond the last. */
int name_pick(struct name_choices *choices, const struct name_set *set,
	      const struct ep_address *first, const struct name_want *want,
	      struct ep_address *ret_address);

/* Free what is remembered. */
void name_choices_finish(struct name_choices *choices);

#endif
