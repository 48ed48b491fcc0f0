/* The sockets and handshakes of a kind of request, and what was seen there. */
#ifndef DELIVERY_HTTP_WAY_H
#define DELIVERY_HTTP_WAY_H

#include "edgeprobe/private/cert.h"
#include <curl/curl.h>
#include <stdbool.h>

struct http; /* http_i.h */

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
	bool proxied;        /* a proxy is on the way */
	bool proxy_tls;      /* which is spoken to in TLS */
	unsigned handshakes; /* on the socket that was opened last */
	struct http_peer proxy, other;
	/* Those that are open, as far as there is room. */
	int sockets[4];
	unsigned n_sockets;
	unsigned dscp; /* of what they send */
	/* Of this attempt. */
	struct http_peer *with; /* the last handshake; NULL: none */
	int bind_error;         /* of a socket that was not bound; 0: none */
	bool bound; /* another one was, perhaps of the other family */
};

/* Let the sockets and handshakes of `easy` be those of `way`. 0 or -ENOTSUP. */
int http_way_use(struct http_way *way, CURL *easy);

/* What is sent from now on has this DSCP, over kept connections, too. */
void http_way_mark(struct http_way *way, unsigned dscp);

/* An attempt begins. */
void http_way_begin(struct http_way *way);

#endif
