/* What is known while files are read: the struct to be, and where in which
 * file each of its parts came from. */
#ifndef CONFIG_LOADING_H
#define CONFIG_LOADING_H

#include "config/files.h"
#include "config/schema.h"

/* Where an item of a list, or a key, was given. */
struct origin {
	const struct file *file;
	const struct json *node; /* NULL: it was not */
	bool broken;             /* something in it was said to be wrong */
};

struct list {
	char *items; /* structs of `object` */
	struct origin *origins;
	size_t n;
	const struct schema_object *object;
};

struct loading {
	struct files files;
	struct schema_top top;
	struct list lists[SCHEMA_LISTS];
	struct origin default_circuits;
	bool places; /* are wanted */
};

/* Defaults everywhere. 0 or -ENOMEM; loading_finish() frees either way. */
int loading_init(struct loading *l);
void loading_finish(struct loading *l);

/* One more item, with its defaults; NULL: out of memory. Others may move. */
void *list_add(struct loading *l, enum schema_list which, struct origin origin);

/* One more target like `like`, without what is not in `defaults`. */
struct config_target *list_add_like(struct loading *l,
				    const struct config_target *like,
				    struct origin origin);

/* Read the documents of all files into the struct (apply.c). What is wrong
 * with them is a problem of `l->files`. 0 or -ENOMEM. */
int loading_apply(struct loading *l);

/* What needs all files (resolve.c): unique names, the circuits that targets
 * name, defaults that depend on the host. Problems as above. */
int loading_resolve(struct loading *l);

/* Items with a source become their hosts (sources.c), and each item has either a
 * source or a host. Problems as above; 0 or -ENOMEM. */
int loading_expand(struct loading *l);

/* Apply and resolve what was read; the problems as text; on 0 the config is the
 * caller's. */
int loading_run(struct loading *l, struct config *ret_config,
		struct buf *problems);

/* The same message for whatever a value should have been. */
void loading_wrong(struct loading *l, const struct file *file, const char *key,
		   const struct json *value, const char *allowed);

#endif
