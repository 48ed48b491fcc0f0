/* TCP connect: the round trip of a handshake, measured by the kernel.
 *
 * Happy path: start() dials; the socket becomes writable; TCP_INFO tells the
 * time from SYN to SYN-ACK, however late it is read, because nothing has been
 * sent yet; the connection is closed with a FIN, without a byte. While probes
 * are dense nobody is woken for an answer: tcp_drain() comes.
 *
 * What can fail: a RST (refused: an answer, but timed by our own clock; who
 * refused the last time wakes us the next); a lost SYN (the kernel sends it
 * again after a second, and the figure is then that of the SYN which was
 * answered, in whole milliseconds, or absent: never the second); an ICMP error
 * (unreachable, with its reason from the socket's error queue); our own
 * neighbour, route, source or ports (failed); silence (the engine's deadline);
 * an answer that our own standing still kept beyond the deadline (lost, and
 * told as late). On loopback the answer is there before connect(2) returns. */
#include "core/kinds.h"
#include "core/loop_delay.h"
#include "core/source.h"
#include "core/tcp_answers.h"
#include "core/tcp_dial.h"
#include "core/tcp_info.h"
#include "core/tcp_partings.h"
#include "core/tcp_refusers.h"
#include "core/ways.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/list.h"
#include <errno.h>
#include <sys/socket.h>

/* The kernel stamps SYN and SYN-ACK in its TCP layer: 5 to 10 us of our own
 * stack are in its figure. */
#define KERNEL_UNCERTAINTY_NS (10 * EP_NS_PER_US)

/* After a retransmission it is cut to the steps of TCP timestamps. */
#define COARSE_UNCERTAINTY_NS EP_NS_PER_MS

/* A SYN is not sent again before this. */
#define RESEND_NS EP_NS_PER_S

struct tcp_shared {
	struct tcp_answers answers;
	struct tcp_partings partings;
	struct loop_delay delay;
	struct tcp_refusers refusers;
};

struct tcp {
	struct ep_probe *probe;
	struct tcp_await await; /* await.fd is ours to close if `open` */
	uint64_t sent_ns;
	uint64_t call_ns; /* how long connect(2) took */
	uint64_t key;     /* of the socket; 0: it is not kept */
	bool open;
	bool fixed;   /* the source port is the flow's */
	bool delayed; /* holds the account of the loop's delay */
	bool replied; /* part politely */
	bool quickly; /* but leave no TIME_WAIT: it would block the flow */
};

/* --- what came --- */

/* How late may our own clock have seen it, and the SYN have left? At most all
 * of the time: it was there when connect(2) returned. */
static uint64_t user_bound_ns(const struct tcp *t, uint64_t now_ns)
{
	const struct tcp_shared *shared = ep_probe_shared(t->probe);

	if (t->delayed)
		return t->call_ns + loop_delay_bound_ns(&shared->delay, now_ns);
	return t->call_ns + (now_ns - shared->answers.looked_ns);
}

static void take_user_rtt(struct tcp *t, uint64_t now_ns)
{
	struct ep_sample *sample = ep_probe_sample(t->probe);
	uint64_t rtt_ns = now_ns - t->sent_ns;
	uint64_t bound_ns = user_bound_ns(t, now_ns);

	sample->rtt_ns = (int64_t)rtt_ns;
	sample->stamp = EP_STAMP_USER;
	sample->uncertainty_ns = bound_ns < rtt_ns ? bound_ns : rtt_ns;
}

static void note_refuser(struct ep_probe *p, bool refused)
{
	struct tcp_shared *shared = ep_probe_shared(p);

	tcp_refusers_note(&shared->refusers, ep_probe_address(p),
			  ep_probe_port(p), refused);
}

static void settle(struct tcp *t, enum ep_outcome outcome,
		   enum ep_reason reason)
{
	note_refuser(t->probe, outcome == EP_REFUSED);
	ep_probe_sample(t->probe)->bytes =
		tcp_dial_bytes(ep_probe_address(t->probe)->family, outcome);
	ep_probe_settle(t->probe, outcome, reason);
}

static int16_t count_retransmits(const struct tcp_info_facts *facts)
{
	return (int16_t)(facts->total_retrans < INT16_MAX ? facts->total_retrans
							  : INT16_MAX);
}

/* The SYN was stamped and left inside connect(2). */
static void take_kernel_rtt(struct tcp *t, const struct tcp_info_facts *facts)
{
	struct ep_sample *sample = ep_probe_sample(t->probe);
	uint64_t fine_ns = t->call_ns > KERNEL_UNCERTAINTY_NS
				   ? t->call_ns
				   : KERNEL_UNCERTAINTY_NS;
	bool coarse = facts->total_retrans > 0;

	sample->stamp = EP_STAMP_KERNEL;
	if (coarse && !facts->has_timestamps)
		return; /* nobody knows which SYN was answered */
	sample->rtt_ns = facts->rtt_ns;
	sample->uncertainty_ns = coarse ? COARSE_UNCERTAINTY_NS : fine_ns;
}

/* When did the answer come, at the earliest? It may have lain there since. */
static bool came_late(const struct tcp *t)
{
	const struct ep_sample *sample = ep_probe_sample(t->probe);
	uint64_t least_ns = sample->rtt_ns > 0 ? (uint64_t)sample->rtt_ns : 0;

	if (sample->retransmits > 0)
		least_ns += (uint64_t)sample->retransmits * RESEND_NS;
	return least_ns > ep_probe_timeout_ns(t->probe);
}

static void settle_late(struct tcp *t)
{
	struct ep_engine *engine = ep_probe_engine(t->probe);
	struct ep_sample *sample = ep_probe_sample(t->probe);
	struct ep_sample late = *sample;

	sample->rtt_ns = EP_ABSENT;
	sample->uncertainty_ns = 0;
	sample->stamp = EP_STAMP_USER;
	settle(t, EP_LOST, EP_REASON_TIMEOUT);
	late.outcome = EP_REPLIED;
	late.reason = EP_REASON_NONE;
	if (late.rtt_ns != EP_ABSENT)
		ep_engine_late(engine, &late);
}

static void settle_measured(struct tcp *t, const struct tcp_info_facts *facts,
			    uint64_t now_ns)
{
	t->replied = true;
	t->quickly = t->fixed && !facts->has_timestamps;
	ep_probe_sample(t->probe)->retransmits = count_retransmits(facts);
	if (facts->rtt_ns != EP_ABSENT || facts->total_retrans > 0)
		take_kernel_rtt(t, facts);
	else
		take_user_rtt(t, now_ns);
	if (came_late(t))
		settle_late(t);
	else
		settle(t, EP_REPLIED, EP_REASON_NONE);
}

static void settle_replied(struct tcp *t, uint64_t now_ns)
{
	struct tcp_info_facts facts;

	if (tcp_info_read(t->await.fd, &facts) == 0) {
		settle_measured(t, &facts, now_ns);
		return;
	}
	t->replied = true;
	take_user_rtt(t, now_ns);
	settle(t, EP_REPLIED, EP_REASON_NONE);
}

/* If the SYN was sent twice, nobody knows which one the RST answers. */
static void settle_refused(struct tcp *t, uint64_t now_ns)
{
	struct ep_sample *sample = ep_probe_sample(t->probe);
	struct tcp_info_facts facts;

	if (tcp_info_read(t->await.fd, &facts) == 0)
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

static void settle_icmp(struct tcp *t, const struct flow_error *icmp)
{
	if (icmp->local)
		settle(t, EP_FAILED, icmp->reason);
	else
		settle(t, EP_UNREACHABLE, icmp->reason);
}

/* False: nothing is decided yet. Else `t` may be gone. */
static bool judge(struct tcp *t, int error, uint32_t events, uint64_t now_ns)
{
	struct flow_error icmp = { .reason = EP_REASON_NONE };

	if ((events & EPOLLERR) != 0)
		icmp = tcp_dial_read_error(t->await.fd,
					   ep_probe_address(t->probe));
	if (icmp.reason != EP_REASON_NONE)
		settle_icmp(t, &icmp);
	else if (error != 0)
		settle_errno(t, error, now_ns);
	else if ((events & EPOLLOUT) != 0)
		settle_replied(t, now_ns);
	else
		return false;
	return true;
}

static void on_answered(struct tcp_await *await, uint32_t events)
{
	uint64_t now_ns = ep_clock_mono_ns();
	struct tcp *t = container_of(await, struct tcp, await);
	struct tcp_shared *shared = ep_probe_shared(t->probe);
	bool healthy = (events & (EPOLLERR | EPOLLHUP)) == 0;

	if (ep_probe_sample(t->probe)->outcome == EP_CANCELLED)
		return; /* its end is on the way */
	if (!judge(t, healthy ? 0 : tcp_dial_take_error(await->fd), events,
		   now_ns))
		(void)tcp_answers_add(&shared->answers, await, false);
}

/* --- the dial --- */

static void drop_socket(struct tcp *t)
{
	if (t->open)
		tcp_part_abruptly(t->await.fd);
	t->open = false;
}

/* The flow's own socket, if it is there. */
static bool reuse(struct tcp *t, unsigned try)
{
	struct tcp_shared *shared = ep_probe_shared(t->probe);

	t->key = tcp_dial_key(ep_probe_target(t->probe),
			      ep_probe_address(t->probe),
			      ep_probe_port(t->probe), try);
	if (t->key == 0)
		return false;
	t->await.fd = tcp_partings_reuse(&shared->partings, t->key);
	t->await.known = t->open = t->fixed = t->await.fd >= 0;
	if (t->open && ep_probe_target(t->probe)->source != NULL &&
	    !source_is_bound(t->await.fd, probe_way(t->probe)))
		drop_socket(t);
	return t->open;
}

static int make(struct tcp *t, unsigned try)
{
	int r = tcp_dial_open(
		ep_probe_target(t->probe), ep_probe_address(t->probe),
		ep_probe_port(t->probe), try, &t->await.fd, &t->fixed);

	t->open = r == 0;
	t->await.known = false;
	return r;
}

static int call(struct tcp *t)
{
	struct ep_probe *p = t->probe;
	const struct ep_address *address = ep_probe_address(p);
	union ep_sockaddr name;
	socklen_t length =
		ep_address_to_sockaddr(address, ep_probe_port(p), &name);
	int r;

	ep_probe_sample(p)->bytes = tcp_dial_bytes(address->family, EP_LOST);
	ep_probe_sent(p);
	t->sent_ns = ep_clock_mono_ns();
	r = connect(t->await.fd, &name.sa, length) < 0 ? -errno : 0;
	t->call_ns = ep_clock_mono_ns() - t->sent_ns;
	if (!t->fixed && (r == 0 || r == -EINPROGRESS) &&
	    tcp_dial_met_itself(t->await.fd, address, ep_probe_port(p)))
		return -EADDRINUSE;
	if (r == -EADDRNOTAVAIL && t->fixed)
		return -EADDRINUSE; /* the same flow has not ended yet */
	return r;
}

/* What connect(2) says of the answer itself; everything else is ours. */
static bool is_answer(int r)
{
	return r == 0 || r == -ECONNREFUSED || r == -ECONNRESET;
}

static int dial(struct tcp *t)
{
	int r = -EADDRINUSE;

	for (unsigned try = 0; r == -EADDRINUSE && try < TCP_DIAL_TRIES;
	     try++) {
		drop_socket(t);
		if (reuse(t, try)) {
			r = call(t);
			if (is_answer(r) || r == -EINPROGRESS)
				break;
			drop_socket(t); /* its interface may be another now */
		}
		r = make(t, try);
		if (r == 0)
			r = call(t);
	}
	return r == -EADDRINUSE ? -EAGAIN : r; /* no port is left */
}

/* Its answer must be waited for. */
static int await_answer(struct tcp *t)
{
	struct tcp_shared *shared = ep_probe_shared(t->probe);
	bool wake =
		tcp_refusers_has(&shared->refusers, ep_probe_address(t->probe),
				 ep_probe_port(t->probe));
	int r = tcp_answers_add(&shared->answers, &t->await, wake);

	if (r == 0 && t->await.loud) {
		loop_delay_take(&shared->delay);
		t->delayed = true;
	}
	return r;
}

static int tcp_start(struct ep_probe *probe)
{
	struct tcp_shared *shared = ep_probe_shared(probe);
	struct tcp *t = ep_probe_state(probe);
	int r;

	t->probe = probe;
	if (ep_probe_target(probe)->fresh_flow)
		ep_probe_sample(probe)->flags |= EP_FLAG_FRESH_FLOW;
	tcp_partings_sweep(&shared->partings, ep_clock_mono_ns());
	r = dial(t);
	if (r == -EINPROGRESS)
		return await_answer(t);
	if (!is_answer(r))
		return r;
	judge(t, -r, r == 0 ? EPOLLOUT : EPOLLERR, ep_clock_mono_ns());
	return 0;
}

/* The line that it should have come in by may be gone: then nobody knows. */
static enum ep_reason tcp_overdue(struct ep_probe *probe)
{
	const struct tcp *t = ep_probe_state(probe);

	note_refuser(probe, false);
	return t->open && source_is_gone(t->await.fd,
					 ep_probe_address(probe)->family,
					 ep_probe_target(probe)->source)
		       ? EP_REASON_NO_SOURCE
		       : EP_REASON_TIMEOUT;
}

static void part(struct tcp *t)
{
	const struct ep_engine *engine = ep_probe_engine(t->probe);
	struct tcp_shared *shared = ep_probe_shared(t->probe);
	int64_t rtt_ns = ep_probe_sample(t->probe)->rtt_ns;

	if (!t->replied)
		tcp_part_abruptly(t->await.fd);
	else if (t->quickly)
		tcp_part_quickly(t->await.fd);
	else
		tcp_partings_take(&shared->partings, t->await.fd,
				  ep_engine_dense(engine) ? t->key : 0,
				  rtt_ns > 0 ? (uint64_t)rtt_ns : 0,
				  ep_clock_mono_ns());
}

/* Settled, perhaps without ever having been started. */
static void tcp_close(struct ep_probe *probe)
{
	struct tcp_shared *shared = ep_probe_shared(probe);
	struct tcp *t = ep_probe_state(probe);

	if (!t->open)
		return;
	if (t->delayed)
		loop_delay_drop(&shared->delay);
	tcp_answers_remove(&shared->answers, &t->await);
	part(t);
	t->open = false;
}

/* --- the kind --- */

static int tcp_open(struct ep_engine *engine, void *state)
{
	struct tcp_shared *shared = state;
	int r = tcp_answers_open(&shared->answers, engine, on_answered);

	if (r < 0)
		return r;
	tcp_partings_init(&shared->partings);
	loop_delay_open(&shared->delay, ep_engine_loop(engine),
			ep_engine_scope(engine));
	return 0;
}

static void tcp_shut(struct ep_engine *engine, void *state)
{
	struct tcp_shared *shared = state;

	tcp_partings_finish(&shared->partings);
	tcp_answers_shut(&shared->answers);
	loop_delay_shut(&shared->delay, ep_engine_scope(engine));
}

/* Probes are dense, or a deadline has come and the loop may have stood still:
 * what the kernel knows by now is in time. */
static void tcp_drain(struct ep_engine *engine, void *state)
{
	struct tcp_shared *shared = state;

	(void)engine;
	tcp_answers_look(&shared->answers);
}

static void tcp_pace(struct ep_engine *engine, void *state, bool dense)
{
	struct tcp_shared *shared = state;

	(void)engine;
	tcp_answers_pace(&shared->answers, dense);
	if (!dense)
		tcp_partings_keep_none(&shared->partings);
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
	.pace = tcp_pace,
	.overdue = tcp_overdue,
	.close = tcp_close,
};
