/* Happy path: rescue_tick() finds a file that was set aside and gives it to the
 * thread; on_worked() renames what came of it, and the damaged file goes; the
 * salvaged store is opened and its destinations send; when all have everything
 * it is closed, and stays until its room is needed.
 *
 * What can fail: salvaging, for want of room (tried again after a while) or
 * because nothing can be read (the file is named so, and goes first); the
 * salvaged store, which is then set aside itself. A kill at any moment: the
 * next start finds a file that was set aside, and begins again, or goes on where
 * that file gave way to what was made of it. */
#include "rescue.h"
#include "base/log.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "room.h"
#include "sending.h"
#include "store/renew.h"
#include "store/salvage.h"
#include "wreckage.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_BYTES 4300
#define AGAIN_NS   (60 * EP_NS_PER_S) /* after a salvage that failed */
#define DONE_NS    (5 * EP_NS_PER_S)  /* between looks whether all is sent */

/* Linux's ioprio_set(2), which libc does not wrap. */
#define IO_WHO_PROCESS 1
#define IO_IDLE        (3 << 13)

enum task { NOTHING, CHECK, SALVAGE };

/* What the thread has; nobody else touches it meanwhile. */
struct work {
	enum task task;
	struct wreckage of; /* what is salvaged */
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
	struct wreckage at; /* what is sent */
	uint64_t again_ns;  /* no salvage before; monotonic */
	bool checked, damage;
	bool solid; /* the file system makes no holes, as its thread said */

	struct store *salvaged; /* that is sent; NULL: none */
	struct sending *sending;
	uint64_t look_ns; /* the next look whether all is sent */
	size_t beside;    /* files, when last looked */
	uint64_t list_ns; /* the next look at the directory */
	/* Stamps of salvaged stores that all have got, in turn. */
	char delivered[WRECKAGE_MAX][40];
	unsigned n_delivered;
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

static uint64_t room_for(const struct rescue *r, uint64_t others)
{
	return room_beside_own(r->config->store_max_bytes, store_path(r->store),
			       others);
}

static void begin_salvage(struct rescue *r, const struct wreckage *from,
			  uint64_t others)
{
	struct work *w = &r->work;
	uint64_t disk = room_half_of_disk(store_path(r->store));
	uint64_t last = 0, room = room_for(r, others);

	w->of = *from;
	memset(w->epoch, 0, sizeof(w->epoch));
	(void)store_aside(r->store, from->name, w->epoch, &last);
	if (wreckage_path(store_path(r->store), from->name, w->from,
			  sizeof(w->from)) < 0 ||
	    wreckage_name(store_path(r->store), WRECKAGE_SALVAGING, from->stamp,
			  w->to, sizeof(w->to)) < 0)
		return;
	w->options = (struct store_salvage_options){
		.from = w->from,
		.to = w->to,
		.epoch = w->epoch,
		.agent = r->config->agent,
		.last = last,
		.max_bytes = room < disk ? room : disk,
		.max_both =
			room < from->bytes + disk ? room : from->bytes + disk,
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
				 r->work.of.stamp, to, sizeof(to));

	if (code == 0)
		code = store_keep_salvaged(r->work.to, to, r->work.from);
	if (code < 0) {
		log_error("store", "salvage=failed file=%s reason=\"%s\"",
			  r->work.of.name, strerror(-code));
		r->again_ns = ep_clock_mono_ns() + AGAIN_NS;
		return;
	}
	store_forget_aside(r->store, r->work.of.name);
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
			  r->work.of.stamp, to, sizeof(to)) == 0)
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

static bool is_solid(struct rescue *r)
{
	if (r->work.task == SALVAGE && store_job_is_solid(&r->work.job))
		r->solid = true;
	return r->solid;
}

static void join(struct rescue *r)
{
	uv_thread_join(&r->thread);
	(void)is_solid(r);
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
	snprintf(r->delivered[r->n_delivered++ % WRECKAGE_MAX],
		 sizeof(r->delivered[0]), "%s", r->at.stamp);
	stop_sending(r);
}

/* --- what is to be done, and the bound --- */

static bool is_delivered(const struct rescue *r, const struct wreckage *w)
{
	for (unsigned i = 0; i < WRECKAGE_MAX; i++)
		if (strcmp(w->stamp, r->delivered[i]) == 0)
			return true;
	return r->config->n_destinations == 0;
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

/* What all but the agent's own store take or, while one is salvaged, may
 * take. */
static uint64_t others(const struct rescue *r, const struct wreckage *list,
		       size_t n)
{
	const struct work *w = &r->work;
	uint64_t bytes = room_taken(list, n, ""), both;

	if (w->task != SALVAGE)
		return bytes;
	both = store_bytes_of(w->from) + store_bytes_of(w->to);
	return both < w->options.max_both ? bytes - both + w->options.max_both
					  : bytes;
}

/* The agent's own store has what the others leave; they give way when it needs
 * more. Where a damaged file cannot give way, it does not. */
static void share(struct rescue *r, const struct wreckage *list, size_t n)
{
	uint64_t max = r->config->store_max_bytes, taken = others(r, list, n);
	uint64_t own = room_of_own(store_path(r->store));
	const struct wreckage *w;
	char path[PATH_BYTES];

	if (own + taken > max && (w = dispensable(r, list, n)) != NULL &&
	    wreckage_path(store_path(r->store), w->name, path, sizeof(path)) ==
		    0) {
		log_info("store", "removed=%s bytes=%llu", w->name,
			 (unsigned long long)w->bytes);
		store_remove(path);
		taken -= w->bytes;
	}
	if (r->salvaged != NULL && own + taken > max)
		store_set_bound(r->salvaged, room_for(r, taken - r->at.bytes));
	taken = max > taken ? max - taken : 0;
	if (is_solid(r) && taken < STORE_MIN_BYTES)
		taken = STORE_MIN_BYTES;
	store_set_bound(r->store, taken);
}

static void look(struct rescue *r, struct wreckage list[WRECKAGE_MAX])
{
	r->beside = wreckage_list(store_path(r->store), list);
	if (r->work.task == NOTHING)
		r->beside =
			wreckage_sweep(store_path(r->store), list, r->beside);
	share(r, list, r->beside);
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
		begin_salvage(r, damaged, room_taken(list, n, damaged->stamp));
	else if (r->work.task == NOTHING && store_is_unchecked(r->store) &&
		 !r->checked)
		begin_check(r);
	if (r->salvaged == NULL && r->work.task != SALVAGE &&
	    salvaged != NULL && now_ns >= r->look_ns)
		start_sending(r, salvaged,
			      room_taken(list, n, salvaged->stamp));
}

bool rescue_tick(struct rescue *r)
{
	struct wreckage list[WRECKAGE_MAX];
	uint64_t now_ns = ep_clock_mono_ns();
	bool damage = r->damage;

	r->damage = false;
	if (r->salvaged != NULL)
		go_on_sending(r, now_ns);
	if (r->beside == 0 && now_ns < r->list_ns)
		return damage;
	r->list_ns = now_ns + AGAIN_NS;
	look(r, list);
	choose(r, list, r->beside, now_ns);
	return damage;
}

bool rescue_is_draining(const struct rescue *r)
{
	return r != NULL && sending_is_draining(r->sending);
}

void rescue_renewed(struct rescue *r)
{
	struct wreckage list[WRECKAGE_MAX];

	r->damage = false;
	r->checked = true;
	r->list_ns = 0;
	look(r, list);
}

/* --- life --- */

int rescue_open(uv_loop_t *loop, const struct config *config,
		struct store *store, struct rescue **ret_rescue)
{
	struct rescue *r = calloc(1, sizeof(*r));
	struct wreckage list[WRECKAGE_MAX];

	if (r == NULL)
		return -ENOMEM;
	r->config = config;
	r->store = store;
	ep_scope_init(&r->scope);
	uv_async_init(loop, &r->worked, on_worked);
	ep_scope_adopt(&r->scope, (uv_handle_t *)&r->worked);
	look(r, list);
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
