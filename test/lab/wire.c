/* edgeprobe-lab-wire: a wire between two network namespaces, made of two TUN
 * devices and this process, that delays and disturbs by rules and records the
 * truth. README.md beside this file is its manual.
 *
 * Happy path: a packet is read from one device, stamped, given to the path,
 * and written to the other device when it is due; one absolute timerfd stands
 * at the first due time. What can fail: a device that is not there, the rules
 * (a bad file at the start ends us; later the old rules stay), a full disk
 * under the record (said at the end, exit 74). */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "lateness.h"
#include "path.h"
#include "record.h"
#include "value.h"

#define BRANCH_DEV "wan0"
#define EDGE_DEV   "edge0"
#define BURST      64 /* packets read from one side before the other's turn */
#define QUEUE_MAX  16384

enum {
	EXIT_USAGE = 64,
	EXIT_IO = 74,
	EXIT_PERMISSION = 77,
	EXIT_RULES = 78,
};

enum text {
	BRANCH,
	EDGE,
	RULES,
	RECORD,
	STATUS,
	CHECK,
	SEED,
	QUEUE,
	TEXT_N,
};

struct options {
	const char *text[TEXT_N];
	uint64_t seed, queue;
};

struct wire {
	struct options opt;
	int tun[WAY_N]; /* by the way that begins there */
	int epoll, timer, signals;
	uint64_t armed_ns;
	struct path *path;
	struct record *record;
	struct record_totals seen;
	int record_error;
	bool stop;
	uint64_t reloads, refused, flushes;
	uint64_t unwritten; /* the device would not take it */
	struct lateness late;
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int enter(const char *ns)
{
	char path[256];
	int fd, r;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = setns(fd, CLONE_NEWNET);
	close(fd);
	return r;
}

static int open_tun(const char *ns, const char *dev)
{
	struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd;

	if (enter(ns) < 0) {
		fprintf(stderr, "namespace %s: %s\n", ns, strerror(errno));
		return -1;
	}
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", dev);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &req) < 0) {
		fprintf(stderr, "TUN device %s in %s: %s\n", dev, ns,
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* Others wait for this file and its counters: replaced as a whole. */
static void write_status(struct wire *w)
{
	const struct path_totals *t = path_totals(w->path);
	char name[4096];
	FILE *f;

	if (!w->opt.text[STATUS])
		return;
	snprintf(name, sizeof(name), "%s.new", w->opt.text[STATUS]);
	f = fopen(name, "we");
	if (!f) {
		perror(name);
		return;
	}
	fprintf(f,
		"ready=1\nreloads=%" PRIu64 "\nrefused_reloads=%" PRIu64
		"\nflushes=%" PRIu64 "\nrecord_lines=%" PRIu64
		"\nrecord_lost=%" PRIu64 "\nrecord_unstamped=%" PRIu64
		"\noverflowed=%" PRIu64 "\nunwritten=%" PRIu64 "\n",
		w->reloads, w->refused, w->flushes, w->seen.lines, w->seen.lost,
		w->seen.unstamped, t->overflowed, w->unwritten);
	lateness_tell(&w->late, f);
	if (fclose(f) != 0 || rename(name, w->opt.text[STATUS]) < 0)
		perror(w->opt.text[STATUS]);
}

static void release(struct wire *w, const struct held *h, uint64_t now_ns)
{
	int to = w->tun[h->way == WAY_OUT ? WAY_IN : WAY_OUT];

	if (write(to, h->data, h->len) < 0)
		w->unwritten++;
	lateness_add(&w->late, now_ns - h->due_ns);
}

/* Write what is due and set the timer for what is next. */
static void run_queue(struct wire *w)
{
	struct itimerspec at = { 0 };
	const struct held *h;
	uint64_t now_ns = clock_ns();

	while ((h = path_first(w->path)) != NULL && h->due_ns <= now_ns) {
		release(w, h, now_ns);
		path_pop(w->path);
		now_ns = clock_ns();
	}
	if (!h || h->due_ns == w->armed_ns)
		return;
	w->armed_ns = h->due_ns;
	at.it_value.tv_sec = (time_t)(h->due_ns / 1000000000);
	at.it_value.tv_nsec = (long)(h->due_ns % 1000000000);
	timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void read_side(struct wire *w, enum way way)
{
	uint8_t data[PACKET_MAX];
	ssize_t n;
	int i;

	for (i = 0; i < BURST; i++) {
		n = read(w->tun[way], data, sizeof(data));
		if (n <= 0)
			return;
		path_take(w->path, way, data, (size_t)n, clock_ns());
	}
}

static void reload(struct wire *w)
{
	struct rules *r = rules_load(w->opt.text[RULES], stderr);

	if (r) {
		path_set_rules(w->path, r, clock_ns());
		w->reloads++;
	} else {
		fprintf(stderr, "the rules before stay in force\n");
		w->refused++;
	}
}

static void on_signal(struct wire *w)
{
	struct signalfd_siginfo s;

	if (read(w->signals, &s, sizeof(s)) != (ssize_t)sizeof(s))
		return;
	switch (s.ssi_signo) {
	case SIGHUP:
		reload(w);
		break;
	case SIGUSR1:
		record_flush(w->record, &w->seen);
		w->flushes++;
		break;
	default:
		w->stop = true;
		return;
	}
	write_status(w);
}

static void run(struct wire *w)
{
	struct epoll_event ready[4];
	uint64_t count;
	int i, n, fd;

	while (!w->stop) {
		n = epoll_wait(w->epoll, ready, 4, -1);
		for (i = 0; i < n; i++) {
			fd = ready[i].data.fd;
			if (fd == w->signals)
				on_signal(w);
			else if (fd == w->tun[WAY_OUT])
				read_side(w, WAY_OUT);
			else if (fd == w->tun[WAY_IN])
				read_side(w, WAY_IN);
			else if (read(fd, &count, sizeof(count)) < 0)
				continue; /* rearmed since: not yet */
		}
		run_queue(w);
	}
}

static void print_totals(const struct wire *w)
{
	const struct lateness_span *late = &w->late.all;
	const struct path_totals *t = path_totals(w->path);

	fprintf(stderr,
		"wire: taken=%" PRIu64 " released=%" PRIu64 " lost=%" PRIu64
		" doubled=%" PRIu64 " reordered=%" PRIu64 " corrupted=%" PRIu64
		" answered=%" PRIu64 " malformed=%" PRIu64
		" overflowed=%" PRIu64 " unwritten=%" PRIu64 "\n",
		t->taken, late->n, t->lost, t->doubled, t->reordered,
		t->corrupted, t->answered, t->malformed, t->overflowed,
		w->unwritten);
	fprintf(stderr,
		"wire: released late by p50=%" PRIu64 "us p99=%" PRIu64
		"us max=%" PRIu64 "us\n",
		lateness_us(late, 0.5), lateness_us(late, 0.99),
		late->worst_ns / 1000);
	fprintf(stderr,
		"record: lines=%" PRIu64 " unstamped=%" PRIu64 " lost=%" PRIu64
		"\n",
		w->seen.lines, w->seen.unstamped, w->seen.lost);
}

static int watch(struct wire *w, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return fd < 0 ? -1 : epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e);
}

/* The branch comes last, so that the record's tap opens in its namespace. */
static int open_ends(struct wire *w)
{
	w->tun[WAY_IN] = open_tun(w->opt.text[EDGE], EDGE_DEV);
	if (w->tun[WAY_IN] < 0)
		return EXIT_PERMISSION;
	w->tun[WAY_OUT] = open_tun(w->opt.text[BRANCH], BRANCH_DEV);
	if (w->tun[WAY_OUT] < 0)
		return EXIT_PERMISSION;
	w->record = record_start(BRANCH_DEV, w->opt.text[RECORD]);
	if (!w->record) {
		fprintf(stderr, "record %s on %s: %s\n", w->opt.text[RECORD],
			BRANCH_DEV, strerror(errno));
		return EXIT_IO;
	}
	return 0;
}

static int open_loop(struct wire *w, const sigset_t *signals)
{
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	w->signals = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (w->epoll < 0 || watch(w, w->timer) < 0 ||
	    watch(w, w->signals) < 0 || watch(w, w->tun[WAY_OUT]) < 0 ||
	    watch(w, w->tun[WAY_IN]) < 0) {
		perror("epoll");
		return EXIT_IO;
	}
	return 0;
}

static int start(struct wire *w)
{
	struct rules *rules = rules_load(w->opt.text[RULES], stderr);
	sigset_t signals;
	int r;

	if (!rules)
		return EXIT_RULES;
	w->path = path_create(w->opt.queue, w->opt.seed);
	if (!w->path) {
		rules_destroy(rules);
		fprintf(stderr, "no memory for --queue %" PRIu64 "\n",
			w->opt.queue);
		return EXIT_IO;
	}
	path_set_rules(w->path, rules, clock_ns());
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL); /* the record's thread too */
	r = open_ends(w);
	return r ? r : open_loop(w, &signals);
}

static void finish(struct wire *w)
{
	int fds[] = { w->tun[WAY_OUT], w->tun[WAY_IN], w->epoll, w->timer,
		      w->signals };
	size_t i;

	w->record_error = record_stop(w->record, &w->seen);
	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int run_wire(const struct options *opt)
{
	static struct wire w = {
		.tun = { -1, -1 },
		.epoll = -1,
		.timer = -1,
		.signals = -1,
	};
	int r;

	w.opt = *opt;
	r = start(&w);
	if (r == 0) {
		write_status(&w);
		run(&w);
	}
	finish(&w);
	if (r == 0)
		print_totals(&w);
	if (w.record_error) {
		fprintf(stderr, "record %s is not whole: %s\n",
			opt->text[RECORD], strerror(-w.record_error));
		r = EXIT_IO;
	}
	path_destroy(w.path);
	return r;
}

static int usage(void)
{
	fputs("usage: edgeprobe-lab-wire --branch NS --edge NS --rules FILE "
	      "--record FILE\n"
	      "           [--status FILE] [--seed N] [--queue PACKETS]\n"
	      "       edgeprobe-lab-wire --check RULES\n"
	      "HUP reads the rules again, USR1 flushes the record, TERM "
	      "ends.\n",
	      stderr);
	return EXIT_USAGE;
}

static bool read_options(int argc, char **argv, struct options *opt)
{
	static const struct option longs[] = {
		{ "branch", required_argument, NULL, BRANCH },
		{ "edge", required_argument, NULL, EDGE },
		{ "rules", required_argument, NULL, RULES },
		{ "record", required_argument, NULL, RECORD },
		{ "status", required_argument, NULL, STATUS },
		{ "check", required_argument, NULL, CHECK },
		{ "seed", required_argument, NULL, SEED },
		{ "queue", required_argument, NULL, QUEUE },
		{ NULL, 0, NULL, 0 },
	};
	const char *const *text = opt->text;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c >= TEXT_N)
			return false;
		opt->text[c] = optarg;
	}
	if (text[SEED] && !value_count(text[SEED], ULONG_MAX, &opt->seed))
		return false;
	if (text[QUEUE] && (!value_count(text[QUEUE], 1 << 20, &opt->queue) ||
			    opt->queue == 0))
		return false;
	if (text[CHECK])
		return optind == argc;
	return optind == argc && text[BRANCH] && text[EDGE] && text[RULES] &&
	       text[RECORD];
}

static int check(const char *path)
{
	struct rules *r = rules_load(path, stderr);

	rules_destroy(r);
	return r ? 0 : EXIT_RULES;
}

int main(int argc, char **argv)
{
	struct options opt = { .seed = 1, .queue = QUEUE_MAX };

	if (!read_options(argc, argv, &opt))
		return usage();
	return opt.text[CHECK] ? check(opt.text[CHECK]) : run_wire(&opt);
}
