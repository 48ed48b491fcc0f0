/* The control socket: the agent's end on a loop, and others at the other end,
 * each on a thread of its own, well behaved and not. */
#include "edgeprobe/clock.h"
#include "lib/control_world.h"
#include "lib/seeds.h"
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- answers --- */

static void a_question_is_answered(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_meet(w, world_ask_small);
	assert_int_equal(w->result, 0);
	assert_int_equal(w->lines, 1);
	assert_string_equal(w->text, "{\"ask\":\"small\",\"ids\":0,\"all\":0}");
}

static void act_ids(struct world *w)
{
	world_ask(w,
		  "{\"ask\":\"ids\",\"ids\":[1,2,3],\"destination\":\"hq\"}\n");
}

static void a_question_has_members(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_meet(w, act_ids);
	assert_int_equal(w->result, 0);
	assert_string_equal(w->text, "{\"ask\":\"ids\",\"ids\":3,\"all\":0}");
}

static void act_pages(struct world *w)
{
	world_ask(w, "{\"ask\":\"pages\"}\n");
}

static void a_long_answer_comes_in_pages(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_meet(w, act_pages);
	assert_int_equal(w->result, 0);
	assert_int_equal(w->lines, WORLD_PAGES * WORLD_PAGE_LINES);
	assert_int_equal(w->said, WORLD_PAGES);
	assert_true(w->bytes >
		    (size_t)WORLD_PAGES * WORLD_PAGE_LINES * WORLD_LINE_BYTES);
}

static void act_fail(struct world *w)
{
	world_ask(w, "{\"ask\":\"fail\"}\n");
}

static void what_went_wrong_is_said(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_meet(w, act_fail);
	assert_int_equal(w->result, -ENOSPC);
	assert_string_equal(w->err.text, "no room for \"it\"");
	assert_int_equal(w->lines, 0);
}

static void act_late(struct world *w)
{
	world_ask(w, "{\"ask\":\"late\"}\n");
}

static void trouble_in_the_middle_is_said_too(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_meet(w, act_late);
	assert_int_equal(w->result, -EIO);
	assert_int_equal(w->lines, 1);
}

/* The other side has read all that was sent. */
static void await_read(int fd)
{
	int left = 1;

	while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0)
		sched_yield();
}

static void act_in_pieces(struct world *w)
{
	static const char request[] = "{\"ask\":\"small\"}\n";
	int fd = world_dial(w);

	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		world_must(send(fd, request + i, 1, MSG_NOSIGNAL) == 1);
		await_read(fd);
	}
	(void)send(fd, "and more", 8, MSG_NOSIGNAL);
	world_read(w, fd);
}

static void a_request_comes_in_pieces(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_meet(w, act_in_pieces);
	assert_string_equal(w->text, "{\"ask\":\"small\",\"ids\":0,\"all\":0}\n"
				     "{\"end\":true}\n");
}

/* --- hostile ones --- */

static void act_too_long(struct world *w)
{
	char request[CONTROL_LINE_MAX + 100];
	int fd = world_dial(w);

	memset(request, ' ', sizeof(request));
	(void)send(fd, request, sizeof(request), MSG_NOSIGNAL);
	world_read(w, fd);
}

static void a_request_without_end_is_refused(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_meet(w, act_too_long);
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
	world_ask(w, wrong[which].request);
}

static void a_wrong_request_is_explained(void **state)
{
	struct world *w = *state;

	world_open(w);
	for (which = 0; which < COUNT(wrong); which++) {
		world_meet(w, act_wrong);
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

	poll_fd.fd = world_dial(w);
	(void)send(poll_fd.fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
	while (poll(&poll_fd, 1, -1) < 0 || (poll_fd.revents & POLLHUP) == 0)
		;
	close(poll_fd.fd);
}

static void who_does_not_read_costs_a_page(void **state)
{
	struct world *w = *state;

	w->options.patience_ns = 50 * EP_NS_PER_MS;
	world_open(w);
	world_meet(w, act_deaf);
	assert_in_range(w->said, 1, 64); /* what the kernel's buffers took */
}

static void act_mute(struct world *w)
{
	int fd = world_dial(w);

	(void)send(fd, "{", 1, MSG_NOSIGNAL);
	world_read(w, fd);
}

static void who_does_not_ask_is_hung_up_on(void **state)
{
	struct world *w = *state;

	w->options.patience_ns = 50 * EP_NS_PER_MS;
	world_open(w);
	world_meet(w, act_mute);
	assert_string_equal(w->text, "");
}

static void act_crowd(struct world *w)
{
	int fds[CONTROL_PEERS_MAX];

	for (unsigned i = 0; i < COUNT(fds); i++)
		fds[i] = world_dial(w);
	world_ask(w, "{\"ask\":\"small\"}\n");
	for (unsigned i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

static void act_patiently(struct world *w)
{
	do
		world_ask_small(w);
	while (w->result == -EBUSY); /* they are just leaving */
}

static void too_many_at_once_are_told(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_meet(w, act_crowd);
	assert_int_equal(w->result, -EBUSY);
	world_meet(w, act_patiently); /* those have left */
	assert_int_equal(w->result, 0);
}

static void act_gone(struct world *w)
{
	static const char request[] = "{\"ask\":\"endless\"}\n";
	int fd = world_dial(w);

	(void)send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
	(void)recv(fd, w->text, 100, 0);
	close(fd);
	world_ask(w, "{\"ask\":\"small\"}\n");
}

static void who_leaves_in_the_middle_is_forgotten(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_meet(w, act_gone);
	assert_int_equal(w->result, 0);
}

/* --- the end --- */

static void act_until_closed(struct world *w)
{
	world_ask(w, "{\"ask\":\"endless\"}\n");
}

static void the_agent_stops_in_the_middle(void **state)
{
	struct world *w = *state;
	pthread_t thread;
	unsigned said;

	world_open(w);
	w->act = act_until_closed;
	w->stop_when_said = true;
	assert_int_equal(pthread_create(&thread, NULL, world_other_end, w), 0);
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

	world_ask_small(w);
	assert_int_equal(w->result, -ECONNREFUSED);
	assert_non_null(strstr(w->err.text, w->path));
}

/* --- the fuzzer's seeds --- */

static void seeds_of_the_fuzzer(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_CASE(a_question_is_answered),
		WORLD_CASE(a_question_has_members),
		WORLD_CASE(a_long_answer_comes_in_pages),
		WORLD_CASE(what_went_wrong_is_said),
		WORLD_CASE(trouble_in_the_middle_is_said_too),
		WORLD_CASE(a_request_comes_in_pieces),
		WORLD_CASE(a_request_without_end_is_refused),
		WORLD_CASE(a_wrong_request_is_explained),
		WORLD_CASE(who_does_not_read_costs_a_page),
		WORLD_CASE(who_does_not_ask_is_hung_up_on),
		WORLD_CASE(too_many_at_once_are_told),
		WORLD_CASE(who_leaves_in_the_middle_is_forgotten),
		WORLD_CASE(the_agent_stops_in_the_middle),
		WORLD_CASE(nobody_is_there),
		cmocka_unit_test(seeds_of_the_fuzzer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
