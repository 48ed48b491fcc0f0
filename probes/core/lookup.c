/* One look-up: whom to ask, when to ask another, and what the answers mean.
 *
 * Happy path: lookup_begin() asks the server that answered last, and its answer
 * ends the look-up.
 *
 * What can fail: the server is silent (after hedge_ns the next one is asked as
 * well, and the first good answer counts); it says no (the next one is asked at
 * once); all have failed, or the time for all of them is over (the reason that
 * says most is kept); there is no server. */
#include "core/resolve_i.h"
#include "edgeprobe/clock.h"
#include <assert.h>
#include <stdlib.h>

/* After which the first server configured gets its chance again. */
#define RECHECK_NS (30 * EP_NS_PER_S)

struct question {
	struct list link;
	struct resolve *resolve;
	struct lookup *lookup; /* NULL: it has ended without this answer */
	unsigned server;
};

/* --- the end --- */

static void forsake_questions(struct lookup *l)
{
	struct list *at, *after;

	list_for_each (at, after, &l->questions) {
		container_of(at, struct question, link)->lookup = NULL;
		list_remove(at);
	}
	l->open = 0;
}

/* Each one that waits gets the address that it wants. */
static void answer_all(struct lookup *l, enum ep_reason reason)
{
	struct list *at, *after;

	list_for_each (at, after, &l->waiting)
		resolve_choose(l->name, reason,
			       container_of(at, struct resolve_query, link));
}

/* What the hosts file has come to say meanwhile goes before any answer. */
static void end(struct lookup *l, const struct name_answer *answer)
{
	struct resolve *r = l->resolve;
	enum ep_reason reason = answer->reason;

	assert(l->name != NULL); /* it ends once */
	l->ended_ns = ep_clock_mono_ns();
	forsake_questions(l);
	if (l->name->from_hosts)
		reason = EP_REASON_NONE;
	else if (name_store(l->name, answer, l->ended_ns) < 0)
		reason = EP_REASON_NO_RESOURCES;
	name_tell_note(&r->tell, l->name, l->ended_ns);
	answer_all(l, reason);
	name_cache_pin(r->cache, l->name, NULL);
	l->name = NULL;
	list_remove(&l->turn);
	list_remove(&l->link);
	list_add(&r->done, &l->link);
}

static void fail(struct lookup *l, enum ep_reason reason)
{
	struct name_answer nothing = { .reason = reason };

	end(l, &nothing);
}

/* --- asking --- */

/* Which of two failures says more about the name servers. */
static enum ep_reason worse(enum ep_reason a, enum ep_reason b)
{
	static const enum ep_reason order[] = {
		EP_REASON_DNS_SERVFAIL,  EP_REASON_DNS_REFUSED,
		EP_REASON_DNS_MALFORMED, EP_REASON_DNS_TIMEOUT,
		EP_REASON_NO_SOURCE,     EP_REASON_DNS_UNAVAILABLE,
		EP_REASON_NO_RESOURCES,
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return b;
}

static void on_answer(const struct name_answer *answer, void *arg);

static struct question *create_question(struct lookup *l)
{
	struct question *question = calloc(1, sizeof(*question));
	unsigned n = name_servers_count(l->resolve->servers);

	if (question == NULL)
		return NULL;
	question->resolve = l->resolve;
	question->lookup = l;
	question->server = (l->first + l->asked) % n;
	list_add(&l->questions, &question->link);
	l->asked++;
	l->open++;
	l->resolve->questions++;
	return question;
}

/* Ask the next server, and be ready to ask the one after it. The look-up may
 * have ended when this returns. */
static void ask_next(struct lookup *l)
{
	struct resolve *r = l->resolve;
	struct question *question = create_question(l);

	if (question == NULL) {
		fail(l, EP_REASON_NO_RESOURCES);
		return;
	}
	list_remove(&l->turn);
	if (l->asked < name_servers_count(r->servers)) {
		l->hedge_ns = ep_clock_mono_ns() + r->hedge_ns;
		list_add(&r->hedges, &l->turn);
	}
	assert(l->name != NULL);
	name_servers_ask(r->servers, question->server, l->name->host,
			 l->name->family, on_answer, question);
}

/* Some server was first to answer: it is asked first from now on. The ones that
 * are configured before it get another chance later, and win it back by
 * answering at all (see on_answer). */
static void favour(struct lookup *l, unsigned server)
{
	struct resolve *r = l->resolve;

	if (server == r->favourite || l->refused)
		return;
	r->favourite = server;
	r->recheck_ns = ep_clock_mono_ns() + RECHECK_NS;
}

static void take_good(struct lookup *l, unsigned server,
		      const struct name_answer *answer)
{
	favour(l, server);
	end(l, answer);
}

/* A server has said no, or nonsense: it was reached at least. */
static bool is_no(enum ep_reason reason)
{
	return reason != EP_REASON_DNS_TIMEOUT &&
	       reason != EP_REASON_DNS_UNAVAILABLE &&
	       reason != EP_REASON_NO_SOURCE;
}

static void take_bad(struct lookup *l, enum ep_reason reason)
{
	l->reason = worse(l->reason, reason);
	if (is_no(reason))
		l->refused = true;
	if (l->asked < name_servers_count(l->resolve->servers))
		ask_next(l);
	else if (l->open == 0)
		fail(l, l->reason);
}

/* That there is no such name, or no such address, is a good answer. */
static bool is_good(enum ep_reason reason)
{
	return reason == EP_REASON_NONE || reason == EP_REASON_DNS_NXDOMAIN ||
	       reason == EP_REASON_DNS_NODATA;
}

static void on_answer(const struct name_answer *answer, void *arg)
{
	struct question *question = arg;
	struct question copy = *question;
	struct resolve *r = copy.resolve;

	list_remove(&question->link);
	free(question);
	r->questions--;
	if (r->reloading)
		return;
	if (copy.lookup == NULL) {
		if (is_good(answer->reason) && copy.server < r->favourite)
			r->favourite = copy.server;
		return;
	}
	copy.lookup->open--;
	if (is_good(answer->reason))
		take_good(copy.lookup, copy.server, answer);
	else
		take_bad(copy.lookup, answer->reason);
}

/* When the favourite is not the first one configured, those before it are given
 * a chance from time to time, beside the favourite: nobody waits for them. */
void lookup_begin(struct lookup *l)
{
	struct resolve *r = l->resolve;
	uint64_t now_ns = ep_clock_mono_ns();

	list_remove(&l->turn);
	if (name_servers_count(r->servers) == 0) {
		fail(l, EP_REASON_DNS_UNAVAILABLE);
		return;
	}
	l->asked = 0;
	l->first = r->favourite;
	if (r->favourite != 0 && now_ns >= r->recheck_ns) {
		r->recheck_ns = now_ns + RECHECK_NS;
		l->first = 0;
		for (unsigned i = 0; i < r->favourite && l->name != NULL; i++)
			ask_next(l);
	}
	if (l->name != NULL)
		ask_next(l);
}

/* --- time --- */

void lookup_hedge(struct resolve *r, uint64_t now_ns)
{
	while (!list_empty(&r->hedges)) {
		struct lookup *l =
			container_of(r->hedges.next, struct lookup, turn);

		if (now_ns < l->hedge_ns)
			return;
		ask_next(l);
	}
}

void lookup_expire(struct resolve *r, uint64_t now_ns)
{
	while (!list_empty(&r->lookups)) {
		struct lookup *l =
			container_of(r->lookups.next, struct lookup, link);

		if (now_ns < l->begun_ns + r->timeout_ns)
			return;
		fail(l, worse(l->reason, EP_REASON_DNS_TIMEOUT));
	}
}

struct lookup *lookup_create(struct resolve *r, struct name *name,
			     uint64_t now_ns)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->resolve = r;
	l->name = name;
	l->begun_ns = now_ns;
	list_init(&l->waiting);
	list_init(&l->questions);
	list_init(&l->turn);
	list_add(&r->lookups, &l->link);
	list_add(&r->line, &l->turn);
	name_cache_pin(r->cache, name, l);
	return l;
}
