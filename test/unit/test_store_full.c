/* A full disk is a state that ends by itself. On a small tmpfs of its own,
 * which takes a private mount namespace and so root. */
#include "lib/store_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define DISK "size=12m"

static bool small_disk(struct kit *kit)
{
	if (unshare(CLONE_NEWNS) < 0)
		return false;
	/* What is mounted here is not to be seen elsewhere. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mount("tmpfs", kit->dir, "tmpfs", 0, DISK) == 0;
}

static int leave(void **state)
{
	struct kit *kit = *state;

	store_close(kit->store);
	kit->store = NULL;
	(void)umount2(kit->dir, MNT_DETACH);
	return kit_teardown(state);
}

static void add(struct kit *kit, uint64_t n)
{
	uint32_t series = kit_series(kit, "a", "tcp");

	for (uint64_t i = 0; i < n; i++)
		kit_add(kit, series, i);
}

static struct store_facts facts_of(struct kit *kit)
{
	struct store_facts facts;

	assert_int_equal(store_facts(kit->store, &facts), 0);
	return facts;
}

/* Somebody else takes all that is left. */
static void hog(const struct kit *kit)
{
	static const char bytes[4096];
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "%s/hog", kit->dir);
	fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(fd >= 0);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	close(fd);
}

static void hog_goes(const struct kit *kit)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/hog", kit->dir);
	assert_int_equal(unlink(name), 0);
}

/* The bound lets the store grow beyond the disk. */
static void the_store_itself_fills_the_disk(void **state)
{
	struct kit *kit = *state;
	struct account a;
	bool was_full = false;

	if (!small_disk(kit))
		skip();
	kit_open(kit, 64u << 20);
	account_begin(&a, kit, "a", 5000);
	for (int i = 0; i < 300; i++) {
		add(kit, 2000);
		kit_commit(kit); /* must not fail for good */
		was_full |= facts_of(kit).disk_full;
	}
	assert_true(was_full);
	assert_int_equal(facts_of(kit).queued, 0);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.max, store_last_seq(kit->store));
	assert_true(a.missing > 0);
	account_end(&a);
}

static void somebody_else_fills_the_disk(void **state)
{
	struct ep_err err = { 0 };
	struct kit *kit = *state;
	struct account a;
	int r = 0;

	if (!small_disk(kit))
		skip();
	kit_open(kit, 64u << 20);
	account_begin(&a, kit, "a", 5000);
	add(kit, 1000);
	kit_commit(kit);
	for (int i = 0; i < 1000 && r == 0; i++) {
		hog(kit);
		add(kit, 100);
		r = store_commit(kit->store, &err);
	}
	assert_int_equal(r, -ENOSPC);
	assert_non_null(strstr(err.text, kit->path));
	assert_true(facts_of(kit).disk_full);
	assert_int_equal(facts_of(kit).queued, 100);
	for (int i = 0; i < 10; i++) {
		add(kit, 100);
		hog(kit);
		/* Room that the log has already may do for some. */
		r = store_commit(kit->store, NULL);
		assert_true(r == 0 || r == -ENOSPC);
	}
	/* Nothing of ours was given up for it. */
	assert_int_equal(facts_of(kit).first_seq, 1);
	hog_goes(kit);
	kit_commit(kit);
	assert_false(facts_of(kit).disk_full);
	assert_int_equal(facts_of(kit).queued, 0);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.missing, 0);
	assert_int_equal(a.count, store_last_seq(kit->store));
	account_end(&a);
}

/* --- a quota: the disk has room, but not for us --- */

static bool over_quota;

static bool refused(void)
{
	if (over_quota)
		errno = EDQUOT;
	return over_quota;
}

static ssize_t on_write(int fd, const void *bytes, size_t size)
{
	return refused() ? -1 : write(fd, bytes, size);
}

static ssize_t on_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	return refused() ? -1 : pwrite(fd, bytes, size, at);
}

int __real_posix_fallocate64(int fd, off_t at, off_t size);
int __wrap_posix_fallocate64(int fd, off_t at, off_t size);
int __wrap_posix_fallocate64(int fd, off_t at, off_t size)
{
	return over_quota ? EDQUOT : __real_posix_fallocate64(fd, at, size);
}

/* SQLite's own calls; with NULL they are as they were. */
static void set_quota(bool on)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	vfs->xSetSystemCall(vfs, "write",
			    on ? (sqlite3_syscall_ptr)on_write : NULL);
	vfs->xSetSystemCall(vfs, "pwrite",
			    on ? (sqlite3_syscall_ptr)on_pwrite : NULL);
	vfs->xSetSystemCall(vfs, "pwrite64",
			    on ? (sqlite3_syscall_ptr)on_pwrite : NULL);
}

static void a_quota_is_a_full_disk(void **state)
{
	struct ep_err err = { 0 };
	struct kit *kit = *state;
	struct account a;

	set_quota(true);
	kit_open(kit, 64u << 20);
	account_begin(&a, kit, "a", 5000);
	add(kit, 1000);
	kit_commit(kit);
	assert_false(facts_of(kit).disk_full);
	over_quota = true;
	for (int i = 0; i < 10; i++) {
		add(kit, 100);
		assert_int_equal(store_commit(kit->store, &err), -ENOSPC);
		assert_true(facts_of(kit).disk_full);
	}
	assert_non_null(strstr(err.text, kit->path));
	assert_int_equal(facts_of(kit).queued, 1000);
	assert_int_equal(facts_of(kit).first_seq, 1);
	over_quota = false;
	kit_commit(kit);
	assert_false(facts_of(kit).disk_full);
	assert_int_equal(facts_of(kit).queued, 0);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.missing, 0);
	assert_int_equal(a.count, store_last_seq(kit->store));
	account_end(&a);
	kit_close(kit);
	set_quota(false);
}

static void it_opens_on_a_full_disk(void **state)
{
	struct kit *kit = *state;
	struct store_options options = { .path = kit->path,
					 .max_bytes = 64u << 20 };
	struct ep_err err = { 0 };

	if (!small_disk(kit))
		skip();
	hog(kit);
	assert_int_equal(store_open(&options, &kit->store, &err), -ENOSPC);
	assert_non_null(strstr(err.text, kit->path));
	hog_goes(kit);
	kit_open(kit, 64u << 20);
	add(kit, 1000);
	kit_commit(kit);
	hog(kit);
	kit_close(kit);
	hog(kit);
	kit_open(kit, 64u << 20);
	assert_int_equal(store_last_seq(kit->store), 1000);
	hog_goes(kit);
	add(kit, 1);
	kit_commit(kit);
	assert_int_equal(facts_of(kit).rows, 1001);
}

static int add_minute(const struct record *record, void *arg)
{
	const char *samples = strstr(record->body, "\"samples\":");
	uint64_t *sum = arg;

	if (strstr(record->body, "\"part\":\"minute\"") == NULL)
		return 0;
	assert_non_null(samples);
	assert_non_null(strstr(record->body, "\"target\":\"a\""));
	*sum += strtoull(samples + strlen("\"samples\":"), NULL, 10);
	return 0;
}

/* Samples that minutes stand for. */
static uint64_t in_minutes(struct kit *kit)
{
	struct store_range range = { .destination = -1,
				     .types = 1u << ROW_SELF };
	uint64_t sum = 0;

	assert_int_equal(store_scan(kit->store, &range, add_minute, &sum, NULL),
			 0);
	return sum;
}

/* Hours of it: memory is bounded, and what it could not hold is declared, and
 * kept as minutes. */
static void the_queue_overflows_while_it_is_full(void **state)
{
	struct kit *kit = *state;
	struct store_options options = { .path = kit->path,
					 .max_bytes = 64u << 20,
					 .queue_bytes = 512u << 10 };
	struct account a;

	if (!small_disk(kit))
		skip();
	assert_int_equal(store_open(&options, &kit->store, NULL), 0);
	account_begin(&a, kit, "a", 5000);
	add(kit, 10);
	kit_commit(kit);
	for (int i = 0; i < 40; i++) {
		hog(kit);
		add(kit, 1000);
		(void)store_commit(kit->store, NULL);
	}
	assert_true(facts_of(kit).queued < 10000);
	hog_goes(kit);
	kit_commit(kit);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.max, store_last_seq(kit->store));
	assert_true(a.missing > 0);
	assert_int_equal(in_minutes(kit), a.missing);
	account_end(&a);
}

#define FULL_TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_quota_is_a_full_disk),
		FULL_TEST(the_store_itself_fills_the_disk),
		FULL_TEST(somebody_else_fills_the_disk),
		FULL_TEST(it_opens_on_a_full_disk),
		FULL_TEST(the_queue_overflows_while_it_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
