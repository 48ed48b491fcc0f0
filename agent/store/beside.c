/* Files beside the one in use: what was set aside, and what came out of it. */
#include "store/parts.h"
#include "store/plausible.h"
#include "store/salvage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 4300

/* What SQLite and we put beside a database. */
static const char *const suffixes[] = { "",         "-wal",  "-shm",
					"-journal", "-lock", "-ballast" };

#define N_SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))

void store_remove(const char *path)
{
	char name[NAME_MAX_BYTES];

	/* The database last: while it is there, the rest belongs to it. */
	for (size_t i = N_SUFFIXES; i-- > 0;) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
}

uint64_t store_bytes_of(const char *path)
{
	char name[NAME_MAX_BYTES];
	uint64_t bytes = 0;
	struct stat st;

	for (size_t i = 0; i < N_SUFFIXES; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		if (stat(name, &st) == 0)
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

static void aside_key(const char *name, char *ret_key, size_t size)
{
	snprintf(ret_key, size, ASIDE_PREFIX "%s", name);
}

bool store_aside(struct store *store, const char *name, char ret_epoch[17],
		 uint64_t *ret_last)
{
	char key[300];
	const char *text = NULL;
	sqlite3_stmt *s;

	aside_key(name, key, sizeof(key));
	s = db_ask(&store->db, Q_META_GET, "t", key);
	if (s && db_next(&store->db, s) > 0)
		text = (const char *)sqlite3_column_text(s, 0);
	if (text) {
		const char *space = strchr(text, ' ');

		*ret_last = strtoull(text, NULL, 10);
		snprintf(ret_epoch, 17, "%s", space ? space + 1 : "");
	}
	db_end(s);
	return text != NULL;
}

void store_forget_aside(struct store *store, const char *name)
{
	char key[300];

	aside_key(name, key, sizeof(key));
	(void)db_run(&store->db, Q_META_DROP, "t", key);
}
