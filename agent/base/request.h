/* What every question of the agent's to a web server has in common: it goes
 * where it is told to and nowhere else, whatever the environment or the answer
 * says, and ends. */
#ifndef BASE_REQUEST_H
#define BASE_REQUEST_H

#include <curl/curl.h>

struct request {
	const char *url;           /* http:// or https:// */
	long connect_ms, whole_ms; /* given up after that; whole_ms 0: never */
	curl_write_callback on_body;
	void *arg; /* of on_body */
};

/* For an easy handle that is as libcurl makes it; texts are copied. 0, or
 * -ENOTSUP: this libcurl does not know one of the options, and must not go
 * without it. */
int request_set(CURL *easy, const struct request *request);

/* By this proxy only (NULL: directly), and by TLS only with whom `trust` knows,
 * which is borrowed. Returns as request_set() does. */
struct ep_trust;
int request_set_way(CURL *easy, const char *proxy, struct ep_trust *trust);

#endif
