/* What can still be had from a damaged file: into a store of the same epoch,
 * in which what is missing is declared. For a thread of its own: each call has
 * its own connections. */
#ifndef STORE_SALVAGE_H
#define STORE_SALVAGE_H

#include "edgeprobe/error.h"
#include "store/store.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A check or a salvage that another thread may stop. */
struct store_job {
	pthread_mutex_t lock;
	struct sqlite3 *busy; /* what is to be interrupted; NULL: nothing */
	bool stopped;
	bool solid; /* store_job_is_solid() */
	bool rests; /* a millisecond, now and then: for who cannot lower its
		     * priority */
};
void store_job_init(struct store_job *job);
void store_job_finish(struct store_job *job);
/* It ends with -ECANCELED within milliseconds, if it has not ended yet. */
void store_job_stop(struct store_job *job);

/* Its file cannot give way to what is made of it, because the file system makes
 * no holes. `job` of the setting one may be NULL. */
bool store_job_is_solid(struct store_job *job);
void store_job_set_solid(struct store_job *job);

struct store_salvage_options {
	const char *from; /* set aside; nobody else has it open */
	const char *to;   /* made anew; what is there goes, but see max_both */
	/* What is known of `from` otherwise: "" and 0 if nothing is. */
	const char *epoch, *agent;
	uint64_t last;      /* the last number it was given */
	uint64_t max_bytes; /* of `to`: the oldest rows give way */
	/* Of both together; 0: no matter. Where they have no room side by side,
	 * `from` gives way to `to` as it is read, and the oldest rows of `from`
	 * to a beginning: at the end of a call that did not come to its end `to`
	 * has what `from` has no more, and the next call goes on there. */
	uint64_t max_both;
	struct store_job *job; /* NULL: nobody stops it */
};

struct store_salvage_result {
	char epoch[17];
	uint64_t first, last; /* numbers from here to there */
	uint64_t rows;        /* that are in `to`, if none had to give way */
	uint64_t declared;    /* numbers that are in no row */
	uint64_t batches;     /* frozen, and whole */
};

/* 0, and `to` is on disk, complete and closed; -ECANCELED; -ENODATA: nothing in
 * `from` can be read; or another negative errno with `err`. On failure `to` is
 * gone, or what the next call goes on with. */
int store_salvage(const struct store_salvage_options *options,
		  struct store_salvage_result *ret_result, struct ep_err *err);

struct store_check_result {
	bool whole;
	char trouble[200];    /* the first thing that is wrong; "" */
	char epoch[17];       /* "" if it cannot be read */
	int schema;           /* 0 if it cannot be read */
	uint64_t first, last; /* numbers of what can be read; 0: none */
	uint64_t rows;        /* that can be read, and can be true */
	uint64_t missing;     /* numbers from first to last in no row */
	uint64_t log_frames;  /* in the log, */
	uint64_t log_good;    /* and those of them that SQLite reads */
};

/* Reads everything; changes nothing. `job` may be NULL. 0, also if it is
 * damaged; -ECANCELED; -ENOENT, -EACCES; -EILSEQ: not a store of ours. */
int store_check(const char *path, struct store_job *job,
		struct store_check_result *ret_result, struct ep_err *err);

/* Every row that can be read, and can be true, in order of number; also of a
 * newer schema. Returns what the callback returned, or a negative errno. */
int store_scan_damaged(struct store *store, store_record_cb cb, void *arg);

/* What `store` remembers of a file that was set aside before it; false:
 * nothing. `name` is the file's name without its directory. */
bool store_aside(struct store *store, const char *name, char ret_epoch[17],
		 uint64_t *ret_last);
/* Forget that. */
void store_forget_aside(struct store *store, const char *name);

/* Keep others from the store at `path`, or at the path that it was set aside
 * from, until `*ret_fd` is closed. -EBUSY: an agent is using it. */
int store_hold(const char *path, int *ret_fd, struct ep_err *err);
/* An agent, or a repair, has it now. */
bool store_is_held(const char *path);
/* Rename a database and its log. 0 or a negative errno. */
int store_rename(const char *from, const char *to);
/* What store_salvage() made at `from` becomes `to`, for good; only then
 * `damaged` goes. 0 or a negative errno. */
int store_keep_salvaged(const char *from, const char *to, const char *damaged);

/* Remove a database and what lies beside it. */
void store_remove(const char *path);
/* Bytes on disk of a database and what lies beside it. */
uint64_t store_bytes_of(const char *path);

#endif
