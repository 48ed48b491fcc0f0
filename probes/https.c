/* HTTPS: one request over a fresh, verified connection, on libcurl.
 *
 * Happy path: start() builds the transfer; at the loop's next turn libcurl
 * opens a socket (on_open: stamps asked for, circuit bound, timeout begins).
 * At its first event, before libcurl hears of it and sends anything, TCP_INFO
 * has the handshake's round trip: that is the sample's rtt. libcurl does TLS
 * (on_tls: ClientHello next; on_request: the request next) and hands us header
 * and body. When it is done, the verdict is the outcome.
 *
 * What can fail: the circuit is gone (no_source); the dial (refused,
 * unreachable, no route); the handshake or the certificate; the answer is not
 * HTTP, endless, cut, of an unexpected status; silence, which the engine's
 * deadline names by how far it came. libcurl's own timeout is only a backstop.
 * Nothing is settled from inside libcurl: its callbacks take notes. */
#include "core/ca.h"
#include "core/cert.h"
#include "core/https_phases.h"
#include "core/https_request.h"
#include "core/https_socket.h"
#include "core/https_verdict.h"
#include "core/loop_delay.h"
#include "core/pop.h"
#include "core/tcp_info.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/scope.h"
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Of what an edge sends we read no more. */
#define HEADER_BYTES_MAX 65536
#define BODY_BYTES_MAX   65536

/* The host's share in tcpi_rtt at the first event, p99 of idle and loaded runs
 * against AF_PACKET: the stack on both ways, and softirqs held up by the
 * cryptography of other probes. */
#define RTT_UNCERTAINTY_NS (60 * EP_NS_PER_US)
/* After a retransmitted SYN the kernel counts in TCP timestamps. */
#define COARSE_UNCERTAINTY_NS EP_NS_PER_MS
/* A step of the wall clock, and not its slewing or our reading of it. */
#define CLOCK_STEP_NS (50 * (int64_t)EP_NS_PER_US)

struct shared {
	struct curl_loop *curl;
	struct loop_delay delay;
	int stamps_fd; /* keeps the kernel stamping between probes; -1 */
	char ca_path[PATH_MAX];
};

struct https {
	struct curl_transfer transfer;
	struct ep_probe *probe;
	struct https_request request;
	struct https_phases phases;
	struct https_end end;
	int fd; /* libcurl's; its number is good until TLS begins */
	uint64_t dialled_ns; /* first event of the socket; 0: none */
	uint64_t late_ns;    /* by how much at most we saw it late */
	int64_t offset_ns;   /* wall minus monotonic, at the dial */
	size_t header_bytes, body_bytes;
	bool interim; /* the header being read is of a 1xx */
};

static struct https *of_transfer(struct curl_transfer *transfer)
{
	return container_of(transfer, struct https, transfer);
}

/* --- inside libcurl: notes only --- */

static curl_socket_t on_open(void *arg, curlsocktype purpose,
			     struct curl_sockaddr *address)
{
	struct https *h = arg;
	const struct ep_address *to = ep_probe_address(h->probe);
	const struct ep_target *target = ep_probe_target(h->probe);
	int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC,
			address->protocol);
	int r;

	(void)purpose;
	if (fd < 0) {
		h->end.os_error = errno;
		return CURL_SOCKET_BAD;
	}
	r = https_socket_prepare(fd, to->family, target->source, target->dscp);
	if (r < 0) {
		h->end.os_error = -r;
		close(fd);
		return CURL_SOCKET_BAD;
	}
	/* libcurl's address has lost the interface of a link-local one. */
	if (address->family == AF_INET6)
		((struct sockaddr_in6 *)(void *)&address->addr)->sin6_scope_id =
			to->scope;
	h->offset_ns = ep_clock_offset_ns();
	h->phases.open_ns = ep_clock_mono_ns();
	ep_probe_sent(h->probe);
	h->fd = fd;
	return fd;
}

/* Nothing was sent yet, so this is SYN to SYN-ACK, however late we are. Called
 * at the socket's first event, or if libcurl found the connection by itself,
 * right before it begins TLS. */
static void note_handshake(struct https *h, curl_socket_t fd, uint64_t now_ns)
{
	const struct shared *shared = ep_probe_shared(h->probe);
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

	(void)easy;
	(void)context;
	/* UNTESTED: takes a SYN-ACK between a turn's polls and its timeouts. */
	if (h->end.step == HTTPS_DIALLING)
		note_handshake(h, h->fd, ep_clock_mono_ns());
	https_phases_hello(&h->phases, ep_clock_mono_ns());
	return CURLE_OK;
}

static int on_request(void *arg, char *to, char *from, int to_port,
		      int from_port)
{
	struct https *h = arg;

	(void)to;
	(void)from;
	(void)to_port;
	(void)from_port;
	https_phases_request(&h->phases, ep_clock_mono_ns());
	h->end.step = HTTPS_ASKING;
	return CURL_PREREQFUNC_OK;
}

/* "HTTP/1.1 103 Early Hints" begins a header of no consequence. */
static void note_status_line(struct https *h, const char *line, size_t n)
{
	const char *space = memchr(line, ' ', n);

	h->interim = space != NULL && space + 1 < line + n && space[1] == '1';
	pop_forget(&ep_probe_sample(h->probe)->https);
}

static void note_header(struct https *h, const char *line, size_t n)
{
	if (h->end.step == HTTPS_READING)
		return; /* a trailer */
	if (n >= 5 && strncasecmp(line, "HTTP/", 5) == 0)
		note_status_line(h, line, n);
	else if (line[0] == '\r' || line[0] == '\n')
		h->end.step = h->interim ? HTTPS_ASKING : HTTPS_READING;
	else
		pop_note(&ep_probe_sample(h->probe)->https, line, n);
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct https *h = arg;
	size_t bytes = size * n;

	https_phases_first(&h->phases, ep_clock_mono_ns());
	h->header_bytes += bytes;
	h->end.flooded = h->header_bytes > HEADER_BYTES_MAX;
	if (h->end.flooded)
		return 0;
	if (bytes > 0)
		note_header(h, line, bytes);
	return bytes;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct https *h = arg;

	(void)data;
	h->body_bytes += size * n;
	h->end.enough = h->body_bytes > BODY_BYTES_MAX;
	return h->end.enough ? 0 : size * n;
}

/* --- the socket, before libcurl is told --- */

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

static void on_event(struct curl_transfer *transfer, curl_socket_t fd,
		     int events)
{
	uint64_t now_ns = ep_clock_mono_ns();
	struct https *h = of_transfer(transfer);

	if (!h->end.polled)
		note_handshake(h, fd, now_ns);
	/* Peeking would take the error that libcurl has to see. */
	if (events & CURL_CSELECT_ERR)
		h->end.closed = true;
	else if (events & CURL_CSELECT_IN)
		https_phases_read(&h->phases, now_ns, arrival_ns(h, fd));
}

/* --- the end --- */

static void put_certificate(CURL *easy, struct ep_https *https)
{
	static const char issuer[] = "Issuer:", expires[] = "Expire date:";
	struct curl_certinfo *chain = NULL;
	const struct curl_slist *field;

	curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain);
	if (chain == NULL || chain->num_of_certs < 1)
		return;
	for (field = chain->certinfo[0]; field != NULL; field = field->next) {
		if (strncmp(field->data, issuer, sizeof(issuer) - 1) == 0)
			cert_issuer(field->data + sizeof(issuer) - 1,
				    https->tls_issuer,
				    sizeof(https->tls_issuer));
		if (strncmp(field->data, expires, sizeof(expires) - 1) == 0)
			https->tls_days_left = cert_days_left(
				field->data + sizeof(expires) - 1,
				ep_clock_wall_ns());
	}
}

static const char *version_text(long version)
{
	switch (version) {
	case CURL_HTTP_VERSION_1_0:
		return "1.0";
	case CURL_HTTP_VERSION_1_1:
		return "1.1";
	case CURL_HTTP_VERSION_2_0:
		return "2";
	case CURL_HTTP_VERSION_3:
		return "3";
	default:
		return "";
	}
}

/* What libcurl knows, into the sample and into `end`. */
static void conclude(struct https *h)
{
	struct ep_sample *sample = ep_probe_sample(h->probe);
	CURL *easy = h->transfer.easy;
	long status = 0, version = 0;
	curl_off_t length = -1;

	https_phases_put(&h->phases, sample->dns_ns, &sample->https);
	put_certificate(easy, &sample->https);
	if (h->end.step != HTTPS_READING)
		return;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	h->end.status = (uint16_t)status;
	h->end.sized = length >= 0;
	sample->https.http_status = h->end.status;
	snprintf(sample->https.http_version, sizeof(sample->https.http_version),
		 "%s", version_text(version));
}

/* The host is up, and the time counts, unless the SYN was sent again; the kernel
 * has no sample of it. In connect(2) it could have come at any time. */
static void put_refusal(struct https *h)
{
	struct ep_sample *sample = ep_probe_sample(h->probe);
	uint64_t seen_ns = h->dialled_ns;

	if (sample->rtt_ns != EP_ABSENT || sample->retransmits > 0)
		return;
	if (seen_ns == 0)
		seen_ns = ep_clock_mono_ns();
	sample->rtt_ns = (int64_t)(seen_ns - h->phases.open_ns);
	sample->stamp = EP_STAMP_USER;
	sample->uncertainty_ns = (uint64_t)sample->rtt_ns;
	if (h->late_ns < sample->uncertainty_ns && h->dialled_ns != 0)
		sample->uncertainty_ns = h->late_ns;
}

static void on_done(struct curl_transfer *transfer, CURLcode result)
{
	struct https *h = of_transfer(transfer);
	struct https_verdict v;
	long dial_error = 0, verify = 0;

	if (result == CURLE_OK)
		h->phases.done_ns =
			https_phases_clock(&h->phases, ep_clock_mono_ns());
	conclude(h);
	curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &dial_error);
	curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	h->end.code = result;
	h->end.verify = verify;
	if (h->end.os_error == 0)
		h->end.os_error = (int)dial_error;
	v = https_verdict(&h->end, &ep_probe_target(h->probe)->expect_status);
	if (v.outcome == EP_REFUSED)
		put_refusal(h);
	ep_probe_settle(h->probe, v.outcome, v.reason);
	/* h may be gone */
}

static enum ep_reason overdue(struct ep_probe *probe)
{
	struct https *h = ep_probe_state(probe);

	conclude(h);
	return https_overdue(h->end.step);
}

static void let_go(struct ep_probe *probe)
{
	struct shared *shared = ep_probe_shared(probe);
	struct https *h = ep_probe_state(probe);

	curl_transfer_cancel(&h->transfer);
	https_request_finish(&h->request);
	if (h->probe != NULL)
		loop_delay_drop(&shared->delay);
}

/* --- the request --- */

static CURLcode set_callbacks(CURL *easy, struct https *h)
{
	CURLcode code = CURLE_OK;

	HTTPS_SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
	HTTPS_SET(CURLOPT_OPENSOCKETDATA, h);
	HTTPS_SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
	HTTPS_SET(CURLOPT_SSL_CTX_DATA, h);
	HTTPS_SET(CURLOPT_PREREQFUNCTION, on_request);
	HTTPS_SET(CURLOPT_PREREQDATA, h);
	HTTPS_SET(CURLOPT_HEADERFUNCTION, on_header);
	HTTPS_SET(CURLOPT_HEADERDATA, h);
	HTTPS_SET(CURLOPT_WRITEFUNCTION, on_body);
	HTTPS_SET(CURLOPT_WRITEDATA, h);
	return code;
}

/* What was made before a failure here goes in let_go(). */
static int start(struct ep_probe *probe)
{
	struct shared *s = ep_probe_shared(probe);
	struct https *h = ep_probe_state(probe);
	const struct ep_target *target = ep_probe_target(probe);
	struct https_wish wish = {
		.host = target->host,
		.path = target->path,
		.port = ep_probe_port(probe),
		.address = *ep_probe_address(probe),
		.timeout_ns = ep_probe_timeout_ns(probe),
		.user_agent =
			ep_engine_options(ep_probe_engine(probe))->user_agent,
		.ca_path = s->ca_path,
	};
	int r = https_request_init(&h->request, &wish);

	if (r == 0)
		r = curl_loop_errno(set_callbacks(h->request.easy, h));
	if (r < 0)
		return r;
	h->probe = probe;
	loop_delay_take(&s->delay);
	h->transfer.easy = h->request.easy;
	h->transfer.done = on_done;
	h->transfer.on_socket = on_event;
	return curl_transfer_start(s->curl, &h->transfer);
}

/* --- once an engine --- */

static int open_shared(struct ep_engine *engine, void *shared)
{
	struct shared *s = shared;

	(void)engine;
	s->stamps_fd = -1;
	return curl_loop_global();
}

static int ready(struct ep_engine *engine, void *shared, int family,
		 struct ep_err *err)
{
	struct shared *s = shared;
	int r;

	(void)family;
	if (s->curl != NULL)
		return 0;
	r = ca_find(ep_engine_options(engine)->ca_file, s->ca_path,
		    sizeof(s->ca_path), err);
	if (r < 0)
		return r;
	r = curl_loop_open(ep_engine_loop(engine), &s->curl);
	if (r < 0)
		return ep_err_set(err, r, "libcurl cannot be used: %s",
				  strerror(-r));
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
	struct shared *s = shared;

	if (s->stamps_fd >= 0)
		close(s->stamps_fd);
	if (s->curl == NULL)
		return;
	loop_delay_shut(&s->delay, ep_engine_scope(engine));
	curl_loop_close(s->curl, on_curl_closed, engine);
}

static void drain(struct ep_engine *engine, void *shared)
{
	struct shared *s = shared;

	(void)engine;
	if (s->curl != NULL)
		curl_loop_drain(s->curl);
}

#define FIELD(name) offsetof(struct ep_target, name)

static const struct ep_opt opts[] = {
	{ "path", EP_OPT_TEXT, FIELD(path), 1, HTTPS_PATH_MAX, "/",
	  "what to ask for, beginning with a slash" },
	{ "expect_status", EP_OPT_STATUSES, FIELD(expect_status), 100, 599,
	  NULL, "HTTP statuses that count as a reply; without it all do" },
	{ "dscp", EP_OPT_UINT, FIELD(dscp), 0, 63, "0",
	  "code point of the packet's class of service" },
};

const struct ep_kind ep_kind_https = {
	.name = "https",
	.phrase = "HTTPS request",
	.port = 443,
	.size = sizeof(struct https),
	.shared_size = sizeof(struct shared),
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
