#include "tcp_world.h"
#include "edgeprobe/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS

int tcp_world_listen(const char *address, int backlog, uint16_t *ret_port)
{
	struct ep_address a;
	union ep_sockaddr name;
	socklen_t length;
	int fd;

	assert_int_equal(ep_address_parse(address, &a), 0);
	length = ep_address_to_sockaddr(&a, 0, &name);
	fd = socket(name.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &name.sa, length), 0);
	assert_int_equal(getsockname(fd, &name.sa, &length), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	*ret_port =
		ntohs(a.family == 4 ? name.in4.sin_port : name.in6.sin6_port);
	return fd;
}

static int dial(const char *address, uint16_t port)
{
	struct ep_address a;
	union ep_sockaddr name;
	socklen_t length;
	int fd;

	assert_int_equal(ep_address_parse(address, &a), 0);
	length = ep_address_to_sockaddr(&a, port, &name);
	fd = socket(name.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	(void)connect(fd, &name.sa, length);
	return fd;
}

int tcp_world_listen_full(uint16_t *ret_port, int fillers[2])
{
	int fd = tcp_world_listen("127.0.0.1", 0, ret_port);

	fillers[0] = dial("127.0.0.1", *ret_port);
	fillers[1] = dial("127.0.0.1", *ret_port);
	return fd;
}

int tcp_world_open(void **state)
{
	struct tcp_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(ep_engine_open(&w->loop, NULL, &w->engine, NULL), 0);
	w->target.kind = ep_kind_find("tcp");
	w->target.host = "127.0.0.1";
	w->target.timeout_ns = 10 * EP_NS_PER_S;
	*state = w;
	return 0;
}

void tcp_world_shut(struct tcp_world *w)
{
	if (w->engine != NULL)
		ep_engine_close(w->engine, NULL, NULL);
	w->engine = NULL;
	uv_run(&w->loop, UV_RUN_DEFAULT);
}

int tcp_world_close(void **state)
{
	struct tcp_world *w = *state;

	tcp_world_shut(w);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	free(w);
	return 0;
}

static void on_sample(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct tcp_world *w = arg;

	(void)target;
	w->last = *sample;
	w->answered++;
	uv_stop(&w->loop); /* a timer may have answered: do not poll */
}

struct ep_probe *tcp_world_start_target(struct tcp_world *w,
					const struct ep_target *target)
{
	struct ep_probe *probe;
	unsigned before = w->answered;

	assert_int_equal(
		ep_probe_start(w->engine, target, 0, on_sample, w, &probe), 0);
	assert_int_equal(w->answered, before); /* never from inside */
	return probe;
}

struct ep_probe *tcp_world_start(struct tcp_world *w)
{
	return tcp_world_start_target(w, &w->target);
}

void tcp_world_await(struct tcp_world *w, unsigned answered)
{
	while (w->answered < answered)
		uv_run(&w->loop, UV_RUN_ONCE);
}

const struct ep_sample *tcp_world_measure(struct tcp_world *w, uint16_t port)
{
	w->target.port = port;
	tcp_world_start(w);
	tcp_world_await(w, w->answered + 1);
	return &w->last;
}

void tcp_world_expect(const struct ep_sample *s, enum ep_outcome outcome,
		      const char *reason)
{
	assert_string_equal(ep_outcome_name(s->outcome),
			    ep_outcome_name(outcome));
	assert_string_equal(ep_reason_name(s->reason), reason);
}

void tcp_world_expect_handshake(const struct ep_sample *s)
{
	tcp_world_expect(s, EP_REPLIED, "");
	assert_int_equal(s->stamp, EP_STAMP_KERNEL);
	assert_true(s->rtt_ns > 0);
	assert_true(s->rtt_ns < (int64_t)(900 * MS));
	assert_int_equal(s->retransmits, 0);
	assert_true(s->uncertainty_ns >= 10000);
	assert_int_equal(s->dns_ns, EP_ABSENT);
	assert_true(s->sent_ns > 0);
	assert_true(s->slip_ns >= 0);
}
