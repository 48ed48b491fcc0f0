#include "report/gather/leaves_model.h"
#include "report/gather/places.h"
#include "report/judging/headlines.h"
#include <errno.h>
#include <string.h>

uint32_t leaves_find(const struct model *model, const struct series *series,
		     bool kept)
{
	uint32_t site = places_site(model, series->site);
	uint32_t circuit = places_circuit(model, site, series->circuit);
	const char *probe = kept ? GROUP_KEPT : series->probe;

	for (size_t i = 0; i < model->n_series; i++)
		if (model->series[i].circuit == circuit &&
		    strcmp(model->series[i].target, series->target) == 0 &&
		    strcmp(model->series[i].probe, probe) == 0)
			return (uint32_t)i;
	return MODEL_NONE;
}

/* What lines of the model are about: leaves are marked with their series. */
struct about {
	const struct model *model;
	uint32_t site, circuit; /* or MODEL_NONE */
	uint32_t series;        /* or MODEL_NONE: */
	enum model_headline headline;
};

static bool is_about(const struct leaf *leaf, const void *arg)
{
	const struct about *a = arg;
	const struct model_series *s;

	if (leaf->mark == MODEL_NONE)
		return false;
	if (a->series != MODEL_NONE)
		return leaf->mark == a->series;
	s = &a->model->series[leaf->mark];
	return judge_is_headline(s, a->headline) &&
	       (a->circuit == MODEL_NONE || s->circuit == a->circuit) &&
	       a->model->circuits[s->circuit].site == a->site;
}

static int line_about(const struct leaves *leaves, const struct about *about,
		      enum leaf_window window, struct model *model,
		      struct line *ret_line)
{
	/* By probe, so that kept connections are not among fresh ones: all of
	 * what it is about are of one kind. */
	static const enum report_key probe = REPORT_PROBE;
	struct leaf_query query = {
		.by = &probe,
		.n_by = 1,
		.window = window,
		.want = is_about,
		.arg = about,
	};
	struct lines lines = { 0 };
	int r = leaves_lines(leaves, &query, model->arena, &lines);

	if (r == 0 && lines.n > 0) {
		*ret_line = lines.at[0];
		ret_line->keys[0] = "";
	}
	return r;
}

static int fill_both(const struct leaves *leaves, const struct about *about,
		     struct model *model, struct line *now, struct line *before)
{
	int r = line_about(leaves, about, LEAF_NOW, model, now);

	return r < 0 ? r
		     : line_about(leaves, about, LEAF_BEFORE, model, before);
}

static int fill_series(const struct leaves *leaves, struct model *model)
{
	struct about about = { .model = model };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < model->n_series; i++) {
		about.series = i;
		r = fill_both(leaves, &about, model, &model->series[i].now,
			      &model->series[i].before);
	}
	return r;
}

static int fill_circuits(const struct leaves *leaves, struct model *model)
{
	struct about about = { .model = model, .series = MODEL_NONE };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < model->n_circuits; i++) {
		struct model_circuit *c = &model->circuits[i];

		about.site = c->site;
		about.circuit = i;
		about.headline = judge_headline(model, c->site, i);
		c->headline = (uint8_t)about.headline;
		r = fill_both(leaves, &about, model, &c->now, &c->before);
	}
	return r;
}

static int fill_sites(const struct leaves *leaves, struct model *model)
{
	struct about about = { .model = model, .series = MODEL_NONE };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < model->n_sites; i++) {
		struct model_site *s = &model->sites[i];

		s->circuit = model_main_circuit(model, i);
		about.site = i;
		about.circuit = s->circuit;
		about.headline = judge_headline(model, i, s->circuit);
		s->headline = (uint8_t)about.headline;
		r = fill_both(leaves, &about, model, &s->now, &s->before);
	}
	return r;
}

static int fill_rollups(const struct leaves *leaves, struct model *model)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < MODEL_ROLLUPS; i++) {
		const enum report_key by[] = { model_rollup_key(i),
					       REPORT_PROBE };
		struct leaf_query query = { .by = by, .n_by = 2 };

		query.window = LEAF_NOW;
		r = leaves_lines(leaves, &query, model->arena, &model->now[i]);
		query.window = LEAF_BEFORE;
		if (r == 0)
			r = leaves_lines(leaves, &query, model->arena,
					 &model->before[i]);
	}
	return r;
}

int leaves_model(const struct leaves *leaves, struct model *model)
{
	int r;

	for (struct leaf *l = leaves->first; l != NULL; l = l->next)
		l->mark = leaves_find(model, l->series, l->kept);
	r = fill_series(leaves, model);
	if (r == 0)
		r = fill_circuits(leaves, model);
	if (r == 0)
		r = fill_sites(leaves, model);
	if (r == 0)
		r = fill_rollups(leaves, model);
	return r;
}
