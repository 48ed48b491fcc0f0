/* Who we are and whom we trust, as the files say it before each attempt.
 *
 * What cannot be used is not: the last good one stays, which is said once an
 * hour until it is mended. Where there never was a good one, there is no
 * attempt. */
#include "delivery/http_i.h"

#include "base/log.h"
#include "edgeprobe/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define AGAIN_NS     (3600 * EP_NS_PER_S)
#define PASSWORD_MAX 1024

/* The old one is used on. */
static void say_kept(const struct http *h, uint64_t *again_ns, const char *what,
		     const char *why)
{
	if (uv_hrtime() < *again_ns)
		return;
	*again_ns = uv_hrtime() + AGAIN_NS;
	log_warn("delivery", "destination=%s %s=kept %s", h->texts[HTTP_NAME],
		 what, why);
}

/* --- whom we trust --- */

static int take(const char *path, struct http_authorities *a,
		struct ep_err *err)
{
	struct ep_err why = { 0 };
	int r = ep_trust_take(path, &a->trust, &why);

	if (r < 0)
		return ep_err_set(err, r, "error=tls why=\"%.300s\"", why.text);
	ep_trust_look(a->trust, &a->version);
	return 1;
}

static int look_at_authorities(struct http *h, const char *path,
			       struct http_authorities *a, struct ep_err *err)
{
	uint64_t version = a->version;
	char why[200];

	if (!a->trust)
		return take(path, a, err);
	if (ep_trust_look(a->trust, &version) < 0) {
		snprintf(why, sizeof(why), "file=%.150s error=EINVAL",
			 path ? path : "system's");
		say_kept(h, &a->again_ns, "authorities", why);
		return 0;
	}
	a->again_ns = 0;
	if (version == a->version)
		return 0;
	a->version = version;
	return 1;
}

/* --- who we are --- */

static int look_at_certificate(struct http *h, struct ep_err *err)
{
	struct ep_err why = { 0 };
	int r = certificate_refresh(&h->certificate, &why);

	if (r < 0 && !h->certificate.leaf)
		return ep_err_set(err, r, "error=certificate %.400s", why.text);
	if (r < 0) {
		say_kept(h, &h->certificate_again_ns, "certificate", why.text);
		return 0;
	}
	h->certificate_again_ns = 0;
	return r;
}

/* Without the newline that editors leave. What is in it may be anything else
 * that is one line. */
static int trim_line(struct secret *s)
{
	while (s->len > 0 && memchr("\r\n", s->text[s->len - 1], 2))
		s->text[--s->len] = '\0';
	for (size_t i = 0; i < s->len; i++)
		if ((unsigned char)s->text[i] < ' ' || s->text[i] == 0x7f)
			return -EINVAL;
	return s->len > 0 ? 0 : -EINVAL;
}

static int look_at_password(struct http *h, struct ep_err *err)
{
	const char *path = h->texts[HTTP_PROXY_PASSWORD_FILE];
	struct secret now = { 0 };
	int r = secret_read(path, PASSWORD_MAX, &now);

	if (r == 0)
		r = trim_line(&now);
	if (r == 0 && h->proxy_password.text &&
	    strcmp(h->proxy_password.text, now.text) == 0) {
		secret_finish(&now);
		return 0;
	}
	if (r < 0) {
		secret_finish(&now);
		return ep_err_set(err, r, "error=%s proxy_password_file=%.160s",
				  uv_err_name(r), path);
	}
	secret_finish(&h->proxy_password);
	h->proxy_password = now;
	curl_easy_setopt(h->easy, CURLOPT_PROXYPASSWORD, now.text);
	return 1;
}

int http_identity_refresh(struct http *h, struct ep_err *err)
{
	int trust = 0, proxy = 0, certificate = 0, password = 0;

	if (h->tls)
		trust = look_at_authorities(h, h->texts[HTTP_CA_FILE],
					    &h->authorities, err);
	if (trust >= 0 && (h->way.proxy_tls || h->token_way.proxy_tls))
		proxy = look_at_authorities(h, h->texts[HTTP_PROXY_CA_FILE],
					    &h->proxy_authorities, err);
	if (trust < 0 || proxy < 0)
		return trust < 0 ? trust : proxy;
	if (h->certificate.cert_file)
		certificate = look_at_certificate(h, err);
	if (certificate >= 0 && (h->way.proxied || h->token_way.proxied) &&
	    h->texts[HTTP_PROXY_PASSWORD_FILE])
		password = look_at_password(h, err);
	if (certificate < 0 || password < 0)
		return certificate < 0 ? certificate : password;
	return trust | proxy | certificate | password;
}

void http_identity_finish(struct http *h)
{
	certificate_finish(&h->certificate);
	secret_finish(&h->proxy_password);
	ep_trust_drop(h->authorities.trust);
	ep_trust_drop(h->proxy_authorities.trust);
}
