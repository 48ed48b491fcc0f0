/* One request to a token service, and what came back. */
#ifndef DELIVERY_TOKEN_EXCHANGE_H
#define DELIVERY_TOKEN_EXCHANGE_H

#include "delivery/outlet.h"
#include "delivery/token_answer.h"
#include "delivery/token_request.h"
#include "edgeprobe/private/curl_loop.h"
#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise, and set `transfer.done`. */
struct token_exchange {
	struct curl_transfer transfer;
	CURL *easy;
	struct token_request request;
	struct secret body; /* room for TOKEN_ANSWER_MAX bytes */
	size_t body_len, header_bytes;
	bool too_long; /* there was more than is read */
	char error[CURL_ERROR_SIZE];
};

/* Send `request` by `easy`, which is taken in any case. May be called again, in
 * `done`, for a second request. 0 or negative errno. */
int token_exchange_send(struct token_exchange *exchange, CURL *easy,
			struct curl_loop *curl, uint64_t timeout_ns);

/* It has ended with `result`: as token_answer_read(), or why there is none. */
int token_exchange_read(const struct token_exchange *exchange, CURLcode result,
			struct token_answer *ret_answer);

/* What that means; `type` is the source's, for the words. */
void token_exchange_judge(const struct token_exchange *exchange,
			  CURLcode result, const struct token_answer *answer,
			  const char *type, struct verdict *ret_verdict);

/* Of the answer; 0, NULL: none. */
unsigned token_exchange_status(const struct token_exchange *exchange);
const char *token_exchange_header(const struct token_exchange *exchange,
				  const char *name);

/* It is not under way (any more); secrets are overwritten. */
void token_exchange_finish(struct token_exchange *exchange);

#endif
