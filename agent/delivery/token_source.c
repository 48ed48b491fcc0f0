/* Happy path: somebody asks and there is a token. When 80 % of its life is over
 * the next one is asked for beside that, so that nobody waits. The service is
 * Entra, which is sent a form, or the machine's own, which is asked plainly;
 * the Arc agent answers first with a challenge, the name of a file whose content
 * goes with a second request.
 *
 * What can fail: the files that prove who asks; the way to the service; its
 * answer. Whoever waits is told, as if the collector had said it, and comes
 * again when that is due (retry.c); nothing is repeated here but the
 * replacement of a token that still holds. A service that says for how long to
 * leave it alone is left alone. */
#include "delivery/token_source.h"

#include "base/log.h"
#include "delivery/http_failure.h"
#include "delivery/retry.h"
#include "delivery/secret.h"
#include "delivery/token_answer.h"
#include "delivery/token_request.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/list.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HEADERS_MAX ((size_t)64 << 10)
#define CONNECT_MS  10000L

/* One that ends while it is on its way is refused. */
#define MARGIN_NS (60 * EP_NS_PER_S)
#define RENEW_NS  (3600 * EP_NS_PER_S)

/*
 *          ask              challenge
 *   IDLE --------> ASKING -------------> PROVING
 *     ^--------------+---------------------+      answer, failure
 */
enum source_state { SOURCE_IDLE, SOURCE_ASKING, SOURCE_PROVING };

struct token_source {
	enum source_state state;
	struct curl_loop *curl;
	struct curl_transfer transfer;
	CURL *easy; /* of the request under way */
	struct token_request request;
	struct secret body; /* TOKEN_ANSWER_MAX bytes while one is under way */
	size_t body_len, header_bytes;
	bool too_long;
	char error[CURL_ERROR_SIZE];

	char *name;
	struct auth_options auth;
	uint64_t timeout_ns;
	CURL *(*handle)(void *arg, struct ep_err *err);
	void (*ready)(const struct verdict *failed, void *arg);
	void *arg;
	bool awaited;

	struct secret header; /* empty: no token */
	unsigned number;
	uint64_t until_ns, refresh_ns; /* its end; when to replace it */
	uint64_t leave_ns;             /* the service wants no request before */
	uint64_t renewed_ns;           /* the last time for a 401; 0: never */
	unsigned failures;             /* in a row */
	char trouble[VERDICT_TEXT_MAX];

	void (*closed)(void *arg);
	void *closed_arg;
};

static uint64_t random_bits(void)
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits = uv_hrtime();
	return bits;
}

/* --- what comes back; called from inside libcurl --- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct token_source *t = arg;

	t->too_long = size * n > t->body.len - t->body_len;
	if (t->too_long)
		return 0;
	memcpy(t->body.text + t->body_len, data, size * n);
	t->body_len += size * n;
	return size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct token_source *t = arg;

	(void)data;
	t->header_bytes += size * n;
	t->too_long = t->header_bytes > HEADERS_MAX;
	return t->too_long ? 0 : size * n;
}

/* --- a request --- */

static void end_request(struct token_source *t)
{
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
	secret_finish(&t->body);
	token_request_finish(&t->request);
	t->state = SOURCE_IDLE;
}

/* Straight to the machine itself, whatever the environment says. */
static CURL *plain_handle(void)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		return NULL;
	if (curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) ==
		    CURLE_OK)
		return easy;
	curl_easy_cleanup(easy);
	return NULL;
}

static CURL *new_handle(struct token_source *t, struct ep_err *err)
{
	CURL *easy;

	if (auth_is(&t->auth, AUTH_ENTRA))
		return t->handle(t->arg, err);
	easy = plain_handle();
	if (!easy)
		ep_err_set(err, -ENOMEM, "why=\"ENOMEM\"");
	return easy;
}

#define SET(easy, option, value)                                               \
	do {                                                                   \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)         \
			return -ENOTSUP;                                       \
	} while (0)

static int set_way(struct token_source *t)
{
	bool tls = place_of(t->request.url) == PLACE_HTTPS;
	long ms = (long)(t->timeout_ns / EP_NS_PER_MS);

	SET(t->easy, CURLOPT_URL, t->request.url);
	SET(t->easy, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
	SET(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(t->easy, CURLOPT_HTTP09_ALLOWED, 0L);
	SET(t->easy, CURLOPT_FORBID_REUSE, 1L);
	SET(t->easy, CURLOPT_NOSIGNAL, 1L);
	SET(t->easy, CURLOPT_QUICK_EXIT, 1L);
	SET(t->easy, CURLOPT_TIMEOUT_MS, ms);
	SET(t->easy, CURLOPT_CONNECTTIMEOUT_MS,
	    ms < CONNECT_MS ? ms : CONNECT_MS);
	SET(t->easy, CURLOPT_USERAGENT, "edgeprobe/" EDGEPROBE_VERSION);
	return 0;
}

static int set_rest(struct token_source *t)
{
	SET(t->easy, CURLOPT_HTTPHEADER, t->request.headers);
	if (t->request.form.len > 0) {
		SET(t->easy, CURLOPT_POST, 1L);
		SET(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)t->request.form.len);
		SET(t->easy, CURLOPT_POSTFIELDS, t->request.form.text);
	} else {
		SET(t->easy, CURLOPT_HTTPGET, 1L);
	}
	SET(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	SET(t->easy, CURLOPT_WRITEDATA, t);
	SET(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	SET(t->easy, CURLOPT_HEADERDATA, t);
	SET(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(t->easy, CURLOPT_ERRORBUFFER, t->error);
	return 0;
}

static int send_request(struct token_source *t, struct ep_err *err)
{
	int r;

	secret_finish(&t->body);
	t->body.text = calloc(1, TOKEN_ANSWER_MAX);
	t->body.len = t->body.text ? TOKEN_ANSWER_MAX : 0;
	t->body_len = t->header_bytes = 0;
	t->too_long = false;
	t->error[0] = '\0';
	curl_easy_cleanup(t->easy);
	t->easy = new_handle(t, err);
	if (!t->easy)
		return -ENOMEM;
	r = t->body.text ? set_way(t) : -ENOMEM;
	if (r == 0)
		r = set_rest(t);
	t->transfer.easy = t->easy;
	if (r == 0)
		r = curl_transfer_start(t->curl, &t->transfer);
	return r < 0 ? ep_err_set(err, r, "why=\"%s\"", uv_err_name(r)) : 0;
}

static int begin(struct token_source *t, struct ep_err *err)
{
	uint64_t now_s = ep_clock_wall_ns() / EP_NS_PER_S;
	struct ep_err why = { 0 };
	int r = token_request_make(&t->auth, now_s, &t->request, &why);

	if (r == 0)
		r = send_request(t, &why);
	if (r == 0) {
		t->state = SOURCE_ASKING;
		return 0;
	}
	end_request(t);
	return ep_err_set(err, r, "error=token source=%s %.200s", t->auth.type,
			  why.text);
}

/* --- the answer --- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int keep(struct token_source *t, const struct token_answer *a)
{
	static const char start[] = "Authorization: Bearer ";
	uint64_t now_ns = uv_hrtime();
	uint64_t life_ns = a->life_s * EP_NS_PER_S;
	struct secret header = { .len = strlen(start) + a->token.len };

	header.text = malloc(header.len + 1);
	if (!header.text)
		return -ENOMEM;
	stpcpy(stpcpy(header.text, start), a->token.text);
	secret_finish(&t->header);
	t->header = header;
	t->number++;
	t->until_ns = now_ns + life_ns - least(MARGIN_NS, life_ns / 10);
	t->refresh_ns =
		now_ns + life_ns / 4 * 3 + random_bits() % (life_ns / 10);
	t->failures = 0;
	t->leave_ns = 0;
	t->trouble[0] = '\0';
	return 0;
}

static unsigned status_of(const struct token_source *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status > 0 && status < 1000 ? (unsigned)status : 0;
}

static const char *header(const struct token_source *t, const char *name)
{
	struct curl_header *found;

	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &found) !=
	    CURLHE_OK)
		return NULL;
	return found->value;
}

static enum ack_failure failure(const struct token_source *t, CURLcode result)
{
	long tunnel = 0;

	curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	if (status_of(t) > 0 && (result == CURLE_OK || t->too_long))
		return ACK_ANSWERED;
	if (tunnel > 0 && (tunnel < 200 || tunnel > 299))
		return ACK_FAIL_PROXY;
	return result == CURLE_OK ? ACK_FAIL_BROKEN : http_failure(result);
}

/* Words of the service are from a small alphabet (token_answer.c). */
static void describe(const struct token_source *t, const struct token_answer *a,
		     struct verdict *v)
{
	size_t n = (size_t)snprintf(v->text, sizeof(v->text),
				    "error=token source=%s status=%u",
				    t->auth.type, status_of(t));

	if (a->error[0])
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n,
				      " code=%s", a->error);
	if (a->aadsts)
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n,
				      " aadsts=%lu", a->aadsts);
	if (status_of(t) == 200)
		snprintf(v->text + n, sizeof(v->text) - n,
			 " why=\"holds no token\"");
}

/* libcurl's words, which may quote a certificate: printable, without quotes. */
static void describe_failure(const struct token_source *t,
			     enum ack_failure failure, CURLcode result,
			     struct verdict *v)
{
	char why[128];

	snprintf(why, sizeof(why), "%.120s",
		 t->error[0] ? t->error : curl_easy_strerror(result));
	for (char *c = why; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"')
			*c = '\'';
	snprintf(v->text, sizeof(v->text),
		 "error=token source=%s failed=%s why=\"%s\"", t->auth.type,
		 ack_failure_name(failure), why);
}

static void judge(const struct token_source *t, CURLcode result,
		  const struct token_answer *a, struct verdict *v)
{
	struct answer answer = { .failure = failure(t, result),
				 .status = status_of(t) };
	struct ack_parts parts;

	*v = (struct verdict){ .class = ACK_ENDPOINT,
			       .after_ns = RETRY_NO_AFTER };
	if (answer.failure != ACK_ANSWERED) {
		v->class = ack_classify(&answer, &parts);
		describe_failure(t, answer.failure, result, v);
		return;
	}
	if (answer.status == 429 || answer.status >= 500)
		v->class = ACK_BUSY;
	v->after_ns =
		retry_after_ns(header(t, "Retry-After"), header(t, "Date"));
	describe(t, a, v);
}

static void fail(struct token_source *t, const struct verdict *v)
{
	uint64_t now_ns = uv_hrtime(), wait_ns;

	t->failures++;
	wait_ns = retry_wait_ns(&retry_defaults, t->failures, v->after_ns,
				random_bits());
	if (v->after_ns != RETRY_NO_AFTER)
		t->leave_ns = now_ns +
			      least(v->after_ns, retry_defaults.after_max_ns);
	snprintf(t->trouble, sizeof(t->trouble), "%s", v->text);
	if (!t->header.text || t->awaited)
		return;
	t->refresh_ns = now_ns + wait_ns;
	log_warn("delivery", "destination=%s %s token_left_s=%llu next=%llums",
		 t->name, v->text,
		 (unsigned long long)(t->until_ns > now_ns
					      ? (t->until_ns - now_ns) /
							EP_NS_PER_S
					      : 0),
		 (unsigned long long)(wait_ns / EP_NS_PER_MS));
}

static void tell(struct token_source *t, const struct verdict *failed)
{
	if (!t->awaited)
		return;
	t->awaited = false;
	t->ready(failed, t->arg);
	/* t may be gone */
}

static void settle(struct token_source *t, CURLcode result)
{
	struct token_answer a = { 0 };
	struct verdict v;
	int r = -EPROTO;

	if (failure(t, result) == ACK_ANSWERED && !t->too_long)
		r = token_answer_read(status_of(t), t->body.text, t->body_len,
				      &a);
	if (r == 0)
		r = keep(t, &a);
	if (r < 0) {
		judge(t, result, &a, &v);
		fail(t, &v);
	}
	secret_finish(&a.token);
	end_request(t);
	tell(t, r < 0 ? &v : NULL);
}

/* The Arc agent wants to see that we may read what root and it may. */
static bool is_challenge(const struct token_source *t, CURLcode result)
{
	return t->state == SOURCE_ASKING && result == CURLE_OK &&
	       status_of(t) == 401 && auth_is(&t->auth, AUTH_AZURE_ARC);
}

static int prove(struct token_source *t, struct ep_err *err)
{
	const char *value = header(t, TOKEN_HEADER_NAME);
	char name[TOKEN_KEY_NAME];
	int r;

	if (!value || !token_challenge_read(value, name))
		return ep_err_set(err, -EPROTO,
				  "status=401 why=\"does not name a file "
				  "in " TOKEN_KEY_DIR "\"");
	r = token_request_prove(&t->request, name, err);
	return r < 0 ? r : send_request(t, err);
}

static void answer_challenge(struct token_source *t)
{
	struct verdict v = { .class = ACK_ENDPOINT,
			     .after_ns = RETRY_NO_AFTER };
	struct ep_err err = { 0 };

	if (prove(t, &err) == 0) {
		t->state = SOURCE_PROVING;
		return;
	}
	snprintf(v.text, sizeof(v.text), "error=token source=%s %.200s",
		 t->auth.type, err.text);
	fail(t, &v);
	end_request(t);
	tell(t, &v);
}

static void on_done(struct curl_transfer *transfer, CURLcode result)
{
	struct token_source *t =
		container_of(transfer, struct token_source, transfer);

	if (is_challenge(t, result))
		answer_challenge(t);
	else
		settle(t, result);
}

/* --- asking --- */

static void replace(struct token_source *t)
{
	struct verdict v = { .class = ACK_ENDPOINT,
			     .after_ns = RETRY_NO_AFTER };
	struct ep_err err = { 0 };

	if (begin(t, &err) == 0)
		return;
	snprintf(v.text, sizeof(v.text), "%.250s", err.text);
	fail(t, &v);
}

int token_source_ask(struct token_source *t, struct ep_err *err)
{
	uint64_t now_ns = uv_hrtime();
	int r = 0;

	assert(!t->awaited);
	if (t->header.text && now_ns < t->until_ns) {
		if (t->state == SOURCE_IDLE && now_ns >= t->refresh_ns &&
		    now_ns >= t->leave_ns)
			replace(t);
		return 1;
	}
	secret_finish(&t->header);
	if (t->state == SOURCE_IDLE && now_ns < t->leave_ns)
		return ep_err_set(err, -EAGAIN, "%s", t->trouble);
	if (t->state == SOURCE_IDLE)
		r = begin(t, err);
	t->awaited = r == 0;
	return r;
}

const char *token_source_header(const struct token_source *t)
{
	return t->header.text;
}

unsigned token_source_number(const struct token_source *t)
{
	return t->number;
}

uint64_t token_source_until_ns(const struct token_source *t)
{
	return t->header.text ? t->until_ns : 0;
}

void token_source_refused(struct token_source *t)
{
	uint64_t now_ns = uv_hrtime();

	if (!t->header.text ||
	    (t->renewed_ns && now_ns - t->renewed_ns < RENEW_NS))
		return;
	t->renewed_ns = now_ns;
	secret_finish(&t->header);
}

/* --- life --- */

static void free_source(struct token_source *t)
{
	secret_finish(&t->header);
	auth_finish(&t->auth);
	free(t->name);
	free(t);
}

static void on_curl_closed(void *arg)
{
	struct token_source *t = arg;
	void (*closed)(void *arg) = t->closed;
	void *closed_arg = t->closed_arg;

	free_source(t);
	closed(closed_arg);
}

void token_source_close(struct token_source *t, void (*closed)(void *arg),
			void *arg)
{
	t->closed = closed;
	t->closed_arg = arg;
	t->awaited = false;
	curl_transfer_cancel(&t->transfer);
	end_request(t);
	curl_loop_close(t->curl, on_curl_closed, t);
}

int token_source_open(uv_loop_t *loop,
		      const struct token_source_options *options,
		      struct token_source **ret_source)
{
	struct token_source *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->name = strdup(options->name);
	r = auth_copy(&options->auth, &t->auth);
	if (!t->name)
		r = -ENOMEM;
	t->timeout_ns = options->timeout_ns;
	t->handle = options->handle;
	t->ready = options->ready;
	t->arg = options->arg;
	t->transfer.done = on_done;
	if (r == 0)
		r = curl_loop_open(loop, &t->curl);
	if (r < 0) {
		free_source(t);
		return r;
	}
	*ret_source = t;
	return 0;
}
