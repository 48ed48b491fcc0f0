/* A stream is what comes over one line of one store; streams of the same site,
 * circuit, target and kind are one track, which becomes a series of the model. */
#include "report/gather/gather.h"
#include "edge/market.h"
#include "report/gather/leaves_model.h"
#include "report/judging/voice.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct gather_track {
	const struct series *series; /* kept texts */
	bool kept;
	struct cells_track *cells;
	struct voice_worst worst;
	uint64_t n_issuer, n_nearby; /* samples with these flags */
	uint32_t index;              /* in the model */
};

struct gather_stream {
	struct gather_track *track; /* NULL: no row of the window yet */
	const struct series *series;
	bool kept;
	struct voice voice;
};

int gather_init(struct gather *g, struct leaves *leaves, uint64_t since_ns,
		struct source_grid grid)
{
	memset(g, 0, sizeof(*g));
	g->leaves = leaves;
	g->cells = (struct cells){ leaves->arena, grid, since_ns };
	places_init(&g->places, &leaves->texts);
	story_init(&g->story, &leaves->texts);
	g->runs = runs_create();
	g->pairs = pairs_create(PAIRS_BYTES);
	return g->runs == NULL || g->pairs == NULL ? -ENOMEM : 0;
}

void gather_finish(struct gather *g)
{
	struct voice_worst worst;

	for (uint32_t i = 0; i < g->n_streams; i++)
		voice_end(&g->streams[i].voice, &worst);
	free(g->streams);
	free(g->tracks);
	runs_destroy(g->runs);
	pairs_destroy(g->pairs);
	story_finish(&g->story);
	places_finish(&g->places);
	memset(g, 0, sizeof(*g));
}

/* --- rows --- */

static const char *probe_of(const struct series *series, bool kept)
{
	return kept ? GROUP_KEPT : series->probe;
}

static bool same_track(const struct gather_track *t,
		       const struct series *series, bool kept)
{
	return t->kept == kept && t->series->site == series->site &&
	       t->series->circuit == series->circuit &&
	       t->series->target == series->target &&
	       t->series->probe == series->probe;
}

static struct gather_track *find_track(const struct gather *g,
				       const struct series *series, bool kept)
{
	for (size_t i = 0; i < g->n_tracks; i++)
		if (same_track(g->tracks[i], series, kept))
			return g->tracks[i];
	return NULL;
}

static struct gather_track *add_track(struct gather *g,
				      const struct series *series, bool kept)
{
	struct gather_track *track =
		arena_alloc(g->leaves->arena, 1, sizeof(*track));
	struct gather_track **grown =
		realloc(g->tracks, (g->n_tracks + 1) * sizeof(track));

	if (grown != NULL)
		g->tracks = grown;
	if (grown == NULL || track == NULL)
		return NULL;
	track->series = series;
	track->kept = kept;
	track->worst.loss_percent = (double)NAN;
	track->worst.burst_percent = (double)NAN;
	track->worst.jitter_ns = (double)NAN;
	track->cells = cells_add(&g->cells);
	if (track->cells == NULL)
		return NULL;
	grown[g->n_tracks++] = track;
	return track;
}

int gather_stream(uint32_t stream, const struct series *series, bool kept,
		  void *arg)
{
	struct gather *g = arg;
	uint32_t room = g->room_streams == 0 ? 64 : g->room_streams * 2;
	struct gather_stream *grown;
	const struct pairs_key key = {
		.site = series->site,
		.target = series->target,
		.probe = probe_of(series, kept),
		.circuit = series->circuit,
	};

	if (stream >= g->room_streams) {
		grown = realloc(g->streams, room * sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		g->streams = grown;
		g->room_streams = room;
	}
	g->streams[stream] = (struct gather_stream){
		.series = series,
		.kept = kept,
	};
	g->n_streams = stream + 1;
	return pairs_add(g->pairs, stream, &key);
}

static int join_track(struct gather *g, struct gather_stream *s)
{
	s->track = find_track(g, s->series, s->kept);
	if (s->track == NULL)
		s->track = add_track(g, s->series, s->kept);
	if (s->track == NULL)
		return -ENOMEM;
	return places_see(&g->places, s->series);
}

static int see_round_trip(struct gather *g, uint32_t stream,
			  const struct scan_row *row)
{
	struct voice *voice = &g->streams[stream].voice;
	int r;

	if (row->outcome == EP_LOST)
		return voice_see(voice, row->sent_ns, VOICE_LOST);
	if (row->outcome > EP_REFUSED || row->rtt_ns < 0)
		return 0;
	r = voice_see(voice, row->sent_ns, row->rtt_ns);
	if (r == 0)
		r = pairs_see(g->pairs, stream, row->sent_ns,
			      (uint64_t)row->rtt_ns);
	return r;
}

int gather_row(uint32_t stream, const struct scan_row *row, const char *pop,
	       void *arg)
{
	struct gather *g = arg;
	struct gather_stream *s = &g->streams[stream];
	int r = s->track == NULL ? join_track(g, s) : 0;

	if (r < 0 || row->late || row->reason == EP_REASON_MISSED)
		return r;
	cells_see(&g->cells, s->track->cells, row);
	s->track->n_issuer += (row->flags & EP_FLAG_TLS_ISSUER) != 0;
	s->track->n_nearby += (row->flags & EP_FLAG_NEARBY) != 0;
	if (*pop != '\0')
		r = runs_see(g->runs, stream, row->sent_ns, row->sent_ns, pop,
			     1);
	if (r == 0 && !s->kept && (row->flags & EP_FLAG_LOADED) == 0)
		r = see_round_trip(g, stream, row);
	return r;
}

/* --- what was counted elsewhere --- */

int gather_counted(struct gather *g, uint32_t stream,
		   const struct gather_counted *counted)
{
	const uint32_t counts[] = { counted->asked, counted->lost,
				    counted->failed };
	struct gather_stream *s = &g->streams[stream];

	if (s->track == NULL && join_track(g, s) < 0)
		return -ENOMEM;
	cells_count(&g->cells, s->track->cells, counted->time_ns, counts);
	for (size_t i = 0; i < counted->n_steps; i++)
		cells_see_many(&g->cells, s->track->cells, counted->time_ns,
			       counted->steps[i].rtt_ns, counted->steps[i].n);
	return 0;
}

int gather_voice(struct gather *g, uint32_t stream, uint64_t sent_ns,
		 int64_t rtt_ns)
{
	return voice_see(&g->streams[stream].voice, sent_ns, rtt_ns);
}

/* --- series of the model --- */

static int compare_series(const void *a, const void *b)
{
	const struct model_series *x = a, *y = b;
	int order;

	if (x->circuit != y->circuit)
		return x->circuit < y->circuit ? -1 : 1;
	order = strverscmp(x->target, y->target);
	return order != 0 ? order : strverscmp(x->probe, y->probe);
}

/* `cells` and the like stay with the source until the series are sorted. */
static int put_series(const struct gather_track *t, struct model *model,
		      struct model_series *ret_series)
{
	uint32_t site = places_site(model, t->series->site);
	struct model_series s = {
		.circuit = places_circuit(model, site, t->series->circuit),
		.target = arena_text(model->arena, t->series->target),
		.probe = arena_text(model->arena, probe_of(t->series, t->kept)),
		.host = arena_text(model->arena, t->series->host),
		.service = edge_service(t->series->host),
		.worst_loss_percent = t->worst.loss_percent,
		.worst_burst_percent = t->worst.burst_percent,
		.worst_jitter_ns = t->worst.jitter_ns,
		.n_issuer = t->n_issuer,
		.n_nearby = t->n_nearby,
	};
	const struct model_cell *cells = cells_end(t->cells);

	line_init(&s.now);
	line_init(&s.before);
	s.cells = arena_alloc(model->arena, model->n_buckets, sizeof(*cells));
	if (s.target == NULL || s.probe == NULL || s.host == NULL ||
	    s.cells == NULL)
		return -ENOMEM;
	memcpy(s.cells, cells, model->n_buckets * sizeof(*cells));
	*ret_series = s;
	return 0;
}

static double worse(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

static void end_voices(struct gather *g)
{
	struct voice_worst worst;

	for (uint32_t i = 0; i < g->n_streams; i++) {
		struct gather_track *t = g->streams[i].track;

		voice_end(&g->streams[i].voice, &worst);
		if (t == NULL)
			continue;
		t->worst.loss_percent =
			worse(t->worst.loss_percent, worst.loss_percent);
		t->worst.burst_percent =
			worse(t->worst.burst_percent, worst.burst_percent);
		t->worst.jitter_ns = worse(t->worst.jitter_ns, worst.jitter_ns);
	}
}

static int fill_series(struct gather *g, struct model *model)
{
	int r = 0;

	end_voices(g);
	model->series =
		arena_alloc(model->arena, g->n_tracks, sizeof(*model->series));
	if (model->series == NULL)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < g->n_tracks; i++)
		r = put_series(g->tracks[i], model,
			       &model->series[model->n_series++]);
	if (r < 0)
		return r;
	qsort(model->series, model->n_series, sizeof(*model->series),
	      compare_series);
	for (size_t i = 0; i < g->n_tracks; i++)
		g->tracks[i]->index = leaves_find(model, g->tracks[i]->series,
						  g->tracks[i]->kept);
	return 0;
}

/* --- all of it --- */

static int fill_streams(const struct gather *g, struct model *model)
{
	uint32_t *index_of = calloc(g->n_streams + 1, sizeof(*index_of));
	int r;

	if (index_of == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->n_streams; i++)
		index_of[i] = g->streams[i].track == NULL
				      ? MODEL_NONE
				      : g->streams[i].track->index;
	r = runs_fill(g->runs, model, index_of, g->n_streams);
	if (r == 0)
		r = pairs_fill(g->pairs, model, index_of, g->n_streams);
	free(index_of);
	return r;
}

int gather_fill(struct gather *g, struct model *model)
{
	int r;

	model->bucket_ns = g->cells.grid.bucket_ns;
	model->n_buckets = g->cells.grid.n_buckets;
	r = places_fill(&g->places, model);
	if (r == 0)
		r = fill_series(g, model);
	if (r == 0)
		r = leaves_model(g->leaves, model);
	if (r == 0)
		r = fill_streams(g, model);
	if (r == 0)
		r = story_fill(&g->story, model);
	return r;
}
