#include "delivery/token_request.h"

#include "delivery/assertion.h"
#include "delivery/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define ARC_ENDPOINT "http://127.0.0.1:40342/metadata/identity/oauth2/token"
#define ARC_ENV      "IDENTITY_ENDPOINT"
#define ARC_VERSION  "2020-06-01"
#define VM_ENDPOINT  "http://169.254.169.254/metadata/identity/oauth2/token"
#define VM_VERSION   "2018-02-01"

#define SCOPE_SUFFIX "/.default"

static const char jwt_type[] =
	"urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/* Three bytes for each, and the name. */
static size_t room_for(const char *name, const char *value)
{
	return strlen(name) + 2 + 3 * strlen(value);
}

/* The new end. */
static char *put(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len + 1);
	return at + len;
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || strchr("-._~", c);
}

/* "name=value" behind `at`, escaped, after a '&' unless it is the first of
 * `text`; the new end. There is room: no copy of a secret is left behind by
 * memory that grows. */
static char *add_field(const char *text, char *at, const char *name,
		       const char *value)
{
	static const char hex[] = "0123456789ABCDEF";

	if (at > text && at[-1] != '?')
		*at++ = '&';
	at = put(put(at, name), "=");
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (is_unreserved(*value)) {
			*at++ = *value;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	*at = '\0';
	return at;
}

static int add_header(struct token_request *q, const char *text)
{
	struct curl_slist *longer = curl_slist_append(q->headers, text);

	if (!longer)
		return -ENOMEM;
	q->headers = longer;
	return 0;
}

static const char *scope_of(const struct auth_options *auth)
{
	return auth->scope ? auth->scope : AUTH_SCOPE;
}

/* --- Entra --- */

/* `name`, and for an assertion what it is, go into the form. */
static int make_form(const struct auth_options *auth, const char *name,
		     const struct secret *proof, struct secret *form)
{
	bool jwt = strcmp(name, "client_assertion") == 0;
	const char *const fields[][2] = {
		{ "grant_type", "client_credentials" },
		{ "client_id", auth->client_id },
		{ "scope", scope_of(auth) },
		{ name, proof->text },
		{ "client_assertion_type", jwt_type },
	};
	size_t n = sizeof(fields) / sizeof(fields[0]) - (jwt ? 0 : 1);
	size_t size = 1;
	char *at;

	for (size_t i = 0; i < n; i++)
		size += room_for(fields[i][0], fields[i][1]);
	at = form->text = malloc(size);
	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		at = add_field(form->text, at, fields[i][0], fields[i][1]);
	form->len = (size_t)(at - form->text);
	return 0;
}

static int with_secret(const struct auth_options *auth, struct secret *form,
		       struct ep_err *err)
{
	struct secret secret = { 0 };
	int r = secret_read(auth->secret_file, SECRET_FILE_MAX, &secret);

	if (r == 0)
		r = secret_trim(&secret);
	if (r == 0)
		r = make_form(auth, "client_secret", &secret, form);
	secret_finish(&secret);
	if (r < 0)
		return ep_err_set(err, r, "secret_file=%.160s why=\"%s\"",
				  auth->secret_file,
				  r == -EINVAL ? "is no secret of one line"
					       : uv_err_name(r));
	return 0;
}

static int with_assertion(const struct auth_options *auth, uint64_t now_s,
			  struct token_request *q, struct ep_err *err)
{
	const struct assertion what = {
		.client_id = auth->client_id,
		.audience = q->url,
		.now_s = now_s,
		.cert_file = auth->cert_file,
		.key_file = auth->key_file,
	};
	struct secret jwt = { 0 };
	int r = assertion_make(&what, &jwt, &q->cert, err);

	if (r < 0)
		return r;
	r = make_form(auth, "client_assertion", &jwt, &q->form);
	secret_finish(&jwt);
	return r < 0 ? ep_err_set(err, r, "why=\"%s\"", uv_err_name(r)) : 0;
}

static int make_entra(const struct auth_options *auth, uint64_t now_s,
		      struct token_request *q, struct ep_err *err)
{
	const char *authority =
		auth->authority ? auth->authority : AUTH_AUTHORITY;
	size_t len = strlen(authority);

	while (len > 0 && authority[len - 1] == '/')
		len--;
	if (asprintf(&q->url, "%.*s/%s/oauth2/v2.0/token", (int)len, authority,
		     auth->tenant) < 0) {
		q->url = NULL;
		return ep_err_set(err, -ENOMEM, "why=\"ENOMEM\"");
	}
	return auth->secret_file ? with_secret(auth, &q->form, err)
				 : with_assertion(auth, now_s, q, err);
}

/* --- the machine's own identity --- */

/* Its agent is on this machine, or it is not the agent. */
static const char *arc_endpoint(struct ep_err *err)
{
	const char *given = getenv(ARC_ENV);

	if (!given || !*given)
		return ARC_ENDPOINT;
	if (place_of(given) == PLACE_HTTP_LOOPBACK && !strpbrk(given, "?#"))
		return given;
	ep_err_set(err, -EINVAL,
		   "why=\"" ARC_ENV " is no http:// URL of this machine\"");
	return NULL;
}

/* A resource is a scope without its suffix. */
static int make_machine(const struct auth_options *auth, const char *endpoint,
			const char *version, struct token_request *q)
{
	const char *id = auth->client_id ? auth->client_id : "";
	char *resource = strdup(scope_of(auth)), *at;
	size_t len = resource ? strlen(resource) : 0;
	size_t suffix = strlen(SCOPE_SUFFIX);

	if (!resource)
		return -ENOMEM;
	if (len > suffix && strcmp(resource + len - suffix, SCOPE_SUFFIX) == 0)
		resource[len - suffix] = '\0';
	q->url = malloc(strlen(endpoint) + room_for("api-version", version) +
			room_for("resource", resource) +
			room_for("client_id", id) + 2);
	if (q->url) {
		at = put(put(q->url, endpoint), "?");
		at = add_field(q->url, at, "api-version", version);
		at = add_field(q->url, at, "resource", resource);
		if (*id)
			add_field(q->url, at, "client_id", id);
	}
	free(resource);
	return q->url ? add_header(q, "Metadata: true") : -ENOMEM;
}

static int make_arc(const struct auth_options *auth, struct token_request *q,
		    struct ep_err *err)
{
	const char *endpoint = arc_endpoint(err);

	if (!endpoint)
		return -EINVAL;
	return make_machine(auth, endpoint, ARC_VERSION, q);
}

int token_request_make(const struct auth_options *auth, uint64_t now_s,
		       struct token_request *ret_request, struct ep_err *err)
{
	struct ep_err why = { 0 };
	int r;

	*ret_request = (struct token_request){ 0 };
	if (auth_is(auth, AUTH_ENTRA))
		r = make_entra(auth, now_s, ret_request, &why);
	else if (auth_is(auth, AUTH_AZURE_ARC))
		r = make_arc(auth, ret_request, &why);
	else
		r = make_machine(auth, VM_ENDPOINT, VM_VERSION, ret_request);
	if (r < 0)
		ep_err_set(err, r, "%s",
			   why.code ? why.text : "why=\"ENOMEM\"");
	return r;
}

/* --- the proof that the Arc agent asks for --- */

static int check_owner(int dir, int fd)
{
	struct stat in, is;

	if (fstat(dir, &in) < 0 || fstat(fd, &is) < 0)
		return -errno;
	if (is.st_uid != 0 && is.st_uid != in.st_uid)
		return -EPERM;
	return is.st_mode & S_IWOTH ? -EPERM : 0;
}

static int read_key_at(int dir, const char *name, struct secret *ret_key)
{
	int fd = openat(dir, name,
			O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	int r;

	if (fd < 0)
		return -errno;
	r = check_owner(dir, fd);
	if (r == 0)
		r = secret_read_fd(fd, TOKEN_KEY_BYTES, ret_key);
	close(fd);
	return r == 0 ? secret_trim(ret_key) : r;
}

static int read_key(const char *name, struct secret *ret_key)
{
	int dir = open(TOKEN_KEY_DIR,
		       O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (dir < 0)
		return -errno;
	r = read_key_at(dir, name, ret_key);
	close(dir);
	return r;
}

static int add_key(struct token_request *q, const struct secret *key)
{
	static const char start[] = "Authorization: Basic ";
	struct secret line = { .len = sizeof(start) + key->len };
	int r = -ENOMEM;

	line.text = malloc(line.len);
	if (line.text) {
		put(put(line.text, start), key->text);
		r = add_header(q, line.text);
	}
	secret_finish(&line);
	return r;
}

int token_request_prove(struct token_request *request, const char *name,
			struct ep_err *err)
{
	struct secret key = { 0 };
	int r = read_key(name, &key);

	if (r == 0 && key.text)
		r = add_key(request, &key);
	secret_finish(&key);
	if (r == 0)
		return 0;
	return ep_err_set(err, r, "file=" TOKEN_KEY_DIR "/%s why=\"%s\"", name,
			  r == -EPERM    ? "is not root's or the agent's"
			  : r == -EINVAL ? "is no key of one line"
					 : uv_err_name(r));
}

void token_request_finish(struct token_request *request)
{
	for (struct curl_slist *at = request->headers; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(request->headers);
	secret_finish(&request->form);
	free(request->url);
	*request = (struct token_request){ 0 };
}
