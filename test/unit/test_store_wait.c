/* A reader that comes while the agent holds its store for itself. */
#include "lib/store_kit.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct holder {
	const char *path;
	sem_t held;
};

/* As while the log is recovered: nobody else may even look. */
static void *hold(void *arg)
{
	struct holder *h = arg;
	const struct timespec a_moment = { .tv_nsec = 300000000 };
	sqlite3 *db;

	assert_int_equal(sqlite3_open(h->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "PRAGMA locking_mode = EXCLUSIVE;"
				      "BEGIN EXCLUSIVE",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sem_post(&h->held);
	/* Who does not wait fails at once, however short this is. */
	nanosleep(&a_moment, NULL);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return NULL;
}

static void a_reader_waits_for_its_turn(void **state)
{
	struct kit *kit = *state;
	struct holder holder = { .path = kit->path };
	struct store_options options = { .path = kit->path, .read_only = true };
	struct ep_err err = { 0 };
	struct store *reader;
	pthread_t thread;

	kit_open(kit, 0);
	kit_close(kit);
	sem_init(&holder.held, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, hold, &holder), 0);
	sem_wait(&holder.held);
	if (store_open(&options, &reader, &err) < 0)
		fail_msg("%s", err.text);
	store_close(reader);
	pthread_join(thread, NULL);
	sem_destroy(&holder.held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_reader_waits_for_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
