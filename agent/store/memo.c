#include "store/memo.h"
#include "store/parts.h"

#include <stdio.h>
#include <string.h>

/* In `meta`, apart from what the store itself has there. */
#define NAME_MAX_BYTES 64

static void full_name(char *to, size_t size, const char *name)
{
	snprintf(to, size, "memo:%s", name);
}

struct memo {
	const char *name, *text;
};

static int set(struct store *store, void *arg)
{
	const struct memo *memo = arg;
	char name[NAME_MAX_BYTES];

	full_name(name, sizeof(name), memo->name);
	return db_run(&store->db, Q_META_SET, "tt", name, memo->text);
}

int store_memo_set(struct store *store, const char *name, const char *text,
		   struct ep_err *err)
{
	struct memo memo = { name, text };

	return store_transact(store, set, &memo, err);
}

char *store_memo(struct store *store, const char *name)
{
	char full[NAME_MAX_BYTES], *text = NULL;
	sqlite3_stmt *s;

	full_name(full, sizeof(full), name);
	s = db_ask(&store->db, Q_META_GET, "t", full);
	if (!s)
		return NULL;
	if (db_next(&store->db, s) > 0 && sqlite3_column_text(s, 0))
		text = strdup((const char *)sqlite3_column_text(s, 0));
	db_end(s);
	return text;
}
