/* The first page of a store: SQLite's header and the schema, without which
 * nothing of a file can be read. Every store of ours has the same tables in the
 * same order, brought forward or not, and with auto_vacuum their roots are the
 * first pages: so the first page of a new store fits. */
#include "store/salvage_i.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* https://sqlite.org/fileformat2.html#the_database_header */
#define AT_CHANGES   24
#define AT_PAGES     28
#define AT_FREELIST  32
#define AT_FREE      36
#define AT_VALID_FOR 92
#define NAME_BYTES   4300

static void put_big(unsigned char *at, uint32_t value)
{
	for (int i = 3; i >= 0; i--) {
		at[i] = (unsigned char)value;
		value >>= 8;
	}
}

static int read_page(const char *path, unsigned char *ret_page)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, ret_page, PAGE_BYTES, 0);

	if (fd >= 0)
		close(fd);
	return n == PAGE_BYTES ? 0 : -EIO;
}

static int first_page_of_new(const char *path, unsigned char *ret_page)
{
	struct store_options options = { .path = path,
					 .max_bytes = STORE_MIN_BYTES };
	struct store *store;
	int r;

	store_remove(path);
	r = store_open(&options, &store, NULL);
	if (r < 0)
		return r;
	store_close(store); /* writes the log back */
	r = read_page(path, ret_page);
	store_remove(path);
	return r;
}

bool mend_is_needed(struct wreck *w)
{
	sqlite3_stmt *s = NULL;
	bool readable = sqlite3_prepare_v2(w->sqlite, "SELECT * FROM sample",
					   -1, &s, NULL) == SQLITE_OK;

	sqlite3_finalize(s);
	return !readable;
}

int mend_first_page(const char *path, const char *scratch)
{
	unsigned char page[PAGE_BYTES];
	struct stat st;
	int fd, r = first_page_of_new(scratch, page);

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)2 * PAGE_BYTES) {
		close(fd);
		return -ENODATA;
	}
	put_big(page + AT_CHANGES, 1);
	put_big(page + AT_VALID_FOR, 1);
	put_big(page + AT_PAGES, (uint32_t)(st.st_size / PAGE_BYTES));
	put_big(page + AT_FREELIST, 0);
	put_big(page + AT_FREE, 0);
	r = pwrite(fd, page, sizeof(page), 0) == PAGE_BYTES ? 0 : -EIO;
	close(fd);
	return r;
}
