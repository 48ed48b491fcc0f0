#include "edge/endpoints.h"
#include "base/json.h"
#include "edgeprobe/target.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const categories[] = { "Optimize", "Allow", "Default" };

/* --- reading one record --- */

static int wrong(struct ep_err *err, size_t i, const char *what)
{
	return ep_err_set(err, -EINVAL, "record %zu: %s", i + 1, what);
}

/* "443,3478-3481" has `port`. Anything odd has none. */
static bool has_port(const char *ports, unsigned long port)
{
	while (ports != NULL && *ports >= '0' && *ports <= '9') {
		char *end;
		unsigned long from = strtoul(ports, &end, 10), to = from;

		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			to = strtoul(end + 1, &end, 10);
		if (port >= from && port <= to)
			return true;
		while (*end == ',' || *end == ' ')
			end++;
		if (end == ports)
			return false;
		ports = end;
	}
	return false;
}

/* Letters, digits, dots and dashes, with "*" for a label or a part of one:
 * whatever else comes is no host, and is left out. */
static bool is_url(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= EP_HOST_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			    "XYZ0123456789.-_*") == n &&
	       text[0] != '.' && text[0] != '-' && strchr(text, '.') != NULL &&
	       strstr(text, "..") == NULL;
}

static int add_url(struct edge_endpoint *e, const char *text)
{
	char **urls;

	if (!is_url(text))
		return 0;
	urls = realloc(e->urls, (e->n_urls + 1) * sizeof(char *));
	if (urls == NULL)
		return -ENOMEM;
	e->urls = urls;
	urls[e->n_urls] = strdup(text);
	if (urls[e->n_urls] == NULL)
		return -ENOMEM;
	e->n_urls++;
	return 0;
}

static int read_urls(struct edge_endpoint *e, const struct json *urls, size_t i,
		     struct ep_err *err)
{
	const struct json *url;
	size_t n = 0;

	if (urls == NULL)
		return 0;
	if (json_type(urls) != JSON_ARRAY)
		return wrong(err, i, "\"urls\" is no list");
	for (url = json_first(urls); url != NULL; url = json_next(url)) {
		const char *text = json_text(url);

		if (text == NULL || ++n > EDGE_URLS_MAX)
			return wrong(err, i, "\"urls\" is no list of hosts");
		if (add_url(e, text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_category(const char *text, enum edge_category *ret_category)
{
	for (unsigned c = 0; text != NULL && c < 3; c++)
		if (strcmp(text, categories[c]) == 0) {
			*ret_category = (enum edge_category)c;
			return 0;
		}
	return -EINVAL;
}

static int read_record(const struct json *record, size_t i,
		       struct edge_endpoint *e, struct ep_err *err)
{
	const char *area = json_text(json_get(record, "serviceArea"));
	double id = 0;

	if (json_type(record) != JSON_OBJECT ||
	    !json_number(json_get(record, "id"), &id) || id < 1 || id > 1e6)
		return wrong(err, i, "it has no \"id\"");
	if (area == NULL || *area == '\0' || strlen(area) > 32)
		return wrong(err, i, "it has no \"serviceArea\"");
	if (read_category(json_text(json_get(record, "category")),
			  &e->category) < 0)
		return wrong(err, i,
			     "\"category\" is not Optimize, Allow or Default");
	e->id = (unsigned)id;
	(void)json_bool(json_get(record, "required"), &e->required);
	e->tcp443 = has_port(json_text(json_get(record, "tcpPorts")), 443);
	e->udp3478 = has_port(json_text(json_get(record, "udpPorts")), 3478);
	e->area = strdup(area);
	if (e->area == NULL)
		return -ENOMEM;
	return read_urls(e, json_get(record, "urls"), i, err);
}

/* --- the answer --- */

/* Ten digits: a date and a number within it. */
static bool is_version(const char *text)
{
	return text != NULL && strlen(text) == EDGE_VERSION_MAX - 1 &&
	       strspn(text, "0123456789") == EDGE_VERSION_MAX - 1;
}

static int parse(const char *text, size_t len, struct json_doc **ret_doc,
		 struct ep_err *err)
{
	struct json_fault fault;
	int r;

	if (len > EDGE_KEPT_MAX) {
		ep_err_set(err, -EINVAL, "more than %zu bytes", EDGE_KEPT_MAX);
		return -EINVAL;
	}
	r = json_parse(text, len, false, ret_doc, &fault);
	if (r == -EINVAL)
		ep_err_set(err, r, "no JSON");
	return r;
}

static int read_records(const struct json *root, struct edge_endpoints *e,
			struct ep_err *err)
{
	const struct json *record;
	int r = 0;

	if (root == NULL || json_type(root) != JSON_ARRAY)
		return ep_err_set(err, -EINVAL, "no list of records");
	e->list = calloc(EDGE_RECORDS_MAX, sizeof(*e->list));
	if (e->list == NULL)
		return -ENOMEM;
	for (record = json_first(root); r == 0 && record != NULL;
	     record = json_next(record)) {
		if (e->n == EDGE_RECORDS_MAX)
			return ep_err_set(err, -EINVAL, "more than %d records",
					  EDGE_RECORDS_MAX);
		r = read_record(record, e->n, &e->list[e->n], err);
		e->n++;
	}
	if (r == 0 && e->n == 0)
		r = ep_err_set(err, -EINVAL, "an empty list");
	return r;
}

int edge_endpoints_parse(const char *text, size_t len,
			 struct edge_endpoints *ret_endpoints,
			 struct ep_err *err)
{
	struct edge_endpoints e = { "", NULL, 0 };
	struct json_doc *doc;
	int r = parse(text, len, &doc, err);

	if (r < 0)
		return r;
	r = read_records(json_root(doc), &e, err);
	json_destroy(doc);
	if (r < 0)
		edge_endpoints_finish(&e);
	else
		*ret_endpoints = e;
	return r;
}

static int read_kept(const struct json *root, struct edge_endpoints *e,
		     struct ep_err *err)
{
	const char *version = json_text(json_get(root, "version"));

	if (!is_version(version))
		return ep_err_set(err, -EINVAL, "it has no version");
	memcpy(e->version, version, EDGE_VERSION_MAX);
	return read_records(json_get(root, "endpoints"), e, err);
}

int edge_endpoints_parse_kept(const char *text, size_t len,
			      struct edge_endpoints *ret_endpoints,
			      struct ep_err *err)
{
	struct edge_endpoints e = { "", NULL, 0 };
	struct json_doc *doc;
	int r = parse(text, len, &doc, err);

	if (r < 0)
		return r;
	r = read_kept(json_root(doc), &e, err);
	json_destroy(doc);
	if (r < 0)
		edge_endpoints_finish(&e);
	else
		*ret_endpoints = e;
	return r;
}

void edge_endpoints_finish(struct edge_endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->n; i++) {
		struct edge_endpoint *e = &endpoints->list[i];

		for (size_t j = 0; j < e->n_urls; j++)
			free(e->urls[j]);
		free(e->urls);
		free(e->area);
	}
	free(endpoints->list);
	memset(endpoints, 0, sizeof(*endpoints));
}

static int read_version(const struct json *root, const char *instance,
			char *ret_version, struct ep_err *err)
{
	bool list = json_type(root) == JSON_ARRAY;
	const struct json *at = list ? json_first(root) : root;

	for (; at != NULL; at = list ? json_next(at) : NULL) {
		const char *name = json_text(json_get(at, "instance"));
		const char *latest = json_text(json_get(at, "latest"));

		if (name == NULL || !is_version(latest))
			return ep_err_set(err, -EINVAL,
					  "no instance and version");
		if (strcasecmp(name, instance) == 0) {
			memcpy(ret_version, latest, EDGE_VERSION_MAX);
			return 0;
		}
	}
	return ep_err_set(err, -ENOENT, "instance %s is not there", instance);
}

int edge_version_parse(const char *text, size_t len, const char *instance,
		       char ret_version[EDGE_VERSION_MAX], struct ep_err *err)
{
	struct json_doc *doc;
	int r = parse(text, len, &doc, err);

	if (r < 0)
		return r;
	r = read_version(json_root(doc), instance, ret_version, err);
	json_destroy(doc);
	return r;
}
