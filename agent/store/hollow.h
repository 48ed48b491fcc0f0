/* Room that a damaged file gives back while it is still read: pages of rows that
 * are elsewhere by now, or are given up, become a hole in it. What it is goes
 * by SQLite's own two accounts of who owns a page, the tree from its root and
 * the pointer map (https://sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages):
 * a page of which they do not agree, or that is not what it should be, stays.
 *
 * The file's log may still hold newer versions of pages. Who reads gets those;
 * what lies under them may go.
 *
 * SQLite must not write into the file any more, and nobody may read the rows
 * that went. */
#ifndef STORE_HOLLOW_H
#define STORE_HOLLOW_H

#include "store/inside.h"
#include "store/wreck.h"

struct hollow {
	int fd;
	uint32_t n_pages;
	uint32_t roots[WRECK_TABLES]; /* 0: not known */
	bool solid;                   /* the file system makes no holes */
	int64_t floor; /* pages with lower keys stay, and inner ones do;
			* INT64_MIN: none */

	uint32_t first, n; /* pages that go next, side by side */
	uint32_t map;      /* which is in `map_bytes`; 0: none */
	unsigned char map_bytes[PAGE_BYTES];
};

/* `wreck` has the file at `path` open. 0 or a negative errno. */
int hollow_open(struct hollow *hollow, const char *path, struct wreck *wreck);
void hollow_close(struct hollow *hollow);

/* Pages that hold nothing. */
void hollow_unused(struct hollow *hollow);
/* Pages of which all rows have keys up to `last`; those up to `done` went
 * before. */
void hollow_rows(struct hollow *hollow, enum wreck_table table, int64_t done,
		 int64_t last);
/* What samples, notes, gap rows and chunks take, of numbers in [done, below). */
void hollow_numbers(struct hollow *hollow, uint64_t done, uint64_t below);

#endif
