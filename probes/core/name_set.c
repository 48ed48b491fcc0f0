#include "core/name_set.h"
#include <stdlib.h>
#include <string.h>

static int compare(const struct ep_address *a, const struct ep_address *b)
{
	int r;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	r = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
	if (r != 0 || a->scope == b->scope)
		return r;
	return a->scope < b->scope ? -1 : 1;
}

void name_answer_add(struct name_answer *answer,
		     const struct ep_address *address)
{
	unsigned at = answer->n, after;

	if (answer->n == 0)
		answer->first = *address;
	while (at > 0 && compare(&answer->at[at - 1], address) > 0)
		at--;
	if (at == EP_NTH_MAX ||
	    (at > 0 && compare(&answer->at[at - 1], address) == 0))
		return;
	if (answer->n < EP_NTH_MAX)
		answer->n++;
	after = answer->n - at - 1;
	memmove(&answer->at[at + 1], &answer->at[at],
		after * sizeof(answer->at[0]));
	answer->at[at] = *address;
}

struct name_set *name_set_create(const struct name_answer *answer)
{
	struct name_set *set =
		malloc(sizeof(*set) + answer->n * sizeof(set->at[0]));

	if (set == NULL)
		return NULL;
	set->held = 1;
	set->n = answer->n;
	memcpy(set->at, answer->at, answer->n * sizeof(set->at[0]));
	return set;
}

struct name_set *name_set_take(struct name_set *set)
{
	set->held++;
	return set;
}

void name_set_drop(struct name_set *set)
{
	if (set != NULL && --set->held == 0)
		free(set);
}

bool name_set_is(const struct name_set *set, const struct name_answer *answer)
{
	if (set->n != answer->n)
		return false;
	for (unsigned i = 0; i < set->n; i++)
		if (!ep_address_equal(&set->at[i], &answer->at[i]))
			return false;
	return true;
}

bool name_set_has(const struct name_set *set, const struct ep_address *address)
{
	for (unsigned i = 0; i < set->n; i++)
		if (ep_address_equal(&set->at[i], address))
			return true;
	return false;
}

unsigned name_set_minus(const struct name_set *set,
			const struct name_set *other,
			struct ep_address ret[EP_NTH_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < set->n; i++)
		if (!name_set_has(other, &set->at[i]))
			ret[n++] = set->at[i];
	return n;
}
