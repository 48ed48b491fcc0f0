/* An agent that is killed at any moment, fifty times: what it was told is on
 * disk is there, and nothing else is. */
#include "lib/store_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS      50
#define SMALL_BYTES (8u << 20)
#define COMMIT_ROWS 1000

static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

/* Each row follows from its number. */
static void agent(struct kit *kit, int acks)
{
	uint32_t series;

	kit_open(kit, SMALL_BYTES);
	series = kit_series(kit, "a", "tcp");
	for (;;) {
		uint64_t last = 0;

		for (int i = 0; i < COMMIT_ROWS; i++) {
			last = store_last_seq(kit->store) + 1;
			kit_add(kit, series, last);
		}
		if (store_commit(kit->store, NULL) != 0 ||
		    write(acks, &last, sizeof(last)) != sizeof(last))
			_exit(1);
	}
}

/* So that the blow falls anywhere in the next commit. */
static void spin_us(uint64_t us)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	do
		clock_gettime(CLOCK_MONOTONIC, &b);
	while ((uint64_t)(b.tv_sec - a.tv_sec) * 1000000000u +
		       (uint64_t)b.tv_nsec - (uint64_t)a.tv_nsec <
	       us * 1000);
}

/* Returns the last number that was acknowledged. */
static uint64_t run_and_kill(struct kit *kit)
{
	uint64_t wanted = 1 + random_below(16), last = 0, seq;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pipes[0]);
		agent(kit, pipes[1]);
	}
	close(pipes[1]);
	while (wanted-- > 0) {
		assert_int_equal(read(pipes[0], &last, sizeof(last)),
				 sizeof(last));
	}
	spin_us(random_below(3000));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(pipes[0], &seq, sizeof(seq)) == sizeof(seq))
		last = seq;
	close(pipes[0]);
	return last;
}

struct check {
	uint64_t next;
	uint64_t known; /* looked at in an earlier round */
};

static int check_row(const struct record *record, void *arg)
{
	struct check *c = arg;
	struct ep_sample is;

	if (c->next == 0)
		c->next = record->seq;
	if (record->seq != c->next)
		fail_msg("%llu follows %llu", (unsigned long long)record->seq,
			 (unsigned long long)c->next - 1);
	c->next++;
	if (record->type == ROW_SAMPLE && record->seq > c->known) {
		is = kit_sample(record->seq);
		kit_same_sample(&record->sample, &is);
	}
	return 0;
}

static void nothing_is_lost_or_invented(void **state)
{
	static const struct store_range all = { .destination = -1 };
	struct kit *kit = *state;
	struct account a, b;
	uint64_t before = 0;

	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 20000);
	account_begin(&b, kit, "b", 2000);
	kit_close(kit);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t acked = run_and_kill(kit);
		struct check c = { .known = before };

		kit_open(kit, SMALL_BYTES);
		assert_string_equal(store_notice(kit->store), "");
		assert_true(store_last_seq(kit->store) >= acked);
		assert_true(acked > before);
		before = acked;
		assert_int_equal(
			store_scan(kit->store, &all, check_row, &c, NULL), 0);
		assert_int_equal(c.next, store_last_seq(kit->store) + 1);
		account_batch(&a, kit);
		account_batch(&b, kit);
		kit_close(kit);
	}
	kit_open(kit, SMALL_BYTES);
	kit_commit(kit);
	account_drain(&a, kit);
	account_drain(&b, kit);
	account_audit(&a);
	account_audit(&b);
	assert_int_equal(a.max, store_last_seq(kit->store));
	assert_true(b.missing > 0); /* it was too slow */
	account_end(&a);
	account_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(nothing_is_lost_or_invented),
	};
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 10)
		     : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
	fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
