#include "report/gather/cells.h"
#include "report/gather/sketch.h"

#define OPEN 2

static const double shares[] = { 0.05, 0.25, 0.5, 0.75, 0.95 };
/* What share of a bucket its percentiles stand for when it is opened again: the
 * bounds lie in the middle between them. */
static const double weights[] = { 0.15, 0.225, 0.25, 0.225, 0.15 };

#define SHARES (sizeof(shares) / sizeof(shares[0]))

struct open {
	unsigned bucket; /* where the sketch holds anything */
	struct sketch sketch;
};

struct cells_track {
	struct open open[OPEN];
	struct model_cell *cells;
	uint32_t *timed; /* round trips that a cell's percentiles are of */
};

struct cells_track *cells_add(const struct cells *cells)
{
	unsigned n = cells->grid.n_buckets;
	struct cells_track *t = arena_alloc(cells->arena, 1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->cells = arena_alloc(cells->arena, n, sizeof(*t->cells));
	t->timed = arena_alloc(cells->arena, n, sizeof(*t->timed));
	return t->cells == NULL || t->timed == NULL ? NULL : t;
}

static void shut(struct cells_track *t, struct open *open)
{
	struct model_cell *cell = &t->cells[open->bucket];
	float *figures[SHARES] = { &cell->p5, &cell->p25, &cell->p50,
				   &cell->p75, &cell->p95 };
	float found[SHARES];
	uint32_t before = t->timed[open->bucket];

	if (open->sketch.n == 0)
		return;
	t->timed[open->bucket] += open->sketch.n;
	for (unsigned i = 0; before > 0 && i < SHARES; i++)
		sketch_add(&open->sketch, (uint64_t)*figures[i],
			   (uint32_t)(weights[i] * before + 0.5));
	sketch_percentiles(&open->sketch, shares, SHARES, found);
	for (unsigned i = 0; i < SHARES; i++)
		*figures[i] = found[i];
	sketch_clear(&open->sketch);
}

/* The older of the two makes room. */
static struct sketch *sketch_of(struct cells_track *t, unsigned bucket)
{
	struct open *older = &t->open[0];

	for (unsigned i = 0; i < OPEN; i++) {
		struct open *open = &t->open[i];

		if (open->bucket == bucket)
			return &open->sketch;
		if (open->sketch.n == 0 ||
		    (older->sketch.n > 0 && open->bucket < older->bucket))
			older = open;
	}
	shut(t, older);
	older->bucket = bucket;
	return &older->sketch;
}

/* A window without an end may get rows from beyond it. */
static unsigned bucket_of(const struct cells *cells, uint64_t sent_ns)
{
	uint64_t at = sent_ns < cells->since_ns ? 0
						: (sent_ns - cells->since_ns) /
							  cells->grid.bucket_ns;

	return at < cells->grid.n_buckets ? (unsigned)at
					  : cells->grid.n_buckets - 1;
}

void cells_see(const struct cells *cells, struct cells_track *track,
	       const struct scan_row *row)
{
	unsigned bucket = bucket_of(cells, row->sent_ns);
	struct model_cell *cell = &track->cells[bucket];
	bool failed = row->outcome == EP_FAILED;

	if (row->late || row->reason == EP_REASON_MISSED ||
	    row->outcome >= EP_CANCELLED)
		return;
	cell->asked += !failed;
	cell->failed += failed;
	cell->lost += row->outcome == EP_LOST;
	if (row->rtt_ns >= 0 && row->outcome <= EP_REFUSED &&
	    (row->flags & (EP_FLAG_KEPT | EP_FLAG_LOADED)) == 0)
		sketch_add(sketch_of(track, bucket), (uint64_t)row->rtt_ns, 1);
}

void cells_see_many(const struct cells *cells, struct cells_track *track,
		    uint64_t sent_ns, uint64_t rtt_ns, uint32_t n)
{
	sketch_add(sketch_of(track, bucket_of(cells, sent_ns)), rtt_ns, n);
}

void cells_count(const struct cells *cells, struct cells_track *track,
		 uint64_t sent_ns, const uint32_t asked_lost_failed[3])
{
	struct model_cell *cell = &track->cells[bucket_of(cells, sent_ns)];

	cell->asked += asked_lost_failed[0];
	cell->lost += asked_lost_failed[1];
	cell->failed += asked_lost_failed[2];
}

struct model_cell *cells_end(struct cells_track *track)
{
	for (unsigned i = 0; i < OPEN; i++)
		shut(track, &track->open[i]);
	return track->cells;
}
