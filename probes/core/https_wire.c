/* An https probe at its socket: opened as the target wants it, looked at before
 * libcurl is, and let go politely. Inside libcurl, notes only. */
#include "core/https_i.h"
#include "core/https_socket.h"
#include "core/tcp_info.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <unistd.h>

/* The host's share in tcpi_rtt at the first event, p99 of idle and loaded runs
 * against AF_PACKET: the stack on both ways, and softirqs held up by the
 * cryptography of other probes. */
#define RTT_UNCERTAINTY_NS (60 * EP_NS_PER_US)
/* After a retransmitted SYN the kernel counts in TCP timestamps. */
#define COARSE_UNCERTAINTY_NS EP_NS_PER_MS
/* A step of the wall clock, and not its slewing or our reading of it. */
#define CLOCK_STEP_NS (50 * (int64_t)EP_NS_PER_US)

/* --- sockets --- */

static void put_peer(const struct ep_address *to, uint16_t port,
		     struct curl_sockaddr *address)
{
	union ep_sockaddr name;

	address->addrlen = ep_address_to_sockaddr(to, port, &name);
	if (to->family == 4)
		*(struct sockaddr_in *)(void *)&address->addr = name.in4;
	else
		*(struct sockaddr_in6 *)(void *)&address->addr = name.in6;
}

static void sent_now(struct https *h)
{
	ep_probe_sent(h->probe);
	h->transfer.due_ns = ep_clock_mono_ns() + ep_probe_timeout_ns(h->probe);
}

static curl_socket_t on_open(void *arg, curlsocktype purpose,
			     struct curl_sockaddr *address)
{
	struct https *h = arg;
	const struct ep_address *to = ep_probe_address(h->probe);
	uint16_t port = ep_probe_port(h->probe);
	int r, fd = -1;

	(void)purpose;
	do
		r = tcp_dial_open(ep_probe_target(h->probe), to, port, h->try,
				  &fd, &h->fixed);
	while (r == -EADDRINUSE && ++h->try < TCP_DIAL_TRIES);
	if (r < 0) {
		h->end.os_error = -r;
		return CURL_SOCKET_BAD;
	}
	https_socket_prepare(fd);
	put_peer(to, port, address);
	if (h->kept != NULL)
		https_kept_opened(h->kept, fd);
	h->fd = fd;
	h->bytes = 0;
	h->opened = true;
	h->offset_ns = ep_clock_offset_ns();
	h->phases.open_ns = ep_clock_mono_ns();
	sent_now(h);
	return fd;
}

/* What libcurl is done with leaves politely, if it was connected at all. */
static void part(struct https_shared *s, int fd)
{
	struct tcp_info_facts facts;

	if (s->closing || tcp_info_read(fd, &facts) < 0 ||
	    facts.state == TCP_INFO_SYN_SENT || facts.state == TCP_INFO_CLOSE)
		close(fd);
	else
		tcp_partings_take(&s->partings, fd, 0,
				  facts.rtt_ns > 0 ? (uint64_t)facts.rtt_ns : 0,
				  ep_clock_mono_ns());
}

static int on_close(void *shared, curl_socket_t fd)
{
	part(shared, fd);
	return 0;
}

static int on_kept_close(void *arg, curl_socket_t fd)
{
	struct https_kept *kept = arg;

	https_kept_closed(kept, fd);
	part(container_of(kept->set, struct https_shared, kept), fd);
	return 0;
}

/* --- the handshake and the request --- */

/* Nothing was sent yet, so this is SYN to SYN-ACK, however late we are. Called
 * at the socket's first event, or if libcurl found the connection by itself,
 * right before it begins TLS. */
static void note_handshake(struct https *h, curl_socket_t fd, uint64_t now_ns)
{
	const struct https_shared *shared = ep_probe_shared(h->probe);
	struct ep_sample *sample = ep_probe_sample(h->probe);
	struct tcp_info_facts facts;

	h->end.polled = true;
	h->dialled_ns = now_ns;
	h->late_ns = loop_delay_bound_ns(&shared->delay, now_ns);
	if (tcp_info_read(fd, &facts) < 0)
		return;
	sample->retransmits = facts.total_retrans > INT16_MAX
				      ? INT16_MAX
				      : (int16_t)facts.total_retrans;
	if (facts.rtt_ns == EP_ABSENT &&
	    (facts.state == TCP_INFO_SYN_SENT || facts.state == TCP_INFO_CLOSE))
		return;
	https_socket_connected(fd, sample->address.family);
	h->connected = true;
	h->end.step = HTTPS_SECURING;
	h->phases.connected_ns = now_ns;
	if (facts.rtt_ns == EP_ABSENT)
		return;
	sample->rtt_ns = facts.rtt_ns;
	sample->stamp = EP_STAMP_KERNEL;
	sample->uncertainty_ns = facts.total_retrans > 0 ? COARSE_UNCERTAINTY_NS
							 : RTT_UNCERTAINTY_NS;
}

static CURLcode on_tls(CURL *easy, void *context, void *arg)
{
	struct https *h = arg;
	struct https_shared *s = ep_probe_shared(h->probe);

	(void)easy;
	/* UNTESTED: takes a SYN-ACK between a turn's polls and its timeouts. */
	if (h->end.step == HTTPS_DIALLING)
		note_handshake(h, h->fd, ep_clock_mono_ns());
	https_phases_hello(&h->phases, ep_clock_mono_ns());
	s->writing.greeting = &h->phases;
	return https_tls_prepare(context, s->trust,
				 &ep_probe_sample(h->probe)->https,
				 &s->writing);
}

static int on_request(void *arg, char *to, char *from, int to_port,
		      int from_port)
{
	struct https *h = arg;
	struct https_shared *s = ep_probe_shared(h->probe);
	uint64_t now_ns = ep_clock_mono_ns();

	(void)to;
	(void)from;
	(void)to_port;
	(void)from_port;
	if (!h->opened) { /* on a connection that was there: it begins now */
		h->offset_ns = ep_clock_offset_ns();
		h->phases.open_ns = now_ns;
		sent_now(h);
	}
	https_phases_secured(&h->phases, now_ns);
	https_phases_request(&h->phases, now_ns);
	s->writing.phases = &h->phases;
	h->end.step = HTTPS_ASKING;
	return CURL_PREREQFUNC_OK;
}

/* --- the socket, before libcurl is told --- */

void https_wire_count(struct https *h, curl_socket_t fd)
{
	struct ep_sample *sample = ep_probe_sample(h->probe);
	uint64_t *counted = h->kept == NULL ? &h->bytes : &h->kept->bytes;
	struct tcp_info_facts facts;
	uint64_t all;

	if (tcp_info_read(fd, &facts) < 0)
		return;
	all = https_socket_bytes(&facts, sample->address.family);
	if (all > *counted)
		sample->bytes += (uint32_t)(all - *counted);
	*counted = all;
	h->srtt_ns = facts.rtt_ns;
	h->min_rtt_ns = facts.min_rtt_ns;
}

/* When what is to be read came; not told across a step of the wall clock. */
static uint64_t arrival_ns(struct https *h, curl_socket_t fd)
{
	struct https_arrival a = https_socket_arrival(fd, h->phases.worked_ns);
	int64_t moved_ns = a.offset_ns - h->offset_ns;

	h->end.closed = a.closed;
	h->offset_ns = a.offset_ns;
	if (moved_ns > CLOCK_STEP_NS || moved_ns < -CLOCK_STEP_NS)
		return 0;
	return a.mono_ns;
}

static void note_arrival(struct https *h, curl_socket_t fd, uint64_t now_ns)
{
	uint64_t came_ns = arrival_ns(h, fd);

	if (h->end.step == HTTPS_ASKING && h->phases.first_ns == 0)
		h->stamped = came_ns != 0;
	https_phases_read(&h->phases, now_ns, came_ns);
	if (h->end.step == HTTPS_SECURING)
		https_phases_server(&h->phases, came_ns);
}

/* Of a socket that was opened for this transfer. */
static bool note_dial(struct https *h, curl_socket_t fd, int events,
		      uint64_t now_ns, struct flow_error *ret_icmp)
{
	struct flow_error icmp = { .reason = EP_REASON_NONE };

	if (events & CURL_CSELECT_ERR)
		icmp = tcp_dial_read_error(fd, ep_probe_address(h->probe));
	if (icmp.reason == EP_REASON_NONE)
		note_handshake(h, fd, now_ns);
	else
		*ret_icmp = icmp;
	return icmp.reason != EP_REASON_NONE;
}

bool https_wire_event(struct https *h, curl_socket_t fd, int events,
		      struct flow_error *ret_icmp)
{
	uint64_t now_ns = ep_clock_mono_ns();
	bool ended = h->opened && !h->end.polled &&
		     note_dial(h, fd, events, now_ns, ret_icmp);

	https_wire_count(h, fd);
	/* Peeking would take the error that libcurl has to see. */
	if (events & CURL_CSELECT_ERR)
		h->end.closed = true;
	else if (events & CURL_CSELECT_IN)
		note_arrival(h, fd, now_ns);
	return ended;
}

CURLcode https_wire_watch(struct https *h, struct https_shared *s)
{
	CURL *easy = h->request.easy;
	CURLcode code = CURLE_OK;

	HTTPS_SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
	HTTPS_SET(CURLOPT_OPENSOCKETDATA, h);
	HTTPS_SET(CURLOPT_CLOSESOCKETFUNCTION,
		  h->kept == NULL ? on_close : on_kept_close);
	HTTPS_SET(CURLOPT_CLOSESOCKETDATA,
		  h->kept == NULL ? (void *)s : (void *)h->kept);
	HTTPS_SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
	HTTPS_SET(CURLOPT_SSL_CTX_DATA, h);
	HTTPS_SET(CURLOPT_PREREQFUNCTION, on_request);
	HTTPS_SET(CURLOPT_PREREQDATA, h);
	return code;
}
