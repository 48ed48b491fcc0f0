#include "report/html/cells.h"
#include "report/html/doc.h"
#include "report/judging/headlines.h"
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define QUANTILES 5

struct quantile {
	const char *name;
	size_t at;    /* in struct model_cell */
	double rank;  /* 0 to 1 */
	double share; /* of the samples that are nearest to it */
};

static const struct quantile quantiles[QUANTILES] = {
	{ "p5", offsetof(struct model_cell, p5), 0.05, 0.15 },
	{ "p25", offsetof(struct model_cell, p25), 0.25, 0.225 },
	{ "p50", offsetof(struct model_cell, p50), 0.5, 0.25 },
	{ "p75", offsetof(struct model_cell, p75), 0.75, 0.225 },
	{ "p95", offsetof(struct model_cell, p95), 0.95, 0.15 },
};

static float get(const struct model_cell *cell, const struct quantile *q)
{
	float value;

	memcpy(&value, (const char *)cell + q->at, sizeof(value));
	return value;
}

static void set(struct model_cell *cell, const struct quantile *q, float value)
{
	memcpy((char *)cell + q->at, &value, sizeof(value));
}

unsigned html_code(float ns)
{
	double code;

	if (!(ns > 0))
		return 0;
	code = 1 + round(128 * log2((double)ns));
	return code < 1 ? 1 : (unsigned)code;
}

static void put_quantile(const struct model_cell *cells, unsigned n,
			 const struct quantile *q, struct buf *out)
{
	int before = 0;

	doc_begin(out, q->name, '[');
	for (unsigned i = 0; i < n; i++) {
		int code = (int)html_code(get(&cells[i], q));

		if (i > 0)
			buf_char(out, ',');
		buf_int(out, code - before);
		before = code;
	}
	doc_end(out, ']');
}

static void put_cells(const struct model_cell *cells, unsigned n,
		      struct buf *out)
{
	uint64_t lost = 0;

	doc_begin(out, "cells", '{');
	doc_begin(out, "asked", '[');
	for (unsigned i = 0; i < n; i++) {
		doc_uint(out, NULL, cells[i].asked);
		lost += cells[i].lost;
	}
	doc_end(out, ']');
	if (lost > 0) {
		doc_begin(out, "lost", '[');
		for (unsigned i = 0; i < n; i++)
			doc_uint(out, NULL, cells[i].lost);
		doc_end(out, ']');
	}
	for (unsigned i = 0; i < QUANTILES; i++)
		put_quantile(cells, n, &quantiles[i], out);
	doc_end(out, '}');
}

void html_series_cells(const struct model *model,
		       const struct model_series *series, struct buf *out)
{
	if (series->cells != NULL)
		put_cells(series->cells, model->n_buckets, out);
}

/* --- over several series --- */

/* So many samples at that value. */
struct mass {
	float value;
	double n;
};

static int by_value(const void *a, const void *b)
{
	float x = ((const struct mass *)a)->value;
	float y = ((const struct mass *)b)->value;

	return (x > y) - (x < y);
}

static size_t add_masses(struct mass *masses, const struct model_cell *cell)
{
	double answered = (double)cell->asked - (double)cell->lost;

	if (!(cell->p50 > 0))
		return 0;
	for (unsigned q = 0; q < QUANTILES; q++)
		masses[q] = (struct mass){ get(cell, &quantiles[q]),
					   answered * quantiles[q].share };
	return QUANTILES;
}

static void merge(struct mass *masses, size_t n, struct model_cell *into)
{
	double all = 0, passed = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		all += masses[i].n;
	qsort(masses, n, sizeof(*masses), by_value);
	for (unsigned i = 0; i < QUANTILES; i++) {
		while (at + 1 < n &&
		       passed + masses[at].n < quantiles[i].rank * all)
			passed += masses[at++].n;
		set(into, &quantiles[i], n == 0 ? 0 : masses[at].value);
	}
}

static bool is_of(const struct model *model, const struct model_series *s,
		  uint32_t site)
{
	uint32_t circuit = model->sites[site].circuit;

	return s->cells != NULL && model->circuits[s->circuit].site == site &&
	       (circuit == MODEL_NONE || s->circuit == circuit) &&
	       judge_is_headline(s, model->sites[site].headline);
}

/* What masses are put together in. */
struct merging {
	const struct model *model;
	uint32_t site;
	struct mass *masses;
};

/* Over the buckets [from, to). */
static void merge_range(const struct merging *m, unsigned from, unsigned to,
			struct model_cell *into)
{
	size_t n = 0;

	for (size_t i = 0; i < m->model->n_series; i++) {
		const struct model_series *s = &m->model->series[i];

		for (unsigned b = from; b < to && is_of(m->model, s, m->site);
		     b++) {
			const struct model_cell *cell = &s->cells[b];

			into->asked += cell->asked;
			into->lost += cell->lost;
			n += add_masses(&m->masses[n], cell);
		}
	}
	merge(m->masses, n, into);
}

int html_merge_site(const struct model *model, uint32_t site, unsigned parts,
		    struct model_cell *cells)
{
	unsigned each = (model->n_buckets + parts - 1) / parts;
	struct merging m = { model, site, NULL };

	m.masses = calloc(model->n_series * QUANTILES * each + 1,
			  sizeof(*m.masses));
	if (m.masses == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < parts; i++)
		merge_range(&m, model->n_buckets * i / parts,
			    model->n_buckets * (i + 1) / parts, &cells[i]);
	free(m.masses);
	return 0;
}

int html_site_cells(const struct model *model, uint32_t site, struct buf *out)
{
	struct model_cell *cells = calloc(model->n_buckets + 1, sizeof(*cells));
	int r = cells == NULL ? -ENOMEM : 0;

	if (r == 0 && model->n_buckets > 0)
		r = html_merge_site(model, site, model->n_buckets, cells);
	if (r == 0)
		put_cells(cells, model->n_buckets, out);
	free(cells);
	return r;
}
