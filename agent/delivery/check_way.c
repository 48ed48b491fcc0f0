#include "delivery/check_way.h"

#include "delivery/bypass.h"
#include "delivery/outlet.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const auths[] = { "any", "basic", "digest", "ntlm",
				     "negotiate" };

static bool is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return there;
}

static bool is_http(CURLU *url)
{
	char *scheme = NULL;
	bool yes =
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		(strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	curl_free(scheme);
	return yes;
}

/* Not the value in any message: it may hold a password. */
static int check_address(const char *proxy, struct ep_err *err)
{
	CURLU *url = curl_url();
	bool fine, secret;

	if (!url)
		return ep_err_set(err, -ENOMEM, "out of memory");
	fine = curl_url_set(url, CURLUPART_URL, proxy, 0) == CURLUE_OK &&
	       is_http(url);
	secret = has_part(url, CURLUPART_USER) ||
		 has_part(url, CURLUPART_PASSWORD);
	curl_url_cleanup(url);
	if (fine && secret)
		return ep_err_set(err, -EINVAL,
				  "proxy holds a user or a password: allowed "
				  "are proxy_user and proxy_password_file");
	if (fine)
		return 0;
	return ep_err_set(err, -EINVAL,
			  "proxy is not a URL that can be used: allowed are "
			  "http://HOST:PORT and https://HOST:PORT");
}

static bool is_built_in(const char *auth)
{
	int features = curl_version_info(CURLVERSION_NOW)->features;

	if (is(auth, "ntlm"))
		return (features & CURL_VERSION_NTLM) != 0;
	return !is(auth, "negotiate") || (features & CURL_VERSION_SPNEGO) != 0;
}

static int check_auth(const char *auth, struct ep_err *err)
{
	size_t i = 0;

	while (i < COUNT(auths) && !is(auth, auths[i]))
		i++;
	if (i == COUNT(auths))
		return ep_err_set(err, -EINVAL,
				  "proxy_auth \"%.32s\" is not known: allowed "
				  "are any, basic, digest, ntlm and negotiate",
				  auth);
	if (!is_built_in(auth))
		return ep_err_set(err, -EINVAL,
				  "proxy_auth \"%s\": the libcurl of this host "
				  "is built without it",
				  auth);
	return 0;
}

static int check_login(const struct deliver_options *o, struct ep_err *err)
{
	bool ticket = is(o->proxy_auth, "negotiate");
	bool user = o->proxy_user != NULL;
	int r = o->proxy_auth ? check_auth(o->proxy_auth, err) : 0;

	if (r < 0)
		return r;
	if (ticket && (user || o->proxy_password_file))
		return ep_err_set(err, -EINVAL,
				  "proxy_auth \"negotiate\" uses the Kerberos "
				  "ticket of this host: proxy_user and "
				  "proxy_password_file have no use");
	if (user != (o->proxy_password_file != NULL))
		return ep_err_set(err, -EINVAL,
				  "proxy_user and proxy_password_file: both or "
				  "none are allowed");
	if (o->proxy_auth && !ticket && !user)
		return ep_err_set(err, -EINVAL,
				  "proxy_auth needs proxy_user and "
				  "proxy_password_file");
	if (user && strchr(o->proxy_user, ':') && is(o->proxy_auth, "basic"))
		return ep_err_set(err, -EINVAL,
				  "proxy_user: allowed is a name without ':'");
	return 0;
}

static int check_proxy(const struct deliver_options *o, struct ep_err *err)
{
	int r;

	if (!o->proxy && (o->proxy_user || o->proxy_password_file ||
			  o->proxy_auth || o->proxy_ca_file || o->no_proxy))
		return ep_err_set(
			err, -EINVAL,
			"proxy_user, proxy_password_file, proxy_auth, "
			"proxy_ca_file and no_proxy need proxy");
	if (!o->proxy)
		return 0;
	if (place_of(o->url) == PLACE_HTTP_LOOPBACK)
		return ep_err_set(err, -EINVAL,
				  "proxy has no use with an http:// "
				  "destination, which is this machine");
	r = check_address(o->proxy, err);
	if (r == 0 && o->no_proxy && !bypass_is_valid(o->no_proxy))
		r = ep_err_set(err, -EINVAL,
			       "no_proxy: allowed are names, addresses, "
			       "prefixes such as 10.0.0.0/8, and *");
	if (r == 0 && o->proxy_ca_file &&
	    strncasecmp(o->proxy, "https://", 8) != 0)
		r = ep_err_set(err, -EINVAL,
			       "proxy_ca_file is for a proxy that is "
			       "https://HOST:PORT");
	return r < 0 ? r : check_login(o, err);
}

static int check_certificate(const struct deliver_options *o,
			     struct ep_err *err)
{
	if (!o->cert_file != !o->key_file)
		return ep_err_set(err, -EINVAL,
				  "cert_file and key_file: both or none are "
				  "allowed");
	if (o->key_password_file && !o->key_file)
		return ep_err_set(err, -EINVAL,
				  "key_password_file needs key_file");
	if (o->cert_file && place_of(o->url) != PLACE_HTTPS)
		return ep_err_set(err, -EINVAL,
				  "cert_file and key_file are for an https:// "
				  "destination");
	return 0;
}

int check_way(const struct deliver_options *o, struct ep_err *err)
{
	int r = check_proxy(o, err);

	if (r == 0)
		r = check_certificate(o, err);
	if (r == 0 && o->source && place_of(o->url) != PLACE_HTTPS)
		r = ep_err_set(err, -EINVAL,
			       "circuit is for an https:// destination: this "
			       "machine is reached over none");
	return r;
}
