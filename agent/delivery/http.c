/* A collector behind HTTP.
 *
 * Happy path: the options that never change are set once (`set_fixed`); each
 * attempt sets its headers and body, runs on a multi of this destination's own,
 * and ends in on_done(), where status, media type and the beginning of the body
 * are judged by ack.c.
 *
 * What can fail: the token cannot be read (no attempt is made); no connection;
 * TLS; the proxy; the answer is cut, endless or not HTTP. What is more than we
 * read is not waited for: the answer is judged by what came. An answer other
 * than 2xx counts even if the connection broke while we were still sending, as
 * it does where a server refuses a body by its length.
 *
 * Names are looked up by libcurl's resolver threads; the loop does not wait,
 * not even when such a look-up is given up (QUICK_EXIT). */
#include "delivery/http_failure.h"
#include "delivery/outlet.h"
#include "delivery/retry.h"
#include "delivery/row.h"
#include "delivery/token.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/trust.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX    ((size_t)1 << 20)
#define HEADERS_MAX ((size_t)64 << 10)

#define CONNECT_MS    10000L
#define LOW_SPEED_S   20L /* with less than LOW_SPEED_BPS it is stuck */
#define LOW_SPEED_BPS 10L

struct http {
	struct outlet outlet;
	struct curl_loop *curl;
	struct curl_transfer transfer;
	CURL *easy;
	struct curl_slist *headers; /* of the attempt under way */
	enum ack_engine engine;     /* whose answers these are */
	uint64_t rows;              /* on their way */
	struct token token;
	char *token_file;
	char *ca_file;          /* NULL: the system's */
	struct ep_trust *trust; /* NULL: not needed, or not yet read */
	bool tls;               /* it is needed */
	struct buf body;        /* of the answer */
	size_t header_bytes;    /* of the answer */
	bool headers_cut, body_cut;
	char error[CURL_ERROR_SIZE];
	void (*closed)(void *arg);
	void *arg;
};

/* --- what comes back; called from inside libcurl --- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http *h = arg;

	buf_add(&h->body, data, size * n);
	h->body_cut = h->body.error != 0;
	return h->body_cut ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http *h = arg;

	(void)data;
	h->header_bytes += size * n;
	h->headers_cut = h->header_bytes > HEADERS_MAX;
	return h->headers_cut ? 0 : size * n;
}

/* --- judging --- */

static unsigned info(CURL *easy, CURLINFO what)
{
	long value = 0;

	curl_easy_getinfo(easy, what, &value);
	return value > 0 && value < 1000 ? (unsigned)value : 0;
}

static bool is_success(unsigned status)
{
	return status >= 200 && status <= 299;
}

static enum ack_failure failure(const struct http *h, CURLcode result,
				unsigned status)
{
	unsigned tunnel = info(h->easy, CURLINFO_HTTP_CONNECTCODE);
	bool whole = result == CURLE_OK || h->headers_cut || h->body_cut;

	if (status > 0 && (whole || !is_success(status)))
		return ACK_ANSWERED;
	if (tunnel > 0 && !is_success(tunnel))
		return ACK_FAIL_PROXY;
	return whole ? ACK_FAIL_BROKEN : http_failure(result);
}

static const char *header(const struct http *h, const char *name)
{
	struct curl_header *found;

	if (curl_easy_header(h->easy, name, 0, CURLH_HEADER, -1, &found) !=
	    CURLHE_OK)
		return NULL;
	return found->value;
}

/* libcurl's words, which may quote a certificate: printable, without quotes. */
static void reason(const struct http *h, CURLcode result, char *why,
		   size_t size)
{
	snprintf(why, size, "%.150s",
		 h->error[0] ? h->error : curl_easy_strerror(result));
	for (char *c = why; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"')
			*c = '\'';
}

static void describe_failure(const struct http *h, enum ack_failure failure,
			     CURLcode result, struct verdict *v)
{
	unsigned tunnel = info(h->easy, CURLINFO_HTTP_CONNECTCODE);
	const char *word = ack_failure_name(failure);
	char why[160];

	reason(h, result, why, sizeof(why));
	if (failure == ACK_FAIL_PROXY && tunnel > 0)
		snprintf(v->text, sizeof(v->text), "error=%s status=%u", word,
			 tunnel);
	else
		snprintf(v->text, sizeof(v->text), "error=%s why=\"%s\"", word,
			 why);
}

/* A status that says yes, and an answer that does not. */
static const char *why_not(enum ack_class class)
{
	if (class == ACK_DONE)
		return "";
	if (class == ACK_ENDPOINT)
		return " why=\"not what a collector answers\"";
	return " why=\"it did not take all rows\"";
}

static void judge(struct http *h, CURLcode result, struct verdict *v)
{
	unsigned status = info(h->easy, CURLINFO_RESPONSE_CODE);
	char *type = NULL;
	struct answer a = {
		.failure = failure(h, result, status),
		.status = status,
		.body = h->body.data,
		.body_len = h->body.len,
		.headers_cut = h->headers_cut,
		.body_cut = h->body_cut,
		.engine = h->engine,
		.rows = h->rows,
	};

	curl_easy_getinfo(h->easy, CURLINFO_CONTENT_TYPE, &type);
	a.content_type = type;
	*v = (struct verdict){ .after_ns = RETRY_NO_AFTER };
	v->class = ack_classify(&a, &v->parts);
	if (a.failure != ACK_ANSWERED) {
		describe_failure(h, a.failure, result, v);
		return;
	}
	v->after_ns =
		retry_after_ns(header(h, "Retry-After"), header(h, "Date"));
	snprintf(v->text, sizeof(v->text), "status=%u%s", status,
		 is_success(status) ? why_not(v->class) : "");
}

static void drop_headers(struct http *h)
{
	/* The token is in there. */
	for (struct curl_slist *at = h->headers; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(h->headers);
	h->headers = NULL;
}

static void on_done(struct curl_transfer *transfer, CURLcode result)
{
	struct http *h = container_of(transfer, struct http, transfer);
	struct verdict verdict;

	judge(h, result, &verdict);
	drop_headers(h);
	buf_clear(&h->body);
	h->outlet.cb(&verdict, h->outlet.arg);
}

/* --- an attempt --- */

static int add_header(struct http *h, const char *text)
{
	struct curl_slist *longer = curl_slist_append(h->headers, text);

	if (!longer)
		return -ENOMEM;
	h->headers = longer;
	return 0;
}

static int add_key(struct http *h, const struct parcel *p)
{
	struct buf b;
	int r;

	buf_init(&b, 1024);
	buf_text(&b, "Idempotency-Key: ");
	place_safe(p->agent, &b);
	buf_char(&b, '-');
	place_safe(p->epoch, &b);
	buf_printf(&b, "-%llu-%llu", (unsigned long long)p->first,
		   (unsigned long long)p->last);
	r = b.error ? b.error : add_header(h, b.data);
	buf_finish(&b);
	return r;
}

static int add_headers(struct http *h, const struct parcel *p)
{
	char type[64];
	int r;

	snprintf(type, sizeof(type), "Content-Type: %s",
		 p->framing->content_type);
	r = add_header(h, type);
	if (r == 0 && p->gzip)
		r = add_header(h, "Content-Encoding: gzip");
	if (r == 0)
		r = add_header(h, "X-Edgeprobe-Schema: " ROW_SCHEMA);
	if (r == 0)
		r = add_key(h, p);
	/* Without it libcurl waits a second for a "100 Continue" before a
	 * body of more than 1 MiB. */
	if (r == 0)
		r = add_header(h, "Expect:");
	if (r == 0 && h->token.path)
		r = add_header(h, h->token.header);
	return r;
}

static int begin(struct http *h, const struct parcel *p)
{
	int r = add_headers(h, p);

	if (r < 0)
		return r;
	buf_clear(&h->body);
	h->rows = p->rows;
	h->header_bytes = 0;
	h->headers_cut = h->body_cut = false;
	h->error[0] = '\0';
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)p->len);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, p->body);
	return curl_transfer_start(h->curl, &h->transfer);
}

/* At an attempt, because the file may be there by the next one. */
static int take_trust(struct http *h, struct ep_err *err)
{
	struct ep_err why = { 0 };
	int r;

	if (!h->tls || h->trust)
		return 0;
	r = ep_trust_take(h->ca_file, &h->trust, &why);
	if (r < 0)
		return ep_err_set(err, r, "error=tls why=\"%.300s\"", why.text);
	curl_easy_setopt(h->easy, CURLOPT_SSL_CTX_DATA, h->trust);
	return 0;
}

static int http_send(struct outlet *outlet, const struct parcel *parcel,
		     struct ep_err *err)
{
	struct http *h = container_of(outlet, struct http, outlet);
	int r = take_trust(h, err);

	if (r < 0)
		return r;
	if (h->token.path)
		r = token_refresh(&h->token);
	if (r < 0)
		return ep_err_set(err, r, "error=%s token_file=%.160s",
				  uv_err_name(r), h->token.path);
	/* A connection belongs to the credentials that it was made for. */
	curl_easy_setopt(h->easy, CURLOPT_FRESH_CONNECT, r == 1 ? 1L : 0L);
	r = begin(h, parcel);
	if (r < 0) {
		drop_headers(h);
		return ep_err_set(err, r, "error=%s", uv_err_name(r));
	}
	return 0;
}

/* --- life --- */

static long ms_of(uint64_t ns)
{
	return (long)((ns + EP_NS_PER_MS - 1) / EP_NS_PER_MS);
}

/* Each option is checked once, here: a libcurl that does not know one must not
 * quietly go without it. */
#define SET(easy, option, value)                                               \
	do {                                                                   \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)         \
			return -ENOTSUP;                                       \
	} while (0)

static int set_times(CURL *easy, uint64_t timeout_ns)
{
	long timeout_ms = ms_of(timeout_ns);

	SET(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS);
	SET(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BPS);
	SET(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_S);
	SET(easy, CURLOPT_NOSIGNAL, 1L);
	SET(easy, CURLOPT_QUICK_EXIT, 1L);
	return 0;
}

static int set_trust(CURL *easy)
{
	SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	SET(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
	SET(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* What take_trust() gives, and nothing that libcurl knows besides. */
	SET(easy, CURLOPT_CAINFO, NULL);
	SET(easy, CURLOPT_CAPATH, NULL);
	SET(easy, CURLOPT_PROXY_CAINFO, NULL);
	SET(easy, CURLOPT_PROXY_CAPATH, NULL);
	SET(easy, CURLOPT_SSL_CTX_FUNCTION, ep_trust_on_ssl_ctx);
	return 0;
}

/* Where it may go: never elsewhere than configured, whatever the environment
 * or an answer says. */
static int set_way(CURL *easy, const struct deliver_options *o)
{
	bool tls = place_of(o->url) == PLACE_HTTPS;

	SET(easy, CURLOPT_URL, o->url);
	SET(easy, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
	SET(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(easy, CURLOPT_PROXY, o->proxy ? o->proxy : "");
	SET(easy, CURLOPT_NOPROXY, "");
	SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	SET(easy, CURLOPT_USERAGENT, "edgeprobe/" EDGEPROBE_VERSION);
	return 0;
}

static int set_callbacks(CURL *easy, struct http *h)
{
	SET(easy, CURLOPT_POST, 1L);
	SET(easy, CURLOPT_WRITEFUNCTION, on_body);
	SET(easy, CURLOPT_WRITEDATA, h);
	SET(easy, CURLOPT_HEADERFUNCTION, on_header);
	SET(easy, CURLOPT_HEADERDATA, h);
	SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(easy, CURLOPT_ERRORBUFFER, h->error);
	return 0;
}

static int set_fixed(struct http *h, const struct deliver_options *o)
{
	int r = set_way(h->easy, o);

	if (r == 0)
		r = set_trust(h->easy);
	if (r == 0)
		r = set_times(h->easy, o->timeout_ns);
	if (r == 0)
		r = set_callbacks(h->easy, h);
	return r;
}

static void free_http(struct http *h)
{
	if (h->easy)
		curl_easy_cleanup(h->easy);
	token_finish(&h->token);
	drop_headers(h);
	buf_finish(&h->body);
	ep_trust_drop(h->trust);
	free(h->token_file);
	free(h->ca_file);
	free(h);
}

static void on_curl_closed(void *arg)
{
	struct http *h = arg;
	void (*closed)(void *arg) = h->closed;
	void *closed_arg = h->arg;

	free_http(h);
	closed(closed_arg);
}

static void http_close(struct outlet *outlet, void (*cb)(void *arg), void *arg)
{
	struct http *h = container_of(outlet, struct http, outlet);

	h->closed = cb;
	h->arg = arg;
	curl_transfer_cancel(&h->transfer);
	curl_loop_close(h->curl, on_curl_closed, h);
}

static int make(struct http *h, uv_loop_t *loop,
		const struct deliver_options *o)
{
	/* What is configured is who is there, whatever was frozen before. */
	const struct framing *framing = framing_of(o->encoding, o->url);
	int r = curl_loop_global();

	if (r < 0)
		return r;
	h->easy = curl_easy_init();
	h->token_file = o->token_file ? strdup(o->token_file) : NULL;
	h->ca_file = o->ca_file ? strdup(o->ca_file) : NULL;
	if (!h->easy || (o->token_file && !h->token_file) ||
	    (o->ca_file && !h->ca_file))
		return -ENOMEM;
	h->tls = place_of(o->url) == PLACE_HTTPS || o->proxy;
	h->token.path = h->token_file;
	h->token.scheme = framing->scheme;
	h->engine = framing->engine;
	h->transfer.easy = h->easy;
	h->transfer.done = on_done;
	r = set_fixed(h, o);
	return r < 0 ? r : curl_loop_open(loop, &h->curl);
}

int http_open(uv_loop_t *loop, const struct deliver_options *options,
	      struct outlet **ret_outlet)
{
	struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	buf_init(&h->body, BODY_MAX);
	h->outlet.send = http_send;
	h->outlet.close = http_close;
	r = make(h, loop, options);
	if (r < 0) {
		free_http(h);
		return r;
	}
	*ret_outlet = &h->outlet;
	return 0;
}
