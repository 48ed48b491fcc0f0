/* HTTPS: one request over a verified connection, on libcurl.
 *
 * Happy path of a fresh connection: start() builds the transfer; at the loop's
 * next turn libcurl opens a socket (on_open: circuit and port bound, stamps
 * asked for, timeout begins). At its first event, before libcurl hears of it and
 * sends anything, TCP_INFO has the handshake's round trip: that is the sample's
 * rtt. libcurl does TLS (on_tls: ClientHello next; on_request: TLS is done) and
 * hands us header and body. When it is done, the verdict is the outcome; the
 * socket parts politely, so that the next dial may have its port.
 *
 * Of a kept one: libcurl still has the connection that the target's last probe
 * used, and what is measured is request to first byte. If it has none (the
 * first time; the server closed it; the address changed) or the one it had turns
 * out to be dead, libcurl makes one; what is asked then is not the measurement,
 * which follows at once (ask_again()), with a timeout of its own.
 *
 * What can fail: the circuit is gone (no_source); the flow's port is still taken
 * (the next one is tried); the dial (refused, unreachable, no route); the
 * handshake or the certificate; the answer is not HTTP, endless, cut, of an
 * unexpected status; a server that keeps no connection; silence, which the
 * engine's deadline names by how far it came. libcurl's own timeout is only a
 * backstop. Nothing is settled from inside libcurl: its callbacks take notes. */
#include "core/https_i.h"
#include "core/https_socket.h"
#include "core/pop.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The host's share in request to first byte, p99 with every core busy: from our
 * clock to the wire. */
#define REQUEST_UNCERTAINTY_NS (150 * EP_NS_PER_US)

/* Connections that a probe of a kept one opens at most: the server may close an
 * idle one in the moment in which it is asked. */
#define OPENINGS_MAX 2

/* Our reading of the send and the engine's lie this close together. */
#define DUE_SLACK_NS (20 * EP_NS_PER_MS)

static struct https *of_transfer(struct curl_transfer *transfer)
{
	return container_of(transfer, struct https, transfer);
}

/* --- the end --- */

/* Of a request on a kept connection; of its opening nothing is told but why it
 * failed. */
static void conclude_kept(struct https *h)
{
	struct ep_sample *sample = ep_probe_sample(h->probe);
	struct ep_https *https = &sample->https;

	if (h->kept->fd >= 0)
		https_wire_count(h, h->kept->fd);
	sample->rtt_ns = EP_ABSENT;
	sample->retransmits = EP_ABSENT;
	sample->dns_ns = EP_ABSENT;
	sample->stamp = h->stamped ? EP_STAMP_MIXED : EP_STAMP_USER;
	sample->uncertainty_ns = REQUEST_UNCERTAINTY_NS;
	if (!h->stamped && https->first_byte_ns > 0) /* came, and lay there */
		sample->uncertainty_ns = (uint64_t)https->first_byte_ns;
	https->connect_ns = EP_ABSENT;
	https->tls_ns = EP_ABSENT;
	https->tls_first_byte_ns = EP_ABSENT;
	if (h->opened) {
		https->first_byte_ns = EP_ABSENT;
		https->total_ns = EP_ABSENT;
	} else if (https->first_byte_ns != EP_ABSENT) {
		https->srtt_ns = h->srtt_ns;
		https->min_rtt_ns = h->min_rtt_ns;
	}
}

/* What is known by now, into the sample and into `end`. */
static void conclude(struct https *h)
{
	struct ep_sample *sample = ep_probe_sample(h->probe);

	https_answer_conclude(&h->answer, h->transfer.easy, sample->dns_ns);
	if (h->kept != NULL)
		conclude_kept(h);
	else if (h->connected)
		sample->bytes += (uint32_t)https_socket_parting_bytes(
			sample->address.family);
}

/* `h` may be gone afterwards. */
static void settle(struct https *h, struct https_verdict v)
{
	ep_probe_settle(h->probe, v.outcome, v.reason);
}

static void on_event(struct curl_transfer *transfer, curl_socket_t fd,
		     int events)
{
	struct https *h = of_transfer(transfer);
	struct flow_error icmp;

	if (!https_wire_event(h, fd, events, &icmp))
		return;
	conclude(h);
	settle(h, https_verdict_icmp(icmp.reason, icmp.local));
}

/* The host is up, and the time counts, unless the SYN was sent again; the kernel
 * has no sample of it. In connect(2) it could have come at any time. */
static void put_refusal(struct https *h)
{
	struct ep_sample *sample = ep_probe_sample(h->probe);
	uint64_t seen_ns = h->dialled_ns;

	if (h->kept != NULL || sample->rtt_ns != EP_ABSENT ||
	    sample->retransmits > 0)
		return;
	if (seen_ns == 0)
		seen_ns = ep_clock_mono_ns();
	sample->rtt_ns = (int64_t)(seen_ns - h->phases.open_ns);
	sample->stamp = EP_STAMP_USER;
	sample->uncertainty_ns = (uint64_t)sample->rtt_ns;
	if (h->late_ns < sample->uncertainty_ns && h->dialled_ns != 0)
		sample->uncertainty_ns = h->late_ns;
}

/* Begin another transfer of the same request. */
static void ask_again(struct https *h)
{
	struct https_shared *s = ep_probe_shared(h->probe);

	memset(&h->phases, 0, sizeof(h->phases));
	memset(&h->end, 0, sizeof(h->end));
	h->answer.header_bytes = h->answer.body_bytes = 0;
	h->opened = h->fixed = h->connected = h->stamped = false;
	h->dialled_ns = 0;
	pop_forget(&ep_probe_sample(h->probe)->https);
	if (curl_transfer_start(s->curl, &h->transfer) < 0)
		settle(h, (struct https_verdict){ EP_FAILED,
						  EP_REASON_NO_RESOURCES });
}

/* Another connection of the flow, though closed, has not quite ended. */
static bool needs_another_port(const struct https *h)
{
	return h->fixed && !h->end.polled &&
	       (h->end.os_error == EADDRNOTAVAIL ||
		h->end.os_error == EADDRINUSE) &&
	       h->try + 1 < TCP_DIAL_TRIES;
}

/* What was asked when the kept connection was opened has been answered. */
static void end_opening(struct https *h)
{
	bool too_large = h->end.enough;

	if (!too_large && ++h->openings <= OPENINGS_MAX) {
		ask_again(h);
		return;
	}
	conclude(h);
	settle(h, (struct https_verdict){
			  EP_FAILED, too_large ? EP_REASON_RESPONSE_TOO_LARGE
					       : EP_REASON_CONNECTION_CLOSED });
}

static void note_end(struct https *h, CURLcode result)
{
	CURL *easy = h->transfer.easy;
	long dial_error = 0, verify = 0;

	if (result == CURLE_OK)
		h->phases.done_ns =
			https_phases_clock(&h->phases, ep_clock_mono_ns());
	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &dial_error);
	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	h->end.code = result;
	h->end.verify = verify;
	if (h->end.os_error == 0)
		h->end.os_error = (int)dial_error;
}

static void on_done(struct curl_transfer *transfer, CURLcode result)
{
	struct https *h = of_transfer(transfer);
	struct https_verdict v;

	note_end(h, result);
	if (needs_another_port(h)) {
		h->try++;
		ask_again(h);
		return;
	}
	if (h->kept != NULL && h->opened &&
	    (result == CURLE_OK || h->end.enough)) {
		end_opening(h);
		return;
	}
	conclude(h);
	v = https_verdict(&h->end, &ep_probe_target(h->probe)->expect_status);
	if (v.outcome == EP_REFUSED)
		put_refusal(h);
	settle(h, v);
}

static enum ep_reason overdue(struct ep_probe *probe)
{
	struct https *h = ep_probe_state(probe);

	if (h->opened && h->end.step == HTTPS_DIALLING)
		https_wire_count(h, h->fd);
	conclude(h);
	return https_overdue(h->end.step);
}

static void let_go(struct ep_probe *probe)
{
	struct https_shared *shared = ep_probe_shared(probe);
	struct https *h = ep_probe_state(probe);

	if (shared->writing.phases == &h->phases)
		shared->writing.phases = NULL;
	if (shared->writing.greeting == &h->phases)
		shared->writing.greeting = NULL;
	curl_transfer_cancel(&h->transfer);
	https_request_finish(&h->request);
	if (h->kept != NULL)
		https_kept_drop(h->kept);
	if (h->probe != NULL)
		loop_delay_drop(&shared->delay);
}

/* --- the request --- */

static int make_request(struct https *h, struct ep_probe *probe)
{
	const struct ep_target *target = ep_probe_target(probe);
	struct https_wish wish = {
		.host = target->host,
		.path = target->path,
		.port = ep_probe_port(probe),
		.address = h->kept == NULL ? *ep_probe_address(probe)
					   : h->kept->alias,
		.timeout_ns = ep_probe_timeout_ns(probe),
		.user_agent =
			ep_engine_options(ep_probe_engine(probe))->user_agent,
		.kept = h->kept != NULL,
	};
	int r = https_request_init(&h->request, &wish);
	CURLcode code;

	if (r < 0)
		return r;
	h->answer = (struct https_answer){
		.end = &h->end,
		.phases = &h->phases,
		.https = &ep_probe_sample(probe)->https,
	};
	code = https_answer_watch(&h->answer, h->request.easy);
	if (code == CURLE_OK)
		code = https_wire_watch(h, ep_probe_shared(probe));
	return curl_loop_errno(code);
}

/* What was made before a failure here goes in let_go(). */
static int start(struct ep_probe *probe)
{
	struct https_shared *s = ep_probe_shared(probe);
	struct https *h = ep_probe_state(probe);
	const struct ep_target *target = ep_probe_target(probe);
	int r;

	tcp_partings_sweep(&s->partings, ep_clock_mono_ns());
	if (target->kept) {
		h->kept = https_kept_take(&s->kept, target,
					  ep_probe_address(probe),
					  ep_probe_port(probe));
		if (h->kept == NULL)
			return -ENOMEM;
	}
	r = make_request(h, probe);
	if (r < 0)
		return r;
	h->probe = probe;
	h->srtt_ns = h->min_rtt_ns = EP_ABSENT;
	if (target->fresh_flow)
		ep_probe_sample(probe)->flags |= EP_FLAG_FRESH_FLOW;
	loop_delay_take(&s->delay);
	h->transfer.easy = h->request.easy;
	h->transfer.done = on_done;
	h->transfer.on_socket = on_event;
	return curl_transfer_start(s->curl, &h->transfer);
}

/* --- once an engine --- */

static int open_shared(struct ep_engine *engine, void *shared)
{
	struct https_shared *s = shared;

	(void)engine;
	s->stamps_fd = -1;
	tcp_partings_init(&s->partings);
	https_kept_init(&s->kept, HTTPS_KEPT_MAX);
	return curl_loop_global();
}

static int ready(struct ep_engine *engine, void *shared, int family,
		 struct ep_err *err)
{
	struct https_shared *s = shared;
	int r = 0;

	(void)family;
	if (s->curl != NULL)
		return 0;
	if (s->trust == NULL)
		r = ep_trust_take(ep_engine_options(engine)->ca_file, &s->trust,
				  err);
	if (r < 0)
		return r;
	r = curl_loop_open(ep_engine_loop(engine), &s->curl);
	if (r < 0)
		return ep_err_set(err, r, "libcurl cannot be used: %s",
				  strerror(-r));
	curl_loop_keep(s->curl, HTTPS_KEPT_MAX);
	ep_scope_take(ep_engine_scope(engine));
	loop_delay_open(&s->delay, ep_engine_loop(engine),
			ep_engine_scope(engine));
	s->stamps_fd = https_socket_keep_stamps();
	return 0;
}

static void on_curl_closed(void *arg)
{
	ep_scope_drop(ep_engine_scope(arg));
}

static void shut(struct ep_engine *engine, void *shared)
{
	struct https_shared *s = shared;

	s->closing = true;
	if (s->stamps_fd >= 0)
		close(s->stamps_fd);
	if (s->curl != NULL) {
		loop_delay_shut(&s->delay, ep_engine_scope(engine));
		/* Closes the connections that were kept, inside the call. */
		curl_loop_close(s->curl, on_curl_closed, engine);
	}
	https_kept_finish(&s->kept);
	tcp_partings_finish(&s->partings);
	ep_trust_drop(s->trust);
}

static void drain(struct ep_engine *engine, void *shared)
{
	struct https_shared *s = shared;

	(void)engine;
	if (s->curl != NULL)
		curl_loop_drain(s->curl, ep_clock_mono_ns() + DUE_SLACK_NS);
}

#define FIELD(name) offsetof(struct ep_target, name)

static const struct ep_opt opts[] = {
	{ "path", EP_OPT_TEXT, FIELD(path), 1, HTTPS_PATH_MAX, "/",
	  "what to ask for, beginning with a slash" },
	{ "expect_status", EP_OPT_STATUSES, FIELD(expect_status), 100, 599,
	  NULL, "HTTP statuses that count as a reply; without it all do" },
	{ "ttl", EP_OPT_UINT, FIELD(ttl), 1, 255, NULL,
	  "hops that a packet may take" },
	{ "dscp", EP_OPT_UINT, FIELD(dscp), 0, 63, "0",
	  "code point of the packet's class of service" },
};

const struct ep_kind ep_kind_https = {
	.name = "https",
	.phrase = "HTTPS request",
	.port = 443,
	.size = sizeof(struct https),
	.shared_size = sizeof(struct https_shared),
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.converses = true,
	.open = open_shared,
	.shut = shut,
	.ready = ready,
	.start = start,
	.drain = drain,
	.overdue = overdue,
	.close = let_go,
};
