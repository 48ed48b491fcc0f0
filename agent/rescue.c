/* Happy path: rescue_tick() finds a file that was set aside and gives it to the
 * thread; on_worked() renames what came of it, and the damaged file goes; the
 * salvaged store is opened and its destinations send; when all have everything
 * it is closed, and stays until its room is needed.
 *
 * What can fail: salvaging, for want of room (tried again after a while) or
 * because nothing can be read (the file is named so, and goes first); the
 * salvaged store, which is then set aside itself. A kill at any moment: the
 * next start finds a file that was set aside, and begins again. */
#include "rescue.h"
#include "base/log.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "sending.h"
#include "store/renew.h"
#include "store/salvage.h"
#include "wreckage.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_BYTES 4300
#define AGAIN_NS   (60 * EP_NS_PER_S) /* after a salvage that failed */
#define DONE_NS    (5 * EP_NS_PER_S)  /* between looks whether all is sent */
/* What the agent's own store may grow by until the next look. */
#define GROWTH_BYTES ((uint64_t)4 << 20)

/* Linux's ioprio_set(2), which libc does not wrap. */
#define IO_WHO_PROCESS 1
#define IO_IDLE        (3 << 13)

enum task { NOTHING, CHECK, SALVAGE };

/* What the thread has; nobody else touches it meanwhile. */
struct work {
	enum task task;
	char from[PATH_BYTES], to[PATH_BYTES];
	struct store_salvage_options options;
	struct store_salvage_result salvaged;
	struct store_check_result checked;
	char epoch[17];
	struct store_job job;
	int result;
	struct ep_err err;
};

struct rescue {
	struct ep_scope scope; /* the async, and a hold for a sending */
	uv_async_t worked;
	uv_thread_t thread;
	const struct config *config;
	struct store *store;
	struct work work;
	struct wreckage at; /* what is salvaged, or sent */
	uint64_t again_ns;  /* no salvage before; monotonic */
	bool checked, damage;

	struct store *salvaged; /* that is sent; NULL: none */
	struct sending *sending;
	uint64_t look_ns; /* the next look whether all is sent */
	size_t beside;    /* files, when last looked */
	uint64_t list_ns; /* the next look at the directory */
	/* Salvaged stores up to this one have been delivered. */
	char delivered[40];
	void (*closed)(void *arg);
	void *arg;
};

/* --- the thread --- */

static void lower_priority(struct work *w)
{
	pid_t self = (pid_t)syscall(SYS_gettid);

	w->job.rests = setpriority(PRIO_PROCESS, (id_t)self, 19) < 0;
	(void)syscall(SYS_ioprio_set, IO_WHO_PROCESS, self, IO_IDLE);
}

static void on_thread(void *arg)
{
	struct rescue *r = arg;
	struct work *w = &r->work;

	lower_priority(w);
	if (w->task == CHECK)
		w->result = store_check(w->from, &w->job, &w->checked, &w->err);
	else
		w->result = store_salvage(&w->options, &w->salvaged, &w->err);
	uv_async_send(&r->worked);
}

static void begin(struct rescue *r, enum task task)
{
	r->work.task = task;
	store_job_init(&r->work.job);
	if (uv_thread_create(&r->thread, on_thread, r) == 0)
		return;
	store_job_finish(&r->work.job); /* the next tick tries again */
	r->work.task = NOTHING;
}

static void begin_check(struct rescue *r)
{
	snprintf(r->work.from, sizeof(r->work.from), "%s",
		 store_path(r->store));
	begin(r, CHECK);
}

static uint64_t free_on_disk(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize
				       : UINT64_MAX;
}

/* What a store that is salvaged may take when the damaged file is gone; the
 * disk must have it while that is still there. */
static uint64_t room_for(struct rescue *r, uint64_t others)
{
	uint64_t taken =
		store_bytes_of(store_path(r->store)) + GROWTH_BYTES + others;
	uint64_t max = r->config->store_max_bytes;
	uint64_t unused = free_on_disk(store_path(r->store));

	max = max > taken + STORE_MIN_BYTES ? max - taken : STORE_MIN_BYTES;
	if (max > unused / 2)
		max = unused / 2;
	return max > STORE_MIN_BYTES ? max : STORE_MIN_BYTES;
}

static void begin_salvage(struct rescue *r, const struct wreckage *from,
			  uint64_t others)
{
	struct work *w = &r->work;
	uint64_t last = 0;

	r->at = *from;
	memset(w->epoch, 0, sizeof(w->epoch));
	(void)store_aside(r->store, from->name, w->epoch, &last);
	if (wreckage_path(store_path(r->store), from->name, w->from,
			  sizeof(w->from)) < 0)
		return;
	snprintf(w->to, sizeof(w->to), "%.4200s.salvaging",
		 store_path(r->store));
	w->options = (struct store_salvage_options){
		.from = w->from,
		.to = w->to,
		.epoch = w->epoch,
		.agent = r->config->agent,
		.last = last,
		.max_bytes = room_for(r, others),
		.job = &w->job,
	};
	begin(r, SALVAGE);
}

/* --- what came of it --- */

static void keep_salvaged(struct rescue *r)
{
	const struct store_salvage_result *s = &r->work.salvaged;
	char to[PATH_BYTES];
	int code = wreckage_name(store_path(r->store), WRECKAGE_SALVAGED,
				 r->at.stamp, to, sizeof(to));

	if (code == 0)
		code = store_keep_salvaged(r->work.to, to, r->work.from);
	if (code < 0) {
		log_error("store", "salvage=failed file=%s reason=\"%s\"",
			  r->at.name, strerror(-code));
		r->again_ns = ep_clock_mono_ns() + AGAIN_NS;
		return;
	}
	store_forget_aside(r->store, r->at.name);
	log_warn("store",
		 "salvaged=%s epoch=%s first=%llu last=%llu rows=%llu "
		 "declared=%llu",
		 to, s->epoch, (unsigned long long)s->first,
		 (unsigned long long)s->last, (unsigned long long)s->rows,
		 (unsigned long long)s->declared);
}

static void put_away(struct rescue *r)
{
	char to[PATH_BYTES];

	if (wreckage_name(store_path(r->store), WRECKAGE_UNREADABLE,
			  r->at.stamp, to, sizeof(to)) == 0)
		(void)rename(r->work.from, to);
	store_remove(r->work.from);
	log_error("store", "salvage=nothing reason=\"%s\" kept=%s",
		  r->work.err.text, to);
}

static void end_salvage(struct rescue *r)
{
	if (r->work.result == 0) {
		keep_salvaged(r);
	} else if (r->work.result == -ENODATA) {
		put_away(r);
	} else if (r->work.result != -ECANCELED) {
		log_error("store", "salvage=failed reason=\"%s\" next=retry",
			  r->work.err.text);
		r->again_ns = ep_clock_mono_ns() + AGAIN_NS;
	}
}

static void end_check(struct rescue *r)
{
	const struct store_check_result *c = &r->work.checked;

	if (r->work.result == -ECANCELED)
		return;
	r->checked = true;
	r->damage = r->work.result == 0 && !c->whole;
	if (r->damage)
		log_error("store", "check=damaged reason=\"%s\"", c->trouble);
	else
		log_info("store", "check=done whole=%s",
			 r->work.result == 0 ? "yes" : "unknown");
}

static void join(struct rescue *r)
{
	uv_thread_join(&r->thread);
	store_job_finish(&r->work.job);
	r->work.task = NOTHING;
}

static void on_worked(uv_async_t *async)
{
	struct rescue *r = container_of(async, struct rescue, worked);
	enum task task = r->work.task;

	if (task == NOTHING)
		return;
	join(r);
	if (task == CHECK)
		end_check(r);
	else
		end_salvage(r);
}

/* --- sending what was salvaged --- */

static void on_sending_closed(void *arg)
{
	ep_scope_drop(&((struct rescue *)arg)->scope);
}

/* None of its destinations touches the store any more. */
static void stop_sending(struct rescue *r)
{
	if (r->sending != NULL) {
		ep_scope_take(&r->scope);
		sending_close(r->sending, on_sending_closed, r);
	}
	r->sending = NULL;
	store_close(r->salvaged);
	r->salvaged = NULL;
}

static void start_sending(struct rescue *r, const struct wreckage *w,
			  uint64_t others)
{
	char path[PATH_BYTES];
	struct store_options options = {
		.path = path,
		.agent = r->config->agent,
		.max_bytes = room_for(r, others),
	};
	struct ep_err err = { 0 };
	int code = wreckage_path(store_path(r->store), w->name, path,
				 sizeof(path));

	r->at = *w;
	if (code == 0)
		code = store_open(&options, &r->salvaged, &err);
	if (code == 0)
		code = sending_open(r->worked.loop, r->config, r->salvaged,
				    true, &r->sending, &err);
	if (code == 0)
		return;
	log_error("store", "salvaged=%s reason=\"%s\" next=retry", w->name,
		  err.text);
	stop_sending(r);
	r->look_ns = ep_clock_mono_ns() + AGAIN_NS;
}

/* It goes the way of what it came from. */
static void set_aside_again(struct rescue *r)
{
	char from[PATH_BYTES], to[PATH_BYTES];

	stop_sending(r);
	if (wreckage_path(store_path(r->store), r->at.name, from,
			  sizeof(from)) < 0 ||
	    wreckage_name(store_path(r->store), WRECKAGE_DAMAGED, r->at.stamp,
			  to, sizeof(to)) < 0)
		return;
	log_error("store", "salvaged=%s damaged=yes next=salvage", r->at.name);
	(void)store_rename(from, to);
}

static void go_on_sending(struct rescue *r, uint64_t now_ns)
{
	int code = store_commit(r->salvaged, NULL);

	if (code == -EUCLEAN || code == -EIO) {
		set_aside_again(r);
		return;
	}
	sending_poke(r->sending);
	if (now_ns < r->look_ns)
		return;
	r->look_ns = now_ns + DONE_NS;
	if (!sending_is_done(r->sending))
		return;
	log_info("store", "salvaged=%s delivered=yes", r->at.name);
	snprintf(r->delivered, sizeof(r->delivered), "%s", r->at.stamp);
	stop_sending(r);
}

/* --- what is to be done, and the bound --- */

static bool is_delivered(const struct rescue *r, const struct wreckage *w)
{
	return r->config->n_destinations == 0 ||
	       strcmp(w->stamp, r->delivered) <= 0;
}

/* The oldest of the kind that comes first: what is of no use, then what all
 * have got. */
static const struct wreckage *dispensable(const struct rescue *r,
					  const struct wreckage *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].kind == WRECKAGE_UNREADABLE)
			return &list[i];
	for (size_t i = 0; i < n; i++)
		if (list[i].kind == WRECKAGE_SALVAGED &&
		    is_delivered(r, &list[i]))
			return &list[i];
	return NULL;
}

static uint64_t sum(const struct wreckage *list, size_t n)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += list[i].bytes;
	return bytes;
}

/* The agent's own store has what the others leave; they give way when it needs
 * more. */
static void share(struct rescue *r, const struct wreckage *list, size_t n)
{
	uint64_t max = r->config->store_max_bytes, beside = sum(list, n);
	uint64_t own = store_bytes_of(store_path(r->store)) + GROWTH_BYTES;
	const struct wreckage *w;
	char path[PATH_BYTES];

	if (own + beside > max && (w = dispensable(r, list, n)) != NULL &&
	    wreckage_path(store_path(r->store), w->name, path, sizeof(path)) ==
		    0) {
		log_info("store", "removed=%s bytes=%llu", w->name,
			 (unsigned long long)w->bytes);
		store_remove(path);
		beside -= w->bytes;
	}
	if (r->salvaged != NULL && own + beside > max)
		store_set_bound(r->salvaged, room_for(r, beside - r->at.bytes));
	store_set_bound(r->store, max > beside ? max - beside : 0);
}

static void choose(struct rescue *r, const struct wreckage *list, size_t n,
		   uint64_t now_ns)
{
	const struct wreckage *damaged = NULL, *salvaged = NULL;

	for (size_t i = 0; i < n; i++) {
		if (list[i].kind == WRECKAGE_DAMAGED)
			damaged = &list[i]; /* the newest */
		if (list[i].kind == WRECKAGE_SALVAGED && salvaged == NULL &&
		    !is_delivered(r, &list[i]))
			salvaged = &list[i]; /* the oldest */
	}
	if (r->work.task == NOTHING && damaged != NULL && now_ns >= r->again_ns)
		begin_salvage(r, damaged, sum(list, n) - damaged->bytes);
	else if (r->work.task == NOTHING && store_is_unchecked(r->store) &&
		 !r->checked)
		begin_check(r);
	if (r->salvaged == NULL && r->work.task != SALVAGE &&
	    salvaged != NULL && now_ns >= r->look_ns)
		start_sending(r, salvaged, sum(list, n) - salvaged->bytes);
}

bool rescue_tick(struct rescue *r)
{
	struct wreckage list[WRECKAGE_MAX];
	uint64_t now_ns = ep_clock_mono_ns();
	bool damage = r->damage;
	size_t n;

	r->damage = false;
	if (r->salvaged != NULL)
		go_on_sending(r, now_ns);
	if (r->beside == 0 && now_ns < r->list_ns)
		return damage;
	r->list_ns = now_ns + AGAIN_NS;
	n = r->beside = wreckage_list(store_path(r->store), list);
	share(r, list, n);
	choose(r, list, n, now_ns);
	return damage;
}

bool rescue_is_draining(const struct rescue *r)
{
	return r != NULL && sending_is_draining(r->sending);
}

void rescue_renewed(struct rescue *r)
{
	r->damage = false;
	r->checked = true;
	r->list_ns = 0;
}

/* --- life --- */

int rescue_open(uv_loop_t *loop, const struct config *config,
		struct store *store, struct rescue **ret_rescue)
{
	struct rescue *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->config = config;
	r->store = store;
	ep_scope_init(&r->scope);
	uv_async_init(loop, &r->worked, on_worked);
	ep_scope_adopt(&r->scope, (uv_handle_t *)&r->worked);
	*ret_rescue = r;
	return 0;
}

static void on_ended(struct ep_scope *scope)
{
	struct rescue *r = container_of(scope, struct rescue, scope);
	void (*closed)(void *arg) = r->closed;
	void *arg = r->arg;

	free(r);
	closed(arg);
}

void rescue_close(struct rescue *r, void (*closed)(void *arg), void *arg)
{
	if (r == NULL)
		return;
	r->closed = closed;
	r->arg = arg;
	if (r->work.task != NOTHING) {
		store_job_stop(&r->work.job);
		join(r);
	}
	stop_sending(r);
	ep_scope_shut(&r->scope, (uv_handle_t *)&r->worked);
	ep_scope_end(&r->scope, on_ended);
}
