/* The files beside a store, by their names. */
#ifndef AGENT_WRECKAGE_H
#define AGENT_WRECKAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of more than these the oldest wait until others are gone. */
#define WRECKAGE_MAX 64

enum wreckage_kind {
	WRECKAGE_DAMAGED,
	WRECKAGE_SALVAGING, /* what is being made of it */
	WRECKAGE_SALVAGED,
	WRECKAGE_UNREADABLE
};

struct wreckage {
	enum wreckage_kind kind;
	char stamp[40]; /* when it was set aside: sorts by time */
	char name[256]; /* without its directory */
	uint64_t bytes; /* with what belongs to it */
};

/* Those beside the store at `path`, oldest first; how many. */
size_t wreckage_list(const char *path, struct wreckage list[WRECKAGE_MAX]);

/* Where one of them is: 0, or -ENAMETOOLONG. */
int wreckage_path(const char *store_path, const char *name, char *ret_path,
		  size_t size);
/* PATH.KIND-STAMP */
int wreckage_name(const char *store_path, enum wreckage_kind kind,
		  const char *stamp, char *ret_path, size_t size);
/* Remove what a kill left: damaged files of which the salvaged store is there
 * already, and what was being made of one that is there no more. How many are
 * left in the list. */
size_t wreckage_sweep(const char *store_path, struct wreckage *list, size_t n);

#endif
