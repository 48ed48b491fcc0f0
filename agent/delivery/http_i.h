/* The inside of a collector behind HTTP: http.c is its life and its attempts,
 * http_options.c what never changes, http_identity.c what files say about us,
 * http_way.c its sockets and handshakes, http_judge.c what came back. */
#ifndef DELIVERY_HTTP_I_H
#define DELIVERY_HTTP_I_H

#include "delivery/certificate.h"
#include "delivery/http_fault.h"
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

struct http;

/* What is kept of the options, each its own copy or NULL. */
enum http_text {
	HTTP_NAME,
	HTTP_TOKEN_FILE,
	HTTP_CA_FILE,
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

/* Somebody that a handshake was done with. */
struct http_peer {
	/* Of the last handshake ever. */
	struct ep_cert_facts cert;
	bool asked; /* for a certificate, and there was none to show */
	/* Of this attempt. */
	const char *version; /* "TLSv1.3"; static; NULL: no handshake ended */
	int verify_error;    /* of OpenSSL; X509_V_OK */
	int alert;           /* that it sent; 0: none */
};

/* The way of one kind of request: to the collector, or to a token service. */
struct http_way {
	struct http *http;
	bool anonymous;      /* our certificate is not for them */
	unsigned handshakes; /* on the socket that was opened last */
	struct http_peer proxy, other;
	/* Of this attempt. */
	struct http_peer *with; /* the last handshake; NULL: none */
	int bind_error;         /* of the last socket; 0: none */
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
	bool tls;       /* it is needed */
	bool proxied;   /* a proxy is on the way */
	bool proxy_tls; /* which is spoken to in TLS */
	struct http_authorities authorities, proxy_authorities;
	struct certificate certificate;
	uint64_t certificate_again_ns; /* as of the authorities */
	struct secret proxy_password;
	struct http_way way, token_way;
	struct buf body;     /* of the answer */
	size_t header_bytes; /* of the answer */
	bool headers_cut, body_cut;
	char error[CURL_ERROR_SIZE];
	void (*closed)(void *arg);
	void *arg;
};

/* --- http_options.c --- */

/* Set what holds for every attempt. 0, or -ENOTSUP: this libcurl lacks one. */
int http_options_set(struct http *h, const struct deliver_options *o);

/* --- http_identity.c --- */

/* Look at the files that say who we are and whom we trust. 1: something is
 * another than at the last attempt, and no connection may be used on; 0: nothing
 * is; or a negative errno, and `err` is what to say. */
int http_identity_refresh(struct http *h, struct ep_err *err);
void http_identity_finish(struct http *h);

/* --- http_way.c --- */

/* Let the sockets and handshakes of `easy` be those of `way`. 0 or -ENOTSUP. */
int http_way_use(struct http_way *way, CURL *easy);

/* An attempt begins. */
void http_way_begin(struct http_way *way);

/* --- http_trace.c --- */

/* As in outlet.h. */
void http_trace(const struct outlet *outlet, struct trace *ret_trace);

/* --- http_token.c: of a file, or given by a service --- */

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

/* --- http_judge.c --- */

/* Callbacks of libcurl for what comes back; `arg` is the struct http. */
size_t http_on_body(char *data, size_t size, size_t n, void *arg);
size_t http_on_header(char *data, size_t size, size_t n, void *arg);

/* Forget what the last attempt brought. */
void http_judge_begin(struct http *h);

/* The attempt has ended with `result`. */
void http_judge(struct http *h, CURLcode result, struct verdict *v);

#endif
