/* Queries: what is known is answered at once, and what is not waits for a
 * look-up: one for each name and family, however many probes want it.
 *
 * Happy path: resolve_start() finds no fresh answer and makes a look-up; that
 * asks a name server (lookup.c); its answer ends it, and from the loop every
 * query that waits gets it (deliver()).
 *
 * What can fail: the look-up (its reason is the answer); too many look-ups are
 * under way (the rest wait in line, on their own time); the servers change (all
 * is asked anew); memory, or room for names (an errno, nothing was started). */
#include "core/resolve_i.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/target.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names that are remembered, and questions that c-ares has at once. */
#define NAMES_MAX     16384
#define QUESTIONS_MAX 512

/* How long one server may be silent before another is asked, too. */
#define HEDGE_NS (300 * EP_NS_PER_MS)

/* Of the time for a look-up, the part in which a server's silence shows: the
 * rest is for what came of it. In quarters. */
#define SILENCE_QUARTERS 3

static void deliver_one(struct lookup *l)
{
	list_remove(&l->link);
	while (!list_empty(&l->waiting)) {
		struct resolve_query *q = container_of(
			l->waiting.next, struct resolve_query, link);

		list_remove(&q->link);
		q->answer.took_ns = (int64_t)(l->ended_ns - q->asked_ns);
		q->cb(q);
	}
	free(l);
}

/* What ends meanwhile is appended, and seen or left for the next time. */
static void deliver(struct resolve *r)
{
	struct list *at, *after;

	list_for_each (at, after, &r->done)
		deliver_one(container_of(at, struct lookup, link));
	name_tell_run(&r->tell, ep_clock_mono_ns());
}

static void serve_line(struct resolve *r)
{
	while (!list_empty(&r->line) && r->questions < QUESTIONS_MAX)
		lookup_begin(container_of(r->line.next, struct lookup, turn));
}

/* After anything that c-ares did: use what became free, and hand out. What ends
 * by a callback makes resolve_due() say "now". */
static void progress(void *arg)
{
	struct resolve *r = arg;

	serve_line(r);
	deliver(r);
}

/* --- queries --- */

/* The name servers are others: ask all again. */
static void start_over(struct resolve *r)
{
	struct list *at, *after;

	r->favourite = 0;
	list_for_each (at, after, &r->lookups) {
		struct lookup *l = container_of(at, struct lookup, link);

		l->open = 0;
		l->reason = EP_REASON_NONE;
		list_remove(&l->turn);
		list_add(&r->line, &l->turn);
	}
	serve_line(r);
}

static void refresh(struct resolve *r, uint64_t now_ns)
{
	bool changed;

	r->reloading = true;
	changed = name_servers_refresh(r->servers, now_ns);
	r->reloading = false;
	if (changed)
		start_over(r);
}

/* As RFC 6761 wants it, whatever the file says; c-ares 1.18 leaks memory over
 * the name where the file lacks it. */
static int find_localhost(const char *host, int family,
			  struct name_answer *ret_answer)
{
	size_t n = strlen(host), tail = strlen(".localhost");
	struct ep_address address;

	if (strcmp(host, "localhost") != 0 &&
	    (n <= tail || strcmp(host + n - tail, ".localhost") != 0))
		return 0;
	if (ep_address_parse(family == 6 ? "::1" : "127.0.0.1", &address) < 0)
		return 0;
	name_answer_add(ret_answer, &address);
	return 1;
}

/* The file is searched once for each name and version of the file. */
static int search_hosts(struct resolve *r, struct name *name, uint64_t now_ns)
{
	unsigned version = name_servers_hosts_version(r->servers);
	struct name_answer answer = { .reason = EP_REASON_NONE };
	int result = 0;

	if (name->hosts_version == version)
		return 0;
	if (name->from_hosts)
		name->expires_ns = 0;
	name->from_hosts = false;
	if (find_localhost(name->host, name->family, &answer) ||
	    name_servers_search_hosts(r->servers, name->host, name->family,
				      &answer))
		result = name_store_hosts(name, &answer);
	if (result == 0)
		name->hosts_version = version;
	name_tell_note(&r->tell, name, now_ns);
	return result;
}

static int join(struct resolve *r, struct resolve_query *q, struct name *name,
		uint64_t now_ns)
{
	struct lookup *l = name->lookup;

	if (l == NULL)
		l = lookup_create(r, name, now_ns);
	if (l == NULL)
		return -ENOMEM;
	q->asked_ns = now_ns;
	list_add(&l->waiting, &q->link);
	serve_line(r);
	return 0;
}

void resolve_choose(struct name *name, enum ep_reason reason,
		    struct resolve_query *query)
{
	static const struct ep_address none;
	struct resolve_answer *answer = &query->answer;

	answer->address = none;
	answer->reason = reason;
	if (reason == EP_REASON_NONE &&
	    name_pick(&name->choices, name->set, &name->first, &query->want,
		      &answer->address) < 0)
		answer->reason = EP_REASON_DNS_NODATA;
}

static int answer_at_once(struct resolve_query *q)
{
	list_init(&q->link);
	q->answer.took_ns = EP_ABSENT;
	return 1;
}

static int answer_literal(struct resolve_query *q,
			  const struct ep_address *address, int family)
{
	static const struct ep_address none;
	bool fits = (family == 0 || address->family == family) &&
		    (q->want.pick != EP_PICK_NTH || q->want.nth == 0);

	q->answer.reason = fits ? EP_REASON_NONE : EP_REASON_DNS_NODATA;
	q->answer.address = fits ? *address : none;
	return answer_at_once(q);
}

/* Lower case, without the dot at the end. */
static int normalise(const char *host, char ret_name[EP_HOST_MAX + 1])
{
	size_t n = strnlen(host, EP_HOST_MAX + 2);

	if (n > 0 && host[n - 1] == '.')
		n--;
	if (n == 0 || n > EP_HOST_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		ret_name[i] = (char)(host[i] >= 'A' && host[i] <= 'Z'
					     ? host[i] - 'A' + 'a'
					     : host[i]);
	ret_name[n] = '\0';
	return 0;
}

int resolve_start(struct resolve *resolve, struct resolve_query *query,
		  const char *host, int family)
{
	char text[EP_HOST_MAX + 1];
	struct ep_address literal;
	struct name *name;
	uint64_t now_ns = ep_clock_mono_ns();
	int r;

	if (ep_address_parse(host, &literal) == 0)
		return answer_literal(query, &literal, family);
	r = normalise(host, text);
	if (r < 0)
		return r;
	refresh(resolve, now_ns);
	r = name_cache_get(resolve->cache, text, family, &name);
	if (r < 0)
		return r;
	r = search_hosts(resolve, name, now_ns);
	if (r < 0)
		return r;
	if (!name_is_fresh(name, now_ns))
		return join(resolve, query, name, now_ns);
	resolve_choose(name, name->reason, query);
	return answer_at_once(query);
}

unsigned resolve_known(struct resolve *resolve, const char *host, int family,
		       struct ep_address *ret, unsigned max)
{
	char text[EP_HOST_MAX + 1];
	struct name *name = NULL;
	unsigned n;

	if (normalise(host, text) == 0)
		name = name_cache_find(resolve->cache, text, family);
	if (name == NULL || name->set == NULL)
		return 0;
	n = name->set->n < max ? name->set->n : max;
	memcpy(ret, name->set->at, n * sizeof(*ret));
	return n;
}

void resolve_on_names(struct resolve *resolve, ep_names_cb cb, void *arg)
{
	name_tell_listen(&resolve->tell, cb, arg);
}

/* The look-up itself goes on, and its answer is remembered. */
void resolve_cancel(struct resolve_query *query)
{
	if (query->link.next != NULL)
		list_remove(&query->link);
}

void resolve_flush(struct resolve *resolve)
{
	name_cache_flush(resolve->cache);
}

/* --- time --- */

uint64_t resolve_due(const struct resolve *resolve)
{
	uint64_t due_ns = name_servers_due(resolve->servers);
	uint64_t tell_ns = name_tell_due(&resolve->tell);
	const struct lookup *l;

	if (tell_ns < due_ns)
		due_ns = tell_ns;
	if (!list_empty(&resolve->done))
		return 0;
	if (!list_empty(&resolve->lookups)) {
		l = container_of(resolve->lookups.next, struct lookup, link);
		if (l->begun_ns + resolve->timeout_ns < due_ns)
			due_ns = l->begun_ns + resolve->timeout_ns;
	}
	if (!list_empty(&resolve->hedges)) {
		l = container_of(resolve->hedges.next, struct lookup, turn);
		if (l->hedge_ns < due_ns)
			due_ns = l->hedge_ns;
	}
	return due_ns;
}

void resolve_tick(struct resolve *resolve, uint64_t now_ns)
{
	refresh(resolve, now_ns); /* perhaps that is why nobody answers */
	name_servers_tick(resolve->servers, now_ns);
	lookup_hedge(resolve, now_ns);
	lookup_expire(resolve, now_ns);
	progress(resolve);
}

/* --- life --- */

int resolve_open(struct ep_engine *engine,
		 const struct ep_engine_options *options,
		 struct resolve **ret_resolve, struct ep_err *err)
{
	uint64_t timeout_ns = options->dns_timeout_ns;
	const struct name_servers_options servers = {
		.list = options->dns_servers,
		.source = options->dns_source,
		.silence_ns = timeout_ns / 4 * SILENCE_QUARTERS,
	};
	struct resolve *resolve = calloc(1, sizeof(*resolve));
	int r;

	if (resolve == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	list_init(&resolve->lookups);
	list_init(&resolve->line);
	list_init(&resolve->hedges);
	list_init(&resolve->done);
	name_tell_init(&resolve->tell);
	resolve->timeout_ns = timeout_ns;
	resolve->hedge_ns =
		timeout_ns / 4 < HEDGE_NS ? timeout_ns / 4 : HEDGE_NS;
	r = name_cache_create(NAMES_MAX, &resolve->cache);
	if (r < 0) {
		ep_err_set(err, r, "out of memory");
		goto err_free;
	}
	r = name_servers_open(engine, &servers, &resolve->servers, err);
	if (r < 0)
		goto err_cache;
	name_servers_on_progress(resolve->servers, progress, resolve);
	*ret_resolve = resolve;
	return 0;

err_cache:
	name_cache_destroy(resolve->cache);
err_free:
	free(resolve);
	return r;
}

static void free_lookups(struct list *lookups)
{
	struct list *at, *after;

	list_for_each (at, after, lookups) {
		struct lookup *l = container_of(at, struct lookup, link);

		assert(list_empty(&l->waiting));
		list_remove(at);
		free(l);
	}
}

void resolve_close(struct resolve *resolve)
{
	if (resolve == NULL)
		return;
	resolve->reloading = true; /* what c-ares drops is freed, no more */
	name_servers_close(resolve->servers);
	free_lookups(&resolve->lookups);
	free_lookups(&resolve->done);
	name_cache_destroy(resolve->cache);
	free(resolve);
}
