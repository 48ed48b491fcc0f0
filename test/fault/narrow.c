/* A damaged store of 15 MiB, and a bound that leaves no room beside it: what is
 * made of it and what is left of it never take more together, whether it goes on
 * undisturbed or is killed again and again; and each row is there or
 * declared. */
#include "lib/sectors.h"
#include "lib/store_kit.h"
#include "store/dead.h"
#include "store/renew.h"
#include "store/salvage_i.h"
#include "store/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define OLD_ROWS  60000 /* which are sealed */
#define ROWS      110000
#define LETTER    (300u << 10)
#define LETTERS   2
#define MAX_BYTES ((uint64_t)32 << 20)
#define HITS      30

/* Three destinations: one has got a third of it, one a thousand rows and has
 * refused some, and one has got nothing. */
struct world {
	struct kit *kit;
	struct account ahead, behind, none;
	char aside[128], to[128];
	char epoch[17];
	uint64_t last;
	uint64_t most; /* bytes that were seen at once */
	uint64_t rows, wrong;
};

static uint64_t began_ns; /* of the rows that stay rows */

static void add(struct kit *kit, uint64_t from, uint64_t to)
{
	uint32_t https = kit_series(kit, "mail", "https");

	for (uint64_t n = from; n < to; n++) {
		struct ep_sample s = kit_https(n);

		if (n > OLD_ROWS)
			s.sent_ns = began_ns + n * 1000;
		store_add_sample(kit->store, https, &s);
		if (n % 4096 == 0)
			kit_commit(kit);
	}
	kit_commit(kit);
}

static int take_one(const struct record *record, void *arg)
{
	int *left = arg;

	(void)record;
	return (*left)-- == 0 ? -E2BIG : 0;
}

static void refuse_one(struct account *a, struct kit *kit)
{
	struct store_batch batch = { .encoding = "ndjson", .rows = 1 };
	struct ep_err err = { 0 };
	int left = 1;

	assert_int_equal(store_batch_collect(kit->store, a->destination,
					     take_one, &left, &batch.first,
					     &batch.last),
			 1);
	batch.body = malloc(LETTER);
	assert_non_null(batch.body);
	batch.body_len = LETTER;
	for (size_t i = 0; i < LETTER; i++)
		batch.body[i] = (char)sectors_random();
	if (store_batch_freeze(kit->store, a->destination, &batch, &err) < 0 ||
	    store_batch_quarantine(kit->store, a->destination, &batch, "400",
				   &err) < 0)
		fail_msg("%s", err.text);
	store_batch_finish(&batch);
}

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 16];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	fclose(out);
}

/* As an agent leaves it that is killed: with a log. */
static void set_aside(struct world *w)
{
	char from[160], to[160];

	copy_file(w->kit->path, w->aside);
	snprintf(from, sizeof(from), "%s-wal", w->kit->path);
	snprintf(to, sizeof(to), "%s-wal", w->aside);
	copy_file(from, to);
	kit_close(w->kit);
	store_remove(w->kit->path);
}

static void begin(struct world *w, struct kit *kit)
{
	struct timespec now;

	memset(w, 0, sizeof(*w));
	w->kit = kit;
	clock_gettime(CLOCK_REALTIME, &now);
	began_ns = (uint64_t)(now.tv_sec - 60) * 1000000000u;
	kit_old();
	kit_open(kit, MAX_BYTES);
	snprintf(w->epoch, sizeof(w->epoch), "%s", store_epoch(kit->store));
	snprintf(w->aside, sizeof(w->aside), "%s.damaged-1", kit->path);
	snprintf(w->to, sizeof(w->to), "%s.salvaging-1", kit->path);
	account_begin(&w->ahead, kit, "ahead", 5000);
	account_begin(&w->behind, kit, "behind", 1000);
	account_begin(&w->none, kit, "none", 1000);
	add(kit, 1, OLD_ROWS / 3);
	account_drain(&w->ahead, kit);
	account_batch(&w->behind, kit);
	add(kit, OLD_ROWS / 3, OLD_ROWS + 1);
	for (int i = 0; i < 40; i++) /* some chunks each time */
		kit_commit(kit);
	add(kit, OLD_ROWS + 1, ROWS + 1);
	for (int i = 0; i < LETTERS; i++)
		refuse_one(&w->behind, kit);
	kit_commit(kit);
	w->last = store_last_seq(kit->store);
	set_aside(w);
}

static void end(struct world *w)
{
	account_end(&w->ahead);
	account_end(&w->behind);
	account_end(&w->none);
}

/* --- salvaging, and what it takes meanwhile --- */

static void look(struct world *w)
{
	uint64_t bytes = store_bytes_of(w->aside) + store_bytes_of(w->to);

	if (bytes > w->most)
		w->most = bytes;
}

/* Nothing goes from the damaged file while what is made of it is only in a log:
 * that is written back, and synced on both sides of it. */
static const char *made; /* NULL: it is not asked */
static bool no_holes;    /* as on some file systems */

int __real_fallocate64(int fd, int mode, off_t offset, off_t len);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t len);

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t len)
{
	if (no_holes) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (made && (mode & FALLOC_FL_PUNCH_HOLE) != 0 && wal_bytes(made) > 0)
		abort();
	return __real_fallocate64(fd, mode, offset, len);
}

static int salvage(struct world *w, uint64_t max_both,
		   struct store_salvage_result *result)
{
	struct store_salvage_options options = {
		.from = w->aside,
		.to = w->to,
		.max_bytes = MAX_BYTES,
		.max_both = max_both,
	};
	struct ep_err err = { 0 };
	int r;

	made = w->to;
	r = store_salvage(&options, result, &err);
	made = NULL;
	if (r < 0)
		print_message("# %s\n", err.text);
	return r;
}

/* It says how far it is so often, and is killed before the next time ends: what
 * it did last is there, and nothing of what comes after. */
static unsigned notes_left = UINT_MAX;

int __real_halfway_note(struct salvage *s);
int __wrap_halfway_note(struct salvage *s);

int __wrap_halfway_note(struct salvage *s)
{
	if (notes_left-- == 0)
		kill(getpid(), SIGKILL);
	return __real_halfway_note(s);
}

static pid_t salvage_aside(struct world *w, uint64_t max_both)
{
	struct store_salvage_result result = { 0 };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(salvage(w, max_both, &result) == 0 ? 0 : 1);
	return pid;
}

/* Watch it, and kill it when the damaged file has no more than `until`. True: it
 * came to its end. */
static bool watch(struct world *w, pid_t pid, uint64_t until)
{
	int status = 0;
	pid_t ended;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
		look(w);
		if (store_bytes_of(w->aside) <= until)
			kill(pid, SIGKILL);
	}
	assert_int_equal(ended, pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return false;
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return true;
}

/* --- what came of it --- */

static int compare(const struct record *r, void *arg)
{
	struct world *w = arg;
	struct ep_sample s = kit_sample(r->seq);

	if (r->type != ROW_SAMPLE)
		return 0;
	if (r->seq > OLD_ROWS)
		s.sent_ns = began_ns + r->seq * 1000;
	w->rows++;
	w->wrong +=
		r->sample.sent_ns != s.sent_ns || r->sample.rtt_ns != s.rtt_ns;
	return 0;
}

static int count_letter(const struct store_parcel *p, void *arg)
{
	unsigned *letters = arg;

	*letters += p->bytes == LETTER;
	return 0;
}

/* Returns how many numbers were declared to the one that has got least. */
static uint64_t deliver(struct world *w)
{
	struct store_options options = { .path = w->to,
					 .max_bytes = MAX_BYTES };
	struct store_range all = { .destination = -1 };
	struct account *each[] = { &w->ahead, &w->behind, &w->none };
	static const char *const names[] = { "ahead", "behind", "none" };
	struct ep_err err = { 0 };
	unsigned letters = 0;

	if (store_open(&options, &w->kit->store, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(store_notice(w->kit->store), "");
	assert_string_equal(store_epoch(w->kit->store), w->epoch);
	w->rows = w->wrong = 0;
	assert_int_equal(store_scan(w->kit->store, &all, compare, w, NULL), 0);
	assert_int_equal(store_dead_list(w->kit->store, NULL, 0, 10,
					 count_letter, &letters),
			 LETTERS);
	assert_int_equal(letters, LETTERS);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_destination(w->kit->store, names[i],
						   &each[i]->destination, NULL),
				 0);
		account_drain(each[i], w->kit);
		account_audit(each[i]);
		assert_true(each[i]->max >= w->last);
	}
	assert_int_equal(w->wrong, 0);
	assert_int_equal(w->none.min, 1);
	kit_close(w->kit);
	return w->behind.missing - LETTERS;
}

/* Room enough for a beginning, and not for all of it. */
static uint64_t roomy(const struct world *w)
{
	return store_bytes_of(w->aside) + (5u << 20);
}

/* Some of what it has must go at once. */
static uint64_t tight(const struct world *w)
{
	return store_bytes_of(w->aside) + (1u << 20);
}

static void say(const struct world *w, uint64_t bound, uint64_t declared,
		unsigned kills)
{
	print_message("# bound %llu, most at once %llu; rows %llu of %llu, "
		      "declared %llu; kills %u\n",
		      (unsigned long long)bound, (unsigned long long)w->most,
		      (unsigned long long)w->rows, (unsigned long long)w->last,
		      (unsigned long long)declared, kills);
}

/* --- the tests --- */

static void it_gives_way_to_what_is_made_of_it(void **state)
{
	struct world w;
	uint64_t bound, declared;

	begin(&w, *state);
	bound = tight(&w);
	assert_true(watch(&w, salvage_aside(&w, bound), 0));
	assert_in_range(w.most, bound / 2, bound);
	/* All but its trees' tops, names, and the like. */
	assert_true(store_bytes_of(w.aside) < bound / 8);
	declared = deliver(&w);
	say(&w, bound, declared, 0);
	assert_in_range(declared, 1, w.last * 4 / 5);
	end(&w);
}

static void killed_wherever_it_is(void **state)
{
	struct world w;
	unsigned kills = 0;
	uint64_t bound, until, declared;

	begin(&w, *state);
	until = store_bytes_of(w.aside);
	bound = tight(&w);
	notes_left = 2;
	while (kills < 12 && !watch(&w, salvage_aside(&w, bound), 0))
		kills++;
	notes_left = UINT_MAX;
	until = store_bytes_of(w.aside);
	while (!watch(&w, salvage_aside(&w, bound), until)) {
		kills++;
		until = store_bytes_of(w.aside);
		until = until > (1u << 20) ? until - (1u << 20) : 0;
	}
	assert_true(w.most <= bound);
	assert_in_range(kills, 9, 100);
	declared = deliver(&w);
	say(&w, bound, declared, kills);
	assert_in_range(declared, 1, w.last * 4 / 5);
	end(&w);
}

/* Half of it is in what is made only: that is not begun anew because it cannot
 * be opened for a moment, nor by who sets no bound. */
static void what_is_made_is_kept(void **state)
{
	struct store_salvage_result result = { 0 };
	char lock[160];
	struct world w;
	uint64_t bound, bytes;
	int fd;

	begin(&w, *state);
	bound = tight(&w);
	assert_false(watch(&w, salvage_aside(&w, bound), bound / 2));
	bytes = store_bytes_of(w.to);
	snprintf(lock, sizeof(lock), "%s-lock", w.to);
	fd = open(lock, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_true(salvage(&w, bound, &result) < 0);
	assert_int_equal(store_bytes_of(w.to), bytes);
	close(fd);
	assert_int_equal(salvage(&w, 0, &result), 0);
	assert_in_range(deliver(&w), 1, w.last * 4 / 5);
	end(&w);
}

/* Pages that lie about where they belong cost what is in them, and nothing that
 * is still to be read: as much comes out of it as if nothing gave way. */
static void damaged_all_over(void **state)
{
	struct store_salvage_result beside = { 0 }, result = { 0 };
	struct world w, whole;
	char log[160], log_copy[160];
	uint64_t bytes;

	begin(&w, *state);
	sectors_hit(w.aside, HITS);
	whole = w;
	snprintf(whole.aside, sizeof(whole.aside), "%.100s2", w.aside);
	snprintf(log, sizeof(log), "%s-wal", w.aside);
	snprintf(log_copy, sizeof(log_copy), "%s-wal", whole.aside);
	copy_file(w.aside, whole.aside);
	copy_file(log, log_copy);
	assert_int_equal(salvage(&whole, 0, &beside), 0);
	store_remove(w.to);
	bytes = store_bytes_of(w.aside);
	assert_int_equal(salvage(&w, roomy(&w), &result), 0);
	print_message("# rows %llu, beside a whole file %llu\n",
		      (unsigned long long)result.rows,
		      (unsigned long long)beside.rows);
	assert_int_equal(result.rows, beside.rows);
	assert_int_equal(result.declared, beside.declared);
	assert_true(store_bytes_of(w.aside) < bytes);
	end(&w);
}

/* What is left is salvaged, and what was in it is declared. */
static void what_is_made_is_damaged(void **state)
{
	struct store_salvage_result result = { 0 };
	struct world w;
	uint64_t bound;
	int r = -1;

	begin(&w, *state);
	bound = tight(&w);
	assert_false(watch(&w, salvage_aside(&w, bound), bound / 2));
	sectors_hit(w.to, HITS * 4);
	for (int i = 0; i < 4 && r < 0; i++)
		r = salvage(&w, bound, &result);
	assert_int_equal(r, 0);
	assert_true(deliver(&w) > 0);
	end(&w);
}

static void it_stays_whole(void **state, uint64_t times)
{
	struct store_salvage_result result = { 0 };
	struct world w;
	uint64_t bytes;

	begin(&w, *state);
	bytes = store_bytes_of(w.aside);
	assert_int_equal(salvage(&w, bytes * times, &result), 0);
	assert_int_equal(store_bytes_of(w.aside), bytes);
	assert_int_equal(deliver(&w), 0);
	end(&w);
}

static void where_there_is_room(void **state)
{
	it_stays_whole(state, 4);
}

static void where_nothing_makes_holes(void **state)
{
	no_holes = true;
	it_stays_whole(state, 1);
	no_holes = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(it_gives_way_to_what_is_made_of_it),
		KIT_TEST(killed_wherever_it_is),
		KIT_TEST(what_is_made_is_kept),
		KIT_TEST(damaged_all_over),
		KIT_TEST(what_is_made_is_damaged),
		KIT_TEST(where_there_is_room),
		KIT_TEST(where_nothing_makes_holes),
	};
	sectors_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
