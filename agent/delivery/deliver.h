/* Sends what the store holds to one destination, on the keeping thread's loop.
 * One object a destination: a dead one does not slow another. */
#ifndef DELIVERY_DELIVER_H
#define DELIVERY_DELIVER_H

#include "base/record.h"
#include "delivery/auth.h"
#include "delivery/expiry.h"
#include "edgeprobe/error.h"
#include "store/store.h"
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct deliver;

/* Texts are copied. */
struct deliver_options {
	const char *name;
	const char *url;      /* https://, http:// to loopback, file:///DIR/ */
	const char *encoding; /* README.md; NULL: "ndjson" */
	const char *token_file; /* read anew when it changes */
	struct auth_options auth;
	const char *ca_file; /* NULL: the system's */
	/* Shown to the collector, PEM; the key's password is NULL where it is
	 * not encrypted. All files are looked at before each attempt. */
	const char *cert_file, *key_file, *key_password_file;
	const char *proxy;      /* NULL: none */
	const char *proxy_user; /* with a password; or NULL */
	const char *proxy_password_file;
	/* any (NULL), basic, digest, ntlm or negotiate */
	const char *proxy_auth;
	const char *proxy_ca_file; /* of an https:// proxy; NULL: `ca_file` */
	const char *no_proxy;      /* see bypass.h; NULL: nothing */
	/* Interface or address of the circuit to leave by; NULL: any. */
	const char *source;
	bool gzip;
	bool truncate_addresses; /* the branch's own: /24 or /48 only */
	uint64_t max_rows;       /* a batch; 0: 5000 */
	uint64_t max_bytes;      /* a batch, before compression; 0: 900,000 */
	uint64_t interval_ns; /* at most this long between batches; 0: 10 s */
	uint64_t timeout_ns;  /* of one attempt; 0: 30 s */
	/* Of what an outage left behind, but for a directory. */
	uint64_t backlog_rate; /* batches a second, at most; 0: any */
	bool old; /* all of the store is a backlog, and counts as draining */
	uint64_t backlog_bandwidth; /* bytes a second; 0: any */
	uint64_t
		dscp; /* of all that is sent; 0: that, and LE for the backlog */
};

/* 0 if `options` can be used, else -EINVAL and what is allowed. Used by
 * check-config, too. */
int deliver_check(const struct deliver_options *options, struct ep_err *err);

/* Begins with what an earlier run has frozen. The store is borrowed. */
int deliver_open(uv_loop_t *loop, struct store *store,
		 const struct identity *who,
		 const struct deliver_options *options,
		 struct deliver **ret_deliver, struct ep_err *err);

/* New rows were committed. Cheap. */
void deliver_poke(struct deliver *deliver);

/* Send what is there without waiting for the interval, and call `cb` once when
 * all has been acknowledged or `timeout_ns` is over: for the end of a bounded
 * run. */
void deliver_flush(struct deliver *deliver, uint64_t timeout_ns,
		   void (*cb)(void *arg), void *arg);

/* Stop at once; what is not acknowledged stays frozen. */
void deliver_close(struct deliver *deliver, void (*cb)(void *arg), void *arg);

struct deliver_facts {
	uint64_t batches, rows, refused, quarantined; /* since start */
	uint64_t rejected; /* of rows (or data points), as the collector said
			    * when it took the rest; not sent again */
	uint64_t backlog_rows, backlog_oldest_ns;
	bool draining;           /* a batch of the backlog is on its way */
	double backlog_rate;     /* batches of it a second, at most; 0: there is
			      * none, or it is not paced */
	uint64_t next_try_ns;    /* 0: not waiting */
	uint64_t acked_ns;       /* uv_hrtime() of the last; 0: none yet */
	uint64_t token_until_ns; /* uv_hrtime(): end of the token that a service
				  * gave; 0: there is none */
	/* When certificates end, as far as they were seen. */
	struct expiry_span credentials[CREDENTIALS];
	const char *trouble; /* "" while all is well; else the last answer */
};
void deliver_facts(const struct deliver *deliver,
		   struct deliver_facts *ret_facts);

/* Whether what is measured now shares the line with the backlog: a batch of it
 * is on its way, or was a moment ago. Cheap. */
bool deliver_is_draining(const struct deliver *deliver);

#endif
