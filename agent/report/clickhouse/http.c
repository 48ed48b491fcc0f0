/* Happy path: a POST of the question; each line of the answer goes to the
 * caller as soon as it is whole.
 *
 * What can fail: names, connection, TLS; a status that is not 200, with
 * ClickHouse's exception as its body; an exception in the middle of an answer
 * that began well, which is then no line that the caller can read; an answer
 * that is cut off. One whose end is not marked (neither its length is known nor
 * does it come in chunks) could be cut off unseen and is none. */
#include "report/clickhouse/http.h"
#include "base/buf.h"
#include "edgeprobe/private/curl_loop.h"
#include "report/clickhouse/fault.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_MS   10000L
#define WHOLE_S      600L
#define PASSWORD_MAX 256
#define SAID_MAX     4096 /* of what is no answer */

struct clickhouse {
	CURL *easy;
	char *label;
	char password[PASSWORD_MAX];
	char fault[CURL_ERROR_SIZE];
	struct buf line; /* what has come of it */
	struct buf said; /* the body of another status */
	bool framed;     /* the end of the answer is marked */
	clickhouse_line_cb cb;
	void *arg;
	int error; /* of the callback, or ours */
	struct ep_err *err;
};

/* --- options --- */

/* The first line of a file, as it is. */
static int read_password(const char *path, char *ret, struct ep_err *err)
{
	FILE *f = fopen(path, "re");
	char line[PASSWORD_MAX] = "";

	if (f == NULL)
		return ep_err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0' || strlen(line) == sizeof(line) - 1) {
		explicit_bzero(line, sizeof(line));
		return ep_err_set(err, -EINVAL,
				  "%s: its first line has to be the password, "
				  "of at most %d characters",
				  path, PASSWORD_MAX - 2);
	}
	memcpy(ret, line, sizeof(line));
	explicit_bzero(line, sizeof(line));
	return 0;
}

static int find_password(struct clickhouse *c,
			 const struct clickhouse_options *o, struct ep_err *err)
{
	const char *said = getenv("CLICKHOUSE_PASSWORD");

	if (o->password_file != NULL)
		return read_password(o->password_file, c->password, err);
	if (said == NULL)
		return 0;
	if (strlen(said) >= sizeof(c->password))
		return ep_err_set(err, -EINVAL,
				  "CLICKHOUSE_PASSWORD: at most %d characters",
				  PASSWORD_MAX - 1);
	memcpy(c->password, said, strlen(said) + 1);
	return 0;
}

static bool has(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool there =
		curl_url_get(url, part, &text, 0) == CURLUE_OK && *text != '\0';

	curl_free(text);
	return there;
}

/* What is wrong with a URL that libcurl can read; NULL: nothing. */
static const char *fault_of(CURLU *url)
{
	char *scheme = NULL, *path = NULL;
	const char *fault = NULL;

	curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
	curl_url_get(url, CURLUPART_PATH, &path, 0);
	if (scheme == NULL ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		fault = "it has to begin with http:// or https://";
	else if (has(url, CURLUPART_PASSWORD))
		fault = "a password does not belong there, where others see "
			"it; use --password-file";
	else if (has(url, CURLUPART_QUERY) || has(url, CURLUPART_FRAGMENT) ||
		 (path != NULL && strcmp(path, "/") != 0))
		fault = "nothing but [USER@]HOST[:PORT] may follow";
	curl_free(scheme);
	curl_free(path);
	return fault;
}

static int set_label(struct clickhouse *c, CURLU *url)
{
	char *host = NULL, *port = NULL;
	struct buf b;

	curl_url_get(url, CURLUPART_HOST, &host, 0);
	curl_url_get(url, CURLUPART_PORT, &port, 0);
	buf_init(&b, 512);
	buf_printf(&b, "%s%s%s", host == NULL ? "" : host,
		   port == NULL ? "" : ":", port == NULL ? "" : port);
	curl_free(host);
	curl_free(port);
	c->label = b.data;
	return b.error == -E2BIG ? 0 : b.error;
}

#define SET(easy, option, value)                                               \
	do {                                                                   \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)         \
			return -ENOMEM;                                        \
	} while (0)

static size_t on_body(char *data, size_t size, size_t n, void *arg);
static size_t on_header(char *data, size_t size, size_t n, void *arg);

static int set_easy(struct clickhouse *c, const struct clickhouse_options *o,
		    const char *url)
{
	SET(c->easy, CURLOPT_URL, url);
	SET(c->easy, CURLOPT_NOSIGNAL, 1L);
	SET(c->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	SET(c->easy, CURLOPT_TIMEOUT, WHOLE_S);
	SET(c->easy, CURLOPT_ERRORBUFFER, c->fault);
	SET(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	SET(c->easy, CURLOPT_WRITEDATA, c);
	SET(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	SET(c->easy, CURLOPT_HEADERDATA, c);
	SET(c->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	if (o->ca_file != NULL)
		SET(c->easy, CURLOPT_CAINFO, o->ca_file);
	if (o->user != NULL)
		SET(c->easy, CURLOPT_USERNAME, o->user);
	if (c->password[0] != '\0')
		SET(c->easy, CURLOPT_PASSWORD, c->password);
	return 0;
}

/* Without its user where another is named: libcurl prefers the URL's. */
static int use_url(struct clickhouse *c, CURLU *url,
		   const struct clickhouse_options *o)
{
	char *text = NULL;
	int r = set_label(c, url);

	if (o->user != NULL)
		curl_url_set(url, CURLUPART_USER, NULL, 0);
	if (r == 0 && curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
		r = -ENOMEM;
	if (r == 0)
		r = set_easy(c, o, text);
	curl_free(text);
	return r;
}

static int configure(struct clickhouse *c, const struct clickhouse_options *o,
		     struct ep_err *err)
{
	CURLU *url = curl_url();
	const char *fault = "it is no URL";
	int r = url == NULL ? -ENOMEM : 0;

	if (r == 0 && curl_url_set(url, CURLUPART_URL, o->url, 0) == CURLUE_OK)
		fault = fault_of(url);
	if (r == 0 && fault != NULL)
		r = ep_err_set(err, -EINVAL, "the URL of ClickHouse: %s",
			       fault);
	if (r == 0)
		r = find_password(c, o, err);
	if (r == 0 && use_url(c, url, o) < 0)
		r = -ENOMEM;
	curl_url_cleanup(url);
	return r == -ENOMEM ? ep_err_set(err, r, "out of memory") : r;
}

int clickhouse_open(const struct clickhouse_options *o,
		    struct clickhouse **ret_clickhouse, struct ep_err *err)
{
	struct clickhouse *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	buf_init(&c->line, CLICKHOUSE_LINE_MAX);
	buf_init(&c->said, SAID_MAX);
	if (curl_loop_global() == 0)
		c->easy = curl_easy_init();
	r = c->easy == NULL ? ep_err_set(err, -ENOMEM, "out of memory")
			    : configure(c, o, err);
	if (r == 0)
		*ret_clickhouse = c;
	else
		clickhouse_close(c);
	return r;
}

void clickhouse_close(struct clickhouse *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->easy);
	buf_finish(&c->line);
	buf_finish(&c->said);
	free(c->label);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

const char *clickhouse_label(const struct clickhouse *c)
{
	return c->label;
}

/* --- answers --- */

static bool starts(const char *data, size_t len, const char *name)
{
	return len > strlen(name) && strncasecmp(data, name, strlen(name)) == 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct clickhouse *c = arg;

	if (starts(data, size * n, "http/")) {
		c->framed = starts(data, size * n, "http/2");
		buf_clear(&c->said);
	}
	if (starts(data, size * n, "content-length:") ||
	    starts(data, size * n, "transfer-encoding:"))
		c->framed = true;
	return size * n;
}

static int give(struct clickhouse *c)
{
	char none[1] = "", *line = c->line.data == NULL ? none : c->line.data;
	int r;

	if (c->line.error == -E2BIG)
		return ep_err_set(c->err, -EPROTO,
				  "a line of the answer is longer than %zu MiB",
				  CLICKHOUSE_LINE_MAX >> 20);
	if (c->line.error < 0)
		return ep_err_set(c->err, -ENOMEM, "out of memory");
	if (strlen(line) != c->line.len)
		return ep_err_set(c->err, -EPROTO, "the answer is no text");
	r = clickhouse_fault_inside(line, c->err);
	if (r == 0)
		r = c->cb(line, c->arg, c->err);
	buf_clear(&c->line);
	return r;
}

static int take(struct clickhouse *c, const char *data, size_t len)
{
	int r = 0;

	while (r == 0 && len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end == NULL ? len : (size_t)(end - data);

		buf_add(&c->line, data, n);
		if (end != NULL || c->line.error < 0)
			r = give(c);
		n += end != NULL;
		data += n;
		len -= n;
	}
	return r;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct clickhouse *c = arg;
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		if (c->said.error == 0)
			buf_add(&c->said, data, size * n);
		return size * n;
	}
	c->error = take(c, data, size * n);
	return c->error == 0 ? size * n : 0;
}

/* The answer is over: was it whole? */
static int judge(struct clickhouse *c, CURLcode code)
{
	long status = 0;
	int r = 0;

	if (c->error < 0)
		return c->error;
	if (code != CURLE_OK)
		return ep_err_set(c->err, curl_loop_errno(code), "%s",
				  c->fault[0] != '\0'
					  ? c->fault
					  : curl_easy_strerror(code));
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return clickhouse_fault(
			status, c->said.data == NULL ? "" : c->said.data,
			c->err);
	if (c->line.len > 0)
		r = clickhouse_fault_inside(c->line.data, c->err);
	if (r == 0 && (c->line.len > 0 || !c->framed))
		r = ep_err_set(c->err, -EPROTO, "the answer is cut off");
	return r;
}

int clickhouse_ask(struct clickhouse *c, const char *sql, clickhouse_line_cb cb,
		   void *arg, struct ep_err *err)
{
	CURLcode code;
	int r;

	c->cb = cb;
	c->arg = arg;
	c->err = err;
	c->error = 0;
	c->framed = false;
	c->fault[0] = '\0';
	buf_clear(&c->line);
	buf_clear(&c->said);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(sql));
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, sql);
	code = curl_easy_perform(c->easy);
	r = judge(c, code);
	return r < 0 ? ep_err_prefix(err, "ClickHouse at %s", c->label) : 0;
}
