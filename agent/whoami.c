#include "whoami.h"
#include "asking.h"
#include "base/log.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define EVERY_MS UINT64_C(3600000)

/* The servers of one circuit, or all others'. */
struct way {
	struct whoami *whoami;
	size_t circuit; /* config.n_circuits: those without their own */
};

struct whoami {
	struct ep_scope scope;
	uv_timer_t timer;
	const struct config *config;
	whoami_cb cb;
	void *arg;
	struct asking *asking;
	size_t n;
	struct way ways[];
};

/* Circuits without servers of their own have the others'. */
static void tell(const struct way *way, const struct ep_address *address)
{
	const struct whoami *w = way->whoami;
	const struct config *c = w->config;

	if (way->circuit < c->n_circuits || c->n_circuits == 0) {
		w->cb(way->circuit, address, w->arg);
		return;
	}
	for (size_t i = 0; i < c->n_circuits; i++)
		if (c->circuits[i].dns == NULL)
			w->cb(i, address, w->arg);
}

static void on_answer(const struct asking_answer *answer, void *arg)
{
	const struct way *way = arg;

	if (answer->reason == NULL)
		tell(way, &answer->address);
	else
		log_info("whoami", "answer=none name=%s reason=\"%s\"",
			 way->whoami->config->dns_whoami, answer->reason);
}

/* What cannot be asked now can be in an hour. */
static void on_due(uv_timer_t *timer)
{
	struct whoami *w = container_of(timer, struct whoami, timer);

	for (size_t i = 0; i < w->n; i++)
		asking_ask(w->asking, w->ways[i].circuit, ASKING_ADDRESS,
			   w->config->dns_whoami, on_answer, &w->ways[i]);
}

/* --- life --- */

static void add_way(struct whoami *w, size_t circuit)
{
	w->ways[w->n++] = (struct way){ .whoami = w, .circuit = circuit };
}

static void add_ways(struct whoami *w)
{
	const struct config *c = w->config;
	bool others = c->n_circuits == 0;

	for (size_t i = 0; i < c->n_circuits; i++) {
		if (c->circuits[i].dns != NULL)
			add_way(w, i);
		else
			others = true;
	}
	if (others)
		add_way(w, c->n_circuits);
}

int whoami_open(uv_loop_t *loop, const struct config *config, whoami_cb cb,
		void *arg, struct whoami **ret_whoami, struct ep_err *err)
{
	struct whoami *w;
	int r;

	*ret_whoami = NULL;
	if (config->dns_whoami == NULL)
		return 0;
	w = calloc(1,
		   sizeof(*w) + (config->n_circuits + 1) * sizeof(w->ways[0]));
	if (w == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	r = asking_open(loop, config, &w->asking, err);
	if (r < 0) {
		free(w);
		return r;
	}
	w->config = config;
	w->cb = cb;
	w->arg = arg;
	add_ways(w);
	ep_scope_init(&w->scope);
	uv_timer_init(loop, &w->timer);
	ep_scope_adopt(&w->scope, (uv_handle_t *)&w->timer);
	uv_timer_start(&w->timer, on_due, 0, EVERY_MS);
	*ret_whoami = w;
	return 0;
}

static void free_whoami(struct ep_scope *scope)
{
	free(container_of(scope, struct whoami, scope));
}

void whoami_close(struct whoami *whoami)
{
	if (whoami == NULL)
		return;
	asking_close(whoami->asking);
	ep_scope_shut(&whoami->scope, (uv_handle_t *)&whoami->timer);
	ep_scope_end(&whoami->scope, free_whoami);
}
