#include "endpoints_keep.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#define ID_FILE   "microsoft365-client-id"
#define HOSTS_MAX ((size_t)SOURCES_MAX * 1000)
#define SAID_MAX  20 /* hosts named in a row */

/* --- files --- */

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* The name, too, is on disk. */
static int sync_folder(const char *path)
{
	char *folder = sources_path(path, ".");
	int fd, r = 0;

	if (folder == NULL)
		return -ENOMEM;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	free(folder);
	return r;
}

static int replace(const char *path, const char *fresh, const char *data,
		   size_t len)
{
	int fd = open(fresh,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, data, len);
	close(fd);
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r == 0)
		return sync_folder(path);
	unlink(fresh);
	return r;
}

static int put(const char *path, const char *data, size_t len)
{
	char *fresh;
	int r;

	if (path == NULL || asprintf(&fresh, "%s.new", path) < 0)
		return -ENOMEM;
	r = replace(path, fresh, data, len);
	free(fresh);
	return r;
}

int endpoints_keep(const char *store_path, const char *instance,
		   const char *version, const struct buf *answer,
		   struct ep_err *err)
{
	char *path = sources_list_path(store_path, instance);
	struct buf text;
	int r;

	buf_init(&text, EDGE_KEPT_MAX);
	buf_printf(&text, "{\"version\": \"%s\", \"endpoints\": ", version);
	buf_add(&text, answer->data, answer->len);
	buf_text(&text, "}\n");
	r = text.error != 0 ? text.error : put(path, text.data, text.len);
	buf_finish(&text);
	free(path);
	return r < 0 ? ep_err_set(err, r, "%s", strerror(-r)) : 0;
}

/* --- the id --- */

static bool is_id(const char *text)
{
	for (size_t i = 0; i < ENDPOINTS_ID - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-'
			 : text[i] == '\0' ||
				    strchr("0123456789abcdef", text[i]) == NULL)
			return false;
	}
	return true;
}

static bool read_id(const char *path, char *ret_id)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char text[ENDPOINTS_ID] = "";
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, ENDPOINTS_ID - 1);
	close(fd);
	if (n != ENDPOINTS_ID - 1 || !is_id(text))
		return false;
	memcpy(ret_id, text, ENDPOINTS_ID);
	return true;
}

/* RFC 9562, version 4. */
static int make_id(char *ret_id)
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return -EIO;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(ret_id, ENDPOINTS_ID,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
		 b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}

int endpoints_id(const char *store_path, char ret_id[ENDPOINTS_ID],
		 struct ep_err *err)
{
	char *path = sources_path(store_path, ID_FILE), id[ENDPOINTS_ID];
	int r = 0;

	if (path == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	if (!read_id(path, id)) {
		r = make_id(id);
		if (r == 0)
			r = put(path, id, ENDPOINTS_ID - 1);
	}
	free(path);
	if (r < 0)
		return ep_err_set(err, r, ID_FILE ": %s", strerror(-r));
	memcpy(ret_id, id, ENDPOINTS_ID);
	return 0;
}

/* --- what changes --- */

struct hosts {
	char **list;
	size_t n;
};

static int on_host(const struct edge_choice *choice, void *arg)
{
	struct hosts *h = arg;
	char **list;

	if (h->n == HOSTS_MAX || !sources_can_measure(choice->host))
		return 0;
	list = reallocarray(h->list, h->n + 1, sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	h->list = list;
	list[h->n] = strdup(choice->host);
	return list[h->n++] == NULL ? -ENOMEM : 0;
}

static void finish_hosts(struct hosts *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->list[i]);
	free(h->list);
}

static bool has_host(const struct hosts *h, const char *host)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcasecmp(h->list[i], host) == 0)
			return true;
	return false;
}

/* How many of `a` are not in `b`; the first of them are named. */
static size_t add_others(struct buf *out, const char *name,
			 const struct hosts *a, const struct hosts *b)
{
	size_t n = 0;

	buf_printf(out, ",\"%s\":\"", name);
	for (size_t i = 0; i < a->n; i++) {
		if (has_host(b, a->list[i]))
			continue;
		if (n++ < SAID_MAX)
			buf_printf(out, "%s%s", n > 1 ? " " : "", a->list[i]);
	}
	buf_char(out, '"');
	return n;
}

static int choose(const struct config *config, const char *instance,
		  const struct edge_endpoints *list, struct hosts *hosts)
{
	int r = 0;

	for (size_t i = 0; i < config->n_sources && r == 0; i++) {
		const struct config_target *s = &config->sources[i];
		struct edge_selection selection = sources_select(s);

		if (sources_is_service(s) &&
		    strcmp(sources_instance(s), instance) == 0)
			r = edge_choose(list, &selection, on_host, hosts, NULL);
	}
	return r;
}

int endpoints_changes(const struct config *config, const char *instance,
		      const struct edge_endpoints *before,
		      const struct edge_endpoints *now, const char *version,
		      struct buf *out)
{
	struct hosts old = { NULL, 0 }, new = { NULL, 0 };
	size_t added = 0, removed = 0;
	int r = choose(config, instance, before, &old);

	if (r == 0)
		r = choose(config, instance, now, &new);
	if (r == 0) {
		buf_printf(out,
			   "\"event\":\"targets_changed\",\"level\":\"info\","
			   "\"state\":\"changed\",\"instance\":\"%s\","
			   "\"version\":\"%s\"",
			   instance, version);
		added = add_others(out, "added", &new, &old);
		removed = add_others(out, "removed", &old, &new);
		buf_printf(out, ",\"n_added\":%zu,\"n_removed\":%zu", added,
			   removed);
	}
	if (added + removed == 0)
		buf_clear(out);
	finish_hosts(&old);
	finish_hosts(&new);
	return r;
}
