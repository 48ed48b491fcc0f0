#include "wreckage.h"
#include "store/salvage.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4300

static const char *const kinds[] = {
	[WRECKAGE_DAMAGED] = ".damaged-",
	[WRECKAGE_SALVAGING] = ".salvaging-",
	[WRECKAGE_SALVAGED] = ".salvaged-",
	[WRECKAGE_UNREADABLE] = ".unreadable-",
};

static size_t directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

int wreckage_path(const char *store_path, const char *name, char *ret_path,
		  size_t size)
{
	int n = snprintf(ret_path, size, "%.*s%s",
			 (int)directory_of(store_path), store_path, name);

	return n >= 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

int wreckage_name(const char *store_path, enum wreckage_kind kind,
		  const char *stamp, char *ret_path, size_t size)
{
	int n = snprintf(ret_path, size, "%s%s%s", store_path, kinds[kind],
			 stamp);

	return n >= 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

/* The last of the words counts: what was salvaged may be damaged again. */
static bool read_name(const char *name, struct wreckage *w)
{
	const char *stamp = NULL;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const char *at = strstr(name, kinds[k]);

		if (at == NULL || (stamp != NULL && at < stamp))
			continue;
		w->kind = (enum wreckage_kind)k;
		stamp = at + strlen(kinds[k]);
	}
	if (stamp == NULL || *stamp == '\0' ||
	    strspn(stamp, "0123456789TZ-") != strlen(stamp) ||
	    strlen(stamp) >= sizeof(w->stamp) ||
	    strlen(name) >= sizeof(w->name))
		return false;
	snprintf(w->stamp, sizeof(w->stamp), "%s", stamp);
	snprintf(w->name, sizeof(w->name), "%s", name);
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct wreckage *x = a, *y = b;

	return strcmp(x->stamp, y->stamp);
}

static uint64_t bytes_of(const char *store_path, const char *name)
{
	char path[PATH_BYTES];

	return wreckage_path(store_path, name, path, sizeof(path)) == 0
		       ? store_bytes_of(path)
		       : 0;
}

size_t wreckage_list(const char *path, struct wreckage list[WRECKAGE_MAX])
{
	size_t n = 0, len = directory_of(path), base = strlen(path + len);
	char *directory = len > 0 ? strndup(path, len) : strdup(".");
	DIR *dir = directory != NULL ? opendir(directory) : NULL;
	const struct dirent *entry;

	while (dir != NULL && n < WRECKAGE_MAX &&
	       (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, path + len, base) == 0 &&
		    read_name(entry->d_name + base, &list[n]) &&
		    strlen(entry->d_name) < sizeof(list[n].name)) {
			snprintf(list[n].name, sizeof(list[n].name), "%s",
				 entry->d_name);
			list[n].bytes = bytes_of(path, list[n].name);
			n++;
		}
	if (dir != NULL)
		closedir(dir);
	free(directory);
	qsort(list, n, sizeof(list[0]), by_time);
	return n;
}

static bool has(const struct wreckage *list, size_t n, enum wreckage_kind kind,
		const char *stamp)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].kind == kind && strcmp(list[i].stamp, stamp) == 0)
			return true;
	return false;
}

static bool is_left_over(const struct wreckage *list, size_t n,
			 const struct wreckage *w)
{
	switch (w->kind) {
	case WRECKAGE_DAMAGED:
		return has(list, n, WRECKAGE_SALVAGED, w->stamp);
	case WRECKAGE_SALVAGING:
		return has(list, n, WRECKAGE_SALVAGED, w->stamp) ||
		       !has(list, n, WRECKAGE_DAMAGED, w->stamp);
	default:
		return false;
	}
}

size_t wreckage_sweep(const char *store_path, struct wreckage *list, size_t n)
{
	bool gone[WRECKAGE_MAX] = { false };
	char path[PATH_BYTES];
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		gone[i] = is_left_over(list, n, &list[i]) &&
			  wreckage_path(store_path, list[i].name, path,
					sizeof(path)) == 0;
		if (gone[i])
			store_remove(path);
	}
	for (size_t i = 0; i < n; i++)
		if (!gone[i])
			list[left++] = list[i];
	return left;
}
