#include "delivery/ack.h"

#include <string.h>
#include <strings.h>

/* Markup that does not come first is looked for in this much of a body. */
#define LOOK_BYTES 1024

/* What a single status means, where its hundred says something else. */
static const struct {
	unsigned status;
	enum ack_class class;
} exceptions[] = {
	{ 400, ACK_BAD_DATA }, { 408, ACK_UNSURE },   { 413, ACK_TOO_LARGE },
	{ 415, ACK_BAD_DATA }, { 422, ACK_BAD_DATA }, { 425, ACK_UNSURE },
	{ 429, ACK_BUSY },     { 502, ACK_BUSY },     { 503, ACK_BUSY },
	{ 504, ACK_BUSY },
};

/* By enum ack_failure; ACK_ANSWERED is not asked. */
static const enum ack_class of_failure[] = {
	[ACK_ANSWERED] = ACK_ENDPOINT, [ACK_FAIL_NAME] = ACK_ENDPOINT,
	[ACK_FAIL_CONNECT] = ACK_BUSY, [ACK_FAIL_PROXY] = ACK_ENDPOINT,
	[ACK_FAIL_TLS] = ACK_ENDPOINT, [ACK_FAIL_BROKEN] = ACK_BUSY,
	[ACK_FAIL_TIMEOUT] = ACK_BUSY, [ACK_FAIL_LOCAL] = ACK_ENDPOINT,
};

/* Media types of a body that may come with an acknowledgement. */
static const char *const plain_types[] = {
	"application/json",
	"application/x-ndjson",
	"application/octet-stream",
};

/* Length of a media type without its parameters. */
static size_t type_len(const char *type)
{
	return strcspn(type, "; \t,");
}

static bool type_is(const char *type, size_t len, const char *wanted)
{
	return len == strlen(wanted) && strncasecmp(type, wanted, len) == 0;
}

static bool is_html_type(const char *type)
{
	size_t len = type ? type_len(type) : 0;

	return type_is(type, len, "text/html") ||
	       type_is(type, len, "application/xhtml+xml");
}

/* A type that the engines we know send with a body. */
static bool is_plain_type(const char *type)
{
	size_t len = type ? type_len(type) : 0;

	if (len == 0)
		return true;
	if (len > 5 && strncasecmp(type, "text/", 5) == 0)
		return true;
	if (len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0)
		return true;
	for (size_t i = 0; i < sizeof(plain_types) / sizeof(plain_types[0]);
	     i++)
		if (type_is(type, len, plain_types[i]))
			return true;
	return false;
}

static bool contains(const char *text, size_t len, const char *wanted)
{
	size_t n = strlen(wanted);

	for (size_t i = 0; i + n <= len; i++)
		if (strncasecmp(text + i, wanted, n) == 0)
			return true;
	return false;
}

/* Without what may stand before the first character that means something. */
static void trim(const char **body, size_t *len)
{
	if (*len >= 3 && memcmp(*body, "\xef\xbb\xbf", 3) == 0) {
		*body += 3;
		*len -= 3;
	}
	while (*len > 0 && memchr(" \t\r\n\f\v", **body, 6)) {
		++*body;
		--*len;
	}
}

static bool is_markup(const char *body, size_t len)
{
	size_t look = len < LOOK_BYTES ? len : LOOK_BYTES;

	return body[0] == '<' || contains(body, look, "<html") ||
	       contains(body, look, "<!doctype");
}

static enum ack_class classify_success(const struct answer *answer,
				       struct ack_parts *ret_parts)
{
	const char *body = answer->body;
	size_t len = answer->body_len;
	bool may_be_empty =
		answer->engine == ACK_ANY || answer->engine == ACK_OTLP;
	enum ack_class empty = may_be_empty ? ACK_DONE : ACK_ENDPOINT;

	if (answer->headers_cut)
		return ACK_ENDPOINT;
	if (answer->status == 204)
		return empty;
	if (answer->status > 202 || is_html_type(answer->content_type))
		return ACK_ENDPOINT;
	trim(&body, &len);
	if (len == 0)
		return empty;
	if (!is_plain_type(answer->content_type))
		return ACK_ENDPOINT;
	/* Elsewhere the form is stricter, and may quote what was refused. */
	if (answer->engine == ACK_ANY && is_markup(body, len))
		return ACK_ENDPOINT;
	return ack_body(answer, body, len, ret_parts);
}

enum ack_class ack_status(unsigned status)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
		if (exceptions[i].status == status)
			return exceptions[i].class;
	return status >= 500 && status <= 599 ? ACK_UNSURE : ACK_ENDPOINT;
}

bool ack_wants_certificate(const struct answer *answer)
{
	size_t look =
		answer->body_len < LOOK_BYTES ? answer->body_len : LOOK_BYTES;

	return answer->status == 400 && is_html_type(answer->content_type) &&
	       contains(answer->body, look, "SSL certificate");
}

enum ack_class ack_classify(const struct answer *answer,
			    struct ack_parts *ret_parts)
{
	unsigned status = answer->status;
	enum ack_class class;

	*ret_parts = (struct ack_parts){ .rejected = 0 };
	if (answer->failure != ACK_ANSWERED)
		return of_failure[answer->failure];
	if (status >= 200 && status <= 299)
		return classify_success(answer, ret_parts);
	if (ack_wants_certificate(answer))
		return ACK_ENDPOINT;
	class = ack_status(status);
	if (answer->engine == ACK_HEC && !answer->body_cut)
		class = ack_hec_refusal(answer->body, answer->body_len, class);
	return class;
}

const char *ack_class_name(enum ack_class class)
{
	static const char *const names[] = {
		[ACK_DONE] = "done",         [ACK_BUSY] = "busy",
		[ACK_UNSURE] = "unsure",     [ACK_TOO_LARGE] = "too_large",
		[ACK_BAD_DATA] = "bad_data", [ACK_ENDPOINT] = "endpoint",
	};

	return names[class];
}

const char *ack_failure_name(enum ack_failure failure)
{
	static const char *const names[] = {
		[ACK_ANSWERED] = "answered",    [ACK_FAIL_NAME] = "name",
		[ACK_FAIL_CONNECT] = "connect", [ACK_FAIL_PROXY] = "proxy",
		[ACK_FAIL_TLS] = "tls",         [ACK_FAIL_BROKEN] = "broken",
		[ACK_FAIL_TIMEOUT] = "timeout", [ACK_FAIL_LOCAL] = "local",
	};

	return names[failure];
}
