/* What a damaged file knows of itself: its epoch, and which numbers it held. */
#include "store/plausible.h"
#include "store/salvage_i.h"
#include "store/wal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A row takes a byte at least, sealed or not; an overflow may take numbers for
 * nothing. */
#define OVERFLOWN_MAX ((uint64_t)1 << 24)
/* Rows that a page holds at most, about; and those behind one that cannot be
 * read at the end of a table. */
#define PAGE_ROWS 128
#define TAIL_ROWS CHUNK_NUMBERS
/* Numbers of rows that follow one another are not further apart. */
#define APART_MAX ((uint64_t)65536)
#define PIECE     65536

/* --- the epoch --- */

static bool take_epoch(const char *at, char *ret_epoch)
{
	char text[17];

	memcpy(text, at, 16);
	text[16] = '\0';
	if (!plausible_epoch(text))
		return false;
	memcpy(ret_epoch, text, sizeof(text));
	return true;
}

/* The row of `meta` is the word "epoch" and the epoch right behind it, wherever
 * SQLite keeps it. */
static bool find_epoch(const char *path, char *ret_epoch)
{
	static const char word[] = "epoch";
	const size_t len = sizeof(word) - 1, overlap = len + 16;
	char *piece = malloc(PIECE + overlap);
	FILE *file = fopen(path, "rbe");
	size_t kept = 0, n;
	bool found = false;

	while (piece && file && !found &&
	       (n = fread(piece + kept, 1, PIECE, file)) > 0) {
		const char *at = piece, *end = piece + kept + n;

		while (!found && end - at > (ptrdiff_t)overlap &&
		       (at = memmem(at, (size_t)(end - at) - 16, word, len))) {
			found = take_epoch(at + len, ret_epoch);
			at += len;
		}
		kept = kept + n < overlap ? kept + n : overlap;
		memmove(piece, end - kept, kept);
	}
	if (file)
		fclose(file);
	free(piece);
	return found;
}

static int know_epoch(struct salvage *s, const char *path)
{
	char *epoch = s->result.epoch;

	snprintf(epoch, 17, "%s", s->o->epoch ? s->o->epoch : "");
	if (!plausible_epoch(epoch))
		wreck_meta(&s->wreck, "epoch", epoch, 17);
	if (plausible_epoch(epoch))
		return 0;
	return find_epoch(path, epoch) ? 0 : -ENODATA;
}

/* --- numbers --- */

static uint64_t bytes_of(const char *path)
{
	struct stat st;
	char log[4200];
	uint64_t bytes = 0;

	snprintf(log, sizeof(log), "%s-wal", path);
	if (stat(path, &st) == 0)
		bytes += (uint64_t)st.st_size;
	if (stat(log, &st) == 0)
		bytes += (uint64_t)st.st_size;
	return bytes;
}

/* Lower than the lowest number there is no row, but for some anchors. */
static uint64_t find_floor(struct salvage *s)
{
	static const enum wreck_table rows[] = { WRECK_SAMPLE, WRECK_NOTE,
						 WRECK_GAP };
	char text[24];
	uint64_t floor, first = 0;

	wreck_meta(&s->wreck, "floor", text, sizeof(text));
	floor = strtoull(text, NULL, 10);
	if (floor > 0 && floor < INT64_MAX)
		return floor;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t key = (uint64_t)wreck_first(&s->wreck, rows[i]);

		if (key > 0 && (first == 0 || key < first))
			first = key;
	}
	floor = (uint64_t)wreck_first(&s->wreck, WRECK_CHUNK) * CHUNK_NUMBERS;
	if (floor > 0 && floor < first)
		first = floor;
	return first > 0 ? first : 1;
}

struct highest {
	uint64_t value, cap;
};

static void raise(struct highest *h, uint64_t value)
{
	if (value > h->value && value <= h->cap)
		h->value = value;
}

static int on_destination(sqlite3_stmt *row, void *arg)
{
	/* id, name, active, start, next */
	raise(arg, (uint64_t)sqlite3_column_int64(row, 5) - 1);
	return 0;
}

static int on_batch(sqlite3_stmt *row, void *arg)
{
	raise(arg, (uint64_t)sqlite3_column_int64(row, 4));
	return 0;
}

static int on_owed(sqlite3_stmt *row, void *arg)
{
	raise(arg, (uint64_t)sqlite3_column_int64(row, 5));
	return 0;
}

static int on_chunk(sqlite3_stmt *row, void *arg)
{
	raise(arg, (uint64_t)sqlite3_column_int64(row, 3));
	return 0;
}

static void others_know(struct salvage *s, struct highest *h)
{
	static const struct {
		enum wreck_table table;
		wreck_cb cb;
	} others[] = {
		{ WRECK_DESTINATION, on_destination },
		{ WRECK_BATCH, on_batch },
		{ WRECK_OWED, on_owed },
		{ WRECK_CHUNK, on_chunk },
	};
	bool whole;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		int64_t last = wreck_last(&s->wreck, others[i].table,
					  (int64_t)h->cap, &whole);
		int64_t from = others[i].table == WRECK_CHUNK ? last : 1;

		(void)wreck_read(&s->wreck, others[i].table, from, last,
				 others[i].cb, h);
	}
}

/* The last sample; one that is far from all others has a number that is
 * damaged. */
static uint64_t last_sample(struct salvage *s, uint64_t cap, bool *whole)
{
	int64_t last = wreck_last(&s->wreck, WRECK_SAMPLE, (int64_t)cap, whole);
	bool ignored = true;
	int64_t before =
		wreck_last(&s->wreck, WRECK_SAMPLE, last - 1, &ignored);

	if (before == 0 || last - before <= (int64_t)APART_MAX)
		return (uint64_t)last;
	*whole = false;
	return (uint64_t)before;
}

/* If that is not known, some more than can be read: so many may be gone. */
static uint64_t find_last(struct salvage *s, const char *path)
{
	static const enum wreck_table rows[] = { WRECK_NOTE, WRECK_GAP };
	struct highest h = {
		.cap = s->floor + bytes_of(path) + OVERFLOWN_MAX,
	};
	uint64_t frames, good, more = 0;
	bool whole = true;

	if (s->o->last > 0)
		return s->o->last;
	h.value = last_sample(s, h.cap, &whole);
	if (h.value > 0)
		h.cap = h.value + APART_MAX;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		raise(&h, (uint64_t)wreck_last(&s->wreck, rows[i],
					       (int64_t)h.cap, &whole));
	others_know(s, &h);
	wal_look(path, &frames, &good);
	if (!whole)
		more = TAIL_ROWS;
	if (good < frames)
		more += (frames - good) * PAGE_ROWS;
	return h.value > 0 ? h.value + more : 0;
}

int ends_find(struct salvage *s, const char *path)
{
	int r = know_epoch(s, path);

	if (r < 0)
		return r;
	s->floor = find_floor(s);
	s->last = find_last(s, path);
	if (s->last < s->floor)
		return -ENODATA;
	s->result.first = s->floor;
	s->result.last = s->last;
	return 0;
}
