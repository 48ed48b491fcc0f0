#include "core/icmp_shared.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define FRESH_MAX 128 /* sockets at a time */

/* --- sockets of any kind --- */

static void on_ready(struct ep_watch *watch, uint32_t events)
{
	struct icmp_port *l = container_of(watch, struct icmp_port, watch);

	icmp_port_read(l, events, ICMP_ROUNDS_WAKE);
	if (events & EPOLLOUT) /* it was asked for to have errors told */
		icmp_port_watch(l);
}

void icmp_port_init(struct icmp_shared *s, struct icmp_port *l, int family)
{
	icmp_lane_init(&l->in, s->table, s->buffers, &s->lines[family == 6]);
	list_init(&l->link);
	l->shared = s;
	l->watch.fd = -1;
	l->watch.on_ready = on_ready;
}

int icmp_port_open(struct icmp_port *l, int family, enum icmp_socket_want want,
		   struct ep_err *err)
{
	int r = icmp_lane_open(&l->in, family, want, l->shared->magic, err);

	if (r < 0)
		return r;
	l->watch.fd = l->in.socket.fd;
	if (icmp_port_is_awaited(l))
		r = ep_engine_watch(l->shared->engine, &l->watch, EPOLLIN);
	if (r == 0)
		return 0;
	l->watch.fd = -1;
	icmp_socket_close(&l->in.socket);
	return ep_err_set(err, r, "the ICMP socket cannot be watched: %s",
			  strerror(-r));
}

void icmp_port_close(struct icmp_port *l)
{
	ep_engine_unwatch(l->shared->engine, &l->watch);
	icmp_socket_close(&l->in.socket);
}

/* --- those of fresh flows --- */

static void drop_fresh(struct icmp_port *l)
{
	icmp_port_close(l);
	list_remove(&l->link);
	l->shared->n_fresh--;
	free(l);
}

/* Not while somebody reads from one of them. */
void icmp_fresh_reap(struct icmp_shared *s, uint64_t now_ns)
{
	struct list *at, *after;

	if (s->reading > 0)
		return;
	list_for_each (at, after, &s->fresh) {
		struct icmp_port *l = container_of(at, struct icmp_port, link);

		if (l->over_ns != 0 && l->over_ns <= now_ns)
			drop_fresh(l);
	}
}

int icmp_fresh_open(struct icmp_shared *s, int family,
		    struct icmp_port **ret_port)
{
	struct icmp_port *l;
	int r;

	icmp_fresh_reap(s, s->n_fresh < FRESH_MAX ? ep_clock_mono_ns()
						  : UINT64_MAX);
	if (s->n_fresh == FRESH_MAX)
		return -EMFILE;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return -ENOMEM;
	icmp_port_init(s, l, family);
	list_add(&s->fresh, &l->link);
	s->n_fresh++;
	r = icmp_port_open(l, family, ICMP_SOCKET_FRESH, NULL);
	if (r < 0)
		drop_fresh(l);
	else
		*ret_port = l;
	return r;
}

void icmp_fresh_end(struct icmp_port *p, uint64_t until_ns)
{
	if (!list_empty(&p->link))
		p->over_ns = until_ns;
}
