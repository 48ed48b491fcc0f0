/* TCP connect: the round trip of a handshake, measured by the kernel.
 *
 * Happy path: start() dials; the socket becomes writable; TCP_INFO tells the
 * time from SYN to SYN-ACK, however late it is read, because nothing has been
 * sent yet; the connection is closed with a FIN, without a byte.
 *
 * What can fail: a RST (refused: an answer, but timed by our own clock); a
 * lost SYN (the kernel sends it again after a second, and the figure is then
 * that of the SYN which was answered, in whole milliseconds, or absent: never
 * the second); an ICMP error (unreachable, with its reason from the socket's
 * error queue); our own neighbour, route, source or ports (failed); silence
 * (the engine's deadline). On loopback the answer is there before connect(2)
 * returns. */
#include "core/kinds.h"
#include "core/loop_delay.h"
#include "core/tcp_dial.h"
#include "core/tcp_info.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/private/list.h"
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* The kernel stamps SYN and SYN-ACK in its TCP layer: 5 to 10 us of our own
 * stack are in its figure. */
#define KERNEL_UNCERTAINTY_NS (10 * EP_NS_PER_US)

/* After a retransmission it is cut to the steps of TCP timestamps. */
#define COARSE_UNCERTAINTY_NS EP_NS_PER_MS

/* Our reading of the send and the engine's lie this close together. */
#define DUE_SLACK_NS (20 * EP_NS_PER_MS)

struct tcp_shared {
	struct list dialling; /* sent, not settled */
	struct tcp_partings partings;
	struct loop_delay delay;
};

struct tcp {
	struct ep_watch watch;
	struct ep_probe *probe;
	struct list link;
	uint64_t sent_ns;
	bool open;    /* watch.fd is ours to close */
	bool replied; /* part politely */
};

/* --- what came --- */

/* By our own clock, which saw the answer late: by how much, at most? */
static void take_user_rtt(struct tcp *t, uint64_t now_ns)
{
	const struct tcp_shared *shared = ep_probe_shared(t->probe);
	struct ep_sample *sample = ep_probe_sample(t->probe);
	uint64_t rtt_ns = now_ns - t->sent_ns;
	uint64_t bound_ns = rtt_ns; /* inside connect(2) */

	if (!list_empty(&t->link))
		bound_ns = loop_delay_bound_ns(&shared->delay, now_ns);
	sample->rtt_ns = (int64_t)rtt_ns;
	sample->stamp = EP_STAMP_USER;
	sample->uncertainty_ns = bound_ns < rtt_ns ? bound_ns : rtt_ns;
}

static void settle(struct tcp *t, enum ep_outcome outcome,
		   enum ep_reason reason)
{
	ep_probe_settle(t->probe, outcome, reason);
}

static int16_t count_retransmits(const struct tcp_info_facts *facts)
{
	return (int16_t)(facts->total_retrans < INT16_MAX ? facts->total_retrans
							  : INT16_MAX);
}

static void take_kernel_rtt(struct ep_sample *sample,
			    const struct tcp_info_facts *facts)
{
	bool coarse = facts->total_retrans > 0;

	sample->stamp = EP_STAMP_KERNEL;
	if (coarse && !facts->has_timestamps)
		return; /* nobody knows which SYN was answered */
	sample->rtt_ns = facts->rtt_ns;
	sample->uncertainty_ns =
		coarse ? COARSE_UNCERTAINTY_NS : KERNEL_UNCERTAINTY_NS;
}

static void settle_replied(struct tcp *t, uint64_t now_ns)
{
	struct ep_sample *sample = ep_probe_sample(t->probe);
	struct tcp_info_facts facts;

	t->replied = true;
	if (tcp_info_read(t->watch.fd, &facts) < 0) {
		take_user_rtt(t, now_ns);
	} else {
		sample->retransmits = count_retransmits(&facts);
		if (facts.rtt_ns != EP_ABSENT || facts.total_retrans > 0)
			take_kernel_rtt(sample, &facts);
		else
			take_user_rtt(t, now_ns);
	}
	settle(t, EP_REPLIED, EP_REASON_NONE);
}

/* If the SYN was sent twice, nobody knows which one the RST answers. */
static void settle_refused(struct tcp *t, uint64_t now_ns)
{
	struct ep_sample *sample = ep_probe_sample(t->probe);
	struct tcp_info_facts facts;

	if (tcp_info_read(t->watch.fd, &facts) == 0)
		sample->retransmits = count_retransmits(&facts);
	if (sample->retransmits <= 0)
		take_user_rtt(t, now_ns);
	settle(t, EP_REFUSED, EP_REASON_TCP_RESET);
}

/* An error without an ICMP message beside it. */
static void settle_errno(struct tcp *t, int error, uint64_t now_ns)
{
	switch (error) {
	case ECONNREFUSED:
		settle_refused(t, now_ns);
		break;
	case ECONNRESET: /* after the handshake, before we looked */
	case EPIPE:
		settle_replied(t, now_ns);
		break;
	case ETIMEDOUT: /* the kernel gives up before a long deadline */
		settle(t, EP_LOST, EP_REASON_TIMEOUT);
		break;
	case ENETUNREACH:
		settle(t, EP_UNREACHABLE, EP_REASON_NET_UNREACHABLE);
		break;
	case EHOSTUNREACH:
		settle(t, EP_UNREACHABLE, EP_REASON_HOST_UNREACHABLE);
		break;
	case EACCES:
		settle(t, EP_UNREACHABLE, EP_REASON_ADMIN_PROHIBITED);
		break;
	default:
		settle(t, EP_FAILED, EP_REASON_SEND_FAILED);
	}
}

/* Our own host's "no neighbour", "no route" and "a filter said no". */
static enum ep_reason own_reason(enum ep_reason reason)
{
	if (reason == EP_REASON_HOST_UNREACHABLE ||
	    reason == EP_REASON_NET_UNREACHABLE)
		return EP_REASON_NO_ROUTE;
	if (reason == EP_REASON_ADMIN_PROHIBITED)
		return EP_REASON_PERMISSION;
	return reason;
}

static void settle_icmp(struct tcp *t, const struct tcp_dial_error *icmp)
{
	if (icmp->local)
		settle(t, EP_FAILED, own_reason(icmp->reason));
	else
		settle(t, EP_UNREACHABLE, icmp->reason);
}

static int take_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return errno;
	return error;
}

/* `t` may be gone afterwards. */
static void judge(struct tcp *t, int error, uint32_t events, uint64_t now_ns)
{
	struct tcp_dial_error icmp = { .reason = EP_REASON_NONE };

	if ((events & EPOLLERR) != 0)
		icmp = tcp_dial_read_error(t->watch.fd,
					   ep_probe_address(t->probe));
	if (icmp.reason != EP_REASON_NONE)
		settle_icmp(t, &icmp);
	else if (error != 0)
		settle_errno(t, error, now_ns);
	else if ((events & EPOLLOUT) != 0)
		settle_replied(t, now_ns);
}

static void on_ready(struct ep_watch *watch, uint32_t events)
{
	uint64_t now_ns = ep_clock_mono_ns();
	struct tcp *t = container_of(watch, struct tcp, watch);

	judge(t, take_error(watch->fd), events, now_ns);
}

/* --- the dial --- */

static int dial_once(struct tcp *t, unsigned try)
{
	struct ep_probe *p = t->probe;
	const struct ep_address *address = ep_probe_address(p);
	union ep_sockaddr name;
	socklen_t length =
		ep_address_to_sockaddr(address, ep_probe_port(p), &name);
	bool fixed;
	int r = tcp_dial_open(ep_probe_target(p), address, ep_probe_port(p),
			      try, &t->watch.fd, &fixed);

	if (r < 0)
		return r;
	t->open = true;
	ep_probe_sent(p);
	t->sent_ns = ep_clock_mono_ns();
	r = connect(t->watch.fd, &name.sa, length) < 0 ? -errno : 0;
	if (!fixed && (r == 0 || r == -EINPROGRESS) &&
	    tcp_dial_met_itself(t->watch.fd, address, ep_probe_port(p)))
		return -EADDRINUSE;
	if (r == -EADDRNOTAVAIL && fixed)
		return -EADDRINUSE; /* the same flow has not ended yet */
	return r;
}

static int dial(struct tcp *t)
{
	int r = -EADDRINUSE;

	for (unsigned try = 0; r == -EADDRINUSE && try < TCP_DIAL_TRIES;
	     try++) {
		if (t->open)
			tcp_dial_abort(t->watch.fd);
		t->open = false;
		r = dial_once(t, try);
	}
	return r == -EADDRINUSE ? -EAGAIN : r; /* no port is left */
}

/* What connect(2) says of the answer itself; everything else is ours. */
static bool is_answer(int r)
{
	return r == 0 || r == -ECONNREFUSED || r == -ECONNRESET;
}

static int tcp_start(struct ep_probe *probe)
{
	struct tcp_shared *shared = ep_probe_shared(probe);
	struct tcp *t = ep_probe_state(probe);
	int r;

	t->probe = probe;
	t->watch.on_ready = on_ready;
	list_init(&t->link);
	tcp_partings_sweep(&shared->partings, ep_clock_mono_ns());
	r = dial(t);
	if (is_answer(r)) {
		judge(t, -r, r == 0 ? EPOLLOUT : EPOLLERR, ep_clock_mono_ns());
		return 0;
	}
	if (r == -EINPROGRESS)
		r = ep_engine_watch(ep_probe_engine(probe), &t->watch,
				    EPOLLOUT);
	if (r < 0)
		return r;
	loop_delay_take(&shared->delay);
	list_add(&shared->dialling, &t->link);
	return 0;
}

/* Settled, perhaps without ever having been started. */
static void tcp_close(struct ep_probe *probe)
{
	struct tcp_shared *shared = ep_probe_shared(probe);
	struct tcp *t = ep_probe_state(probe);

	if (t->link.next != NULL && !list_empty(&t->link)) {
		list_remove(&t->link);
		loop_delay_drop(&shared->delay);
	}
	if (!t->open)
		return;
	ep_engine_unwatch(ep_probe_engine(probe), &t->watch);
	if (t->replied)
		tcp_partings_take(&shared->partings, t->watch.fd,
				  ep_clock_mono_ns());
	else
		tcp_dial_abort(t->watch.fd);
	t->open = false;
}

/* --- the kind --- */

static int tcp_open(struct ep_engine *engine, void *state)
{
	struct tcp_shared *shared = state;

	list_init(&shared->dialling);
	tcp_partings_init(&shared->partings);
	loop_delay_open(&shared->delay, ep_engine_loop(engine),
			ep_engine_scope(engine));
	return 0;
}

static void tcp_shut(struct ep_engine *engine, void *state)
{
	struct tcp_shared *shared = state;

	tcp_partings_finish(&shared->partings);
	loop_delay_shut(&shared->delay, ep_engine_scope(engine));
}

/* A deadline has come, and the loop may have stood still: what the kernel knows
 * by now is in time. Only those that are due are looked at: when a line is dead
 * there are many that wait, and a deadline every moment. */
static void tcp_drain(struct ep_engine *engine, void *state)
{
	struct tcp_shared *shared = state;
	uint64_t soon_ns = ep_clock_mono_ns() + DUE_SLACK_NS;
	struct list *at, *after;

	(void)engine;
	list_for_each (at, after, &shared->dialling) {
		struct tcp *t = container_of(at, struct tcp, link);
		struct pollfd look = { .fd = t->watch.fd, .events = POLLOUT };

		if (t->sent_ns + ep_probe_timeout_ns(t->probe) <= soon_ns &&
		    poll(&look, 1, 0) > 0)
			on_ready(&t->watch, (uint32_t)look.revents);
	}
}

#define FIELD(name) offsetof(struct ep_target, name)

static const struct ep_opt opts[] = {
	{ "ttl", EP_OPT_UINT, FIELD(ttl), 1, 255, NULL,
	  "hops that a packet may take" },
	{ "dscp", EP_OPT_UINT, FIELD(dscp), 0, 63, "0",
	  "code point of the packet's class of service" },
};

const struct ep_kind ep_kind_tcp = {
	.name = "tcp",
	.phrase = "TCP connect",
	.port = 443,
	.size = sizeof(struct tcp),
	.shared_size = sizeof(struct tcp_shared),
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.open = tcp_open,
	.shut = tcp_shut,
	.start = tcp_start,
	.drain = tcp_drain,
	.close = tcp_close,
};
