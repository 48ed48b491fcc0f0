/* Fills a circuit for some seconds with a download, now and then, only where it
 * is configured: samples that are taken meanwhile are flagged `loaded`, and
 * their round trips less those of an idle line are the latency under load (the
 * buffer bloat of Microsoft's connectivity test). What comes is thrown away. */
#ifndef AGENT_LOAD_TEST_H
#define AGENT_LOAD_TEST_H

#include "config/config.h"
#include "edgeprobe/error.h"
#include <uv.h>

struct load_test;

struct load_test_options {
	const struct config *config; /* borrowed until the end */
	/* A download over circuit `i` of the configuration (n_circuits: by the
	 * routing table) has begun, or has ended (until_ns; while it is under
	 * way UINT64_MAX) and what it left in queues is gone. Wall clock. */
	void (*on_load)(size_t i, uint64_t since_ns, uint64_t until_ns,
			void *arg);
	/* Members of a row of type self. */
	void (*row)(const char *body, void *arg);
	void *arg;
};

/* The first is at a random moment within the interval. Where none is
 * configured, `*ret_test` is NULL. 0, or a negative errno with `err`. */
int load_test_open(uv_loop_t *loop, const struct load_test_options *options,
		   struct load_test **ret_test, struct ep_err *err);

/* Its handles are closed by the loop. NULL is fine. */
void load_test_close(struct load_test *test);

#endif
