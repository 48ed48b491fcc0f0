#include "report/model/source.h"

#define S           UINT64_C(1000000000)
#define MIN         (60 * S)
#define HOUR        (60 * MIN)
#define DAY         (24 * HOUR)
#define BUCKETS_MAX 720
#define CELLS_MAX   120000

static const uint64_t steps[] = {
	10 * S,   12 * S,   15 * S,   20 * S,   30 * S,    1 * MIN,
	2 * MIN,  3 * MIN,  4 * MIN,  5 * MIN,  6 * MIN,   10 * MIN,
	12 * MIN, 15 * MIN, 20 * MIN, 30 * MIN, 1 * HOUR,  2 * HOUR,
	3 * HOUR, 4 * HOUR, 6 * HOUR, 8 * HOUR, 12 * HOUR,
};

/* Beyond the table: whole days. */
static uint64_t step_of(uint64_t least_ns)
{
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i] >= least_ns)
			return steps[i];
	return (least_ns + DAY - 1) / DAY * DAY;
}

struct source_grid source_grid(uint64_t since_ns, uint64_t until_ns,
			       size_t n_series)
{
	uint64_t length_ns = until_ns > since_ns ? until_ns - since_ns : 1;
	uint64_t most = BUCKETS_MAX;
	struct source_grid grid;

	if (n_series > 0 && CELLS_MAX / n_series < most)
		most = CELLS_MAX / n_series > 0 ? CELLS_MAX / n_series : 1;
	grid.bucket_ns = step_of((length_ns + most - 1) / most);
	grid.n_buckets =
		(unsigned)((length_ns + grid.bucket_ns - 1) / grid.bucket_ns);
	return grid;
}
