/* The control socket: the agent's end on a loop, and others at the other end,
 * each on a thread of its own, well behaved and not. */
#include "control/address.h"
#include "control/ask.h"
#include "control/claim.h"
#include "control/control.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define PAGES      200
#define LINE_BYTES 1000
#define PAGE_LINES 60
#define LONG_NS    (60 * EP_NS_PER_S) /* of patience: never over */
#define NOBODY     65534

static const struct control_word words[] = {
	{ "small", 0 },   { "pages", 0 },
	{ "endless", 0 }, { "fail", 0 },
	{ "late", 0 },    { "ids", CONTROL_DESTINATION | CONTROL_IDS },
};

struct world {
	char dir[64], path[96];
	uv_loop_t loop;
	struct ep_scope scope;
	uv_async_t done; /* the other end has had enough */
	struct control_options options;
	struct control *control;
	unsigned said; /* pages made */
	/* What the other end does, and saw. */
	void (*act)(struct world *w);
	unsigned lines;
	size_t bytes;
	int result;
	struct ep_err err;
	char text[8192];
	bool close_when_said; /* the agent stops in the middle */
};

/* --- the agent's end --- */

static int say_page(struct control_answer *answer)
{
	char text[LINE_BYTES];

	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < PAGE_LINES; i++)
		buf_printf(answer->out, "{\"n\":%llu,\"text\":\"%.*s\"}\n",
			   (unsigned long long)answer->at++, (int)sizeof(text),
			   text);
	return answer->at < (uint64_t)PAGES * PAGE_LINES ||
	       strcmp(answer->request->word->ask, "pages") != 0;
}

static int say(struct control_answer *answer, struct ep_err *err, void *arg)
{
	const struct control_request *q = answer->request;
	struct world *w = arg;

	w->said++;
	if (w->close_when_said)
		uv_stop(&w->loop);
	if (strcmp(q->word->ask, "fail") == 0)
		return ep_err_set(err, -ENOSPC, "no room for \"it\"");
	if (strcmp(q->word->ask, "late") == 0 && answer->step++ == 1)
		return ep_err_set(err, -EIO, "gone in the middle");
	if (strcmp(q->word->ask, "pages") == 0 ||
	    strcmp(q->word->ask, "endless") == 0)
		return say_page(answer);
	buf_printf(answer->out, "{\"ask\":\"%s\",\"ids\":%zu,\"all\":%d}\n",
		   q->word->ask, q->n_ids, q->all);
	return strcmp(q->word->ask, "late") == 0;
}

static void on_ended(struct ep_scope *scope)
{
	(void)scope;
}

static void on_done(uv_async_t *done)
{
	uv_stop(done->loop);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/edgeprobe-control-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chmod(w->dir, 0755), 0);
	snprintf(w->path, sizeof(w->path), "%s/socket", w->dir);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	ep_scope_init(&w->scope);
	uv_async_init(&w->loop, &w->done, on_done);
	ep_scope_adopt(&w->scope, (uv_handle_t *)&w->done);
	w->options = (struct control_options){
		.path = w->path,
		.words = words,
		.n_words = COUNT(words),
		.say = say,
		.arg = w,
		.patience_ns = LONG_NS,
	};
	*state = w;
	return 0;
}

/* Nothing is left: no handle, no file. */
static int tear_down(void **state)
{
	struct world *w = *state;

	control_close(w->control);
	ep_scope_shut(&w->scope, (uv_handle_t *)&w->done);
	ep_scope_end(&w->scope, on_ended);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

static void open_it(struct world *w)
{
	struct ep_err err = { 0 };

	if (control_open(&w->loop, &w->options, &w->control, &err) < 0)
		fail_msg("%s", err.text);
}

static void *other_end(void *arg)
{
	struct world *w = arg;

	w->act(w);
	uv_async_send(&w->done);
	return NULL;
}

/* The loop runs until the other end has had enough. */
static void meet(struct world *w, void (*act)(struct world *w))
{
	pthread_t thread;

	w->act = act;
	w->lines = 0;
	w->bytes = 0;
	memset(&w->err, 0, sizeof(w->err));
	assert_int_equal(pthread_create(&thread, NULL, other_end, w), 0);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	pthread_join(thread, NULL);
}

/* --- the other end --- */

static int on_line(const char *line, size_t len, void *arg)
{
	struct world *w = arg;

	w->lines++;
	w->bytes += len + 1;
	snprintf(w->text, sizeof(w->text), "%.*s", (int)len, line);
	return 0;
}

static void ask(struct world *w, const char *request)
{
	w->result = control_ask(w->path, request, LONG_NS, on_line, w, &w->err);
}

/* On a thread that is not the test's. */
static void must(bool truth)
{
	if (!truth)
		abort();
}

static int dial(const struct world *w)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(control_address(w->path, &address) == 0);
	must(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

/* All that comes until the other side hangs up. */
static void read_all(struct world *w, int fd)
{
	size_t n = 0;
	ssize_t r;

	while (n < sizeof(w->text) - 1 &&
	       (r = recv(fd, w->text + n, sizeof(w->text) - 1 - n, 0)) > 0)
		n += (size_t)r;
	w->text[n] = '\0';
	close(fd);
}

/* --- answers --- */

static void act_small(struct world *w)
{
	ask(w, "{\"ask\":\"small\"}\n");
}

static void a_question_is_answered(void **state)
{
	struct world *w = *state;

	open_it(w);
	meet(w, act_small);
	assert_int_equal(w->result, 0);
	assert_int_equal(w->lines, 1);
	assert_string_equal(w->text, "{\"ask\":\"small\",\"ids\":0,\"all\":0}");
}

static void act_ids(struct world *w)
{
	ask(w, "{\"ask\":\"ids\",\"ids\":[1,2,3],\"destination\":\"hq\"}\n");
}

static void a_question_has_members(void **state)
{
	struct world *w = *state;

	open_it(w);
	meet(w, act_ids);
	assert_int_equal(w->result, 0);
	assert_string_equal(w->text, "{\"ask\":\"ids\",\"ids\":3,\"all\":0}");
}

static void act_pages(struct world *w)
{
	ask(w, "{\"ask\":\"pages\"}\n");
}

static void a_long_answer_comes_in_pages(void **state)
{
	struct world *w = *state;

	open_it(w);
	meet(w, act_pages);
	assert_int_equal(w->result, 0);
	assert_int_equal(w->lines, PAGES * PAGE_LINES);
	assert_int_equal(w->said, PAGES);
	assert_true(w->bytes > (size_t)PAGES * PAGE_LINES * LINE_BYTES);
}

static void act_fail(struct world *w)
{
	ask(w, "{\"ask\":\"fail\"}\n");
}

static void what_went_wrong_is_said(void **state)
{
	struct world *w = *state;

	open_it(w);
	meet(w, act_fail);
	assert_int_equal(w->result, -ENOSPC);
	assert_string_equal(w->err.text, "no room for \"it\"");
	assert_int_equal(w->lines, 0);
}

static void act_late(struct world *w)
{
	ask(w, "{\"ask\":\"late\"}\n");
}

static void trouble_in_the_middle_is_said_too(void **state)
{
	struct world *w = *state;

	open_it(w);
	meet(w, act_late);
	assert_int_equal(w->result, -EIO);
	assert_int_equal(w->lines, 1);
}

static void act_in_pieces(struct world *w)
{
	static const char request[] = "{\"ask\":\"small\"}\nand more";
	int fd = dial(w);

	for (size_t i = 0; i < sizeof(request) - 1; i++)
		if (send(fd, request + i, 1, MSG_NOSIGNAL) != 1)
			break; /* it does not wait for the rest */
	read_all(w, fd);
}

static void a_request_comes_in_pieces(void **state)
{
	struct world *w = *state;

	open_it(w);
	meet(w, act_in_pieces);
	assert_string_equal(w->text, "{\"ask\":\"small\",\"ids\":0,\"all\":0}\n"
				     "{\"end\":true}\n");
}

/* --- hostile ones --- */

static void act_too_long(struct world *w)
{
	char request[CONTROL_LINE_MAX + 100];
	int fd = dial(w);

	memset(request, ' ', sizeof(request));
	(void)send(fd, request, sizeof(request), MSG_NOSIGNAL);
	read_all(w, fd);
}

static void a_request_without_end_is_refused(void **state)
{
	struct world *w = *state;

	open_it(w);
	meet(w, act_too_long);
	assert_non_null(strstr(w->text, "at most 4096 bytes"));
	assert_int_equal(w->said, 0);
}

static const struct {
	const char *request, *error;
} wrong[] = {
	{ "\n", "byte 1" },
	{ "status\n", "byte 1" },
	{ "[]\n", "one JSON object" },
	{ "{}\n", "must be one of \"small\"" },
	{ "{\"ask\":7}\n", "must be one of" },
	{ "{\"ask\":\"smal\"}\n", "must be one of" },
	{ "{\"ask\":\"small\",\"ids\":[1]}\n", "\"small\" takes \"ask\"" },
	{ "{\"ask\":\"ids\",\"id\":[1]}\n",
	  "takes \"ask\", \"destination\", \"ids\", \"all\"" },
	{ "{\"ask\":\"ids\",\"ids\":[1],\"ids\":[2]}\n", "twice" },
	{ "{\"ask\":\"small\",\"ask\":\"ids\"}\n", "twice" },
	{ "{\"ask\":\"ids\",\"ids\":[1.5]}\n", "whole numbers" },
	{ "{\"ask\":\"ids\",\"ids\":[-1]}\n", "whole numbers" },
	{ "{\"ask\":\"ids\",\"ids\":[1e30]}\n", "whole numbers" },
	{ "{\"ask\":\"ids\",\"ids\":3}\n", "a list of numbers" },
	{ "{\"ask\":\"ids\",\"all\":1}\n", "true or false" },
	{ "{\"ask\":\"ids\",\"destination\":\"\"}\n", "the name of one" },
	{ "{\"ask\":\"ids\",\"ask\\u0000\":1}\n", "byte" },
	{ "{\"ask\":\"small\"} {}\n", "byte" },
};

static unsigned which;

static void act_wrong(struct world *w)
{
	ask(w, wrong[which].request);
}

static void a_wrong_request_is_explained(void **state)
{
	struct world *w = *state;

	open_it(w);
	for (which = 0; which < COUNT(wrong); which++) {
		meet(w, act_wrong);
		assert_int_equal(w->result, -EINVAL);
		if (strstr(w->err.text, wrong[which].error) == NULL)
			fail_msg("%s: %s", wrong[which].request, w->err.text);
	}
	assert_int_equal(w->said, 0);
}

/* Until we are hung up on, without a look at what came. */
static void act_deaf(struct world *w)
{
	static const char request[] = "{\"ask\":\"endless\"}\n";
	struct pollfd poll_fd = { .events = 0 };

	poll_fd.fd = dial(w);
	(void)send(poll_fd.fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
	while (poll(&poll_fd, 1, -1) < 0 || (poll_fd.revents & POLLHUP) == 0)
		;
	close(poll_fd.fd);
}

static void who_does_not_read_costs_a_page(void **state)
{
	struct world *w = *state;

	w->options.patience_ns = 50 * EP_NS_PER_MS;
	open_it(w);
	meet(w, act_deaf);
	assert_in_range(w->said, 1, 64); /* what the kernel's buffers took */
}

static void act_mute(struct world *w)
{
	int fd = dial(w);

	(void)send(fd, "{", 1, MSG_NOSIGNAL);
	read_all(w, fd);
}

static void who_does_not_ask_is_hung_up_on(void **state)
{
	struct world *w = *state;

	w->options.patience_ns = 50 * EP_NS_PER_MS;
	open_it(w);
	meet(w, act_mute);
	assert_string_equal(w->text, "");
}

static void act_crowd(struct world *w)
{
	int fds[CONTROL_PEERS_MAX];

	for (unsigned i = 0; i < COUNT(fds); i++)
		fds[i] = dial(w);
	ask(w, "{\"ask\":\"small\"}\n");
	for (unsigned i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

static void too_many_at_once_are_told(void **state)
{
	struct world *w = *state;

	open_it(w);
	meet(w, act_crowd);
	assert_int_equal(w->result, -EBUSY);
	meet(w, act_small); /* those have left */
	assert_int_equal(w->result, 0);
}

static void act_gone(struct world *w)
{
	static const char request[] = "{\"ask\":\"endless\"}\n";
	int fd = dial(w);

	(void)send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
	(void)recv(fd, w->text, 100, 0);
	close(fd);
	ask(w, "{\"ask\":\"small\"}\n");
}

static void who_leaves_in_the_middle_is_forgotten(void **state)
{
	struct world *w = *state;

	open_it(w);
	meet(w, act_gone);
	assert_int_equal(w->result, 0);
}

/* --- the end --- */

static void act_until_closed(struct world *w)
{
	ask(w, "{\"ask\":\"endless\"}\n");
}

static void the_agent_stops_in_the_middle(void **state)
{
	struct world *w = *state;
	pthread_t thread;
	unsigned said;

	open_it(w);
	w->act = act_until_closed;
	w->close_when_said = true;
	assert_int_equal(pthread_create(&thread, NULL, other_end, w), 0);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	said = w->said;
	control_close(w->control);
	w->control = NULL;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	pthread_join(thread, NULL);
	assert_int_equal(w->result, -EPROTO);
	assert_int_equal(w->said, said);
}

static void nobody_is_there(void **state)
{
	struct world *w = *state;

	act_small(w);
	assert_int_equal(w->result, -ECONNREFUSED);
	assert_non_null(strstr(w->err.text, w->path));
}

/* --- whose socket --- */

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
	act_small(w);
	assert_int_equal(w->result, -ECONNREFUSED);
	open_it(w);
	meet(w, act_small);
	assert_int_equal(w->result, 0);
}

static void a_second_agent_is_refused(void **state)
{
	struct world *w = *state;
	struct control *second = NULL;
	struct ep_err err = { 0 };

	open_it(w);
	assert_int_equal(control_open(&w->loop, &w->options, &second, &err),
			 -EBUSY);
	assert_non_null(strstr(err.text, "another agent"));
	meet(w, act_small);
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

	open_it(w);
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
	must(syscall(SYS_setgroups, 1, &group) == 0);
	must(syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) == 0);
	must(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) == 0);
}

static void act_as_nobody(struct world *w)
{
	become(NOBODY);
	act_small(w);
}

static void act_as_member(struct world *w)
{
	become(getgrnam("daemon")->gr_gid);
	act_small(w);
}

static void another_user_is_refused(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	open_it(w);
	meet(w, act_as_nobody);
	assert_int_equal(w->result, -EACCES);
	assert_null(strstr(w->err.text, "root")); /* the kernel's word */
	/* Whoever opens the door: there is someone behind it. */
	assert_int_equal(chmod(w->path, 0666), 0);
	meet(w, act_as_nobody);
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
	open_it(w);
	assert_int_equal(mode_of(w), 0660);
	meet(w, act_as_member);
	assert_int_equal(w->result, 0);
	meet(w, act_as_nobody);
	assert_int_equal(w->result, -EACCES);
}

/* --- the fuzzer's seeds --- */

static void replay(const char *name)
{
	uint8_t data[8192];
	char path[1024];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", SEED_DIR, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	assert_int_equal(LLVMFuzzerTestOneInput(data, n), 0);
}

static void seeds_of_the_fuzzer(void **state)
{
	DIR *dir = opendir(SEED_DIR);
	struct dirent *entry;
	unsigned n = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay(entry->d_name);
		n++;
	}
	closedir(dir);
	assert_true(n >= 10);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_question_is_answered),
		CASE(a_question_has_members),
		CASE(a_long_answer_comes_in_pages),
		CASE(what_went_wrong_is_said),
		CASE(trouble_in_the_middle_is_said_too),
		CASE(a_request_comes_in_pieces),
		CASE(a_request_without_end_is_refused),
		CASE(a_wrong_request_is_explained),
		CASE(who_does_not_read_costs_a_page),
		CASE(who_does_not_ask_is_hung_up_on),
		CASE(too_many_at_once_are_told),
		CASE(who_leaves_in_the_middle_is_forgotten),
		CASE(the_agent_stops_in_the_middle),
		CASE(nobody_is_there),
		CASE(a_dead_agents_socket_is_replaced),
		CASE(a_second_agent_is_refused),
		CASE(what_is_no_socket_is_left_alone),
		CASE(a_path_that_is_too_long),
		CASE(it_is_for_its_user_alone),
		CASE(a_group_that_is_none),
		CASE(another_user_is_refused),
		CASE(a_member_of_the_group_may_ask),
		cmocka_unit_test(seeds_of_the_fuzzer),
	};

	signal(SIGPIPE, SIG_IGN); /* as the agent does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
