/* Where batches go: a kind is one file that fills in `struct outlet`. */
#ifndef DELIVERY_OUTLET_H
#define DELIVERY_OUTLET_H

#include "delivery/ack.h"
#include "delivery/deliver.h"
#include "delivery/framing.h"

#define VERDICT_TEXT_MAX 400

/* What became of a batch, and what to say about it: one `key=value` or more,
 * nothing that the other side could have chosen, but for who issued its
 * certificate. */
struct verdict {
	enum ack_class class;
	struct ack_parts parts;
	uint64_t after_ns; /* it asks us to wait; RETRY_NO_AFTER: it does not */
	char text[VERDICT_TEXT_MAX];
};

/* A batch on its way. Borrowed until the verdict, or until close() calls
 * back. */
struct parcel {
	const struct framing *framing;
	const char *agent, *epoch;
	uint64_t first, last, rows;
	bool gzip;
	bool backlog; /* not what is new: others on the line go first */
	const char *body;
	size_t len;
};

/* Once a parcel, from the loop, never from inside send(). */
typedef void (*outlet_cb)(const struct verdict *verdict, void *arg);

struct trace; /* trace.h */

struct outlet {
	/* 0: there will be a verdict; not again before it. A negative errno:
	 * there will be none, and `err` is what to say. */
	int (*send)(struct outlet *outlet, const struct parcel *parcel,
		    struct ep_err *err);
	/* Give up what is on its way, without a verdict; `cb` runs from the
	 * loop when all is gone. */
	void (*close)(struct outlet *outlet, void (*cb)(void *arg), void *arg);
	/* Add what it knows about itself; NULL: nothing. */
	void (*facts)(const struct outlet *outlet,
		      struct deliver_facts *ret_facts);
	/* After a verdict, or after send() has failed: how it went. */
	void (*trace)(const struct outlet *outlet, struct trace *ret_trace);
	outlet_cb cb; /* set by whoever opened it */
	void *arg;
};

/* 0 or negative errno. The options were checked; they are copied. */
int http_open(uv_loop_t *loop, const struct deliver_options *options,
	      struct outlet **ret_outlet);
int file_open(uv_loop_t *loop, const struct deliver_options *options,
	      struct outlet **ret_outlet);

/* --- what a URL says (check.c) --- */

enum place { PLACE_NOWHERE, PLACE_HTTPS, PLACE_HTTP_LOOPBACK, PLACE_FILE };

enum place place_of(const char *url);
/* The host of an http URL, with the brackets of an IPv6 address, malloc(3)ed;
 * NULL: out of memory. */
char *place_host(const char *url);
/* The directory of a PLACE_FILE, malloc(3)ed; NULL: out of memory. */
char *place_directory(const char *url);

/* `text` with anything but letters, digits and "._-" replaced by '_': for
 * header values and file names. */
void place_safe(const char *text, struct buf *out);

#endif
