/* The agent's measuring threads alone, for test/bench/run: what they find is
 * counted and thrown away once a second, nothing is stored or delivered. What
 * this costs, and what `edgeprobe run` does beside, is the cost of the rest.
 *
 *     bench_measuring CONFIG SECONDS */
#include "measuring.h"
#include "config/config.h"
#include "items.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define TAKE_MAX 64

enum { PACKETS, HTTPS, THREADS };

static struct {
	struct items items[THREADS];
	struct measuring *measuring[THREADS];
	struct taken taken[TAKE_MAX];
	unsigned long samples, replied;
} bench;

static int is_https(const struct ep_kind *kind)
{
	return strcmp(kind->name, "https") == 0;
}

static int is_packet(const struct ep_kind *kind)
{
	return !is_https(kind);
}

/* The ring is as long as the agent's: a second never fills it. */
static void on_half_full(void *arg)
{
	(void)arg;
}

static void empty_ring(struct measuring *m)
{
	size_t n;

	do {
		n = measuring_take(m, bench.taken, TAKE_MAX);
		for (size_t i = 0; i < n; i++) {
			bench.samples++;
			bench.replied +=
				bench.taken[i].sample.outcome == EP_REPLIED;
		}
	} while (n == TAKE_MAX);
}

static void empty_rings(void)
{
	for (int i = 0; i < THREADS; i++)
		if (bench.measuring[i] != NULL)
			empty_ring(bench.measuring[i]);
}

static int start_thread(const struct config *c, int which, struct ep_err *err)
{
	struct measuring_options options = {
		.name = which == HTTPS ? "ep-https" : "ep-packets",
		.items = &bench.items[which],
		.engine = { .dns_servers = c->dns_servers,
			    .dns_timeout_ns = c->dns_timeout_ns,
			    .ca_file = c->ca_file },
		.https = which == HTTPS,
		.wake = on_half_full,
	};

	if (bench.items[which].n == 0)
		return 0;
	return measuring_start(&options, &bench.measuring[which], err);
}

static int start(const struct config *c, struct ep_err *err)
{
	int r = items_init(&bench.items[PACKETS], c, is_packet);

	if (r == 0)
		r = items_init(&bench.items[HTTPS], c, is_https);
	if (r < 0)
		return ep_err_set(err, r, "out of memory");
	r = start_thread(c, PACKETS, err);
	if (r == 0)
		r = start_thread(c, HTTPS, err);
	return r;
}

static void stop(void)
{
	for (int i = 0; i < THREADS; i++) {
		if (bench.measuring[i] != NULL) {
			measuring_stop(bench.measuring[i]);
			measuring_join(bench.measuring[i]);
			empty_ring(bench.measuring[i]);
		}
		measuring_destroy(bench.measuring[i]);
		items_finish(&bench.items[i]);
	}
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int measure(const struct config *c, unsigned long seconds)
{
	struct timespec second = { .tv_sec = 1 };
	struct ep_err err = { 0 };
	int r = start(c, &err);

	for (; r == 0 && seconds > 0; seconds--) {
		nanosleep(&second, NULL);
		empty_rings();
	}
	stop();
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	else
		printf("samples=%lu replied=%lu\n", bench.samples,
		       bench.replied);
	return r < 0;
}

int main(int argc, char **argv)
{
	struct config config;
	struct buf problems;
	int failed;

	if (argc != 3) {
		fputs("usage: bench_measuring CONFIG SECONDS\n", stderr);
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	buf_init(&problems, 65536);
	if (config_load(argv[1], &config, &problems) < 0) {
		fprintf(stderr, "%s", problems.data ? problems.data : "");
		buf_finish(&problems);
		return 78;
	}
	failed = measure(&config, strtoul(argv[2], NULL, 10));
	config_finish(&config);
	buf_finish(&problems);
	return failed;
}
