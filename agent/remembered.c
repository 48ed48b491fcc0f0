#include "remembered.h"
#include "edgeprobe/clock.h"
#include "items.h"
#include <stdlib.h>

#define ROWS_LEAST 1024
#define ROWS_MOST  (1u << 20)

/* There are many: the lower halves of numbers that count up. No two that are
 * here at once have the same. */
struct remembered_row {
	uint32_t id, seq;
	uint32_t series; /* 0: nothing is here */
};

/* A reply is told of for twice its timeout, and for 10 s at least; and half as
 * long again, for what does not come at its own time. */
static double seconds_of(const struct items *items)
{
	uint64_t longest_ns = 5 * EP_NS_PER_S;

	for (size_t i = 0; i < items->n; i++)
		if (items->items[i].target.timeout_ns > longest_ns)
			longest_ns = items->items[i].target.timeout_ns;
	return 3 * (double)longest_ns / EP_NS_PER_S;
}

static double rows_of(const struct items *items)
{
	double rate = 0;

	for (size_t i = 0; i < items->n; i++)
		rate += item_rate(&items->items[i]) *
			(items->items[i].each_address ? EP_NTH_MAX : 1);
	return rate * seconds_of(items);
}

void remembered_init(struct remembered *remembered, const struct items *items)
{
	uint64_t size = ROWS_LEAST;
	double rows = rows_of(items);

	while ((double)size < rows && size < ROWS_MOST)
		size *= 2;
	*remembered = (struct remembered){ .size = size };
}

void remembered_finish(struct remembered *remembered)
{
	for (unsigned i = 0; i < MEASURING_LANES_MAX; i++)
		free(remembered->rows[i]);
	*remembered = (struct remembered){ .size = remembered->size };
}

void remembered_put(struct remembered *remembered, uint64_t id, uint64_t seq,
		    uint32_t series)
{
	struct remembered_row **rows =
		&remembered->rows[id >> MEASURING_LANE_SHIFT];

	if (*rows == NULL)
		*rows = calloc(remembered->size, sizeof(**rows));
	if (*rows != NULL)
		(*rows)[id & (remembered->size - 1)] =
			(struct remembered_row){ (uint32_t)id, (uint32_t)seq,
						 series };
}

uint64_t remembered_seq(const struct remembered *remembered, uint64_t id,
			uint64_t last_seq, uint32_t *ret_series)
{
	const struct remembered_row *row =
		remembered->rows[id >> MEASURING_LANE_SHIFT];

	if (row == NULL)
		return 0;
	row += id & (remembered->size - 1);
	if (row->series == 0 || row->id != (uint32_t)id)
		return 0;
	*ret_series = row->series;
	return last_seq - ((uint32_t)last_seq - row->seq);
}
