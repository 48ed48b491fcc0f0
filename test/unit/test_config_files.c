/* Files, folders, and the seeds of the fuzz target. */
#include "config/config.h"
#include "config/files.h"
#include "lib/seeds.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/edgeprobe-test-XXXXXX";

static char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(in_folder(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void check_file(const char *path, int code, const char *why)
{
	struct config c = { 0 };
	struct buf problems;
	char wanted[512];

	buf_init(&problems, 65536);
	assert_int_equal(config_load(path, &c, &problems), code);
	snprintf(wanted, sizeof wanted, "%s:1:1: %s\n", path, why);
	assert_string_equal(problems.data, wanted);
	buf_finish(&problems);
}

static void a_file_that_cannot_be_read_is_a_problem(void **state)
{
	char *big = malloc(FILE_MAX_BYTES + 1);

	(void)state;
	assert_non_null(big);
	memset(big, ' ', FILE_MAX_BYTES + 1);
	check_file(in_folder("none"), -ENOENT,
		   "cannot be read: No such file or directory, the path of a "
		   "file is expected");
	check_file(folder, -EISDIR,
		   "cannot be read: Is a directory, a file is expected");
	write_file("big", big, FILE_MAX_BYTES + 1);
	check_file(in_folder("big"), -EFBIG,
		   "cannot be read: File too large, at most 16 MiB is allowed");
	big[0] = '{';
	big[1] = '}';
	write_file("full", big, FILE_MAX_BYTES);
	unlink(in_folder("big"));
	write_file("nul", "\0", 1);
	check_file(in_folder("nul"), -EINVAL,
		   "a NUL byte: the file has to be text in UTF-8");
	unlink(in_folder("nul"));
	assert_int_equal(symlink(in_folder("loop"), in_folder("loop")), 0);
	check_file(in_folder("loop"), -ELOOP,
		   "cannot be read: Too many levels of symbolic links, a file "
		   "that can be read is expected");
	unlink(in_folder("loop"));
	free(big);
}

static void a_file_of_the_greatest_size_is_read(void **state)
{
	struct config c = { 0 };
	struct buf problems;

	(void)state;
	buf_init(&problems, 65536);
	assert_int_equal(config_load(in_folder("full"), &c, &problems), 0);
	config_finish(&c);
	buf_finish(&problems);
	unlink(in_folder("full"));
}

static void drop_ins_are_read_in_order_of_names(void **state)
{
	struct files files = { 0 };

	(void)state;
	write_file("20.json", "{}", 2);
	write_file("10.json", "{}", 2);
	write_file("9.json", "{}", 2);
	write_file(".hidden.json", "{}", 2);
	write_file("10.json.orig", "{}", 2);
	assert_int_equal(files_add_dir(&files, folder), 0);
	assert_int_equal(files.n, 3);
	assert_string_equal(files.list[0].path, in_folder("10.json"));
	assert_string_equal(files.list[1].path, in_folder("20.json"));
	assert_string_equal(files.list[2].path, in_folder("9.json"));
	assert_int_equal(files_add_dir(&files, in_folder("none")), 0);
	assert_int_equal(files.n, 3);
	files_finish(&files);
	unlink(in_folder("20.json"));
	unlink(in_folder("10.json"));
	unlink(in_folder("9.json"));
	unlink(in_folder(".hidden.json"));
	unlink(in_folder("10.json.orig"));
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void every_seed_is_survived(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_cannot_be_read_is_a_problem),
		cmocka_unit_test(a_file_of_the_greatest_size_is_read),
		cmocka_unit_test(drop_ins_are_read_in_order_of_names),
		cmocka_unit_test(every_seed_is_survived),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
