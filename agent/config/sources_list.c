#include "config/checks.h"
#include "config/sources.h"
#include "edgeprobe/kind.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *sources_path(const char *store_path, const char *name)
{
	const char *slash = strrchr(store_path, '/');
	char *path;

	if (asprintf(&path, "%.*s%s", slash ? (int)(slash - store_path) + 1 : 0,
		     store_path, name) < 0)
		return NULL;
	return path;
}

char *sources_list_path(const char *store_path, const char *instance)
{
	char name[64];

	snprintf(name, sizeof name, "microsoft365-%s.json", instance);
	return sources_path(store_path, name);
}

/* --- the file --- */

static int read_fd(int fd, char *data, size_t size, size_t *ret_len)
{
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	while (len < size && n > 0) {
		n = read(fd, data + len, size - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			len += (size_t)n;
		else if (n < 0)
			n = 1;
	}
	*ret_len = len;
	return 0;
}

/* Without waiting, whatever stands there. */
static int read_kept(const char *path, struct edge_endpoints *ret_endpoints,
		     struct ep_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t size = EDGE_KEPT_MAX + 1, len = 0;
	char *data;
	int r;

	if (fd < 0)
		return ep_err_set(err, -errno, "%s", strerror(errno));
	data = malloc(size);
	r = data ? read_fd(fd, data, size, &len) : -ENOMEM;
	close(fd);
	if (r < 0)
		ep_err_set(err, r, "%s", strerror(-r));
	else
		r = edge_endpoints_parse_kept(data, len, ret_endpoints, err);
	free(data);
	return r;
}

int sources_list_open(const char *store_path, const char *instance,
		      struct sources_list *ret_list, struct ep_err *err)
{
	char *path = sources_list_path(store_path, instance);
	int r = path ? read_kept(path, &ret_list->endpoints, err) : -ENOMEM;

	free(path);
	ret_list->kept = r == 0;
	if (r == 0)
		return 0;
	ret_list->endpoints = (struct edge_endpoints){ "", NULL, 0 };
	if (strcmp(instance, SOURCES_WORLDWIDE) == 0)
		ret_list->endpoints = *edge_endpoints_built_in();
	return r == -ENOENT ? 0 : r;
}

void sources_list_close(struct sources_list *list)
{
	if (list->kept)
		edge_endpoints_finish(&list->endpoints);
}

/* --- the item --- */

bool sources_is_service(const struct config_target *source)
{
	return strcmp(source->source, SOURCES_MICROSOFT365) == 0;
}

const char *sources_instance(const struct config_target *source)
{
	return source->instance ? source->instance : SOURCES_WORLDWIDE;
}

struct edge_selection sources_select(const struct config_target *source)
{
	return (struct edge_selection){
		.areas = source->areas,
		.categories =
			source->categories ? source->categories : "Optimize",
		.tenant = source->tenant,
		.max = source->max_targets ? source->max_targets
					   : SOURCES_TARGETS,
	};
}

bool sources_can_measure(const char *host)
{
	struct ep_target target = { .kind = ep_kind_find("icmp"),
				    .host = host };

	return !check_host(host) && ep_target_check(&target, NULL) == 0;
}
