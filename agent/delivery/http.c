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
#include "delivery/http_i.h"
#include "delivery/row.h"
#include "edgeprobe/private/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	http_judge_begin(h);
	h->rows = p->rows;
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
	r = http_options_set(h, o);
	return r < 0 ? r : curl_loop_open(loop, &h->curl);
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
	r = make(h, loop, options);
	if (r < 0) {
		free_http(h);
		return r;
	}
	*ret_outlet = &h->outlet;
	return 0;
}
