/* What may be configured as a destination. */
#include "delivery/check_way.h"
#include "delivery/deliver.h"
#include "delivery/framing.h"
#include "delivery/outlet.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define ROWS_MAX       UINT64_C(1000000)
#define BYTES_MAX      UINT64_C(64000000)
#define DAY_NS         (86400 * UINT64_C(1000000000))

#define FILE_SCHEME "file://"

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return there;
}

/* Literal addresses of this host, and the one name that libcurl never asks a
 * name server for. libcurl has brought odd spellings (127.1) to four parts. */
static bool is_loopback(CURLU *url)
{
	char *host = NULL;
	bool yes;

	if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return false;
	yes = strcasecmp(host, "localhost") == 0 ||
	      strcmp(host, "[::1]") == 0 ||
	      (strncmp(host, "127.", 4) == 0 &&
	       strspn(host, "0123456789.") == strlen(host));
	curl_free(host);
	return yes;
}

static enum place place_of_parsed(CURLU *url)
{
	enum place place = PLACE_NOWHERE;
	char *scheme = NULL;

	if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return PLACE_NOWHERE;
	if (strcmp(scheme, "https") == 0)
		place = PLACE_HTTPS;
	else if (strcmp(scheme, "http") == 0 && is_loopback(url))
		place = PLACE_HTTP_LOOPBACK;
	curl_free(scheme);
	/* Secrets have a file of their own. */
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
		return PLACE_NOWHERE;
	return place;
}

enum place place_of(const char *url)
{
	const char *host = strstr(url, "://");
	enum place place = PLACE_NOWHERE;
	CURLU *parsed;

	if (strncmp(url, FILE_SCHEME "/", strlen(FILE_SCHEME "/")) == 0)
		return PLACE_FILE;
	/* libcurl would take "https:///path" for a host of that name. */
	if (!host || host[3] == '/')
		return PLACE_NOWHERE;
	parsed = curl_url();
	if (!parsed)
		return PLACE_NOWHERE;
	if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
		place = place_of_parsed(parsed);
	curl_url_cleanup(parsed);
	return place;
}

char *place_host(const char *url)
{
	CURLU *parsed = curl_url();
	char *host = NULL, *copy;

	if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
		curl_url_get(parsed, CURLUPART_HOST, &host, 0);
	copy = host ? strdup(host) : NULL;
	curl_free(host);
	curl_url_cleanup(parsed);
	return copy;
}

/* Taken as written: nothing is percent-decoded. */
char *place_directory(const char *url)
{
	char *dir = strdup(url + strlen(FILE_SCHEME));
	size_t len = dir ? strlen(dir) : 0;

	while (len > 1 && dir[len - 1] == '/')
		dir[--len] = '\0';
	return dir;
}

void place_safe(const char *text, struct buf *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";

	while (*text) {
		size_t n = strspn(text, plain);

		buf_add(out, text, n);
		text += n;
		if (*text) {
			buf_char(out, '_');
			text++;
		}
	}
}

static int check_url(const struct deliver_options *o, struct ep_err *err)
{
	enum place place = o->url ? place_of(o->url) : PLACE_NOWHERE;

	if (place == PLACE_NOWHERE)
		return ep_err_set(
			err, -EINVAL,
			"url cannot be used: allowed are https://HOST/PATH "
			"without user and password, http:// to localhost, "
			"127.x.x.x or [::1], and file:///DIRECTORY/");
	if (place == PLACE_FILE &&
	    (o->token_file || o->auth.type || o->ca_file || o->proxy ||
	     o->cert_file || o->source))
		return ep_err_set(err, -EINVAL,
				  "token_file, auth, ca_file, cert_file, proxy "
				  "and circuit have no use with a file:/// "
				  "destination");
	return check_way(o, err);
}

/* Of Splunk it is known that it takes nothing without a token. */
static int check_token(const struct deliver_options *o,
		       const struct framing *framing, struct ep_err *err)
{
	if (framing->engine != ACK_HEC || o->token_file ||
	    place_of(o->url) == PLACE_FILE)
		return 0;
	return ep_err_set(err, -EINVAL,
			  "encoding \"splunk-hec\" needs token_file, a file "
			  "with the token of the event collector");
}

static int check_auth(const struct deliver_options *o, struct ep_err *err)
{
	const struct framing *framing = framing_of(o->encoding, o->url);

	if (!o->auth.type)
		return 0;
	if (o->token_file)
		return ep_err_set(
			err, -EINVAL,
			"token_file and auth: allowed is one of them");
	if (strcmp(framing->scheme, "Bearer") != 0)
		return ep_err_set(err, -EINVAL,
				  "auth: encoding \"%s\" takes no such token: "
				  "use token_file",
				  framing->name);
	return auth_check(&o->auth, err);
}

static int check_encoding(const struct deliver_options *o, struct ep_err *err)
{
	const struct framing *framing = framing_of(o->encoding, o->url);

	if (framing)
		return check_token(o, framing, err);
	if (strcmp(o->encoding, "otlp-json") == 0)
		return ep_err_set(err, -EINVAL,
				  "encoding \"otlp-json\" does not say what "
				  "to send to this url: allowed are a path "
				  "that ends in /v1/logs or /v1/metrics, "
				  "\"otlp-logs\" and \"otlp-metrics\"");
	return ep_err_set(err, -EINVAL,
			  "encoding \"%.32s\" is not known: allowed "
			  "are " FRAMING_NAMES,
			  o->encoding);
}

static int check_bounds(const struct deliver_options *o, struct ep_err *err)
{
	if (o->max_rows > ROWS_MAX)
		return ep_err_set(err, -EINVAL,
				  "a batch of %llu rows: allowed are 1 to %llu",
				  (unsigned long long)o->max_rows,
				  (unsigned long long)ROWS_MAX);
	if (o->max_bytes > BYTES_MAX)
		return ep_err_set(
			err, -EINVAL,
			"a batch of %llu bytes: allowed are 1 to %llu",
			(unsigned long long)o->max_bytes,
			(unsigned long long)BYTES_MAX);
	if (o->interval_ns > DAY_NS || o->timeout_ns > DAY_NS)
		return ep_err_set(err, -EINVAL,
				  "interval and timeout: allowed is up to a "
				  "day");
	return 0;
}

int deliver_check(const struct deliver_options *options, struct ep_err *err)
{
	const char *name = options->name;
	int r;

	if (!name || !*name || strlen(name) > NAME_MAX_BYTES)
		return ep_err_set(err, -EINVAL,
				  "destination without a usable name: "
				  "allowed are 1 to %d bytes",
				  NAME_MAX_BYTES);
	r = check_url(options, err);
	if (r == 0)
		r = check_encoding(options, err);
	if (r == 0)
		r = check_auth(options, err);
	if (r == 0)
		r = check_bounds(options, err);
	if (r < 0)
		ep_err_prefix(err, "destination \"%s\"", name);
	return r;
}
