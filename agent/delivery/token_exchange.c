#include "delivery/token_exchange.h"

#include "base/request.h"
#include "delivery/http_failure.h"
#include "delivery/retry.h"
#include "edgeprobe/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX ((size_t)64 << 10)
#define CONNECT_MS  10000L

/* --- what comes back; called from inside libcurl --- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct token_exchange *x = arg;

	x->too_long = size * n > x->body.len - x->body_len;
	if (x->too_long)
		return 0;
	memcpy(x->body.text + x->body_len, data, size * n);
	x->body_len += size * n;
	return size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct token_exchange *x = arg;

	(void)data;
	x->header_bytes += size * n;
	x->too_long = x->header_bytes > HEADERS_MAX;
	return x->too_long ? 0 : size * n;
}

/* --- sending --- */

#define SET(easy, option, value)                                               \
	do {                                                                   \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)         \
			return -ENOTSUP;                                       \
	} while (0)

static int set_request(struct token_exchange *x, uint64_t timeout_ns)
{
	long ms = (long)(timeout_ns / EP_NS_PER_MS);
	const struct request request = {
		.url = x->request.url,
		.connect_ms = ms < CONNECT_MS ? ms : CONNECT_MS,
		.whole_ms = ms,
		.on_body = on_body,
		.arg = x,
	};

	return request_set(x->easy, &request);
}

static int set_rest(struct token_exchange *x)
{
	SET(x->easy, CURLOPT_FORBID_REUSE, 1L);
	SET(x->easy, CURLOPT_HTTPHEADER, x->request.headers);
	if (x->request.form.len > 0) {
		SET(x->easy, CURLOPT_POST, 1L);
		SET(x->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)x->request.form.len);
		SET(x->easy, CURLOPT_POSTFIELDS, x->request.form.text);
	} else {
		SET(x->easy, CURLOPT_HTTPGET, 1L);
	}
	SET(x->easy, CURLOPT_HEADERFUNCTION, on_header);
	SET(x->easy, CURLOPT_HEADERDATA, x);
	SET(x->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(x->easy, CURLOPT_ERRORBUFFER, x->error);
	return 0;
}

int token_exchange_send(struct token_exchange *x, CURL *easy,
			struct curl_loop *curl, uint64_t timeout_ns)
{
	int r;

	curl_easy_cleanup(x->easy);
	x->easy = x->transfer.easy = easy;
	secret_finish(&x->body);
	x->body_len = x->header_bytes = 0;
	x->too_long = false;
	x->error[0] = '\0';
	x->body.text = calloc(1, TOKEN_ANSWER_MAX);
	if (!x->body.text)
		return -ENOMEM;
	x->body.len = TOKEN_ANSWER_MAX;
	r = set_request(x, timeout_ns);
	if (r == 0)
		r = set_rest(x);
	return r < 0 ? r : curl_transfer_start(curl, &x->transfer);
}

void token_exchange_finish(struct token_exchange *x)
{
	curl_easy_cleanup(x->easy);
	x->easy = NULL;
	secret_finish(&x->body);
	token_request_finish(&x->request);
}

/* --- the answer --- */

unsigned token_exchange_status(const struct token_exchange *x)
{
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	return status > 0 && status < 1000 ? (unsigned)status : 0;
}

const char *token_exchange_header(const struct token_exchange *x,
				  const char *name)
{
	struct curl_header *found;

	if (curl_easy_header(x->easy, name, 0, CURLH_HEADER, -1, &found) !=
	    CURLHE_OK)
		return NULL;
	return found->value;
}

static enum ack_failure failure(const struct token_exchange *x, CURLcode result)
{
	long tunnel = 0;

	curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	if (token_exchange_status(x) > 0 && (result == CURLE_OK || x->too_long))
		return ACK_ANSWERED;
	if (tunnel > 0 && (tunnel < 200 || tunnel > 299))
		return ACK_FAIL_PROXY;
	return result == CURLE_OK ? ACK_FAIL_BROKEN : http_failure(result);
}

int token_exchange_read(const struct token_exchange *x, CURLcode result,
			struct token_answer *ret_answer)
{
	*ret_answer = (struct token_answer){ 0 };
	if (failure(x, result) != ACK_ANSWERED || x->too_long)
		return -EPROTO;
	return token_answer_read(token_exchange_status(x), x->body.text,
				 x->body_len, ret_answer);
}

/* Words of the service are from a small alphabet (token_answer.c). */
static void describe(const struct token_exchange *x,
		     const struct token_answer *a, const char *type,
		     struct verdict *v)
{
	size_t n = (size_t)snprintf(v->text, sizeof(v->text),
				    "error=token source=%s status=%u", type,
				    token_exchange_status(x));

	if (a->error[0])
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n,
				      " code=%s", a->error);
	if (a->aadsts)
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n,
				      " aadsts=%lu", a->aadsts);
	if (token_exchange_status(x) == 200)
		snprintf(v->text + n, sizeof(v->text) - n,
			 " why=\"holds no token\"");
}

/* libcurl's words, which may quote a certificate: printable, without quotes. */
static void describe_failure(const struct token_exchange *x,
			     enum ack_failure failure, CURLcode result,
			     const char *type, struct verdict *v)
{
	char why[128];

	snprintf(why, sizeof(why), "%.120s",
		 x->error[0] ? x->error : curl_easy_strerror(result));
	for (char *c = why; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"')
			*c = '\'';
	snprintf(v->text, sizeof(v->text),
		 "error=token source=%s failed=%s why=\"%s\"", type,
		 ack_failure_name(failure), why);
}

void token_exchange_judge(const struct token_exchange *x, CURLcode result,
			  const struct token_answer *a, const char *type,
			  struct verdict *v)
{
	struct answer answer = { .failure = failure(x, result),
				 .status = token_exchange_status(x) };
	struct ack_parts parts;

	*v = (struct verdict){ .class = ACK_ENDPOINT,
			       .after_ns = RETRY_NO_AFTER };
	if (answer.failure != ACK_ANSWERED) {
		v->class = ack_classify(&answer, &parts);
		describe_failure(x, answer.failure, result, type, v);
		return;
	}
	if (answer.status == 429 || answer.status >= 500)
		v->class = ACK_BUSY;
	v->after_ns = retry_after_ns(token_exchange_header(x, "Retry-After"),
				     token_exchange_header(x, "Date"));
	describe(x, a, type, v);
}
