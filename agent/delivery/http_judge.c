/* What comes back from a collector, and what it means. */
#include "delivery/http_failure.h"
#include "delivery/http_i.h"
#include "delivery/retry.h"

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

void http_judge(struct http *h, CURLcode result, struct verdict *v)
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
