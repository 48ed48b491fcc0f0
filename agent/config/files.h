/* The files of a configuration and what is wrong with them. */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include "base/buf.h"
#include "base/json.h"
#include <stddef.h>

#define FILE_MAX_BYTES 16777216 /* of one file */
#define FILES_EXCERPT  64
#define PROBLEMS_MAX   50 /* said one by one; the rest is counted */

struct problem {
	size_t file; /* in which order they were read */
	struct json_where where;
	char *text;
};

struct problems {
	struct problem list[PROBLEMS_MAX];
	size_t n, beyond; /* kept, and only counted */
	int code;         /* of the first: -EINVAL or an errno of the file */
};

struct file {
	size_t order;
	char *path;
	struct json_doc *doc; /* NULL: it could not be read or parsed */
};

struct files {
	struct file *list;
	size_t n;
	struct problems problems;
};

void files_finish(struct files *files);

/* Read and parse one more file. What is wrong with it is a problem. 0, or
 * -ENOMEM. */
int files_add(struct files *files, const char *path);

/* The same with what the file would hold. */
int files_add_text(struct files *files, const char *path, const char *data,
		   size_t len);

/* Every *.json of `dir` in order of the names; no such directory is fine. */
int files_add_dir(struct files *files, const char *dir);

/* "what is wrong, what is allowed", at `value` of `file`; at its key if `key`;
 * at the beginning if `value` is NULL. */
void files_problem(struct files *files, const struct file *file,
		   const struct json *value, bool key, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* A value or key as it is written, for a message; "" once there are too many
 * messages already: finding it walks the text. Returns `ret`. */
char *files_excerpt(const struct files *files, const struct file *file,
		    const struct json *value, bool key,
		    char ret[static FILES_EXCERPT]);

/* One a line, in order of the files and positions. */
void files_print_problems(struct files *files, struct buf *out);

#endif
