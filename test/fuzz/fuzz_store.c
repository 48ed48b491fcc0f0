/* libFuzzer: a store and its log with some bytes changed, or cut. Each change is
 * a byte (1: in the log; 2: cut), three of a place, one that says how many bytes
 * follow, and these. Built with -Dfuzz=true; test/long/fuzz.sh runs it from
 * seeds/store. test_store_salvage replays the seeds. */
#include "store/plausible.h"
#include "store/renew.h"
#include "store/salvage.h"
#include "store/store.h"
#include "store/wal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT "kept as "

#define ROWS      12000 /* some of them sealed */
#define IMAGE_MAX ((size_t)4 << 20)
#define MAX_BYTES ((uint64_t)16 << 20)
/* Enough to begin with, and too little for all of it. */
#define BESIDE_BYTES ((uint64_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As it was once made: the database, and its log. */
static struct {
	char dir[64], path[96];
	uint8_t *bytes[2];
	size_t len[2];
} image;

static const char *const suffixes[] = { "", "-wal" };

static void name_of(const char *suffix, char *name, size_t size)
{
	snprintf(name, size, "%s%s", image.path, suffix);
}

static void put_rows(struct store *store)
{
	struct series series = { .target = "erp",
				 .probe = "tcp",
				 .host = "host.example" };
	uint32_t id = 0;

	(void)store_series(store, &series, &id, NULL);
	for (uint64_t n = 0; n < ROWS; n++) {
		struct ep_sample s;

		ep_sample_init(&s);
		s.sent_ns = UINT64_C(1767225600000000000) + n * 1000000000;
		s.rtt_ns = 5000000 + (int64_t)(n * 7919 % 20000000);
		s.outcome = EP_REPLIED;
		s.https.http_status = n % 16 == 0 ? 200 : 0;
		if (n % 64 == 63)
			store_add_note(store, ROW_SELF, s.sent_ns,
				       "\"part\":\"test\"");
		else if (n % 32 == 31)
			store_add_late(store, id, &s, n);
		else
			store_add_sample(store, id, &s);
		if (n % 3000 == 2999)
			(void)store_commit(store, NULL);
	}
	store_add_overflow(store, 5);
	(void)store_commit(store, NULL);
}

static int count_row(const struct record *record, void *arg)
{
	(void)record;
	return ++*(int *)arg > 500 ? -E2BIG : 0;
}

static void put_batch(struct store *store)
{
	struct store_batch batch = { .encoding = "ndjson", .rows = 500 };
	char body[] = "{}\n";
	int destination = 0, n = 0;

	(void)store_destination(store, "hq", &destination, NULL);
	(void)store_batch_collect(store, destination, count_row, &n,
				  &batch.first, &batch.last);
	batch.body = body;
	batch.body_len = sizeof(body) - 1;
	(void)store_batch_freeze(store, destination, &batch, NULL);
}

static void read_image(int i)
{
	char name[128];
	ssize_t n;
	int fd;

	name_of(suffixes[i], name, sizeof(name));
	fd = open(name, O_RDONLY);
	image.bytes[i] = malloc(IMAGE_MAX);
	assert(fd >= 0 && image.bytes[i]);
	n = read(fd, image.bytes[i], IMAGE_MAX);
	assert(n > 0 && (size_t)n < IMAGE_MAX);
	image.len[i] = (size_t)n;
	close(fd);
}

static void remove_all(void)
{
	store_remove(image.path);
	(void)rmdir(image.dir);
}

/* While it is open, so that there is a log. */
static void make_image(void)
{
	struct store_options options = { .path = image.path,
					 .agent = "fuzz",
					 .max_bytes = MAX_BYTES };
	struct store *store;
	const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	int r;

	snprintf(image.dir, sizeof(image.dir), "%s/fuzz-store-XXXXXX", place);
	if (!mkdtemp(image.dir))
		abort();
	snprintf(image.path, sizeof(image.path), "%s/store.db", image.dir);
	r = store_open(&options, &store, NULL);
	assert(r == 0);
	put_rows(store);
	put_batch(store);
	read_image(0);
	read_image(1);
	store_close(store);
	store_remove(image.path);
	atexit(remove_all);
}

/* --- changes --- */

static void write_files(uint8_t *const bytes[2], const size_t len[2])
{
	char name[128];

	for (int i = 0; i < 2; i++) {
		int fd;
		ssize_t n;

		name_of(suffixes[i], name, sizeof(name));
		fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert(fd >= 0);
		n = write(fd, bytes[i], len[i]);
		assert(n == (ssize_t)len[i]);
		close(fd);
	}
}

static void change(const uint8_t *data, size_t size)
{
	static uint8_t *bytes[2];
	size_t len[2] = { image.len[0], image.len[1] }, at = 0;

	for (int i = 0; i < 2; i++) {
		if (!bytes[i])
			bytes[i] = malloc(IMAGE_MAX);
		assert(bytes[i]);
		memcpy(bytes[i], image.bytes[i], image.len[i]);
	}
	while (at + 5 <= size) {
		int which = data[at] & 1;
		size_t place = (size_t)data[at + 1] << 16 |
			       (size_t)data[at + 2] << 8 | data[at + 3];
		size_t n = data[at + 4];
		bool cut = (data[at] & 2) != 0;

		at += 5;
		if (n > size - at)
			n = size - at;
		place %= image.len[which];
		if (n > image.len[which] - place)
			n = image.len[which] - place;
		if (cut)
			len[which] = place;
		else
			memcpy(bytes[which] + place, data + at, n);
		at += n;
	}
	write_files(bytes, len);
}

/* --- what must hold --- */

static int look(const struct record *record, void *arg)
{
	uint64_t *last = arg;
	bool fine = plausible_time(record->time_ns) &&
		    (record->type != ROW_SAMPLE ||
		     record->sample.outcome <= EP_FAILED);

	assert(fine && record->seq > *last);
	*last = record->seq;
	return 0;
}

static void check_salvaged(const char *path)
{
	struct store_options options = { .path = path, .max_bytes = MAX_BYTES };
	struct store_range all = { .destination = -1 };
	struct store *store;
	uint64_t last = 0;
	int r = store_open(&options, &store, NULL);

	assert(r == 0 && store_notice(store)[0] == '\0');
	r = store_scan(store, &all, look, &last, NULL);
	assert(r == 0);
	r = store_commit(store, NULL);
	assert(r == 0);
	store_close(store);
}

/* `both` 0: beside the whole file; else that gives way. How many rows there
 * are. */
static uint64_t salvage(uint64_t both)
{
	char to[128];
	struct store_salvage_options options = { .from = image.path,
						 .to = to,
						 .epoch = "",
						 .agent = "fuzz",
						 .max_bytes = MAX_BYTES,
						 .max_both = both };
	struct store_salvage_result result = { .rows = 0 };
	int r;

	name_of(".salvaged", to, sizeof(to));
	r = store_salvage(&options, &result, NULL);
	assert(r == 0 || r == -ENODATA || r == -EIO);
	if (r == 0)
		check_salvaged(to);
	store_remove(to);
	return result.rows;
}

/* What goes from the damaged file has been read: as much comes out of it. */
static void salvage_both_ways(void)
{
	uint64_t first = salvage(0), bytes = store_bytes_of(image.path), second;

	second = salvage(bytes + wal_bytes(image.path) + BESIDE_BYTES);
	assert(second == first);
}

static void scan(void)
{
	struct store_options options = { .path = image.path,
					 .read_only = true,
					 .forgiving = true };
	struct store *store;
	uint64_t last = 0;

	if (store_open(&options, &store, NULL) < 0)
		return;
	(void)store_scan_damaged(store, look, &last);
	store_close(store);
}

/* An agent begins, and goes on whatever it finds. */
static void work_on(void)
{
	struct store_options options = { .path = image.path,
					 .agent = "fuzz",
					 .max_bytes = MAX_BYTES };
	struct ep_err err = { 0 };
	struct store *store;
	const char *aside;
	char name[128];
	int r = store_open(&options, &store, &err);

	if (r < 0) {
		assert(r != -EUCLEAN);
		return;
	}
	store_add_note(store, ROW_SELF, UINT64_C(1767225600000000000),
		       "\"part\":\"test\"");
	r = store_commit(store, NULL);
	if (r == -EUCLEAN) {
		r = store_renew(store, NULL);
		assert(r == 0);
		r = store_commit(store, NULL);
	}
	assert(r == 0);
	aside = strstr(store_notice(store), KEPT);
	if (aside) {
		aside += strlen(KEPT);
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(aside, ","),
			 aside);
		store_remove(name);
	}
	store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_check_result checked;

	if (!image.bytes[0])
		make_image();
	change(data, size);
	(void)store_check(image.path, NULL, &checked, NULL);
	scan();
	work_on();
	store_remove(image.path);
	change(data, size);
	salvage_both_ways();
	store_remove(image.path);
	return 0;
}
