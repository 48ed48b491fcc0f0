/* What never changes from one attempt to the next. */
#include "delivery/http_i.h"
#include "edgeprobe/clock.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CONNECT_MS    10000L
#define LOW_SPEED_S   20L /* with less than LOW_SPEED_BPS it is stuck */
#define LOW_SPEED_BPS 10L

/* However much it is used: names, certificates and authorities change. */
#define LIFETIME_S 3600L

/* Of an answer that announces more than this nothing is read. */
#define ANNOUNCED_MAX ((curl_off_t)64 << 20)

/* With a password Negotiate is not tried: libcurl would stay with it, although
 * there is no ticket. */
static const struct {
	const char *word;
	unsigned long bits;
} auths[] = {
	{ "any", CURLAUTH_ANY & ~CURLAUTH_NEGOTIATE },
	{ "basic", CURLAUTH_BASIC },
	{ "digest", CURLAUTH_DIGEST },
	{ "ntlm", CURLAUTH_NTLM },
	{ "negotiate", CURLAUTH_NEGOTIATE },
};

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

/* RFC 8622: lower effort, which gives way to everything else. */
#define DSCP_LE 1

void http_options_set_share(struct http *h, const struct parcel *p)
{
	uint64_t bytes = p->backlog ? h->backlog_bandwidth : 0;
	uint64_t ns = h->timeout_ns;

	if (bytes)
		ns += (uint64_t)p->len * EP_NS_PER_S / bytes;
	curl_easy_setopt(h->easy, CURLOPT_MAX_SEND_SPEED_LARGE,
			 (curl_off_t)bytes);
	curl_easy_setopt(h->easy, CURLOPT_TIMEOUT_MS, ms_of(ns));
	http_way_mark(&h->way, p->backlog && !h->dscp ? DSCP_LE : h->dscp);
}

static int set_times(CURL *easy, uint64_t timeout_ns)
{
	long timeout_ms = ms_of(timeout_ns);

	SET(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS);
	SET(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BPS);
	SET(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_S);
	SET(easy, CURLOPT_MAXLIFETIME_CONN, LIFETIME_S);
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
	/* What http_way.c gives, and nothing that libcurl knows besides. */
	SET(easy, CURLOPT_CAINFO, NULL);
	SET(easy, CURLOPT_CAPATH, NULL);
	SET(easy, CURLOPT_PROXY_CAINFO, NULL);
	SET(easy, CURLOPT_PROXY_CAPATH, NULL);
	/* A session that is resumed is not verified, and is that of the
	 * certificate that was shown before. */
	SET(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	return 0;
}

static unsigned long proxy_auth(const char *word)
{
	size_t i = word ? 0 : COUNT(auths);

	while (i < COUNT(auths) && strcmp(auths[i].word, word) != 0)
		i++;
	return auths[i < COUNT(auths) ? i : 0].bits;
}

/* GSSAPI takes the name from the host's Kerberos ticket; libcurl wants to hear
 * one nevertheless. */
static int set_proxy(CURL *easy, const struct http *h,
		     const struct deliver_options *o)
{
	unsigned long bits = proxy_auth(o->proxy_auth);

	SET(easy, CURLOPT_PROXY, h->way.proxied ? o->proxy : "");
	SET(easy, CURLOPT_NOPROXY, "");
	/* Neither headers nor anything else of ours is for the proxy. */
	SET(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	SET(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	if (!(h->way.proxied || h->token_way.proxied) ||
	    (!o->proxy_user && bits != CURLAUTH_NEGOTIATE))
		return 0;
	SET(easy, CURLOPT_PROXYAUTH, bits);
	SET(easy, CURLOPT_PROXYUSERNAME, o->proxy_user ? o->proxy_user : "");
	SET(easy, CURLOPT_PROXYPASSWORD, "");
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
	SET(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
	SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(easy, CURLOPT_COOKIEFILE, NULL);
	SET(easy, CURLOPT_ACCEPT_ENCODING, NULL);
	SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	SET(easy, CURLOPT_MAXFILESIZE_LARGE, ANNOUNCED_MAX);
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

	h->timeout_ns = o->timeout_ns;
	h->backlog_bandwidth = o->backlog_bandwidth;
	h->dscp = (unsigned)o->dscp;
	if (r == 0)
		r = set_proxy(h->easy, h, o);
	if (r == 0)
		r = http_way_use(&h->way, h->easy);
	if (r == 0)
		r = set_trust(h->easy);
	if (r == 0)
		r = set_times(h->easy, o->timeout_ns);
	if (r == 0)
		r = set_callbacks(h->easy, h);
	return r;
}
