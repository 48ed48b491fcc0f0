/* What a token service is asked. Reads the files that prove who asks. */
#ifndef DELIVERY_TOKEN_REQUEST_H
#define DELIVERY_TOKEN_REQUEST_H

#include "delivery/auth.h"
#include "delivery/secret.h"
#include "delivery/token_answer.h"
#include "edgeprobe/private/cert.h"
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/* Owns all of it. */
struct token_request {
	char *url;
	struct secret form;         /* of a POST; empty: it is a GET */
	struct curl_slist *headers; /* may hold a secret */
	struct ep_cert_facts cert;  /* that proves us; zero: there is none */
};

/* `now_s` is since 1970. 0, or a negative errno and in `err` the words of what
 * failed, `key=value`. token_request_finish() frees either way. */
int token_request_make(const struct auth_options *auth, uint64_t now_s,
		       struct token_request *ret_request, struct ep_err *err);

/* Say it once more with what the Arc agent wants to see: the content of
 * TOKEN_KEY_DIR/`name`. That must be a regular file of at most TOKEN_KEY_BYTES,
 * owned by root or by who owns the directory, and writable by nobody else. As
 * above; the request stays as it is on failure. */
int token_request_prove(struct token_request *request, const char *name,
			struct ep_err *err);

/* Overwrites secrets. */
void token_request_finish(struct token_request *request);

#endif
