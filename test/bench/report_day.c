/* A day of 100 targets at 1 Hz (8.64 million rows; or the number of minutes
 * given) goes into a store, then becomes a report: how long, how much memory; as
 * lines only, with all that a model holds, and as a page.
 *
 *   report_day DIRECTORY [MINUTES] */
#include "edgeprobe/clock.h"
#include "report/html/html.h"
#include "report/report.h"
#include "store/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TARGETS 100

static double seconds_since(uint64_t began_ns)
{
	return (double)(ep_clock_mono_ns() - began_ns) / 1e9;
}

/* Exponential-like tails on a base that differs by target. */
static int64_t draw_rtt(unsigned target, uint64_t *x)
{
	int64_t rtt_ns = 5000000 + target * 100000;

	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	for (uint64_t bits = *x; bits & 1; bits >>= 1)
		rtt_ns += 400000;
	return rtt_ns + (int64_t)(*x >> 44);
}

static void fill(struct store *store, const uint32_t *ids, unsigned seconds)
{
	uint64_t wall_ns = ep_clock_wall_ns() - seconds * EP_NS_PER_S;
	uint64_t x = 88172645463325252u;
	struct ep_sample s;

	ep_sample_init(&s);
	s.stamp = EP_STAMP_KERNEL;
	for (unsigned t = 0; t < seconds; t++) {
		for (unsigned i = 0; i < TARGETS; i++) {
			s.sent_ns = wall_ns + t * EP_NS_PER_S + i * 9999000;
			s.rtt_ns = draw_rtt(i, &x);
			store_add_sample(store, ids[i], &s);
		}
		if (store_commit(store, NULL) < 0)
			exit(1);
	}
}

static int make(const char *path, unsigned seconds)
{
	struct store_options options = { .path = path,
					 .agent = "bench",
					 .max_bytes = UINT64_C(4) << 30 };
	struct ep_err err = { 0 };
	uint32_t ids[TARGETS];
	struct store *store;

	if (store_open(&options, &store, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (unsigned i = 0; i < TARGETS; i++) {
		struct series series = { .probe = "icmp", .host = "h" };
		char name[16];

		snprintf(name, sizeof(name), "target-%u", i);
		series.target = name;
		store_series(store, &series, &ids[i], NULL);
	}
	fill(store, ids, seconds);
	store_close(store);
	return 0;
}

/* The page asks for the day before, too, of which there is nothing. */
static int report(const char *path, enum report_format format)
{
	struct report_options options = { .stores = &path,
					  .n_stores = 1,
					  .format = format };
	struct ep_err err = { 0 };
	FILE *out = fopen("/dev/null", "w");
	int r = out == NULL ? -1 : report_write(&options, out, &err);

	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	return r < 0;
}

/* In a process of its own, so that memory is its own. */
static int timed(const char *what, int (*work)(const char *, unsigned),
		 const char *path, unsigned seconds)
{
	uint64_t began_ns = ep_clock_mono_ns();
	struct rusage used;
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(work(path, seconds));
	if (child < 0 || wait4(child, &status, 0, &used) < 0 || status != 0)
		return 1;
	printf("%s: %.2f s, %.1f MiB resident, %.2f us of CPU a row\n", what,
	       seconds_since(began_ns), (double)used.ru_maxrss / 1024,
	       ((double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
		(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec)) /
		       (double)seconds / TARGETS);
	return 0;
}

static int lines(const char *path, unsigned seconds)
{
	(void)seconds;
	return report(path, REPORT_CSV);
}

static int model(const char *path, unsigned seconds)
{
	(void)seconds;
	return report(path, REPORT_JSON);
}

static int page(const char *path, unsigned seconds)
{
	(void)seconds;
	return report(path, REPORT_HTML);
}

int main(int argc, char **argv)
{
	unsigned minutes = 24 * 60;
	char path[4096];

	if (argc < 2 || argc > 3) {
		fputs("usage: report_day DIRECTORY [MINUTES]\n", stderr);
		return 64;
	}
	if (argc == 3)
		minutes = (unsigned)strtoul(argv[2], NULL, 10);
	snprintf(path, sizeof(path), "%s/report_day.db", argv[1]);
	if (timed("store", make, path, minutes * 60) != 0 ||
	    timed("lines", lines, path, minutes * 60) != 0 ||
	    timed("model", model, path, minutes * 60) != 0)
		return 1;
	if (render_html_missing() == NULL &&
	    timed("page", page, path, minutes * 60) != 0)
		return 1;
	return 0;
}
