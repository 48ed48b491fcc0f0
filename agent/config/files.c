#include "config/files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBLEM_MAX_BYTES 512

void files_finish(struct files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		json_destroy(files->list[i].doc);
		free(files->list[i].path);
	}
	free(files->list);
	for (size_t i = 0; i < files->problems.n; i++)
		free(files->problems.list[i].text);
	memset(files, 0, sizeof *files);
}

/* A problem that cannot be kept is still counted. */
static void add_problem(struct files *files, const struct file *file, int code,
			struct json_where where, const char *text)
{
	struct problems *p = &files->problems;
	char *copy = p->n < PROBLEMS_MAX ? strdup(text) : NULL;

	if (p->code == 0)
		p->code = code;
	if (!copy) {
		p->beyond++;
		return;
	}
	p->list[p->n++] = (struct problem){ file->order, where, copy };
}

void files_problem(struct files *files, const struct file *file,
		   const struct json *value, bool key, const char *format, ...)
{
	struct json_where where = { 1, 1 };
	char text[PROBLEM_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (value && files->problems.n < PROBLEMS_MAX)
		where = json_where(file->doc, value, key);
	add_problem(files, file, -EINVAL, where, text);
}

char *files_excerpt(const struct files *files, const struct file *file,
		    const struct json *value, bool key,
		    char ret[static FILES_EXCERPT])
{
	ret[0] = '\0';
	if (files->problems.n < PROBLEMS_MAX)
		json_excerpt(file->doc, value, key, ret, FILES_EXCERPT);
	return ret;
}

static int by_place(const void *a, const void *b)
{
	const struct problem *p = a, *q = b;

	if (p->file != q->file)
		return p->file < q->file ? -1 : 1;
	if (p->where.line != q->where.line)
		return p->where.line < q->where.line ? -1 : 1;
	if (p->where.column != q->where.column)
		return p->where.column < q->where.column ? -1 : 1;
	return 0;
}

void files_print_problems(struct files *files, struct buf *out)
{
	struct problems *p = &files->problems;

	qsort(p->list, p->n, sizeof p->list[0], by_place);
	for (size_t i = 0; i < p->n; i++)
		buf_printf(out, "%s:%u:%u: %s\n",
			   files->list[p->list[i].file].path,
			   p->list[i].where.line, p->list[i].where.column,
			   p->list[i].text);
	if (p->beyond > 0)
		buf_printf(out, "%zu more problems\n", p->beyond);
}

/* Up to one byte more than is allowed; the number of bytes or an errno. */
static ssize_t read_all(int fd, char *data, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, data + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static ssize_t read_file(const char *path, char *data, size_t size)
{
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		n = -EISDIR;
	else
		n = read_all(fd, data, size);
	close(fd);
	return n;
}

static const char *what_helps(int code)
{
	switch (-code) {
	case ENOENT:
	case ENOTDIR:
		return "the path of a file is expected";
	case EACCES:
	case EPERM:
		return "it has to be readable by the user that runs edgeprobe";
	case EISDIR:
		return "a file is expected";
	case EFBIG:
		return "at most 16 MiB is allowed";
	}
	return "a file that can be read is expected";
}

static void parse(struct files *files, struct file *file, const char *data,
		  size_t len)
{
	struct json_fault fault = { 0 };
	int r = json_parse(data, len, true, &file->doc, &fault);

	if (r == -ENOMEM)
		add_problem(files, file, r, (struct json_where){ 1, 1 },
			    "out of memory");
	else if (r < 0)
		add_problem(files, file, r,
			    json_position(data, len, fault.offset), fault.text);
}

static struct file *new_file(struct files *files, const char *path)
{
	struct file *list =
		reallocarray(files->list, files->n + 1, sizeof *list);
	char *copy = strdup(path);

	if (list)
		files->list = list;
	if (!list || !copy) {
		free(copy);
		return NULL;
	}
	list[files->n] = (struct file){ .order = files->n, .path = copy };
	return &list[files->n++];
}

int files_add_text(struct files *files, const char *path, const char *data,
		   size_t len)
{
	struct file *file = new_file(files, path);

	if (!file)
		return -ENOMEM;
	parse(files, file, data, len);
	return 0;
}

static void unreadable(struct files *files, const struct file *file, int code)
{
	char text[PROBLEM_MAX_BYTES];

	snprintf(text, sizeof text, "cannot be read: %s, %s", strerror(-code),
		 what_helps(code));
	add_problem(files, file, code, (struct json_where){ 1, 1 }, text);
}

int files_add(struct files *files, const char *path)
{
	struct file *file = new_file(files, path);
	char *data = malloc(FILE_MAX_BYTES + 1);
	ssize_t n;

	if (!file || !data) {
		free(data);
		return -ENOMEM;
	}
	n = read_file(path, data, FILE_MAX_BYTES + 1);
	if (n > FILE_MAX_BYTES)
		n = -EFBIG;
	if (n < 0)
		unreadable(files, file, (int)n);
	else
		parse(files, file, data, (size_t)n);
	free(data);
	return 0;
}

static int is_json(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 &&
	       strcmp(entry->d_name + n - 5, ".json") == 0;
}

/* In the order of bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_entry(struct files *files, const char *dir, const char *name)
{
	char *path;
	int r;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	r = files_add(files, path);
	free(path);
	return r;
}

int files_add_dir(struct files *files, const char *dir)
{
	struct dirent **entries;
	int r = 0, n = scandir(dir, &entries, is_json, by_name);

	if (n < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (n < 0)
		return files_add(files, dir); /* it says why */
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = add_entry(files, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}
