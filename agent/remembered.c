#include "remembered.h"
#include <stdbool.h>
#include <stdlib.h>

#define ROWS_LEAST 1024
#define ROWS_MOST  (1u << 20)

/* There are many: the lower halves of numbers that count up. No two that are
 * here at once have the same. */
struct remembered_row {
	uint32_t id, seq;
	uint32_t series; /* 0: nothing is here */
};

void remembered_init(struct remembered *remembered, double per_second)
{
	uint64_t size = ROWS_LEAST;

	while ((double)size < per_second * REMEMBERED_SECONDS &&
	       size < ROWS_MOST)
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
