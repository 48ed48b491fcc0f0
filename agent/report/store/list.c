#include "report/store/list.h"
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void store_list_finish(struct store_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->paths[i]);
	free(list->paths);
	memset(list, 0, sizeof(*list));
}

/* The same file by another name would count each of its rows twice. */
static int has_file(const struct store_list *list, const char *path)
{
	struct stat a, b;

	if (stat(path, &a) < 0)
		return 0; /* opening it says so */
	for (size_t i = 0; i < list->n; i++)
		if (stat(list->paths[i], &b) == 0 && a.st_dev == b.st_dev &&
		    a.st_ino == b.st_ino)
			return 1;
	return 0;
}

static int add(struct store_list *list, const char *path)
{
	char **grown;

	if (has_file(list, path))
		return 0;
	grown = realloc(list->paths, (list->n + 1) * sizeof(char *));
	if (grown == NULL)
		return -ENOMEM;
	list->paths = grown;
	grown[list->n] = strdup(path);
	if (grown[list->n] == NULL)
		return -ENOMEM;
	list->n++;
	return 0;
}

static int is_store(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       fnmatch("*.db", entry->d_name, 0) == 0;
}

static int add_entries(struct store_list *list, const char *name,
		       struct dirent **entries, int n)
{
	char path[4096];
	int r = 0;

	for (int i = 0; r == 0 && i < n; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s", name,
				   entries[i]->d_name);

		r = len < 0 || (size_t)len >= sizeof(path) ? -ENAMETOOLONG
							   : add(list, path);
	}
	return r;
}

static int add_directory(struct store_list *list, const char *name,
			 struct ep_err *err)
{
	struct dirent **entries;
	int n = scandir(name, &entries, is_store, alphasort);
	int r;

	if (n < 0)
		return ep_err_set(err, -errno, "%s: %s", name, strerror(errno));
	r = add_entries(list, name, entries, n);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	if (r < 0)
		return ep_err_set(err, r, "%s: %s", name, strerror(-r));
	if (n == 0)
		return ep_err_set(err, -ENODATA,
				  "%s: there is no store in that directory; "
				  "files that end in .db are taken",
				  name);
	return 0;
}

int store_list_make(const char *const *names, size_t n,
		    struct store_list *ret_list, struct ep_err *err)
{
	struct store_list list = { 0 };
	struct stat st;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (stat(names[i], &st) == 0 && S_ISDIR(st.st_mode))
			r = add_directory(&list, names[i], err);
		else if (add(&list, names[i]) < 0)
			r = ep_err_set(err, -ENOMEM, "out of memory");
	}
	if (r < 0)
		store_list_finish(&list);
	else
		*ret_list = list;
	return r;
}
