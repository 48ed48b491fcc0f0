/* Which files are meant: stores as they were named, directories spread out. */
#ifndef REPORT_STORE_LIST_H
#define REPORT_STORE_LIST_H

#include "edgeprobe/error.h"
#include <stddef.h>

struct store_list {
	char **paths;
	size_t n;
};

/* A directory stands for each *.db directly in it, by name; what is there twice
 * counts once. 0, or a negative errno with `err` that says which and why:
 * -ENODATA for a directory without any. */
int store_list_make(const char *const *names, size_t n,
		    struct store_list *ret_list, struct ep_err *err);
void store_list_finish(struct store_list *list);

#endif
