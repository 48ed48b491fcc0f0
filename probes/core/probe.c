/* One probe from ep_probe_start() to its callback.
 *
 * Happy path: the name is known, kind->start sends inside ep_probe_start(),
 * the kind settles from the loop, the callback runs, memory goes.
 *
 * What can fail: the name (an outcome: failed); the send (failed, with the
 * errno's reason); silence (the deadline finds it waiting: lost); the outcome
 * is known before ep_probe_start() has returned (parked: its deadline is now,
 * so that it leaves by the same door as the others). */
#include "core/engine_i.h"
#include "core/engine_self.h"
#include "core/sm.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const unsigned allowed[] = {
	[PROBE_RESOLVING] = SM_BIT(PROBE_WAITING) | SM_BIT(PROBE_SETTLED),
	[PROBE_WAITING] = SM_BIT(PROBE_SETTLED),
	[PROBE_SETTLED] = 0,
};

static void set_deadline(struct ep_probe *p, uint64_t at_ns)
{
	ep_heap_put(&p->engine->deadlines, &p->deadline, at_ns);
}

/* Only of kinds that come by the thousand, which `pace` tells; they leave
 * sample.https alone, so that it stays absent. */
static void put_back(struct ep_probe *p)
{
	struct shared *s = p->shared;

	if (s->kind->pace == NULL || s->n_spares == ENGINE_SPARES_MAX) {
		free(p);
		return;
	}
	p->arg = s->spares;
	s->spares = p;
	s->n_spares++;
}

static struct ep_probe *take_spare(struct shared *s)
{
	struct ep_sample absent;
	struct ep_probe *p = s->spares;

	if (p == NULL)
		return NULL;
	s->spares = p->arg;
	s->n_spares--;
	ep_sample_init(&absent);
	memset(p, 0, offsetof(struct ep_probe, sample));
	memcpy(&p->sample, &absent, EP_SAMPLE_CORE);
	memset(p->kind_state, 0, s->kind->size);
	return p;
}

static struct ep_probe *take_new(const struct shared *s)
{
	struct ep_probe *p = calloc(1, sizeof(*p) + s->kind->size);

	if (p != NULL)
		ep_sample_init(&p->sample);
	return p;
}

/* The last thing that happens to a probe. */
static void finish(struct ep_probe *p)
{
	struct ep_engine *e = p->engine;

	ep_heap_remove(&e->deadlines, &p->deadline);
	list_remove(&p->link);
	e->in_flight--;
	if (p->target->kind->close != NULL)
		p->target->kind->close(p);
	engine_count(e, &p->sample);
	p->cb(p->target, &p->sample, p->arg);
	put_back(p);
}

static void settle(struct ep_probe *p, enum ep_outcome outcome,
		   enum ep_reason reason)
{
	p->sample.outcome = (uint8_t)outcome;
	p->sample.reason = (uint8_t)reason;
	if (probe_stood_still(p))
		probe_judge_standstill(p);
	if (p->state == PROBE_RESOLVING)
		resolve_cancel(&p->query);
	SM_MOVE(allowed, p->state, PROBE_SETTLED);
	if (p->sample.sent_ns == 0)
		p->sample.sent_ns = ep_clock_wall_ns();
}

static void park(struct ep_probe *p)
{
	set_deadline(p, 0);
	engine_arm_for(p->engine, 0);
}

void ep_probe_settle(struct ep_probe *probe, enum ep_outcome outcome,
		     enum ep_reason reason)
{
	if (probe->state == PROBE_SETTLED)
		return;
	settle(probe, outcome, reason);
	if (probe->starting)
		park(probe);
	else
		finish(probe);
}

void ep_probe_cancel(struct ep_probe *probe)
{
	if (probe->state == PROBE_SETTLED)
		return;
	settle(probe, EP_CANCELLED, EP_REASON_NONE);
	park(probe);
}

/* Our own host's doing is no loss. */
static enum ep_outcome outcome_of_silence(enum ep_reason reason)
{
	return reason == EP_REASON_UNMEASURED || reason == EP_REASON_NO_SOURCE
		       ? EP_FAILED
		       : EP_LOST;
}

void probe_expire(struct ep_probe *p, uint64_t now_ns)
{
	const struct ep_kind *kind = p->target->kind;
	enum ep_reason reason = EP_REASON_TIMEOUT;

	(void)now_ns;
	if (p->state != PROBE_SETTLED) {
		if (kind->overdue != NULL)
			reason = kind->overdue(p);
		settle(p, outcome_of_silence(reason), reason);
	}
	finish(p);
}

static enum ep_reason reason_of(int error)
{
	switch (-error) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT:
		return EP_REASON_NO_ROUTE;
	case ENODEV:
	case ENXIO:
	case EADDRNOTAVAIL:
		return EP_REASON_NO_SOURCE;
	case EACCES:
	case EPERM:
		return EP_REASON_PERMISSION;
	case ENOMEM:
	case ENOBUFS:
	case EMFILE:
	case ENFILE:
	case EAGAIN:
	case ENOSPC:
		return EP_REASON_NO_RESOURCES;
	case EMSGSIZE:
		return EP_REASON_PACKET_TOO_BIG;
	default:
		return EP_REASON_SEND_FAILED;
	}
}

static int find_way(struct ep_probe *p)
{
	struct ep_engine *e = p->engine;
	const char *source = p->target->source;

	if (source == NULL)
		return 0;
	if (e->ways == NULL)
		e->ways = ways_create();
	return e->ways == NULL
		       ? source_find(source, &p->sample.address, &p->way)
		       : ways_find(e->ways, source, &p->sample.address,
				   &p->way);
}

enum ep_reason probe_way_lost(struct ep_probe *probe)
{
	uint32_t interface = probe->way.interface;
	int r = find_way(probe);

	if (r == 0 && probe->way.interface != interface)
		r = -ENETUNREACH;
	return r < 0 ? reason_of(r) : EP_REASON_NONE;
}

/* The address is known: send. What has not left yet has a deadline, too. */
static void launch(struct ep_probe *p)
{
	const struct ep_kind *kind = p->target->kind;
	struct ep_engine *e = p->engine;
	int r = 0;

	SM_MOVE(allowed, p->state, PROBE_WAITING);
	p->starting++;
	if (kind->ready != NULL)
		r = kind->ready(e, p->shared->state, p->sample.address.family,
				NULL);
	if (r == 0)
		r = find_way(p);
	if (r == 0)
		r = kind->start(p);
	if (r < 0 && p->state != PROBE_SETTLED) {
		settle(p, EP_FAILED, reason_of(r));
		p->sample.bytes = 0; /* nothing has left */
		park(p);
	}
	p->starting--;
	if (p->deadline.at == 0)
		set_deadline(p, ep_clock_mono_ns() + ep_probe_timeout_ns(p));
	engine_arm_for(e, p->deadline.key);
}

static void take_answer(struct ep_probe *p)
{
	const struct resolve_answer *answer = &p->query.answer;

	if (answer->took_ns != EP_ABSENT && !probe_stood_still(p))
		p->sample.dns_ns = answer->took_ns;
	if (answer->reason == EP_REASON_NONE) {
		p->sample.address = answer->address;
		launch(p);
		return;
	}
	settle(p, EP_FAILED, answer->reason);
	park(p);
}

static void on_resolved(struct resolve_query *query)
{
	take_answer(container_of(query, struct ep_probe, query));
}

static int find_address(struct ep_probe *p)
{
	const struct ep_target *t = p->target;
	int r;

	if (ep_address_parse(t->host, &p->sample.address) == 0) {
		launch(p);
		return 0;
	}
	p->query.cb = on_resolved;
	list_init(&p->query.link);
	r = engine_resolve(p->engine, t, &p->query);
	if (r == 1)
		take_answer(p);
	engine_arm(p->engine); /* a look-up may be due */
	return r < 0 ? r : 0;
}

static struct ep_probe *create(struct ep_engine *e, struct shared *s,
			       const struct ep_target *t, uint64_t due_ns)
{
	struct ep_probe *p = take_spare(s);

	if (p == NULL)
		p = take_new(s);
	if (p == NULL)
		return NULL;
	p->engine = e;
	p->shared = s;
	p->target = t;
	p->due_ns = due_ns != 0 ? due_ns : ep_clock_mono_ns();
	p->state = PROBE_RESOLVING;
	p->sample.id = ++e->last_id;
	p->sample.port = ep_probe_port(p);
	if (t->kept) /* whatever becomes of it */
		p->sample.flags = EP_FLAG_KEPT;
	list_add(&e->probes, &p->link);
	p->still = engine_begin(e);
	e->in_flight++;
	return p;
}

static void discard(struct ep_probe *p)
{
	list_remove(&p->link);
	p->engine->in_flight--;
	put_back(p);
}

int ep_probe_start(struct ep_engine *engine, const struct ep_target *target,
		   uint64_t due_ns, ep_probe_cb cb, void *arg,
		   struct ep_probe **ret_probe)
{
	struct ep_probe *p;
	struct shared *shared;
	int r;

	if (engine->closing)
		return -ECANCELED;
	r = ep_target_check(target, NULL);
	if (r < 0)
		return r;
	r = engine_shared(engine, target->kind, &shared);
	if (r < 0)
		return r;
	r = ep_heap_reserve(&engine->deadlines, engine->in_flight + 1);
	p = r < 0 ? NULL : create(engine, shared, target, due_ns);
	if (p == NULL)
		return -ENOMEM;
	p->cb = cb;
	p->arg = arg;
	r = find_address(p);
	if (r < 0) {
		discard(p);
		return r;
	}
	engine_count_start(engine);
	if (ret_probe != NULL)
		*ret_probe = p;
	return 0;
}

/* --- what a kind may ask --- */

uint64_t ep_probe_id(const struct ep_probe *probe)
{
	return probe->sample.id;
}

void *ep_probe_state(struct ep_probe *probe)
{
	return probe->kind_state;
}

void *ep_probe_shared(struct ep_probe *probe)
{
	return probe->shared->state;
}

const struct source_way *probe_way(const struct ep_probe *probe)
{
	return &probe->way;
}

struct ep_engine *ep_probe_engine(struct ep_probe *probe)
{
	return probe->engine;
}

const struct ep_target *ep_probe_target(const struct ep_probe *probe)
{
	return probe->target;
}

const struct ep_address *ep_probe_address(const struct ep_probe *probe)
{
	return &probe->sample.address;
}

uint16_t ep_probe_port(const struct ep_probe *probe)
{
	const struct ep_target *t = probe->target;

	return t->port != 0 && t->kind->port != 0 ? t->port : t->kind->port;
}

uint64_t ep_probe_timeout_ns(const struct ep_probe *probe)
{
	uint64_t timeout_ns = probe->target->timeout_ns;

	return timeout_ns != 0 ? timeout_ns : EP_TIMEOUT_DEFAULT_NS;
}

struct ep_sample *ep_probe_sample(struct ep_probe *probe)
{
	return &probe->sample;
}

void ep_probe_sent(struct ep_probe *probe)
{
	ep_probe_sent_at(probe, ep_clock_mono_ns(), ep_clock_wall_ns());
}

void ep_probe_sent_at(struct ep_probe *probe, uint64_t mono_ns,
		      uint64_t wall_ns)
{
	probe->sent_ns = mono_ns;
	probe->sample.sent_ns = wall_ns;
	probe->sample.slip_ns = mono_ns > probe->due_ns
					? (int64_t)(mono_ns - probe->due_ns)
					: 0;
	if (probe->state == PROBE_WAITING)
		set_deadline(probe, mono_ns + ep_probe_timeout_ns(probe));
	engine_note_send(probe->engine, mono_ns);
}
