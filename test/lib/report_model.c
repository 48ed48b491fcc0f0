#include "lib/report_model.h"
#include "base/arena.h"
#include <math.h>
#include <string.h>

#define NONE ((double)NAN)

void report_model_init(struct model *model)
{
	memset(model, 0, sizeof(*model));
	model->source = model->agents = "";
	model->arena = arena_create();
	model->since_ns = MODEL_BEGIN_NS;
	model->bucket_ns = UINT64_C(60000000000);
	model->n_buckets = 60;
	model->until_ns = model->since_ns + 60 * model->bucket_ns;
	model->sites =
		arena_alloc(model->arena, MODEL_ROOM, sizeof(*model->sites));
	model->circuits =
		arena_alloc(model->arena, MODEL_ROOM, sizeof(*model->circuits));
	model->series =
		arena_alloc(model->arena, MODEL_ROOM, sizeof(*model->series));
	model->events =
		arena_alloc(model->arena, MODEL_ROOM, sizeof(*model->events));
	model->pairs =
		arena_alloc(model->arena, MODEL_ROOM, sizeof(*model->pairs));
}

void report_model_finish(struct model *model)
{
	arena_destroy(model->arena);
	memset(model, 0, sizeof(*model));
}

uint32_t report_model_site(struct model *model, const char *name,
			   double latitude, double longitude)
{
	struct model_site *s = &model->sites[model->n_sites];

	s->name = name;
	s->country = s->metro = s->market = s->expected_pops = "";
	s->latitude = latitude;
	s->longitude = longitude;
	s->score = NONE;
	line_init(&s->now);
	line_init(&s->before);
	return (uint32_t)model->n_sites++;
}

uint32_t report_model_circuit(struct model *model, uint32_t site,
			      const char *name)
{
	struct model_circuit *c = &model->circuits[model->n_circuits];

	c->site = site;
	c->name = name;
	c->provider = c->prefix = c->connection = "";
	c->primary_location = c->backup_location = "";
	c->egress_address = c->egress_place = c->observed_provider = "";
	c->resolver_address = c->resolver_place = "";
	c->egress_km = c->resolver_km = c->score = NONE;
	line_init(&c->now);
	line_init(&c->before);
	return (uint32_t)model->n_circuits++;
}

uint32_t report_model_series(struct model *model, uint32_t circuit,
			     const char *target, const char *probe,
			     const char *service)
{
	struct model_series *s = &model->series[model->n_series];

	s->circuit = circuit;
	s->target = s->host = target;
	s->probe = probe;
	s->service = service;
	line_init(&s->now);
	line_init(&s->before);
	s->cells =
		arena_alloc(model->arena, model->n_buckets, sizeof(*s->cells));
	s->worst_loss_percent = s->worst_burst_percent = NONE;
	s->worst_jitter_ns = NONE;
	return (uint32_t)model->n_series++;
}

void report_model_answers(struct line *line, uint64_t n, double ms)
{
	struct figures *f = &line->rtt;

	line->outcomes[EP_REPLIED] = n;
	f->n = n;
	f->min = f->mean = f->p50 = ms * 1e6;
	f->p75 = f->p90 = f->p95 = f->p99 = f->max = ms * 1e6;
	f->stddev = 0;
}
