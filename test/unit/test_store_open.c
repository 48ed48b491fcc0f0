#include "lib/store_kit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_BYTES (64u << 20)

static int try_open(const char *path, bool read_only, struct store **store,
		    struct ep_err *err)
{
	struct store_options options = { .path = path,
					 .max_bytes = MAX_BYTES,
					 .read_only = read_only };

	err->text[0] = '\0';
	return store_open(&options, store, err);
}

/* Refused with that error, and the words name the path. */
static void refused(const char *path, bool read_only, int code)
{
	struct store *store = NULL;
	struct ep_err err = { 0 };
	int r = try_open(path, read_only, &store, &err);

	if (r != code)
		fail_msg("%s: %d, not %d: %s", path, r, code, err.text);
	assert_null(store);
	assert_non_null(strstr(err.text, path));
}

static void write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static size_t read_file(const char *path, void *data, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, data, size);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

static unsigned files_in(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void fill(struct kit *kit, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		kit_add(kit, kit_series(kit, "a", "tcp"), i);
	kit_commit(kit);
}

static void what_is_not_ours_is_left_alone(void **state)
{
	static const char text[] = "dear diary, this is no database\n";
	struct kit *kit = *state;
	char big[9000], after[9001];

	write_file(kit->path, text, sizeof(text));
	refused(kit->path, false, -EILSEQ);
	refused(kit->path, false, -EILSEQ); /* nor is it ours by our trace */
	refused(kit->path, true, -EILSEQ);
	assert_int_equal(read_file(kit->path, after, sizeof(after)),
			 sizeof(text));
	assert_memory_equal(after, text, sizeof(text));
	memset(big, 'x', sizeof(big));
	write_file(kit->path, big, sizeof(big));
	refused(kit->path, false, -EILSEQ);
	assert_int_equal(read_file(kit->path, after, sizeof(after)),
			 sizeof(big));
	assert_int_equal(files_in(kit->dir), 1);
	unlink(kit->path);
	sql(kit->path, "CREATE TABLE t(a); PRAGMA application_id = 7");
	refused(kit->path, false, -EILSEQ);
	unlink(kit->path);
	sql(kit->path, "CREATE TABLE t(a)");
	refused(kit->path, false, -EILSEQ);
	refused(kit->path, true, -EILSEQ);
}

static void a_path_that_cannot_be(void **state)
{
	struct kit *kit = *state;
	struct store_options options = { .path = kit->path, .max_bytes = 1000 };
	struct ep_err err = { 0 };
	char path[128];

	refused(kit->dir, false, -EISDIR);
	refused(kit->dir, true, -EISDIR);
	refused(kit->path, true, -ENOENT);
	snprintf(path, sizeof(path), "%s/no/store.db", kit->dir);
	refused(path, false, -ENOENT);
	snprintf(path, sizeof(path), "%s/fifo", kit->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, false, -EILSEQ);
	assert_int_equal(store_open(&options, &kit->store, &err), -EINVAL);
	assert_int_equal(files_in(kit->dir), 1);
}

/* In a child that is nobody: root may write everywhere. */
static int as_nobody(const char *path, bool read_only, int expect)
{
	struct store *store = NULL;
	struct ep_err err = { 0 };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int r = -1;

		if (geteuid() != 0 || setuid(65534) == 0)
			r = try_open(path, read_only, &store, &err);
		if (r != expect)
			fprintf(stderr, "%d: %s\n", r, err.text);
		store_close(store);
		_exit(r != expect);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void without_permission(void **state)
{
	struct kit *kit = *state;

	assert_int_equal(chmod(kit->dir, 0555), 0);
	assert_int_equal(as_nobody(kit->path, false, -EACCES), 0);
	chmod(kit->dir, 0755);
	kit_open(kit, 0);
	fill(kit, 10);
	kit_close(kit);
	chmod(kit->path, 0444);
	chmod(kit->dir, 0777);
	assert_int_equal(as_nobody(kit->path, false, -EACCES), 0);
	/* A closed store in a directory that may not be written: readable. */
	chmod(kit->dir, 0555);
	assert_int_equal(as_nobody(kit->path, true, 0), 0);
	chmod(kit->path, 0000);
	assert_int_equal(as_nobody(kit->path, true, -EACCES), 0);
	chmod(kit->dir, 0755);
}

static void two_agents_cannot_share_it(void **state)
{
	struct kit *kit = *state;

	kit_open(kit, 0);
	refused(kit->path, false, -EBUSY);
	fill(kit, 10);
	kit_close(kit);
	kit_open(kit, 0);
	assert_int_equal(store_last_seq(kit->store), 10);
}

static void a_newer_schema_is_not_written(void **state)
{
	struct kit *kit = *state;
	struct store *store;
	struct ep_err err = { 0 };

	kit_open(kit, 0);
	fill(kit, 10);
	kit_close(kit);
	sql(kit->path, "PRAGMA user_version = 99");
	refused(kit->path, false, -ENOTSUP);
	assert_int_equal(try_open(kit->path, true, &store, &err), 0);
	assert_non_null(strstr(store_notice(store), "newer"));
	store_close(store);
	/* A table that is no more: an error, not a crash. */
	sql(kit->path, "DROP TABLE path");
	assert_true(try_open(kit->path, true, &store, &err) < 0);
}

/* As version 1 made it. */
static void make_older(struct kit *kit)
{
	sql(kit->path, "ALTER TABLE https DROP COLUMN srtt_ns;"
		       "ALTER TABLE https DROP COLUMN min_rtt_ns;"
		       "ALTER TABLE https DROP COLUMN tls_first_byte_ns;"
		       "ALTER TABLE https DROP COLUMN egress;"
		       "ALTER TABLE https DROP COLUMN edge_cache;"
		       "ALTER TABLE destination DROP COLUMN had;"
		       "ALTER TABLE destination DROP COLUMN again;"
		       "ALTER TABLE batch DROP COLUMN part;"
		       "DROP TABLE chunk;"
		       "DROP TABLE series_spare;"
		       "DROP TABLE path_spare;"
		       "DROP TABLE word_spare;"
		       "DROP TABLE destination_spare;"
		       "PRAGMA user_version = 1");
}

static int check_https(const struct record *record, void *arg)
{
	struct ep_sample wanted = kit_https(record->seq);

	if (*(bool *)arg) {
		wanted.https.srtt_ns = wanted.https.min_rtt_ns =
			wanted.https.tls_first_byte_ns = EP_ABSENT;
		wanted.https.edge_cache[0] = '\0';
	}
	kit_same_sample(&record->sample, &wanted);
	return 0;
}

static int check_lean(const struct scan_row *row, void *arg)
{
	struct ep_sample wanted = kit_https(row->seq);

	assert_int_equal(row->https->total_ns, wanted.https.total_ns);
	assert_int_equal(row->https->srtt_ns,
			 *(bool *)arg ? EP_ABSENT : wanted.https.srtt_ns);
	return 0;
}

static void check_rows(struct store *store, uint64_t first, bool older)
{
	struct store_range range = { .first_seq = first, .destination = -1 };

	assert_int_equal(store_scan(store, &range, check_https, &older, NULL),
			 0);
	assert_int_equal(
		store_scan_rows(store, &range, check_lean, &older, NULL), 0);
}

static void fill_https(struct kit *kit, uint64_t first, uint64_t n)
{
	uint32_t series = kit_series(kit, "a", "https");

	for (uint64_t i = first; i < first + n; i++) {
		struct ep_sample sample = kit_https(i);

		store_add_sample(kit->store, series, &sample);
	}
	kit_commit(kit);
}

static void an_older_schema_is_brought_forward(void **state)
{
	struct kit *kit = *state;
	struct store *store;
	struct ep_err err = { 0 };
	char epoch[32];

	kit_open(kit, 0);
	fill_https(kit, 1, 300);
	snprintf(epoch, sizeof(epoch), "%s", store_epoch(kit->store));
	kit_close(kit);
	make_older(kit);
	/* A report does not wait for the agent to do it. */
	assert_int_equal(try_open(kit->path, true, &store, &err), 0);
	check_rows(store, 1, true);
	store_close(store);
	kit_open(kit, 0);
	assert_string_equal(store_epoch(kit->store), epoch);
	assert_int_equal(store_last_seq(kit->store), 300);
	check_rows(kit->store, 1, true);
	fill_https(kit, 301, 300);
	check_rows(kit->store, 301, false);
	kit_close(kit);
	kit_open(kit, 0); /* and not again */
	assert_int_equal(store_last_seq(kit->store), 600);
	check_rows(kit->store, 301, false);
}

/* Its pages are all in use. */
static void an_older_schema_in_a_full_store(void **state)
{
	struct kit *kit = *state;
	struct store_facts facts;
	uint64_t n = 1;

	kit_open(kit, STORE_MIN_BYTES);
	do {
		fill_https(kit, n, 1000);
		n += 1000;
		assert_int_equal(store_facts(kit->store, &facts), 0);
	} while (facts.first_seq <= 1);
	kit_close(kit);
	make_older(kit);
	kit_open(kit, STORE_MIN_BYTES);
	fill_https(kit, n, 1000);
	assert_int_equal(store_facts(kit->store, &facts), 0);
	assert_true(facts.bytes <= STORE_MIN_BYTES);
}

static int count_row(const struct record *record, void *arg)
{
	uint64_t *n = arg;

	assert_int_equal(record->seq, *n + 1);
	(*n)++;
	return 0;
}

static int count_lean(const struct scan_row *row, void *arg)
{
	uint64_t *n = arg;

	assert_int_equal(row->seq, *n + 1);
	(*n)++;
	return 0;
}

static void a_reader_reads_while_the_agent_writes(void **state)
{
	static const struct store_range all = { .destination = -1 };
	struct kit *kit = *state;
	struct store_facts facts;
	struct store *reader;
	struct ep_err err = { 0 };

	kit_open(kit, 0);
	fill(kit, 10);
	assert_int_equal(try_open(kit->path, true, &reader, &err), 0);
	assert_string_equal(store_epoch(reader), store_epoch(kit->store));
	for (uint64_t i = 1; i < 20; i++) {
		uint64_t rows = 0, lean = 0;

		assert_int_equal(
			store_scan(reader, &all, count_row, &rows, &err), 0);
		assert_int_equal(
			store_scan_rows(reader, &all, count_lean, &lean, &err),
			0);
		assert_int_equal(rows, i * 10);
		assert_int_equal(lean, rows);
		kit_series(kit, "b", "tcp");
		fill(kit, 10);
	}
	assert_int_equal(store_commit(reader, &err), -EROFS);
	assert_int_equal(store_destination(reader, "x", &(int){ 0 }, &err),
			 -EROFS);
	store_close(reader);
	/* It neither wrote nor cleared the log away. */
	store_facts(kit->store, &facts);
	assert_true(facts.wal_bytes > 0);
	kit_close(kit);
	assert_int_equal(try_open(kit->path, true, &reader, &err), 0);
	store_close(reader);
}

/* What an agent that is killed leaves, without waiting for it to be. */
static void leave_dirty(struct kit *kit, uint64_t rows)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		kit_open(kit, 0);
		fill(kit, rows);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void damage(const char *path, long at, size_t len)
{
	char bytes[8192];
	int fd = open(path, O_WRONLY);

	memset(bytes, 0xa5, sizeof(bytes));
	assert_true(fd >= 0 && len <= sizeof(bytes));
	assert_int_equal(pwrite(fd, bytes, len, at), len);
	close(fd);
}

/* Set aside, and a new one begun. */
static void begins_anew(struct kit *kit, const char *old_epoch)
{
	const char *aside;

	kit_open(kit, 0);
	aside = strstr(store_notice(kit->store), "kept as ");
	assert_non_null(aside);
	assert_string_not_equal(store_epoch(kit->store), old_epoch);
	assert_int_equal(store_last_seq(kit->store), 0);
	fill(kit, 10);
	kit_close(kit);
	kit_open(kit, 0);
	assert_string_equal(store_notice(kit->store), "");
	assert_int_equal(store_last_seq(kit->store), 10);
	kit_close(kit);
}

static void a_damaged_store_is_set_aside(void **state)
{
	static const struct {
		long at;
		size_t len;
	} places[] = {
		{ 0, 100 },          /* its very name */
		{ 100, 3996 },       /* the table of tables */
		{ 20 * 4096, 8192 }, /* some rows */
	};
	struct kit *kit = *state;
	char epoch[17];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		kit_open(kit, 0);
		snprintf(epoch, sizeof(epoch), "%s", store_epoch(kit->store));
		fill(kit, 20000);
		kit_close(kit);
		leave_dirty(kit, 1);
		/* Writes the log back, and knows of no mark. */
		sql(kit->path, "SELECT count(*) FROM meta");
		damage(kit->path, places[i].at, places[i].len);
		begins_anew(kit, epoch);
		unlink(kit->path);
	}
}

static void a_whole_store_is_kept_after_a_kill(void **state)
{
	struct kit *kit = *state;

	for (uint64_t i = 1; i <= 3; i++) {
		leave_dirty(kit, 100);
		kit_open(kit, 0);
		assert_string_equal(store_notice(kit->store), "");
		assert_int_equal(store_last_seq(kit->store), 100 * i);
		kit_close(kit);
	}
}

static void a_file_cut_at_its_creation_is_begun_again(void **state)
{
	struct kit *kit = *state;

	write_file(kit->path, "", 0);
	kit_open(kit, 0);
	fill(kit, 3);
	kit_close(kit);
	kit_open(kit, 0);
	assert_int_equal(store_last_seq(kit->store), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(what_is_not_ours_is_left_alone),
		KIT_TEST(a_path_that_cannot_be),
		KIT_TEST(without_permission),
		KIT_TEST(two_agents_cannot_share_it),
		KIT_TEST(a_newer_schema_is_not_written),
		KIT_TEST(an_older_schema_is_brought_forward),
		KIT_TEST(an_older_schema_in_a_full_store),
		KIT_TEST(a_reader_reads_while_the_agent_writes),
		KIT_TEST(a_damaged_store_is_set_aside),
		KIT_TEST(a_whole_store_is_kept_after_a_kill),
		KIT_TEST(a_file_cut_at_its_creation_is_begun_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
