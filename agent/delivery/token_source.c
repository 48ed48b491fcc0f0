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
#include "delivery/retry.h"
#include "delivery/secret.h"
#include "delivery/token_exchange.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/list.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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
	struct token_exchange exchange; /* unless it is idle */

	char *name;
	struct auth_options auth;
	uint64_t timeout_ns;
	CURL *(*handle)(void *arg, struct ep_err *err);
	void (*ready)(const struct verdict *failed, void *arg);
	void *arg;
	bool awaited;

	struct ep_cert_facts cert; /* of the last request */
	struct secret header;      /* empty: no token */
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

/* --- a request --- */

static void end_request(struct token_source *t)
{
	token_exchange_finish(&t->exchange);
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

static int send_request(struct token_source *t, struct ep_err *err)
{
	CURL *easy = new_handle(t, err);
	int r;

	if (!easy)
		return -ENOMEM;
	r = token_exchange_send(&t->exchange, easy, t->curl, t->timeout_ns);
	return r < 0 ? ep_err_set(err, r, "why=\"%s\"", uv_err_name(r)) : 0;
}

static int begin(struct token_source *t, struct ep_err *err)
{
	uint64_t now_s = ep_clock_wall_ns() / EP_NS_PER_S;
	struct ep_err why = { 0 };
	int r = token_request_make(&t->auth, now_s, &t->exchange.request, &why);

	if (r == 0)
		r = send_request(t, &why);
	if (r == 0) {
		t->cert = t->exchange.request.cert;
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
	memcpy(header.text, start, strlen(start));
	memcpy(header.text + strlen(start), a->token.text, a->token.len + 1);
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
	struct token_answer a;
	struct verdict v;
	int r = token_exchange_read(&t->exchange, result, &a);

	if (r == 0)
		r = keep(t, &a);
	if (r < 0) {
		token_exchange_judge(&t->exchange, result, &a, t->auth.type,
				     &v);
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
	       token_exchange_status(&t->exchange) == 401 &&
	       auth_is(&t->auth, AUTH_AZURE_ARC);
}

static int prove(struct token_source *t, struct ep_err *err)
{
	const char *value =
		token_exchange_header(&t->exchange, TOKEN_HEADER_NAME);
	char name[TOKEN_KEY_NAME];
	int r;

	if (!value || !token_challenge_read(value, name))
		return ep_err_set(err, -EPROTO,
				  "status=401 why=\"does not name a file "
				  "in " TOKEN_KEY_DIR "\"");
	r = token_request_prove(&t->exchange.request, name, err);
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
		container_of(transfer, struct token_source, exchange.transfer);

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

const struct ep_cert_facts *token_source_cert(const struct token_source *t)
{
	return &t->cert;
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
	curl_transfer_cancel(&t->exchange.transfer);
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
	t->exchange.transfer.done = on_done;
	if (r == 0)
		r = curl_loop_open(loop, &t->curl);
	if (r < 0) {
		free_source(t);
		return r;
	}
	*ret_source = t;
	return 0;
}
