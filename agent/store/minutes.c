#include "store/minutes.h"

#include "edgeprobe/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS (60 * EP_NS_PER_S)
#define DAY_NS    (86400 * EP_NS_PER_S)

void minutes_init(struct minutes *m, size_t max_rows)
{
	memset(m, 0, sizeof(*m));
	m->max = max_rows;
	m->period_ns = MINUTE_NS;
}

void minutes_finish(struct minutes *m)
{
	free(m->rows);
	free(m->latest);
	minutes_init(m, m->max);
}

static uint64_t begin_of(const struct minutes *m, uint64_t at_ns)
{
	return at_ns - at_ns % m->period_ns;
}

/* --- periods that become longer --- */

static int compare(const void *a, const void *b)
{
	const struct minute *x = a, *y = b;

	if (x->from_ns != y->from_ns)
		return x->from_ns < y->from_ns ? -1 : 1;
	return (x->series > y->series) - (x->series < y->series);
}

static void merge(struct minute *into, const struct minute *from)
{
	if (from->timed && (!into->timed || from->min_ns < into->min_ns))
		into->min_ns = from->min_ns;
	if (from->timed && (!into->timed || from->max_ns > into->max_ns))
		into->max_ns = from->max_ns;
	into->sum_ns += from->sum_ns;
	into->samples += from->samples;
	into->replied += from->replied;
	into->lost += from->lost;
	into->timed += from->timed;
}

static void merge_equal(struct minutes *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (n > 0 && compare(&m->rows[n - 1], &m->rows[i]) == 0)
			merge(&m->rows[n - 1], &m->rows[i]);
		else
			m->rows[n++] = m->rows[i];
	}
	m->n = n;
	memset(m->latest, 0, m->n_latest * sizeof(*m->latest));
	for (size_t i = 0; i < n; i++)
		m->latest[m->rows[i].series] = (uint32_t)i + 1;
}

static void coarsen(struct minutes *m)
{
	while (m->n > m->max / 2 && m->period_ns < DAY_NS) {
		m->period_ns *= 2;
		for (size_t i = 0; i < m->n; i++)
			m->rows[i].from_ns = begin_of(m, m->rows[i].from_ns);
		qsort(m->rows, m->n, sizeof(*m->rows), compare);
		merge_equal(m);
	}
}

/* --- adding --- */

static int grow_latest(struct minutes *m, uint32_t series)
{
	size_t n = m->n_latest ? m->n_latest : 64;
	uint32_t *latest;

	while (n <= series)
		n *= 2;
	latest = realloc(m->latest, n * sizeof(*latest));
	if (!latest)
		return -ENOMEM;
	memset(latest + m->n_latest, 0, (n - m->n_latest) * sizeof(*latest));
	m->latest = latest;
	m->n_latest = n;
	return 0;
}

static int grow_rows(struct minutes *m)
{
	size_t size = m->size ? m->size * 2 : 64;
	struct minute *rows;

	if (size > m->max)
		size = m->max;
	if (m->n >= size)
		return -ENOBUFS;
	rows = realloc(m->rows, size * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	m->rows = rows;
	m->size = size;
	return 0;
}

static struct minute *row_of(struct minutes *m, uint32_t series, uint64_t at_ns)
{
	struct minute *row;

	if (series >= m->n_latest && grow_latest(m, series) < 0)
		return NULL;
	if (m->latest[series] > 0) {
		row = &m->rows[m->latest[series] - 1];
		if (row->from_ns == begin_of(m, at_ns))
			return row;
	}
	if (m->n >= m->max)
		coarsen(m);
	if (m->n >= m->size && grow_rows(m) < 0)
		return NULL;
	row = &m->rows[m->n++];
	*row = (struct minute){ .from_ns = begin_of(m, at_ns),
				.series = series };
	m->latest[series] = (uint32_t)m->n;
	return row;
}

void minutes_add(struct minutes *m, uint32_t series,
		 const struct ep_sample *sample)
{
	struct minute *row = row_of(m, series, sample->sent_ns);
	struct minute one = {
		.samples = 1,
		.replied = sample->outcome == EP_REPLIED,
		.lost = sample->outcome == EP_LOST,
	};

	if (!row)
		return;
	if (sample->rtt_ns >= 0) {
		one.timed = 1;
		one.min_ns = one.max_ns = sample->rtt_ns;
		one.sum_ns = (uint64_t)sample->rtt_ns;
	}
	merge(row, &one);
}

int minutes_take(struct minutes *m, struct minute *ret_minute,
		 uint64_t *ret_period_ns)
{
	if (m->n == 0)
		return 0;
	*ret_minute = m->rows[--m->n];
	*ret_period_ns = m->period_ns;
	m->latest[ret_minute->series] = 0;
	if (m->n == 0)
		minutes_finish(m);
	return 1;
}
