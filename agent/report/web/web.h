/* What the report as a page is drawn with, as it was built in. */
#ifndef REPORT_WEB_WEB_H
#define REPORT_WEB_WEB_H

#include <stddef.h>

/* Somebody's work inside this program. */
struct web_part {
	const char *name;
	const char *version; /* "": that of edgeprobe */
	const char *licence; /* SPDX expression */
	const char *text;    /* of the licence, whole */
};

struct web {
	/* Why the build has none of this, and what to install; NULL where it
	 * has. The texts below are NULL then. */
	const char *missing;
	/* As they have to stand in the page, byte for byte, and what a content
	 * security policy calls them ("'sha256-...'"). */
	const char *style, *style_policy;
	const char *script, *script_policy;
	const char *land;             /* the world's coastlines: TopoJSON */
	const struct web_part *parts; /* edgeprobe first */
	size_t n_parts;
};

extern const struct web web;

#endif
