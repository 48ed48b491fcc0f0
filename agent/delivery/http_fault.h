/* Whose fault it was that a batch did not arrive, and what helps. Pure. */
#ifndef DELIVERY_HTTP_FAULT_H
#define DELIVERY_HTTP_FAULT_H

#include "delivery/ack.h"
#include <curl/curl.h>
#include <stdbool.h>

/* README.md says what each means. */
enum http_fault {
	HTTP_NO_FAULT, /* or one that passes by itself, such as a status 503 */
	HTTP_CIRCUIT_GONE,
	HTTP_PROXY_NAME,
	HTTP_PROXY_DOWN,
	HTTP_PROXY_SILENT,
	HTTP_PROXY_LOGIN,
	HTTP_PROXY_REFUSED,
	HTTP_PROXY_UPSTREAM,
	HTTP_PROXY_UNTRUSTED,
	HTTP_PROXY_TLS,
	HTTP_PROXY_BROKEN,
	HTTP_TLS_UNTRUSTED,
	HTTP_TLS_NAME,
	HTTP_TLS_EXPIRED,
	HTTP_TLS_FAILED,
	HTTP_LOGIN_MISSING,
	HTTP_TOKEN_REFUSED,
	HTTP_CERTIFICATE_MISSING,
	HTTP_CERTIFICATE_EXPIRED,
	HTTP_CERTIFICATE_REFUSED,
	HTTP_COLLECTOR_NAME,
	HTTP_COLLECTOR_DOWN,
	HTTP_COLLECTOR_SILENT,
	HTTP_COLLECTOR_BROKEN,
	HTTP_COLLECTOR_PATH,
	HTTP_COLLECTOR_MOVED,
	HTTP_COLLECTOR_PAGE,
	HTTP_COLLECTOR_SHAPE,
	HTTP_FAULTS,
};

/* What is known of an attempt. */
struct http_facts {
	CURLcode result;
	unsigned status;       /* the collector's; 0: none came */
	unsigned tunnel;       /* the proxy's; 0: none came */
	enum ack_class class;  /* of the status */
	bool page;             /* the answer looks like HTML */
	bool certificate_page; /* it speaks of a client certificate */
	bool proxied;
	int bind_error; /* the circuit's; 0: none */
	bool reused;    /* the connection was there before */
	/* Of the last handshake that was begun. */
	bool tls_of_proxy;
	int verify_error; /* of OpenSSL; 0: the certificate was fine */
	int alert;        /* that the other side ended it with; 0: none */
	/* Of us. */
	bool certificate_asked; /* and there was none to show */
	bool certificate_shown, certificate_over, token_sent;
};

enum http_fault http_fault(const struct http_facts *facts);

/* A word for logs, and what to do about it; static. */
const char *http_fault_name(enum http_fault fault);
const char *http_fault_help(enum http_fault fault);

#endif
