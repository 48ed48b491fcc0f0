/* What comes back from a collector, and what it means. */
#include "delivery/http_failure.h"
#include "delivery/http_i.h"
#include "delivery/retry.h"
#include "edgeprobe/clock.h"

#include <stdio.h>
#include <string.h>

/* --- what comes back; called from inside libcurl --- */

size_t http_on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http *h = arg;

	buf_add(&h->body, data, size * n);
	h->body_cut = h->body.error != 0;
	return h->body_cut ? 0 : size * n;
}

size_t http_on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http *h = arg;

	(void)data;
	h->header_bytes += size * n;
	h->headers_cut = h->header_bytes > HTTP_HEADERS_MAX;
	return h->headers_cut ? 0 : size * n;
}

void http_judge_begin(struct http *h)
{
	buf_clear(&h->body);
	h->header_bytes = 0;
	h->headers_cut = h->body_cut = false;
	h->error[0] = '\0';
	h->fault = HTTP_NO_FAULT;
	http_way_begin(&h->way);
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
	bool whole = result == CURLE_OK || h->headers_cut || h->body_cut ||
		     result == CURLE_FILESIZE_EXCEEDED;

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

/* A text of the other side's, or of libcurl that quotes it: printable, without
 * quotes. */
static void clean(const char *text, char *ret, size_t size)
{
	snprintf(ret, size, "%.*s", (int)size - 1, text);
	for (char *c = ret; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"')
			*c = '\'';
}

static bool is_page(const struct answer *a)
{
	const char *body = a->body;
	size_t blank = 0;

	if (a->content_type && strcasestr(a->content_type, "html"))
		return true;
	while (blank < a->body_len && memchr(" \t\r\n", body[blank], 4))
		blank++;
	return blank < a->body_len && body[blank] == '<';
}

/* --- whose fault --- */

static int alert_of(const struct http_way *way)
{
	return way->other.alert ? way->other.alert : way->proxy.alert;
}

static enum http_fault find_fault(const struct http *h, CURLcode result,
				  const struct answer *a, enum ack_class class)
{
	const struct http_way *way = &h->way;
	const struct certificate *c = &h->certificate;
	bool answered = a->failure == ACK_ANSWERED;
	struct http_facts f = {
		.result = result,
		.status = answered ? a->status : 0,
		.tunnel = info(h->easy, CURLINFO_HTTP_CONNECTCODE),
		.class = class,
		.page = answered && is_page(a),
		.certificate_page = answered && ack_wants_certificate(a),
		.proxied = h->way.proxied,
		.reused = info(h->easy, CURLINFO_NUM_CONNECTS) == 0,
		.bind_error = way->bound ? 0 : way->bind_error,
		.tls_of_proxy = way->with ? way->with == &way->proxy
					  : way->proxy.alert != 0,
		.verify_error = way->with ? way->with->verify_error : 0,
		.alert = alert_of(way),
		.certificate_asked = way->other.asked,
		.certificate_shown = c->leaf != NULL,
		.certificate_over =
			c->leaf && c->facts.expires_s != 0 &&
			c->facts.expires_s <=
				(int64_t)(ep_clock_wall_ns() / EP_NS_PER_S),
		.token_sent = http_token_header(h) != NULL,
	};

	return http_fault(&f);
}

/* What there is to see of it besides its name. */
static void put_detail(const struct http *h, enum http_fault fault,
		       CURLcode result, struct buf *out)
{
	const char *said = h->error[0] ? h->error : curl_easy_strerror(result);
	unsigned tunnel = info(h->easy, CURLINFO_HTTP_CONNECTCODE);
	char text[80];

	switch (fault) {
	case HTTP_PROXY_LOGIN:
	case HTTP_PROXY_REFUSED:
	case HTTP_PROXY_UPSTREAM:
		buf_printf(out, " status=%u", tunnel);
		break;
	case HTTP_CIRCUIT_GONE:
		buf_printf(out, " source=%s why=%s", h->texts[HTTP_SOURCE],
			   uv_err_name(h->way.bind_error));
		break;
	case HTTP_TLS_UNTRUSTED:
	case HTTP_PROXY_UNTRUSTED:
		clean(h->way.with->cert.issuer, text, sizeof(text));
		buf_printf(out, " issuer=\"%s\" why=\"%s\"", text,
			   X509_verify_cert_error_string(
				   h->way.with->verify_error));
		break;
	default:
		clean(said, text, sizeof(text));
		buf_printf(out, " why=\"%s\"", text);
		break;
	}
}

static void put_help(enum http_fault fault, struct buf *out)
{
	if (fault != HTTP_NO_FAULT)
		buf_printf(out, " fault=%s help=\"%s\"", http_fault_name(fault),
			   http_fault_help(fault));
}

static void describe(struct http *h, CURLcode result, const struct answer *a,
		     struct verdict *v)
{
	enum http_fault fault = find_fault(h, result, a, v->class);
	struct buf text;

	h->fault = fault;
	buf_init(&text, sizeof(v->text));
	if (a->failure != ACK_ANSWERED) {
		buf_printf(&text, "error=%s", ack_failure_name(a->failure));
		put_detail(h, fault, result, &text);
	} else {
		buf_printf(&text, "status=%u", a->status);
		if (v->class == ACK_BAD_DATA && is_success(a->status))
			buf_text(&text, " why=\"it did not take all rows\"");
	}
	put_help(fault, &text);
	snprintf(v->text, sizeof(v->text), "%s",
		 text.data ? text.data : "error=ENOMEM");
	buf_finish(&text);
}

void http_judge(struct http *h, CURLcode result, struct verdict *v)
{
	unsigned status = info(h->easy, CURLINFO_RESPONSE_CODE);
	char *type = NULL;
	struct answer a = {
		.failure = failure(h, result, status),
		.status = status,
		.body = h->body.data,
		.body_len = h->body.len,
		.headers_cut =
			h->headers_cut || result == CURLE_FILESIZE_EXCEEDED,
		.body_cut = h->body_cut,
		.engine = h->engine,
		.rows = h->rows,
	};

	curl_easy_getinfo(h->easy, CURLINFO_CONTENT_TYPE, &type);
	a.content_type = type;
	*v = (struct verdict){ .after_ns = RETRY_NO_AFTER };
	v->class = ack_classify(&a, &v->parts);
	describe(h, result, &a, v);
	if (a.failure == ACK_ANSWERED)
		v->after_ns = retry_after_ns(header(h, "Retry-After"),
					     header(h, "Date"));
}
