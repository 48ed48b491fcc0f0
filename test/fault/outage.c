/* Days without a collector, in minutes: HOURS (3) of a hundred samples a second
 * in a store of MAX_MIB (8), whose files never take a byte more; memory stays
 * as it was; and then the collector gets what is left and is told the rest. */
#include "delivery/framing.h"
#include "lib/store_kit.h"
#include "store/sealed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TARGETS    100 /* each once a second */
#define BEGAN_NS   1767225600000000000u
#define BATCH_ROWS 5000
#define BATCH_MAX  900000
#define GAPS_MAX   10000
/* Beyond what it was after a tenth of the time. */
#define RSS_SLACK_BYTES (4u << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MEMORY false /* what is freed is kept for a while */
#else
#define OWN_MEMORY true
#endif

enum stage { STORED, SEALED, ENCODED, GZIPPED, FROZEN, ACKED, STAGES };

static uint64_t spent_ns[STAGES]; /* CPU */
static uint64_t seed = 88172645463325252u;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void spend(enum stage stage, uint64_t since_ns)
{
	spent_ns[stage] += cpu_ns() - since_ns;
}

/* Sealing is a part of committing. */
void __real_seal_some(struct store *store);
void __wrap_seal_some(struct store *store);
void __wrap_seal_some(struct store *store)
{
	uint64_t began_ns = cpu_ns();

	__real_seal_some(store);
	spend(SEALED, began_ns);
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *given = getenv(name);

	return given ? (unsigned)strtoul(given, NULL, 10) : otherwise;
}

/* --- what is measured --- */

static uint64_t noise_ns(uint64_t mean_ns)
{
	uint64_t sum = 0;

	for (int i = 0; i < 4; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		sum += seed % (mean_ns / 2);
	}
	return sum;
}

static struct ep_sample sample_of(unsigned target, uint64_t second)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.slip_ns = (int64_t)noise_ns(40000);
	s.sent_ns = BEGAN_NS + second * 1000000000u + target * 10000000u +
		    (uint64_t)s.slip_ns;
	s.rtt_ns = (int64_t)(2000000 + target * 400000 + noise_ns(150000));
	s.uncertainty_ns = (uint32_t)(3000 + noise_ns(2000));
	s.address =
		(struct ep_address){ .family = 4,
				     .bytes = { 192, 0, 2, (uint8_t)target } };
	s.outcome = noise_ns(1000) < 200 ? EP_LOST : EP_REPLIED;
	if (s.outcome == EP_LOST)
		s.rtt_ns = EP_ABSENT;
	else
		s.ttl = 57;
	return s;
}

static void measure(struct kit *kit, const uint32_t *series, uint64_t second)
{
	uint64_t began_ns, sealed_ns = spent_ns[SEALED];

	began_ns = cpu_ns();
	for (unsigned i = 0; i < TARGETS; i++) {
		struct ep_sample s = sample_of(i, second);

		store_add_sample(kit->store, series[i], &s);
	}
	kit_commit(kit);
	spend(STORED, began_ns + (spent_ns[SEALED] - sealed_ns));
}

/* --- what it costs --- */

static uint64_t bytes_on_disk(const struct kit *kit)
{
	DIR *dir = opendir(kit->dir);
	const struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	closedir(dir);
	return bytes;
}

static uint64_t resident_bytes(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *at;

	assert_true(n > 0);
	close(fd);
	strtoull(text, &at, 10);
	return strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- the collector, when it is back --- */

struct got {
	uint64_t seq, first, last; /* of a gap row: its range; else 1 and 0 */
};

struct drain {
	struct identity who;
	struct frame frame;
	unsigned char *there, *missing; /* by number */
	struct got got[BATCH_ROWS];
	size_t n_got;
	uint64_t last, rows, gaps, bytes, zipped;
};

static int on_row(const struct record *record, void *arg)
{
	struct drain *d = arg;
	int r = frame_add(&d->frame, &d->who, record);

	if (r < 0)
		return r;
	d->got[d->n_got] = (struct got){ record->seq, 1, 0 };
	if (record->type == ROW_GAP)
		d->got[d->n_got] = (struct got){ record->seq, record->first,
						 record->last };
	d->n_got++;
	return 0;
}

static void receive(struct drain *d)
{
	for (size_t i = 0; i < d->n_got; i++) {
		const struct got *g = &d->got[i];

		assert_true(g->seq <= d->last + GAPS_MAX && g->last < g->seq);
		d->there[g->seq]++;
		for (uint64_t seq = g->first; seq <= g->last; seq++)
			d->missing[seq]++;
		d->gaps += g->last + 1 - g->first;
	}
	d->rows += d->n_got;
}

static void zip(struct drain *d, struct store_batch *batch)
{
	struct buf zipped;
	uint64_t began_ns = cpu_ns();

	buf_init(&zipped, BATCH_MAX);
	assert_int_equal(
		framing_gzip(d->frame.body.data, d->frame.body.len, &zipped),
		0);
	spend(GZIPPED, began_ns);
	d->bytes += d->frame.body.len;
	d->zipped += zipped.len;
	batch->body = zipped.data;
	batch->body_len = zipped.len;
}

/* What is to be sent next; it ends up frozen. False: there is nothing. */
static bool freeze(struct kit *kit, int destination, struct drain *d,
		   struct store_batch *batch)
{
	uint64_t began_ns = cpu_ns();
	int64_t n;
	int r;

	d->n_got = 0;
	frame_init(&d->frame, framing_find("ndjson"), BATCH_ROWS, BATCH_MAX);
	n = store_batch_collect(kit->store, destination, on_row, d,
				&batch->first, &batch->last);
	assert_true(n >= 0);
	if (n == 0)
		return false;
	assert_int_equal(frame_end(&d->frame, &d->who), 0);
	spend(ENCODED, began_ns);
	batch->rows = d->frame.rows;
	zip(d, batch);
	began_ns = cpu_ns();
	r = store_batch_freeze(kit->store, destination, batch, NULL);
	spend(FROZEN, began_ns);
	if (r == 0)
		return true;
	/* Room for it was made of what is in it: the gap comes next. */
	assert_int_equal(r, -ESTALE);
	frame_finish(&d->frame);
	free(batch->body);
	kit_commit(kit);
	return freeze(kit, destination, d, batch);
}

static bool deliver(struct kit *kit, int destination, struct drain *d)
{
	struct store_batch batch = { .encoding = "ndjson", .gzip = true };
	bool more = freeze(kit, destination, d, &batch);
	uint64_t began_ns = cpu_ns();

	if (more) {
		assert_int_equal(
			store_batch_done(kit->store, destination, &batch, NULL),
			0);
		spend(ACKED, began_ns);
		receive(d);
	}
	store_batch_finish(&batch);
	frame_finish(&d->frame);
	return more;
}

static void check_account(const struct drain *d)
{
	uint64_t wrong = 0;

	for (uint64_t seq = 1; seq <= d->last; seq++) {
		if (d->there[seq] + d->missing[seq] == 1)
			continue;
		if (wrong++ == 0)
			print_message("# %llu is there %u times and declared "
				      "missing %u times\n",
				      (unsigned long long)seq, d->there[seq],
				      d->missing[seq]);
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(d->rows + d->gaps, d->last);
}

/* --- both --- */

static double us(enum stage stage, uint64_t rows)
{
	return (double)spent_ns[stage] / 1000 / (double)(rows ? rows : 1);
}

static void report_outage(struct kit *kit, uint64_t seconds, uint64_t most)
{
	uint64_t bytes = bytes_on_disk(kit);
	struct store_facts f;

	assert_int_equal(store_facts(kit->store, &f), 0);
	print_message("# %llu s of outage, %llu samples: %llu kept, %llu "
		      "evicted; at most %llu bytes on disk, %.1f a sample kept "
		      "now; CPU us a sample: stored %.2f, sealed %.2f\n",
		      (unsigned long long)seconds,
		      (unsigned long long)(seconds * TARGETS),
		      (unsigned long long)f.rows,
		      (unsigned long long)f.evicted_undelivered,
		      (unsigned long long)most, (double)bytes / (double)f.rows,
		      us(STORED, seconds * TARGETS),
		      us(SEALED, seconds * TARGETS));
	assert_true(f.evicted_undelivered > 0);
}

static void report_drain(const struct drain *d, uint64_t took_ns)
{
	print_message(
		"# drained %llu rows in %.1f s, %.0f rows/s; %.1f bytes a "
		"row as NDJSON, %.1f compressed; CPU us a row: collected "
		"and encoded %.2f, compressed %.2f, frozen %.2f, "
		"acknowledged %.2f\n",
		(unsigned long long)d->rows, (double)took_ns / 1e9,
		(double)d->rows * 1e9 / (double)took_ns,
		(double)d->bytes / (double)d->rows,
		(double)d->zipped / (double)d->rows, us(ENCODED, d->rows),
		us(GZIPPED, d->rows), us(FROZEN, d->rows), us(ACKED, d->rows));
}

/* Returns the most bytes that were ever on disk. */
static uint64_t live_through(struct kit *kit, uint64_t seconds,
			     uint64_t max_bytes)
{
	uint64_t most = 0, rss = 0, rss_most = 0;
	uint32_t series[TARGETS];
	char name[16];

	for (unsigned i = 0; i < TARGETS; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		series[i] = kit_series(kit, name, "icmp");
	}
	for (uint64_t second = 0; second < seconds; second++) {
		uint64_t bytes;

		measure(kit, series, second);
		bytes = bytes_on_disk(kit);
		most = bytes > most ? bytes : most;
		if (bytes > max_bytes)
			fail_msg("%llu of %llu bytes after %llu s",
				 (unsigned long long)bytes,
				 (unsigned long long)max_bytes,
				 (unsigned long long)second);
		if (second == seconds / 10)
			rss = resident_bytes();
		if (second > seconds / 10 && second % 100 == 0 &&
		    resident_bytes() > rss_most)
			rss_most = resident_bytes();
	}
	print_message("# resident: %llu bytes after a tenth, at most %llu\n",
		      (unsigned long long)rss, (unsigned long long)rss_most);
	if (OWN_MEMORY)
		assert_true(rss_most <= rss + RSS_SLACK_BYTES);
	return most;
}

static void nothing_is_lost_in_silence(void **state)
{
	uint64_t max_bytes = (uint64_t)setting("MAX_MIB", 8) << 20;
	uint64_t seconds = (uint64_t)setting("HOURS", 3) * 3600;
	static struct drain d;
	struct kit *kit = *state;
	uint64_t most, began_ns;
	int destination = 0;

	kit_open(kit, max_bytes);
	assert_int_equal(
		store_destination(kit->store, "dead", &destination, NULL), 0);
	most = live_through(kit, seconds, max_bytes);
	report_outage(kit, seconds, most);
	kit_close(kit);
	kit_open(kit, max_bytes);
	kit_commit(kit); /* all that is owed has its row */
	d.who = (struct identity){ "outage", store_epoch(kit->store) };
	d.last = store_last_seq(kit->store);
	/* More gap rows may come while it is drained. */
	d.there = calloc(d.last + GAPS_MAX + 1, 1);
	d.missing = calloc(d.last + GAPS_MAX + 1, 1);
	assert_true(d.there && d.missing);
	began_ns = clock_ns(CLOCK_MONOTONIC);
	while (deliver(kit, destination, &d))
		;
	report_drain(&d, clock_ns(CLOCK_MONOTONIC) - began_ns);
	d.last = store_last_seq(kit->store);
	check_account(&d);
	free(d.there);
	free(d.missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(nothing_is_lost_in_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
