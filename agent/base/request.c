#include "base/request.h"
#include "edgeprobe/private/trust.h"
#include <errno.h>
#include <strings.h>

#define SET(easy, option, value)                                               \
	do {                                                                   \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)         \
			return -ENOTSUP;                                       \
	} while (0)

int request_set(CURL *easy, const struct request *request)
{
	const char *url = request->url;

	SET(easy, CURLOPT_URL, url);
	SET(easy, CURLOPT_PROTOCOLS_STR,
	    strncasecmp(url, "https:", 6) == 0 ? "https" : "http");
	SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	SET(easy, CURLOPT_NOSIGNAL, 1L);
	SET(easy, CURLOPT_QUICK_EXIT, 1L);
	SET(easy, CURLOPT_TIMEOUT_MS, request->whole_ms);
	SET(easy, CURLOPT_CONNECTTIMEOUT_MS, request->connect_ms);
	SET(easy, CURLOPT_USERAGENT, "edgeprobe/" EDGEPROBE_VERSION);
	SET(easy, CURLOPT_WRITEFUNCTION, request->on_body);
	SET(easy, CURLOPT_WRITEDATA, request->arg);
	return 0;
}

int request_set_way(CURL *easy, const char *proxy, struct ep_trust *trust)
{
	SET(easy, CURLOPT_PROXY, proxy != NULL ? proxy : "");
	SET(easy, CURLOPT_NOPROXY, "");
	SET(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(easy, CURLOPT_CAINFO, NULL);
	SET(easy, CURLOPT_CAPATH, NULL);
	SET(easy, CURLOPT_SSL_CTX_FUNCTION, ep_trust_on_ssl_ctx);
	SET(easy, CURLOPT_SSL_CTX_DATA, trust);
	return 0;
}
