#include "store/hollow.h"
#include "store/chunk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* https://sqlite.org/fileformat2.html, sections 1.5 to 1.8; our pages have no
 * reserved bytes. */
#define LEAF          13
#define INNER         5
#define LEAF_HEAD     8
#define INNER_HEAD    12
#define LOCAL_MAX     (PAGE_BYTES - 35)
#define LOCAL_MIN     ((PAGE_BYTES - 12) * 32 / 255 - 23)
#define CHAIN_BYTES   (PAGE_BYTES - 4) /* of a page of what overflows */
#define MAP_ENTRY     5
#define MAP_ENTRIES   (PAGE_BYTES / MAP_ENTRY)
#define LOCK_PAGE     ((1u << 30) / PAGE_BYTES + 1) /* never used */
#define AT_FREELIST   32
#define TRUNK_HEAD    8
#define TRUNK_ENTRIES ((PAGE_BYTES - TRUNK_HEAD) / 4)
#define HOLE          (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define DEPTH_MAX     20

enum owner {
	ROOT = 1,
	FREE = 2,
	CHAIN_FIRST = 3, /* parent: the leaf */
	CHAIN_NEXT = 4,  /* parent: the page before */
	NODE = 5,        /* parent: the inner page */
};

struct page {
	uint32_t number;
	unsigned char bytes[PAGE_BYTES];
};

/* Keys of a page are in (low, high]. */
struct keys {
	int64_t low, high;
};

struct walk {
	struct hollow *h;
	int64_t done, last;
};

static uint32_t big(const unsigned char *at, int n)
{
	uint32_t value = 0;

	for (int i = 0; i < n; i++)
		value = value << 8 | at[i];
	return value;
}

/* --- pages --- */

static bool read_page(const struct hollow *h, uint32_t number, void *ret_bytes)
{
	off_t at = (off_t)(number - 1) * PAGE_BYTES;

	return number >= 1 && number <= h->n_pages &&
	       pread(h->fd, ret_bytes, PAGE_BYTES, at) == PAGE_BYTES;
}

/* The page of the pointer map that says whose `number` is. */
static uint32_t map_of(uint32_t number)
{
	uint32_t map = (number - 2) / (MAP_ENTRIES + 1) * (MAP_ENTRIES + 1) + 2;

	return map == LOCK_PAGE ? map + 1 : map;
}

static bool belongs(struct hollow *h, uint32_t number, enum owner owner,
		    uint32_t parent)
{
	const unsigned char *entry;
	uint32_t map;

	if (number < 3 || number > h->n_pages)
		return false;
	map = map_of(number);
	if (number <= map)
		return false;
	if (map != h->map) {
		h->map = 0;
		if (!read_page(h, map, h->map_bytes))
			return false;
		h->map = map;
	}
	entry = h->map_bytes + (size_t)MAP_ENTRY * (number - map - 1);
	return entry[0] == owner && big(entry + 1, 4) == parent;
}

static void punch(struct hollow *h)
{
	if (h->n > 0) /* else the room is not there, which is looked at */
		(void)fallocate(h->fd, HOLE, (off_t)(h->first - 1) * PAGE_BYTES,
				(off_t)h->n * PAGE_BYTES);
	h->n = 0;
}

/* Side by side they go at once. */
static void drop(struct hollow *h, uint32_t number)
{
	if (h->n > 0 && number == h->first + h->n) {
		h->n++;
		return;
	}
	punch(h);
	h->first = number;
	h->n = 1;
}

/* --- a leaf --- */

/* Bytes of a number of up to nine; 0: it does not end before `end`. */
static size_t varint(const unsigned char *at, const unsigned char *end,
		     uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; at + i < end; i++) {
		if (i == 8) {
			*ret = value << 8 | at[i];
			return 9;
		}
		value = value << 7 | (at[i] & 0x7f);
		if (at[i] < 0x80) {
			*ret = value;
			return i + 1;
		}
	}
	return 0;
}

struct cell {
	int64_t key;
	uint64_t size;    /* of the row */
	uint32_t chained; /* where what overflows begins; 0: nothing does */
};

static unsigned cells_of(const struct page *p)
{
	return big(p->bytes + 3, 2);
}

/* Where the i-th cell is; NULL: outside of the page. */
static const unsigned char *cell_at(const struct page *p, size_t head,
				    unsigned i)
{
	size_t slot = head + 2 * (size_t)i, at;

	if (slot + 2 > PAGE_BYTES)
		return NULL;
	at = big(p->bytes + slot, 2);
	return at < head || at >= PAGE_BYTES ? NULL : p->bytes + at;
}

static bool leaf_cell(const struct page *p, unsigned i, struct cell *ret)
{
	const unsigned char *end = p->bytes + PAGE_BYTES;
	const unsigned char *at = cell_at(p, LEAF_HEAD, i);
	uint64_t key = 0;
	size_t n, local;

	if (at == NULL || (n = varint(at, end, &ret->size)) == 0)
		return false;
	at += n;
	if ((n = varint(at, end, &key)) == 0)
		return false;
	at += n;
	ret->key = (int64_t)key;
	ret->chained = 0;
	if (ret->size <= LOCAL_MAX)
		return true;
	local = LOCAL_MIN + (ret->size - LOCAL_MIN) % CHAIN_BYTES;
	if (local > LOCAL_MAX)
		local = LOCAL_MIN;
	if (local + 4 > (size_t)(end - at))
		return false;
	ret->chained = big(at + local, 4);
	return true;
}

static void drop_chain(struct hollow *h, uint32_t leaf, const struct cell *cell)
{
	uint64_t left = cell->size / CHAIN_BYTES + 1; /* at most */
	uint32_t parent = leaf, number = cell->chained;
	enum owner owner = CHAIN_FIRST;
	unsigned char bytes[PAGE_BYTES];

	while (number != 0 && left-- > 0 && belongs(h, number, owner, parent) &&
	       read_page(h, number, bytes)) {
		drop(h, number);
		parent = number;
		owner = CHAIN_NEXT;
		number = big(bytes, 4);
	}
}

/* Its rows are in `keys`, and in order; `*ret_n`: how many come first that are
 * not beyond the last that goes. */
static bool leaf_is_whole(const struct walk *w, const struct page *p,
			  struct keys keys, unsigned *ret_n)
{
	int64_t before = keys.low;
	unsigned n = cells_of(p);
	struct cell cell;

	*ret_n = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!leaf_cell(p, i, &cell) || cell.key <= before ||
		    cell.key > keys.high || cell.key < w->h->floor)
			return false;
		before = cell.key;
		*ret_n += cell.key <= w->last;
	}
	return n > 0;
}

/* True: all of its rows went. */
static bool empty_leaf(struct walk *w, const struct page *p, struct keys keys)
{
	unsigned n;
	struct cell cell;

	if (!leaf_is_whole(w, p, keys, &n))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (leaf_cell(p, i, &cell) && cell.key > w->done &&
		    cell.chained != 0)
			drop_chain(w->h, p->number, &cell);
	return n == cells_of(p);
}

/* --- a tree --- */

static bool is_hole(const struct page *p)
{
	static const unsigned char nothing[PAGE_BYTES];

	return memcmp(p->bytes, nothing, PAGE_BYTES) == 0;
}

static bool empty_node(struct walk *w, const struct page *p, struct keys keys,
		       int depth);

/* True: the page is gone, now or since before. */
static bool visit(struct walk *w, uint32_t number, uint32_t parent,
		  struct keys keys, int depth)
{
	struct page p = { .number = number };

	if (keys.high <= w->done)
		return true;
	if (keys.low >= w->last || depth > DEPTH_MAX ||
	    !belongs(w->h, number, NODE, parent) ||
	    !read_page(w->h, number, p.bytes))
		return false;
	if (is_hole(&p))
		return true;
	if (!empty_node(w, &p, keys, depth))
		return false;
	drop(w->h, number);
	return true;
}

/* True: all of its children are gone. What is out of order is damage: that and
 * what comes after it stays. */
static bool empty_inner(struct walk *w, const struct page *p, struct keys keys,
			int depth)
{
	const unsigned char *end = p->bytes + PAGE_BYTES;
	unsigned n = cells_of(p);
	struct keys of = keys;
	bool all = true;

	for (unsigned i = 0; i < n; i++) {
		const unsigned char *at = cell_at(p, INNER_HEAD, i);
		uint64_t key = 0;

		if (at == NULL || at + 4 > end ||
		    varint(at + 4, end, &key) == 0)
			return false;
		of.high = (int64_t)key;
		if (of.high <= of.low || of.high > keys.high)
			return false;
		all = visit(w, big(at, 4), p->number, of, depth + 1) && all;
		of.low = of.high;
	}
	of.high = keys.high;
	all = visit(w, big(p->bytes + 8, 4), p->number, of, depth + 1) && all;
	return all && w->h->floor == INT64_MIN;
}

static bool empty_node(struct walk *w, const struct page *p, struct keys keys,
		       int depth)
{
	if (p->bytes[0] == LEAF)
		return empty_leaf(w, p, keys);
	return p->bytes[0] == INNER && empty_inner(w, p, keys, depth);
}

void hollow_rows(struct hollow *hollow, enum wreck_table table, int64_t done,
		 int64_t last)
{
	struct walk w = { hollow, done, last };
	struct page root = { .number = hollow->roots[table] };

	if (last <= done || !belongs(hollow, root.number, ROOT, 0) ||
	    !read_page(hollow, root.number, root.bytes))
		return;
	(void)empty_node(&w, &root, (struct keys){ INT64_MIN, INT64_MAX }, 0);
	punch(hollow);
}

void hollow_numbers(struct hollow *hollow, uint64_t done, uint64_t below)
{
	static const enum wreck_table tables[] = {
		WRECK_SAMPLE, WRECK_HTTPS, WRECK_LATE, WRECK_NOTE, WRECK_GAP,
	};
	int64_t floor = hollow->floor;

	hollow->floor = floor > 0 ? floor / CHUNK_NUMBERS : floor;
	hollow_rows(hollow, WRECK_CHUNK, (int64_t)(done / CHUNK_NUMBERS) - 1,
		    (int64_t)(below / CHUNK_NUMBERS) - 1);
	hollow->floor = floor;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		hollow_rows(hollow, tables[i], (int64_t)done - 1,
			    (int64_t)below - 1);
}

/* --- pages that hold nothing --- */

static uint32_t drop_trunk(struct hollow *h, uint32_t number)
{
	struct page p = { .number = number };
	uint32_t n;

	if (!belongs(h, number, FREE, 0) || !read_page(h, number, p.bytes))
		return 0;
	n = big(p.bytes + 4, 4);
	for (uint32_t i = 0; i < n && i < TRUNK_ENTRIES; i++) {
		uint32_t leaf = big(p.bytes + TRUNK_HEAD + 4 * (size_t)i, 4);

		if (belongs(h, leaf, FREE, 0))
			drop(h, leaf);
	}
	return big(p.bytes, 4);
}

void hollow_unused(struct hollow *hollow)
{
	unsigned char head[PAGE_BYTES];
	uint32_t number;

	if (!read_page(hollow, 1, head))
		return;
	number = big(head + AT_FREELIST, 4);
	for (uint32_t left = hollow->n_pages; number != 0 && left > 0; left--)
		number = drop_trunk(hollow, number);
	punch(hollow);
}

/* --- life --- */

static int on_root(void *arg, int n, char **values, char **names)
{
	struct hollow *h = arg;

	(void)names;
	for (int t = 0; n == 2 && values[0] && values[1] && t < WRECK_TABLES;
	     t++)
		if (strcmp(values[0], wreck_name((enum wreck_table)t)) == 0)
			h->roots[t] = (uint32_t)strtoul(values[1], NULL, 10);
	return 0;
}

int hollow_open(struct hollow *hollow, const char *path, struct wreck *wreck)
{
	struct stat st;

	memset(hollow, 0, sizeof(*hollow));
	hollow->floor = INT64_MIN;
	hollow->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (hollow->fd < 0)
		return -errno;
	if (fstat(hollow->fd, &st) < 0 ||
	    st.st_size / PAGE_BYTES > (off_t)UINT32_MAX) {
		hollow_close(hollow);
		return -EIO;
	}
	hollow->n_pages = (uint32_t)(st.st_size / PAGE_BYTES);
	hollow->solid = fallocate(hollow->fd, HOLE, st.st_size, PAGE_BYTES) < 0;
	(void)sqlite3_exec(wreck->sqlite,
			   "SELECT name, rootpage FROM sqlite_schema", on_root,
			   hollow, NULL);
	return 0;
}

void hollow_close(struct hollow *hollow)
{
	if (hollow->fd >= 0)
		close(hollow->fd);
	hollow->fd = -1;
}
