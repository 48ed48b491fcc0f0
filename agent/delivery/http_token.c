#include "delivery/http_i.h"

#include <errno.h>
#include <string.h>

/* Entra is reached as the collector is: by the proxy, unless no_proxy names it,
 * and with the same trust. Who we are to the collector is nothing to Entra. */
static CURL *on_handle(void *arg, struct ep_err *err)
{
	struct http *h = arg;
	CURL *easy = curl_easy_duphandle(h->easy);

	if (!easy) {
		ep_err_set(err, -ENOMEM, "why=\"ENOMEM\"");
		return NULL;
	}
	http_way_use(&h->token_way, easy);
	curl_easy_setopt(easy, CURLOPT_PROXY,
			 h->token_way.proxied ? h->texts[HTTP_PROXY] : "");
	return easy;
}

bool http_token_needs_tls(const struct deliver_options *o)
{
	const char *authority = o->auth.authority;

	return auth_is(&o->auth, AUTH_ENTRA) &&
	       (!authority || place_of(authority) == PLACE_HTTPS);
}

int http_token_open(struct http *h, uv_loop_t *loop,
		    const struct deliver_options *o,
		    void (*ready)(const struct verdict *failed, void *arg))
{
	const struct token_source_options options = {
		.name = o->name,
		.auth = o->auth,
		.timeout_ns = o->timeout_ns,
		.handle = on_handle,
		.ready = ready,
		.arg = h,
	};

	return o->auth.type ? token_source_open(loop, &options, &h->source) : 0;
}

static int take_file(struct http *h, struct ep_err *err)
{
	int r = token_refresh(&h->token);

	if (r < 0)
		return ep_err_set(err, r, "error=%s token_file=%.160s",
				  uv_err_name(r), h->token.path);
	return r;
}

static int take_given(struct http *h, struct ep_err *err)
{
	int r = token_source_ask(h->source, err);

	if (r <= 0)
		return r < 0 ? r : -EINPROGRESS;
	return http_token_is_new(h);
}

int http_token_take(struct http *h, struct ep_err *err)
{
	if (h->source)
		return take_given(h, err);
	return h->token.path ? take_file(h, err) : 0;
}

bool http_token_is_new(struct http *h)
{
	unsigned number = token_source_number(h->source);
	bool is_new = number != h->token_number;

	h->token_number = number;
	return is_new;
}

const char *http_token_header(const struct http *h)
{
	return h->source ? token_source_header(h->source) : h->token.header;
}

void http_token_judged(struct http *h)
{
	long status = 0;

	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (h->source && status == 401)
		token_source_refused(h->source);
}
