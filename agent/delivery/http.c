/* A collector behind HTTP.
 *
 * Happy path: the options that never change are set once (http_options.c); each
 * attempt sets its headers and body, runs on a multi of this destination's own,
 * and ends in on_done(), where status, media type and the beginning of the body
 * are judged (http_judge.c, ack.c).
 *
 * What can fail: the token cannot be read (no attempt is made); no connection;
 * TLS; the proxy; the answer is cut, endless or not HTTP. What is more than we
 * read is not waited for: the answer is judged by what came. An answer other
 * than 2xx counts even if the connection broke while we were still sending, as
 * it does where a server refuses a body by its length.
 *
 * Names are looked up by libcurl's resolver threads; the loop does not wait,
 * not even when such a look-up is given up (QUICK_EXIT). */
#include "delivery/bypass.h"
#include "delivery/http_i.h"
#include "delivery/retry.h"
#include "delivery/row.h"
#include "edgeprobe/private/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

	http_judge(h, result, &verdict);
	http_token_judged(h);
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
	if (r == 0 && http_token_header(h))
		r = add_header(h, http_token_header(h));
	return r;
}

static int begin(struct http *h, const struct parcel *p)
{
	int r = add_headers(h, p);

	if (r < 0)
		return r;
	http_judge_begin(h);
	h->rows = p->rows;
	http_options_set_share(h, p);
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)p->len);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, p->body);
	r = curl_transfer_start(h->curl, &h->transfer);
	h->tried = r == 0;
	return r;
}

static void free_http(struct http *h)
{
	if (h->easy)
		curl_easy_cleanup(h->easy);
	token_finish(&h->token);
	http_identity_finish(h);
	drop_headers(h);
	buf_finish(&h->body);
	for (size_t i = 0; i < HTTP_TEXTS; i++)
		free(h->texts[i]);
	free(h);
}

static void on_curl_closed(void *arg)
{
	struct http *h = arg;
	void (*closed)(void *arg) = h->closed;
	void *closed_arg = h->arg;

	if (--h->loops > 0 || !closed)
		return;
	free_http(h);
	closed(closed_arg);
}

/* A connection belongs to the credentials that it was made for, and libcurl
 * does not tell all of them apart: another identity has connections of its own.
 * Nothing is on its way over the old ones. */
static int renew(struct http *h)
{
	struct curl_loop *fresh;
	int r = curl_loop_open(h->uv, &fresh);

	if (r < 0)
		return r;
	h->loops++;
	curl_loop_close(h->curl, on_curl_closed, h);
	h->curl = fresh;
	return 0;
}

static int start(struct http *h, bool fresh, struct ep_err *err)
{
	int r = fresh || h->is_other ? renew(h) : 0;

	if (r == 0) {
		h->is_other = false;
		r = begin(h, &h->parcel);
	}
	if (r == 0)
		return 0;
	drop_headers(h);
	return ep_err_set(err, r, "error=%s", uv_err_name(r));
}

/* The service has given a token, or not. */
static void on_token(const struct verdict *failed, void *arg)
{
	struct verdict v = { .class = ACK_ENDPOINT,
			     .after_ns = RETRY_NO_AFTER };
	struct ep_err err = { 0 };
	struct http *h = arg;

	if (!failed && start(h, http_token_is_new(h), &err) == 0)
		return;
	snprintf(v.text, sizeof(v.text), "%.250s", err.text);
	h->outlet.cb(failed ? failed : &v, h->outlet.arg);
}

static int http_send(struct outlet *outlet, const struct parcel *parcel,
		     struct ep_err *err)
{
	struct http *h = container_of(outlet, struct http, outlet);
	int r = http_identity_refresh(h, err);

	h->tried = false;
	if (r < 0)
		return r;
	h->parcel = *parcel;
	h->is_other = h->is_other || r == 1;
	r = http_token_take(h, err);
	if (r == -EINPROGRESS)
		return 0;
	return r < 0 ? r : start(h, r == 1, err);
}

/* --- what is known --- */

static struct expiry_span span_of(const struct ep_cert_facts *cert)
{
	return (struct expiry_span){ cert->starts_s, cert->expires_s };
}

static void http_facts(const struct outlet *outlet,
		       struct deliver_facts *ret_facts)
{
	const struct http *h = container_of(outlet, struct http, outlet);
	struct expiry_span *spans = ret_facts->credentials;

	if (h->source) {
		ret_facts->token_until_ns = token_source_until_ns(h->source);
		spans[CREDENTIAL_ENTRA] = span_of(token_source_cert(h->source));
	}
	spans[CREDENTIAL_COLLECTOR] = span_of(&h->way.other.cert);
	spans[CREDENTIAL_PROXY] = span_of(&h->way.proxy.cert);
	spans[CREDENTIAL_CLIENT] = span_of(&h->certificate.facts);
}

/* --- life --- */

static void on_source_closed(void *arg)
{
	struct http *h = arg;

	curl_loop_close(h->curl, on_curl_closed, h);
}

static void http_close(struct outlet *outlet, void (*cb)(void *arg), void *arg)
{
	struct http *h = container_of(outlet, struct http, outlet);

	h->closed = cb;
	h->arg = arg;
	curl_transfer_cancel(&h->transfer);
	if (h->source)
		token_source_close(h->source, on_source_closed, h);
	else
		on_source_closed(h);
}

static int copy_texts(struct http *h, const struct deliver_options *o)
{
	const char *const texts[HTTP_TEXTS] = {
		[HTTP_NAME] = o->name,
		[HTTP_TOKEN_FILE] = o->token_file,
		[HTTP_CA_FILE] = o->ca_file,
		[HTTP_PROXY] = o->proxy,
		[HTTP_PROXY_CA_FILE] =
			o->proxy_ca_file ? o->proxy_ca_file : o->ca_file,
		[HTTP_PROXY_PASSWORD_FILE] = o->proxy_password_file,
		[HTTP_CERT_FILE] = o->cert_file,
		[HTTP_KEY_FILE] = o->key_file,
		[HTTP_KEY_PASSWORD_FILE] = o->key_password_file,
		[HTTP_SOURCE] = o->source,
	};

	for (size_t i = 0; i < HTTP_TEXTS; i++) {
		h->texts[i] = texts[i] ? strdup(texts[i]) : NULL;
		if (texts[i] && !h->texts[i])
			return -ENOMEM;
	}
	return 0;
}

/* Decided here and not by libcurl, because it is said who is to blame. */
static int find_way(struct http_way *way, const struct deliver_options *o,
		    const char *url)
{
	char *host = place_host(url);

	if (!host)
		return -ENOMEM;
	way->proxied = o->proxy && !bypass_has(o->no_proxy, host);
	way->proxy_tls =
		way->proxied && strncasecmp(o->proxy, "https://", 8) == 0;
	free(host);
	return 0;
}

static int find_ways(struct http *h, const struct deliver_options *o)
{
	int r = find_way(&h->way, o, o->url);

	h->tls = place_of(o->url) == PLACE_HTTPS || http_token_needs_tls(o);
	if (r == 0 && auth_is(&o->auth, AUTH_ENTRA))
		r = find_way(&h->token_way, o,
			     o->auth.authority ? o->auth.authority
					       : AUTH_AUTHORITY);
	return r;
}

static int make(struct http *h, uv_loop_t *loop,
		const struct deliver_options *o)
{
	/* What is configured is who is there, whatever was frozen before. */
	const struct framing *framing = framing_of(o->encoding, o->url);
	int r = curl_loop_global();

	if (r == 0)
		r = copy_texts(h, o);
	if (r < 0)
		return r;
	h->easy = curl_easy_init();
	if (!h->easy)
		return -ENOMEM;
	h->uv = loop;
	r = find_ways(h, o);
	if (r < 0)
		return r;
	h->token.path = h->texts[HTTP_TOKEN_FILE];
	h->token.scheme = framing->scheme;
	h->certificate.cert_file = h->texts[HTTP_CERT_FILE];
	h->certificate.key_file = h->texts[HTTP_KEY_FILE];
	h->certificate.password_file = h->texts[HTTP_KEY_PASSWORD_FILE];
	h->way.http = h->token_way.http = h;
	h->token_way.anonymous = true;
	h->engine = framing->engine;
	h->transfer.easy = h->easy;
	h->transfer.done = on_done;
	r = http_options_set(h, o);
	if (r == 0)
		r = curl_loop_open(loop, &h->curl);
	if (r < 0)
		return r;
	h->loops = 1;
	r = http_token_open(h, loop, o, on_token);
	if (r < 0)
		curl_loop_close(h->curl, NULL, NULL);
	return r;
}

int http_open(uv_loop_t *loop, const struct deliver_options *options,
	      struct outlet **ret_outlet)
{
	struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	buf_init(&h->body, HTTP_BODY_MAX);
	h->outlet.send = http_send;
	h->outlet.close = http_close;
	h->outlet.facts = http_facts;
	h->outlet.trace = http_trace;
	r = make(h, loop, options);
	if (r < 0) {
		free_http(h);
		return r;
	}
	*ret_outlet = &h->outlet;
	return 0;
}
