#include "vitals.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include <string.h>

static void on_ask(uv_async_t *async)
{
	vitals_tell(container_of(async, struct vitals, ask));
}

void vitals_open(struct vitals *vitals, uv_loop_t *loop, struct ep_scope *scope,
		 vitals_fill fill, void *arg)
{
	memset(vitals, 0, sizeof(*vitals));
	pthread_mutex_init(&vitals->lock, NULL);
	vitals->told.time_ns = ep_clock_mono_ns();
	vitals->fill = fill;
	vitals->arg = arg;
	uv_async_init(loop, &vitals->ask, on_ask);
	ep_scope_adopt(scope, (uv_handle_t *)&vitals->ask);
}

void vitals_tell(struct vitals *vitals)
{
	struct vitals_facts facts;

	memset(&facts, 0, sizeof(facts));
	facts.time_ns = ep_clock_mono_ns();
	usage_of_thread(&facts.usage);
	vitals->fill(&facts, vitals->arg);
	pthread_mutex_lock(&vitals->lock);
	vitals->told = facts;
	pthread_mutex_unlock(&vitals->lock);
}

void vitals_add_engine(struct vitals_facts *facts, struct ep_engine *engine)
{
	struct ep_engine_stats *sum = &facts->engine;
	struct ep_engine_stats one;

	ep_engine_stats(engine, &one);
	sum->started += one.started;
	sum->wakeups += one.wakeups;
	sum->drains += one.drains;
	sum->stalls += one.stalls;
	sum->local_drops += one.local_drops;
	sum->stamps_kernel += one.stamps_kernel;
	sum->stamps_mixed += one.stamps_mixed;
	sum->stamps_user += one.stamps_user;
	sum->stamps_sched += one.stamps_sched;
	sum->in_flight_max += one.in_flight_max;
}

void vitals_shut(struct vitals *vitals, struct ep_scope *scope)
{
	ep_scope_shut(scope, (uv_handle_t *)&vitals->ask);
}

void vitals_ask(struct vitals *vitals)
{
	uv_async_send(&vitals->ask);
}

void vitals_read(struct vitals *vitals, struct vitals_facts *ret_facts)
{
	pthread_mutex_lock(&vitals->lock);
	*ret_facts = vitals->told;
	pthread_mutex_unlock(&vitals->lock);
}
