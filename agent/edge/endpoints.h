/* The Microsoft 365 endpoints web service: what its answers say, and which hosts
 * are worth measuring of it. Pure: texts in, texts out; who asks the service and
 * keeps its answers is elsewhere.
 *
 * Of "Managing Microsoft 365 endpoints" and "Office 365 IP Address and URL web
 * service": https://endpoints.office.com/version and /endpoints. */
#ifndef EDGE_ENDPOINTS_H
#define EDGE_ENDPOINTS_H

#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stddef.h>

/* Bounds of an answer: what is beyond them is no such answer. */
#define EDGE_RECORDS_MAX 2000
#define EDGE_URLS_MAX    500 /* of one record */
#define EDGE_ANSWER_MAX  ((size_t)4 << 20)
#define EDGE_KEPT_MAX    (EDGE_ANSWER_MAX + 256) /* with its version */

#define EDGE_VERSION_MAX 11 /* "2023073100" */

/* Optimize goes before Allow, and that before Default. */
enum edge_category { EDGE_OPTIMIZE, EDGE_ALLOW, EDGE_DEFAULT };

/* One record. */
struct edge_endpoint {
	unsigned id;
	enum edge_category category;
	bool required;
	char *area;  /* "Exchange", "SharePoint", "Skype", "Common" */
	char **urls; /* hosts, some with a wildcard; may be none */
	size_t n_urls;
	bool tcp443;  /* among its ports */
	bool udp3478; /* a media relay's */
};

struct edge_endpoints {
	char version[EDGE_VERSION_MAX]; /* "" where it is not known */
	struct edge_endpoint *list;
	size_t n;
};

/* Read an answer of /endpoints. 0; -EINVAL with what is wrong in it (nothing of
 * it is believed then); -ENOMEM. */
int edge_endpoints_parse(const char *text, size_t len,
			 struct edge_endpoints *ret_endpoints,
			 struct ep_err *err);
void edge_endpoints_finish(struct edge_endpoints *endpoints);

/* The same of a list that was kept, with its version:
 * {"version": "2026110100", "endpoints": the answer}. */
int edge_endpoints_parse_kept(const char *text, size_t len,
			      struct edge_endpoints *ret_endpoints,
			      struct ep_err *err);

/* The newest version of `instance` in an answer of /version, one object or a list
 * of them. 0, or as above; -ENOENT: it is not among them. */
int edge_version_parse(const char *text, size_t len, const char *instance,
		       char ret_version[EDGE_VERSION_MAX], struct ep_err *err);

/* The list that this program was built with: the entries of category Optimize,
 * version 2023073100. */
const struct edge_endpoints *edge_endpoints_built_in(void);

/* Which of them. Lists are comma-separated; NULL: all. */
struct edge_selection {
	const char *areas;      /* "Exchange,SharePoint" */
	const char *categories; /* "Optimize,Allow" */
	const char *tenant;     /* "contoso" of contoso.sharepoint.com */
	size_t max;             /* never more hosts than that */
};

/* A host that is worth measuring. */
struct edge_choice {
	const char *host;
	const char *probes[4]; /* names of kinds; NULL after the last */
	const char *why;       /* one line for people */
};

/* Return 0 to go on, anything else stops and is returned. */
typedef int (*edge_choice_cb)(const struct edge_choice *choice, void *arg);

/* Hosts once each, the best category first. `*ret_left` (may be NULL): how many
 * did not fit into `max`. */
int edge_choose(const struct edge_endpoints *endpoints,
		const struct edge_selection *selection, edge_choice_cb cb,
		void *arg, size_t *ret_left);

/* The wildcards of the selection that lead to no host that is known: the same,
 * once each. */
void edge_left_out(const struct edge_endpoints *endpoints,
		   const struct edge_selection *selection,
		   void (*cb)(const char *url, void *arg), void *arg);

#endif
