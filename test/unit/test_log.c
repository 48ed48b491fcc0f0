#include "base/log.h"
#include "edgeprobe/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
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

#define S EP_NS_PER_S

/* The linker puts this in the place of the library's clock. */
static uint64_t now_ns = S;
uint64_t __wrap_ep_clock_mono_ns(void);

uint64_t __wrap_ep_clock_mono_ns(void)
{
	return __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
}

/* stderr is a file from the first line on, named to the log as the journal's
 * stream: whether it is the journal is asked once. */
static int log_fd, real_stderr;
static char told[65536];

static const char *take(void)
{
	ssize_t n = pread(log_fd, told, sizeof told - 1, 0);

	assert_true(n >= 0);
	told[n] = '\0';
	assert_int_equal(ftruncate(log_fd, 0), 0);
	assert_int_equal(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
	return told;
}

static void every_level_has_its_priority(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("store", "path=%s", "x");
	log_warn("store", "n=%d", 1);
	log_info("store", "n=%d", 2);
	log_debug("store", "n=%d", 3);
	log_set_level(LOG_LEVEL_INFO);
	log_debug("store", "n=%d", 4);
	assert_string_equal(take(), "<3>store: path=x\n<4>store: n=1\n"
				    "<6>store: n=2\n<7>store: n=3\n");
}

static void repeats_are_counted_and_said_later(void **state)
{
	(void)state;
	now_ns += 100 * S;
	for (int i = 0; i < 5; i++) {
		log_warn("a", "status=503");
		log_warn("b", "status=%d", 500);
		now_ns += S;
	}
	assert_string_equal(take(), "<4>a: status=503\n<4>b: status=500\n");
	now_ns += 5 * S; /* ten seconds after the first */
	log_warn("a", "status=503");
	assert_string_equal(take(), "<4>a: status=503 repeated=4\n"
				    "<4>b: status=500 repeated=4\n"
				    "<4>a: status=503\n");
	now_ns += 100 * S;
	log_warn("a", "status=503");
	assert_string_equal(take(), "<4>a: status=503\n");
}

/* More different lines than are remembered push the oldest out. */
static void a_line_that_is_pushed_out_tells_its_count(void **state)
{
	char last[64];

	(void)state;
	now_ns += 100 * S;
	log_info("x", "first");
	now_ns++;
	log_info("x", "first");
	take();
	for (int i = 0; i < 16; i++) {
		now_ns++;
		log_info("x", "n=%d", i);
	}
	snprintf(last, sizeof last, "<6>x: first repeated=1\n<6>x: n=15\n");
	take();
	assert_non_null(strstr(told, last));
}

static void a_remote_text_forges_no_line(void **state)
{
	char long_text[4000], *line;

	(void)state;
	now_ns += 100 * S;
	log_info("x", "said=%s", "a\n<3>store: gone\x1b[2J\x7f");
	assert_string_equal(take(), "<6>x: said=a?<3>store: gone?[2J?\n");
	memset(long_text, 'y', sizeof long_text);
	long_text[sizeof long_text - 1] = '\0';
	log_info("x", "%s", long_text);
	line = strchr(take(), '\n');
	assert_non_null(line);
	assert_int_equal(line[1], '\0');
	assert_true(line - told < 1100);
}

static void errno_is_left_alone(void **state)
{
	(void)state;
	errno = ENOSPC;
	log_info("x", "errno");
	assert_int_equal(errno, ENOSPC);
	take();
}

static void *say_often(void *arg)
{
	for (int i = 0; i < 200; i++)
		log_info((const char *)arg, "line=%d end", i);
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	static char first[] = "one", second[] = "two";
	pthread_t one, two;
	unsigned lines = 0;
	char *line, *rest;

	(void)state;
	now_ns += 100 * S;
	assert_int_equal(pthread_create(&one, NULL, say_often, first), 0);
	assert_int_equal(pthread_create(&two, NULL, say_often, second), 0);
	pthread_join(one, NULL);
	pthread_join(two, NULL);
	take();
	for (line = told; *line; line = rest + 1, lines++) {
		rest = strchr(line, '\n');
		assert_non_null(rest);
		assert_true(strncmp(line, "<6>one: line=", 13) == 0 ||
			    strncmp(line, "<6>two: line=", 13) == 0);
		assert_memory_equal(rest - 4, " end", 4);
	}
	assert_int_equal(lines, 400);
}

/* What a child that logs twice and leaves has written, its stderr being what
 * JOURNAL_STREAM names or another file. */
static void a_last_count_is_said_at_the_end(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		log_info("child", "bye");
		log_info("child", "bye");
		exit(0); /* its handlers are what is tested */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	take();
	assert_non_null(strstr(told, "<6>child: bye\n"));
	assert_non_null(strstr(told, "<6>child: bye repeated=1\n"));
}

static int use_file(void **state)
{
	char path[] = "/tmp/edgeprobe-log-XXXXXX", stream[64];
	struct stat st;

	(void)state;
	log_fd = mkstemp(path);
	unlink(path);
	real_stderr = dup(STDERR_FILENO);
	if (log_fd < 0 || fstat(log_fd, &st) < 0 ||
	    dup2(log_fd, STDERR_FILENO) < 0)
		return -1;
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	return setenv("JOURNAL_STREAM", stream, 1);
}

static int restore(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	return close(log_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_level_has_its_priority),
		cmocka_unit_test(repeats_are_counted_and_said_later),
		cmocka_unit_test(a_line_that_is_pushed_out_tells_its_count),
		cmocka_unit_test(a_remote_text_forges_no_line),
		cmocka_unit_test(errno_is_left_alone),
		cmocka_unit_test(lines_of_threads_do_not_mix),
		cmocka_unit_test(a_last_count_is_said_at_the_end),
	};

	return cmocka_run_group_tests(tests, use_file, restore);
}
