/* The inside of a collector behind HTTP: http.c is its life and its attempts,
 * http_options.c what never changes, http_judge.c what came back. */
#ifndef DELIVERY_HTTP_I_H
#define DELIVERY_HTTP_I_H

#include "delivery/outlet.h"
#include "delivery/token.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/trust.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX    ((size_t)1 << 20)
#define HTTP_HEADERS_MAX ((size_t)64 << 10)

struct http {
	struct outlet outlet;
	struct curl_loop *curl;
	struct curl_transfer transfer;
	CURL *easy;
	struct curl_slist *headers; /* of the attempt under way */
	enum ack_engine engine;     /* whose answers these are */
	uint64_t rows;              /* on their way */
	struct token token;
	char *token_file;
	char *ca_file;          /* NULL: the system's */
	struct ep_trust *trust; /* NULL: not needed, or not yet read */
	bool tls;               /* it is needed */
	struct buf body;        /* of the answer */
	size_t header_bytes;    /* of the answer */
	bool headers_cut, body_cut;
	char error[CURL_ERROR_SIZE];
	void (*closed)(void *arg);
	void *arg;
};

/* --- http_options.c --- */

/* Set what holds for every attempt. 0, or -ENOTSUP: this libcurl lacks one. */
int http_options_set(struct http *h, const struct deliver_options *o);

/* --- http_judge.c --- */

/* Callbacks of libcurl for what comes back; `arg` is the struct http. */
size_t http_on_body(char *data, size_t size, size_t n, void *arg);
size_t http_on_header(char *data, size_t size, size_t n, void *arg);

/* Forget what the last attempt brought. */
void http_judge_begin(struct http *h);

/* The attempt has ended with `result`. */
void http_judge(struct http *h, CURLcode result, struct verdict *v);

#endif
