#include "control/ask.h"
#include "base/buf.h"
#include "base/json.h"
#include "control/address.h"
#include "control/control.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)2 * CONTROL_PAGE_BYTES)
#define NS_PER_S       UINT64_C(1000000000)

struct asking {
	const char *path;
	control_line_cb cb;
	void *arg;
	struct buf line; /* what has come of the next one */
	bool ended;
};

static int trouble(const struct asking *a, int code, struct ep_err *err)
{
	if (code == ENOENT || code == ECONNREFUSED)
		return ep_err_set(err, -ECONNREFUSED,
				  "%s: no agent listens there", a->path);
	if (code == EAGAIN)
		return ep_err_set(err, -ETIMEDOUT,
				  "%s: the agent does not answer", a->path);
	return ep_err_set(err, -code, "%s: %s", a->path, strerror(code));
}

static int dial(const struct asking *a, uint64_t patience_ns, int *ret_fd,
		struct ep_err *err)
{
	struct timeval patience = {
		.tv_sec = (time_t)(patience_ns / NS_PER_S),
		.tv_usec = (suseconds_t)(patience_ns % NS_PER_S / 1000),
	};
	struct sockaddr_un address;
	int fd;

	if (control_address(a->path, &address) < 0)
		return trouble(a, ENAMETOOLONG, err);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return trouble(a, errno, err);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int code = errno;

		close(fd);
		return trouble(a, code, err);
	}
	*ret_fd = fd;
	return 0;
}

/* A refusal may come before the request has gone. */
static int send_all(const struct asking *a, int fd, const char *request,
		    struct ep_err *err)
{
	size_t len = strlen(request);

	while (len > 0) {
		ssize_t n = send(fd, request, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EPIPE)
			return 0;
		if (n < 0 && errno != EINTR)
			return trouble(a, errno, err);
		if (n > 0) {
			request += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* The line that says how it went; 1: it is none. */
static int read_last(struct asking *a, struct ep_err *err)
{
	struct json_doc *doc;
	struct json_fault fault;
	const char *text;
	double number = 0;
	int r = json_parse(a->line.data, a->line.len, false, &doc, &fault);

	if (r < 0)
		return ep_err_set(err, -EPROTO, "%s: not an answer: %s",
				  a->path, fault.text);
	text = json_text(json_get(json_root(doc), "error"));
	json_number(json_get(json_root(doc), "errno"), &number);
	a->ended = text || json_get(json_root(doc), "end");
	if (text)
		r = ep_err_set(err,
			       number >= 1 && number < 4096 ? -(int)number
							    : -EPROTO,
			       "%s", text);
	else
		r = a->ended ? 0 : 1;
	json_destroy(doc);
	return r;
}

static int take_line(struct asking *a, struct ep_err *err)
{
	int r = a->line.error;

	if (r < 0)
		return ep_err_set(err, r, "%s: a line is too long", a->path);
	r = read_last(a, err);
	if (r > 0)
		r = a->cb(a->line.data, a->line.len, a->arg);
	buf_clear(&a->line);
	return r;
}

static int take(struct asking *a, const char *bytes, size_t n,
		struct ep_err *err)
{
	int r = 0;

	while (n > 0 && r == 0 && !a->ended) {
		const char *end = memchr(bytes, '\n', n);
		size_t len = end ? (size_t)(end - bytes) : n;

		buf_add(&a->line, bytes, len);
		len += end ? 1 : 0;
		bytes += len;
		n -= len;
		if (end)
			r = take_line(a, err);
	}
	return r;
}

static int hear(struct asking *a, int fd, struct ep_err *err)
{
	char bytes[16384];
	int r = 0;

	while (r == 0 && !a->ended) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		if (n > 0)
			r = take(a, bytes, (size_t)n, err);
		else if (n == 0)
			r = ep_err_set(err, -EPROTO,
				       "%s: the answer has no end: has the "
				       "agent stopped?",
				       a->path);
		else if (errno != EINTR)
			r = trouble(a, errno, err);
	}
	return r;
}

int control_ask(const char *path, const char *request, uint64_t patience_ns,
		control_line_cb cb, void *arg, struct ep_err *err)
{
	struct asking a = { .path = path, .cb = cb, .arg = arg };
	int fd = -1, r = dial(&a, patience_ns, &fd, err);

	if (r < 0)
		return r;
	buf_init(&a.line, LINE_MAX_BYTES);
	r = send_all(&a, fd, request, err);
	if (r == 0)
		r = hear(&a, fd, err);
	buf_finish(&a.line);
	close(fd);
	return r;
}
