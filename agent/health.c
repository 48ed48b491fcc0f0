#include "health.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int health_init(struct health *health, size_t n)
{
	health->items = calloc(n + 1, sizeof(*health->items));
	health->n = health->items ? n : 0;
	return health->items ? 0 : -ENOMEM;
}

void health_finish(struct health *health)
{
	free(health->items);
	health->items = NULL;
	health->n = 0;
}

static bool is_answer(const struct ep_sample *sample)
{
	return sample->outcome == EP_REPLIED || sample->outcome == EP_REFUSED;
}

void health_saw(struct health *health, size_t i, const struct ep_sample *sample)
{
	struct health_item *item = &health->items[i];

	assert(i < health->n);
	if (sample->reason == EP_REASON_MISSED)
		return;
	item->asked = true;
	item->outcome = sample->outcome;
	item->reason = sample->reason;
	if (is_answer(sample)) {
		item->silent = 0;
		return;
	}
	if (item->silent == 0)
		item->since_ns = sample->sent_ns;
	if (item->silent < UINT32_MAX)
		item->silent++;
}
