/* Tokens that a service gives for a while: asked for, kept in memory until
 * shortly before they end, asked for anew. The loop never waits. */
#ifndef DELIVERY_TOKEN_SOURCE_H
#define DELIVERY_TOKEN_SOURCE_H

#include "delivery/auth.h"
#include "delivery/outlet.h"
#include "edgeprobe/private/cert.h"
#include <curl/curl.h>
#include <stdint.h>
#include <uv.h>

struct token_source;

/* Texts are copied. */
struct token_source_options {
	const char *name; /* of the destination, for the log */
	struct auth_options auth;
	uint64_t timeout_ns; /* of one request */
	/* A handle that goes to Entra as the destination goes to its
	 * collector, by its proxy and with its trust; the source's to clean
	 * up. NULL: there is none, and `err` says why. */
	CURL *(*handle)(void *arg, struct ep_err *err);
	/* Whoever was told to wait need not any more. Once for each time, from
	 * the loop. `failed` is NULL: there is a token; else it is to be
	 * treated as the answer to a batch. May close the source. */
	void (*ready)(const struct verdict *failed, void *arg);
	void *arg;
};

/* The options were checked. 0 or negative errno. */
int token_source_open(uv_loop_t *loop,
		      const struct token_source_options *options,
		      struct token_source **ret_source);

/* 1: there is a token, and token_source_header() is its header. 0: not yet, and
 * `ready` will run; not again before it. A negative errno: there is none, and
 * `err` is what to say. A token that will end soon is replaced meanwhile. */
int token_source_ask(struct token_source *source, struct ep_err *err);

/* "Authorization: Bearer ..."; borrowed until the loop's next turn. NULL:
 * there is none. */
const char *token_source_header(const struct token_source *source);

/* Counts tokens: another number is another token. */
unsigned token_source_number(const struct token_source *source);

/* uv_hrtime() at which the token ends; 0: there is none. */
uint64_t token_source_until_ns(const struct token_source *source);

/* What the certificate says that proved us last; zero: there is none. */
const struct ep_cert_facts *
token_source_cert(const struct token_source *source);

/* The collector answered 401: the next one to ask gets a new token, but no more
 * than one an hour for this reason. */
void token_source_refused(struct token_source *source);

/* `closed` runs from the loop when all is gone; `ready` does not run any more.
 */
void token_source_close(struct token_source *source, void (*closed)(void *arg),
			void *arg);

#endif
