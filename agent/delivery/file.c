/* A directory that keeps each batch as one file.
 *
 * Happy path: a thread of libuv's pool writes DIR/.NAME.part, syncs it, renames
 * it to NAME and syncs the directory; only then is the batch acknowledged. The
 * name says agent, epoch and sequence numbers, and a frozen batch is the same
 * bytes each time, so that a repeat replaces a file by its equal.
 *
 * What can fail: any of these steps; the part file is removed and the batch
 * stays with us. A disk that hangs holds up nobody but this destination. Closing
 * waits for the step under way. */
#include "delivery/outlet.h"
#include "delivery/retry.h"
#include "delivery/trace.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of a file's name; Linux has 255, and ".NAME.part" must fit. */
#define FILE_NAME_MAX 240

struct file {
	struct outlet outlet;
	struct ep_scope scope; /* holds one more while work is under way */
	uv_loop_t *loop;
	uv_timer_t anchor; /* never started: its close callback makes closing
			    * asynchronous even when no work is under way */
	char *dir;
	char name[FILE_NAME_MAX + 1]; /* of the last file; "": none */
	struct work *work;            /* under way; NULL: none */
	bool closing;
	void (*closed)(void *arg);
	void *arg;
};

/* What the pool's thread has. */
struct work {
	uv_work_t req;
	struct file *file; /* not to be touched by the thread */
	char *dir;
	const char
		*body; /* the parcel's own, which stays as it is until then */
	size_t len;
	char name[FILE_NAME_MAX + 1];
	int error;
};

static void free_work(struct work *w)
{
	free(w->dir);
	free(w);
}

/* --- on the pool's thread --- */

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_part(int dir, const char *part, const struct work *w)
{
	int fd = openat(dir, part,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0640);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, w->body, w->len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

static int put(int dir, const struct work *w)
{
	char part[FILE_NAME_MAX + 8];
	int r;

	snprintf(part, sizeof(part), ".%s.part", w->name);
	r = write_part(dir, part, w);
	if (r == 0 && renameat(dir, part, dir, w->name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, part, 0);
	else if (fsync(dir) < 0)
		r = -errno;
	return r;
}

static void on_work(uv_work_t *req)
{
	struct work *w = container_of(req, struct work, req);
	int dir;

	if (mkdir(w->dir, 0750) < 0 && errno != EEXIST) {
		w->error = -errno;
		return;
	}
	dir = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		w->error = -errno;
		return;
	}
	w->error = put(dir, w);
	close(dir);
}

/* --- on the loop --- */

static struct verdict verdict_of(const struct work *w)
{
	struct verdict v = { .class = ACK_DONE, .after_ns = RETRY_NO_AFTER };

	if (w->error == 0)
		return v;
	v.class = ACK_ENDPOINT;
	snprintf(v.text, sizeof(v.text), "error=%s directory=%.160s",
		 uv_err_name(w->error), w->dir);
	return v;
}

static void on_worked(uv_work_t *req, int status)
{
	struct work *w = container_of(req, struct work, req);
	struct file *f = w->file;
	struct verdict verdict;
	bool closing = f->closing;

	if (status < 0)
		w->error = status;
	verdict = verdict_of(w);
	free_work(w);
	f->work = NULL;
	ep_scope_drop(&f->scope);
	if (!closing)
		f->outlet.cb(&verdict, f->outlet.arg);
}

/* "AGENT-EPOCH-FIRST-LAST.SUFFIX", the first padded so that names sort. */
static int name_file(const struct parcel *p, char *name, size_t size)
{
	struct buf b;
	int r;

	buf_init(&b, size - 1);
	place_safe(p->agent, &b);
	buf_char(&b, '-');
	place_safe(p->epoch, &b);
	buf_printf(&b, "-%020llu-%llu%s%s", (unsigned long long)p->first,
		   (unsigned long long)p->last, p->framing->suffix,
		   p->gzip ? ".gz" : "");
	r = b.error;
	if (r == 0)
		memcpy(name, b.data, b.len + 1);
	buf_finish(&b);
	return r;
}

static struct work *make_work(struct file *f, const struct parcel *p)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->file = f;
	w->dir = strdup(f->dir);
	if (!w->dir) {
		free_work(w);
		return NULL;
	}
	w->body = p->body;
	w->len = p->len;
	return w;
}

static int file_send(struct outlet *outlet, const struct parcel *parcel,
		     struct ep_err *err)
{
	struct file *f = container_of(outlet, struct file, outlet);
	struct work *w = make_work(f, parcel);
	int r;

	if (!w)
		return ep_err_set(err, -ENOMEM, "error=ENOMEM");
	r = name_file(parcel, w->name, sizeof(w->name));
	if (r == 0)
		r = uv_queue_work(f->loop, &w->req, on_work, on_worked);
	if (r < 0) {
		free_work(w);
		return ep_err_set(err, r, "error=%s", uv_err_name(r));
	}
	memcpy(f->name, w->name, sizeof(f->name));
	ep_scope_take(&f->scope);
	f->work = w;
	return 0;
}

static void file_trace(const struct outlet *outlet, struct trace *ret_trace)
{
	const struct file *f = container_of(outlet, struct file, outlet);

	*ret_trace = (struct trace){ 0 };
	snprintf(ret_trace->path, sizeof(ret_trace->path), "%s/%s", f->dir,
		 f->name);
}

static void on_ended(struct ep_scope *scope)
{
	struct file *f = container_of(scope, struct file, scope);
	void (*closed)(void *arg) = f->closed;
	void *arg = f->arg;

	free(f->dir);
	free(f);
	closed(arg);
}

static void file_close(struct outlet *outlet, void (*cb)(void *arg), void *arg)
{
	struct file *f = container_of(outlet, struct file, outlet);

	f->closing = true;
	f->closed = cb;
	f->arg = arg;
	if (f->work)
		uv_cancel((uv_req_t *)&f->work->req);
	ep_scope_shut(&f->scope, (uv_handle_t *)&f->anchor);
	ep_scope_end(&f->scope, on_ended);
}

int file_open(uv_loop_t *loop, const struct deliver_options *options,
	      struct outlet **ret_outlet)
{
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->dir = place_directory(options->url);
	if (!f->dir) {
		free(f);
		return -ENOMEM;
	}
	f->loop = loop;
	f->outlet.send = file_send;
	f->outlet.close = file_close;
	f->outlet.trace = file_trace;
	ep_scope_init(&f->scope);
	uv_timer_init(loop, &f->anchor);
	ep_scope_adopt(&f->scope, (uv_handle_t *)&f->anchor);
	*ret_outlet = &f->outlet;
	return 0;
}
