/* What never changes from one attempt to the next. */
#include "delivery/http_i.h"
#include "edgeprobe/clock.h"

#include <errno.h>

#define CONNECT_MS    10000L
#define LOW_SPEED_S   20L /* with less than LOW_SPEED_BPS it is stuck */
#define LOW_SPEED_BPS 10L

static long ms_of(uint64_t ns)
{
	return (long)((ns + EP_NS_PER_MS - 1) / EP_NS_PER_MS);
}

/* Each option is checked once, here: a libcurl that does not know one must not
 * quietly go without it. */
#define SET(easy, option, value)                                               \
	do {                                                                   \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)         \
			return -ENOTSUP;                                       \
	} while (0)

static int set_times(CURL *easy, uint64_t timeout_ns)
{
	long timeout_ms = ms_of(timeout_ns);

	SET(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS);
	SET(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BPS);
	SET(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_S);
	SET(easy, CURLOPT_NOSIGNAL, 1L);
	SET(easy, CURLOPT_QUICK_EXIT, 1L);
	return 0;
}

static int set_trust(CURL *easy)
{
	SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	SET(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
	SET(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* What take_trust() gives, and nothing that libcurl knows besides. */
	SET(easy, CURLOPT_CAINFO, NULL);
	SET(easy, CURLOPT_CAPATH, NULL);
	SET(easy, CURLOPT_PROXY_CAINFO, NULL);
	SET(easy, CURLOPT_PROXY_CAPATH, NULL);
	SET(easy, CURLOPT_SSL_CTX_FUNCTION, ep_trust_on_ssl_ctx);
	return 0;
}

/* Where it may go: never elsewhere than configured, whatever the environment
 * or an answer says. */
static int set_way(CURL *easy, const struct deliver_options *o)
{
	bool tls = place_of(o->url) == PLACE_HTTPS;

	SET(easy, CURLOPT_URL, o->url);
	SET(easy, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
	SET(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(easy, CURLOPT_PROXY, o->proxy ? o->proxy : "");
	SET(easy, CURLOPT_NOPROXY, "");
	SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	SET(easy, CURLOPT_USERAGENT, "edgeprobe/" EDGEPROBE_VERSION);
	return 0;
}

static int set_callbacks(CURL *easy, struct http *h)
{
	SET(easy, CURLOPT_POST, 1L);
	SET(easy, CURLOPT_WRITEFUNCTION, http_on_body);
	SET(easy, CURLOPT_WRITEDATA, h);
	SET(easy, CURLOPT_HEADERFUNCTION, http_on_header);
	SET(easy, CURLOPT_HEADERDATA, h);
	SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(easy, CURLOPT_ERRORBUFFER, h->error);
	return 0;
}

int http_options_set(struct http *h, const struct deliver_options *o)
{
	int r = set_way(h->easy, o);

	if (r == 0)
		r = set_trust(h->easy);
	if (r == 0)
		r = set_times(h->easy, o->timeout_ns);
	if (r == 0)
		r = set_callbacks(h->easy, h);
	return r;
}
