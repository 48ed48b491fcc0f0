/* The inside of a collector behind HTTP: http.c is its life and its attempts,
 * http_options.c what never changes, http_identity.c what files say about us,
 * http_way.c its sockets and handshakes, http_judge.c what came back. */
#ifndef DELIVERY_HTTP_I_H
#define DELIVERY_HTTP_I_H

#include "delivery/certificate.h"
#include "delivery/http_fault.h"
#include "delivery/http_token.h"
#include "delivery/http_way.h"
#include "delivery/outlet.h"
#include "delivery/secret.h"
#include "delivery/token.h"
#include "delivery/token_source.h"
#include "edgeprobe/private/cert.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/trust.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX    ((size_t)1 << 20)
#define HTTP_HEADERS_MAX ((size_t)64 << 10)

/* What is kept of the options, each its own copy or NULL. */
enum http_text {
	HTTP_NAME,
	HTTP_TOKEN_FILE,
	HTTP_CA_FILE,
	HTTP_PROXY,
	HTTP_PROXY_CA_FILE,
	HTTP_PROXY_PASSWORD_FILE,
	HTTP_CERT_FILE,
	HTTP_KEY_FILE,
	HTTP_KEY_PASSWORD_FILE,
	HTTP_SOURCE, /* interface or address to leave by */
	HTTP_TEXTS,
};

/* Whom we trust. */
struct http_authorities {
	struct ep_trust *trust; /* NULL: not needed, or not yet read */
	uint64_t version;
	uint64_t again_ns; /* uv_hrtime(): no warning about it before */
};

struct http {
	struct outlet outlet;
	struct curl_loop *curl; /* of the identity that we have now */
	unsigned loops;         /* that one, and old ones that are closing */
	bool is_other;          /* it is not: it has to be another one */
	uv_loop_t *uv;
	struct curl_transfer transfer;
	CURL *easy;
	struct curl_slist *headers; /* of the attempt under way */
	enum ack_engine engine;     /* whose answers these are */
	uint64_t rows;              /* on their way */
	struct parcel parcel;       /* on its way, or waiting for a token */
	bool tried;                 /* the last one came to an attempt */
	enum http_fault fault;      /* of that */
	struct token token;
	struct token_source *source; /* NULL: none, or it is a file */
	unsigned token_number;       /* of the last one that was sent */
	char *texts[HTTP_TEXTS];
	bool tls; /* it is needed */
	struct http_authorities authorities, proxy_authorities;
	struct certificate certificate;
	uint64_t certificate_again_ns; /* as of the authorities */
	struct secret proxy_password;
	struct http_way way, token_way;
	uint64_t timeout_ns;
	uint64_t backlog_bandwidth; /* bytes a second; 0: any */
	unsigned dscp;              /* 0: the backlog is LE */
	struct buf body;            /* of the answer */
	size_t header_bytes;        /* of the answer */
	bool headers_cut, body_cut;
	char error[CURL_ERROR_SIZE];
	void (*closed)(void *arg);
	void *arg;
};

/* --- http_options.c --- */

/* Set what holds for every attempt. 0, or -ENOTSUP: this libcurl lacks one. */
int http_options_set(struct http *h, const struct deliver_options *o);

/* How much of the line, and of the time, this one may take. */
void http_options_set_share(struct http *h, const struct parcel *p);

/* --- http_identity.c --- */

/* Look at the files that say who we are and whom we trust. 1: something is
 * another than at the last attempt, and no connection may be used on; 0: nothing
 * is; or a negative errno, and `err` is what to say. */
int http_identity_refresh(struct http *h, struct ep_err *err);
void http_identity_finish(struct http *h);

/* --- http_trace.c --- */

/* As in outlet.h. */
void http_trace(const struct outlet *outlet, struct trace *ret_trace);

/* --- http_judge.c --- */

/* Callbacks of libcurl for what comes back; `arg` is the struct http. */
size_t http_on_body(char *data, size_t size, size_t n, void *arg);
size_t http_on_header(char *data, size_t size, size_t n, void *arg);

/* Forget what the last attempt brought. */
void http_judge_begin(struct http *h);

/* The attempt has ended with `result`. */
void http_judge(struct http *h, CURLcode result, struct verdict *v);

#endif
