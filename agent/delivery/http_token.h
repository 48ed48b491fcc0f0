/* The token of an attempt: of a file, or given by a service. */
#ifndef DELIVERY_HTTP_TOKEN_H
#define DELIVERY_HTTP_TOKEN_H

#include "delivery/outlet.h"
#include <stdbool.h>

struct http; /* http_i.h */

/* Whether a token is asked for over TLS. */
bool http_token_needs_tls(const struct deliver_options *o);

/* If it is a service's. `ready` as in token_source.h, with the struct http. 0 or
 * negative errno. */
int http_token_open(struct http *h, uv_loop_t *loop,
		    const struct deliver_options *o,
		    void (*ready)(const struct verdict *failed, void *arg));

/* 1: it is another than at the last attempt; 0: the same, or there needs to be
 * none; -EINPROGRESS: `ready` will run; another negative errno, and `err` is
 * what to say. */
int http_token_take(struct http *h, struct ep_err *err);

/* Of a service: whether it is another than the last time that this was asked.
 */
bool http_token_is_new(struct http *h);

/* NULL: none is needed. */
const char *http_token_header(const struct http *h);

/* There was an answer; perhaps it was about the token. */
void http_token_judged(struct http *h);

#endif
