/* The libcurl handle of an https probe: everything that does not depend on
 * what happens to it. */
#ifndef PROBES_CORE_HTTPS_REQUEST_H
#define PROBES_CORE_HTTPS_REQUEST_H

#include "edgeprobe/address.h"
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/* Longest path, in bytes. */
#define HTTPS_PATH_MAX 2048

/* For a chain of calls with `easy` and `code` at hand: the rest is skipped
 * after a failure. */
#define HTTPS_SET(option, value)                                               \
	do {                                                                   \
		if (code == CURLE_OK)                                          \
			code = curl_easy_setopt(easy, option, value);          \
	} while (0)

/* Borrowed until https_request_init() has returned. */
struct https_wish {
	const char *host; /* name or literal, for URL, Host and certificate */
	const char *path; /* NULL: "/" */
	uint16_t port;
	struct ep_address address; /* to connect to, whatever the host */
	uint64_t timeout_ns;       /* the engine's; libcurl's is longer */
	const char *user_agent;
	bool kept; /* on a connection that stays open, if there is one */
};

/* Zero it first; https_request_finish() may be called on it always. */
struct https_request {
	CURL *easy;
	struct curl_slist *pin;
};

/* 0, or -ENAMETOOLONG, -ENOMEM, or another negative errno for an option that
 * this libcurl lacks; what was made goes with https_request_finish(). */
int https_request_init(struct https_request *request,
		       const struct https_wish *wish);
void https_request_finish(struct https_request *request);

#endif
