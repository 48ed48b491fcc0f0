/* Whose the control socket is, and who may ask. */
#include "control/claim.h"
#include "lib/control_world.h"
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

/* As an agent that was killed leaves it. */
static void leave_stale(const struct world *w)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct claim claim;
		int fd;

		if (claim_init(&claim, w->path, NULL, NULL) < 0 ||
		    claim_take(&claim, &fd, NULL) < 0 || listen(fd, 1) < 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_dead_agents_socket_is_replaced(void **state)
{
	struct world *w = *state;

	leave_stale(w);
	assert_int_equal(access(w->path, F_OK), 0);
	world_ask_small(w);
	assert_int_equal(w->result, -ECONNREFUSED);
	world_open(w);
	world_meet(w, world_ask_small);
	assert_int_equal(w->result, 0);
}

static void a_second_agent_is_refused(void **state)
{
	struct world *w = *state;
	struct control *second = NULL;
	struct ep_err err = { 0 };
	int r;

	world_open(w);
	r = control_open(&w->loop, &w->options, &second, &err);
	control_close(second); /* there should be none */
	assert_int_equal(r, -EBUSY);
	assert_non_null(strstr(err.text, "another agent"));
	world_meet(w, world_ask_small);
	assert_int_equal(w->result, 0);
}

static void what_is_no_socket_is_left_alone(void **state)
{
	struct world *w = *state;
	struct ep_err err = { 0 };
	FILE *f = fopen(w->path, "w");

	assert_non_null(f);
	fclose(f);
	assert_int_equal(control_open(&w->loop, &w->options, &w->control, &err),
			 -EEXIST);
	assert_null(w->control);
	assert_int_equal(unlink(w->path), 0); /* it was there */
}

static void a_path_that_is_too_long(void **state)
{
	struct world *w = *state;
	struct ep_err err = { 0 };
	char path[200];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	w->options.path = path;
	assert_int_equal(control_open(&w->loop, &w->options, &w->control, &err),
			 -ENAMETOOLONG);
	assert_non_null(strstr(err.text, "107"));
}

static unsigned mode_of(const struct world *w)
{
	struct stat st;

	assert_int_equal(stat(w->path, &st), 0);
	return st.st_mode & 07777;
}

static void it_is_for_its_user_alone(void **state)
{
	struct world *w = *state;
	mode_t before = umask(0);

	world_open(w);
	umask(before);
	assert_int_equal(mode_of(w), 0600);
}

static void a_group_that_is_none(void **state)
{
	struct world *w = *state;
	struct ep_err err = { 0 };

	w->options.group = "no such group";
	assert_int_equal(control_open(&w->loop, &w->options, &w->control, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "no such group"));
}

/* Only this thread becomes another user: the library would change all. */
static void become(gid_t group)
{
	world_must(syscall(SYS_setgroups, 1, &group) == 0);
	world_must(syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) == 0);
	world_must(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) == 0);
}

static void act_as_nobody(struct world *w)
{
	become(NOBODY);
	world_ask_small(w);
}

static void act_as_member(struct world *w)
{
	become(getgrnam("daemon")->gr_gid);
	world_ask_small(w);
}

static void another_user_is_refused(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	world_open(w);
	world_meet(w, act_as_nobody);
	assert_int_equal(w->result, -EACCES);
	assert_null(strstr(w->err.text, "root")); /* the kernel's word */
	/* Whoever opens the door: there is someone behind it. */
	assert_int_equal(chmod(w->path, 0666), 0);
	world_meet(w, act_as_nobody);
	assert_int_equal(w->result, -EACCES);
	assert_non_null(strstr(w->err.text, "root"));
	assert_int_equal(w->said, 0);
}

static void a_member_of_the_group_may_ask(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0 || getgrnam("daemon") == NULL)
		skip();
	w->options.group = "daemon";
	world_open(w);
	assert_int_equal(mode_of(w), 0660);
	world_meet(w, act_as_member);
	assert_int_equal(w->result, 0);
	world_meet(w, act_as_nobody);
	assert_int_equal(w->result, -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_CASE(a_dead_agents_socket_is_replaced),
		WORLD_CASE(a_second_agent_is_refused),
		WORLD_CASE(what_is_no_socket_is_left_alone),
		WORLD_CASE(a_path_that_is_too_long),
		WORLD_CASE(it_is_for_its_user_alone),
		WORLD_CASE(a_group_that_is_none),
		WORLD_CASE(another_user_is_refused),
		WORLD_CASE(a_member_of_the_group_may_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
