/* What is asked over the control socket: one line of JSON, from whoever may
 * connect, and bounded in everything. Pure. */
#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_LINE_MAX 4096 /* bytes of a request, its newline included */
#define CONTROL_IDS_MAX  256

struct json_doc;

/* What a request may hold beside "ask", as bits. */
enum control_member {
	CONTROL_DESTINATION = 1 << 0, /* "destination": a name */
	CONTROL_SINCE = 1 << 1,       /* "since_us": a time */
	CONTROL_IDS = 1 << 2,         /* "ids": numbers; or "all": true */
	CONTROL_UNTIL = 1 << 3,       /* "until_us": a time */
};

/* One thing that can be asked. */
struct control_word {
	const char *ask;
	unsigned takes; /* enum control_member, or-ed */
};

struct control_request {
	const struct control_word *word;
	const char *destination; /* NULL: all; borrowed from `doc` */
	uint64_t since_ns;       /* since 1970; 0: not given */
	uint64_t until_ns;       /* the same */
	uint64_t ids[CONTROL_IDS_MAX];
	size_t n_ids;
	bool all;
	struct json_doc *doc; /* owned */
};

/* Read `len` bytes of `line` (no newline) by the table of `n` words, which has
 * to outlive the request. 0; or -EINVAL and what is wrong; or -ENOMEM.
 * `*ret_request` is untouched on failure. */
int control_request_parse(const char *line, size_t len,
			  const struct control_word *words, size_t n,
			  struct control_request *ret_request,
			  struct ep_err *err);
void control_request_finish(struct control_request *request);

#endif
