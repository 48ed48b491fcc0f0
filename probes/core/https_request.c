#include "core/https_request.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/target.h"
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* "https://[", a host, "]:", a port, a path. */
#define URL_MAX (EP_HOST_MAX + HTTPS_PATH_MAX + 32)

/* libcurl gives up this long after the engine should have. */
#define BACKSTOP_MS 2000

/* For how long an unused connection stays open if the server does not mind. */
#define KEPT_S 604800L

/* Options that every probe has. HTTP/1.1 because HTTP/2 begins with an exchange
 * of settings; no "Connection: close", because an answer whose end only the
 * connection's end tells has no last byte; nothing from the environment or the
 * user's files; no state from one probe to the next but a connection that is
 * kept on purpose. */
static const struct {
	CURLoption option;
	long value;
} fixed[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_SSL_SESSIONID_CACHE, 0 },
	{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
	{ CURLOPT_HTTPGET, 1 },
	{ CURLOPT_PATH_AS_IS, 1 },
	{ CURLOPT_HTTP09_ALLOWED, 0 },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_MAXAGE_CONN, KEPT_S },
};

static CURLcode set_fixed(CURL *easy)
{
	CURLcode code = CURLE_OK;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		HTTPS_SET(fixed[i].option, fixed[i].value);
	return code;
}

static long backstop_ms(uint64_t timeout_ns)
{
	uint64_t timeout_ms = timeout_ns / EP_NS_PER_MS;

	return timeout_ms < LONG_MAX - BACKSTOP_MS
		       ? (long)timeout_ms + BACKSTOP_MS
		       : LONG_MAX;
}

static CURLcode set_wish(CURL *easy, const struct https_wish *wish,
			 struct curl_slist *pin)
{
	long limit_ms = backstop_ms(wish->timeout_ns);
	CURLcode code = CURLE_OK;

	HTTPS_SET(CURLOPT_CONNECT_TO, pin);
	HTTPS_SET(CURLOPT_PROXY, "");
	HTTPS_SET(CURLOPT_PROTOCOLS_STR, "https");
	HTTPS_SET(CURLOPT_USERAGENT, wish->user_agent);
	HTTPS_SET(CURLOPT_FRESH_CONNECT, wish->kept ? 0L : 1L);
	HTTPS_SET(CURLOPT_FORBID_REUSE, wish->kept ? 0L : 1L);
	/* Whom to trust is set at the connection: see trust.h. */
	HTTPS_SET(CURLOPT_CAINFO, NULL);
	HTTPS_SET(CURLOPT_CAPATH, NULL);
	HTTPS_SET(CURLOPT_TIMEOUT_MS, limit_ms);
	HTTPS_SET(CURLOPT_CONNECTTIMEOUT_MS, limit_ms);
	return code;
}

/* The interface of a link-local address is nothing to tell a server. */
static CURLcode set_url(CURL *easy, const struct https_wish *wish)
{
	const char *path = wish->path == NULL ? "/" : wish->path;
	bool is_v6 = strchr(wish->host, ':') != NULL;
	char url[URL_MAX];

	snprintf(url, sizeof(url), "https://%s%.*s%s:%u%s", is_v6 ? "[" : "",
		 (int)strcspn(wish->host, "%"), wish->host, is_v6 ? "]" : "",
		 wish->port, path);
	return curl_easy_setopt(easy, CURLOPT_URL, url);
}

/* "::ADDRESS:" says: whatever the host, connect there, port unchanged. */
static struct curl_slist *make_pin(struct ep_address address)
{
	char text[EP_ADDRESS_TEXT_MAX], pin[EP_ADDRESS_TEXT_MAX + 8];

	address.scope = 0; /* set at the socket, with the address itself */
	ep_address_format(&address, text, sizeof(text));
	snprintf(pin, sizeof(pin),
		 address.family == 6 ? "::[%s]:" : "::%s:", text);
	return curl_slist_append(NULL, pin);
}

int https_request_init(struct https_request *request,
		       const struct https_wish *wish)
{
	CURLcode code;

	if (wish->path != NULL && strlen(wish->path) > HTTPS_PATH_MAX)
		return -ENAMETOOLONG;
	request->easy = curl_easy_init();
	request->pin = make_pin(wish->address);
	if (request->easy == NULL || request->pin == NULL)
		return -ENOMEM;
	code = set_fixed(request->easy);
	if (code == CURLE_OK)
		code = set_wish(request->easy, wish, request->pin);
	if (code == CURLE_OK)
		code = set_url(request->easy, wish);
	return curl_loop_errno(code);
}

void https_request_finish(struct https_request *request)
{
	curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->pin);
	request->easy = NULL;
	request->pin = NULL;
}
