#include "store/db.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

/* Why the last operation that failed on a file did: `which` is the database
 * (SQLITE_FCNTL_FILE_POINTER), or its log (SQLITE_FCNTL_JOURNAL_POINTER). */
static int file_errno(sqlite3 *sqlite, int which)
{
	sqlite3_file *file = NULL;
	int code = 0;

	if (sqlite3_file_control(sqlite, "main", which, &file) == SQLITE_OK &&
	    file && file->pMethods)
		(void)file->pMethods->xFileControl(
			file, SQLITE_FCNTL_LAST_ERRNO, &code);
	return code;
}

/* To SQLite a quota is a disk that fails, and what it undoes after that may
 * have left another errno. */
static bool is_quota(sqlite3 *sqlite)
{
	return sqlite3_system_errno(sqlite) == EDQUOT ||
	       file_errno(sqlite, SQLITE_FCNTL_JOURNAL_POINTER) == EDQUOT ||
	       file_errno(sqlite, SQLITE_FCNTL_FILE_POINTER) == EDQUOT;
}

static int io_errno(struct db *db, int otherwise)
{
	int code = sqlite3_system_errno(db->sqlite);

	if (is_quota(db->sqlite))
		db->quota = true;
	if (code == ENOSPC || is_quota(db->sqlite))
		return -ENOSPC;
	if (code == EACCES || code == EPERM || code == EROFS ||
	    code == ENOENT || code == EISDIR || code == EMFILE)
		return -code;
	return otherwise;
}

int db_errno(struct db *db)
{
	switch (sqlite3_errcode(db->sqlite) & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		db->damaged = true;
		return -EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return io_errno(db, -EIO);
	case SQLITE_ERROR: /* a table that we made is not there */
		return -EUCLEAN;
	default:
		return -EIO;
	}
}

int db_fail(struct db *db, struct ep_err *err, const char *what)
{
	return ep_err_set(err, db_errno(db), "%s: %s", what,
			  sqlite3_errmsg(db->sqlite));
}

static sqlite3_stmt *prepared(struct db *db, enum db_query q)
{
	if (!db->queries[q] &&
	    sqlite3_prepare_v3(db->sqlite, db_texts[q], -1,
			       SQLITE_PREPARE_PERSISTENT, &db->queries[q],
			       NULL) != SQLITE_OK)
		return NULL;
	return db->queries[q];
}

static int bind_one(sqlite3_stmt *s, int i, char type, va_list *args)
{
	const void *data;
	size_t size;

	switch (type) {
	case 'i':
		return sqlite3_bind_int64(s, i, va_arg(*args, int64_t));
	case 'u':
		return sqlite3_bind_int64(s, i,
					  (int64_t)va_arg(*args, uint64_t));
	case 't':
		return sqlite3_bind_text(s, i, va_arg(*args, const char *), -1,
					 SQLITE_STATIC);
	case 'b':
		data = va_arg(*args, const void *);
		size = va_arg(*args, size_t);
		return sqlite3_bind_blob64(s, i, data, size, SQLITE_STATIC);
	default:
		return SQLITE_MISUSE;
	}
}

static sqlite3_stmt *ask(struct db *db, enum db_query q, const char *types,
			 va_list *args)
{
	sqlite3_stmt *s = prepared(db, q);
	int r = SQLITE_OK;

	if (!s)
		return NULL;
	/* What an earlier asking bound and this one leaves out is NULL. */
	(void)sqlite3_clear_bindings(s);
	for (int i = 0; types[i] && r == SQLITE_OK; i++)
		r = bind_one(s, i + 1, types[i], args);
	return r == SQLITE_OK ? s : NULL;
}

sqlite3_stmt *db_ask(struct db *db, enum db_query q, const char *types, ...)
{
	sqlite3_stmt *s;
	va_list args;

	va_start(args, types);
	s = ask(db, q, types, &args);
	va_end(args);
	return s;
}

int db_next(struct db *db, sqlite3_stmt *asked)
{
	int r = sqlite3_step(asked);

	if (r == SQLITE_ROW)
		return 1;
	return r == SQLITE_DONE ? 0 : db_errno(db);
}

void db_end(sqlite3_stmt *asked)
{
	if (asked)
		(void)sqlite3_reset(asked);
}

int db_run(struct db *db, enum db_query q, const char *types, ...)
{
	sqlite3_stmt *s;
	va_list args;
	int r;

	va_start(args, types);
	s = ask(db, q, types, &args);
	va_end(args);
	if (!s)
		return db_errno(db);
	do
		r = db_next(db, s);
	while (r > 0);
	db_end(s);
	return r;
}

/* Take the number of the first row; ends `s`. */
static int number(struct db *db, sqlite3_stmt *s, int64_t *ret_value)
{
	int r = db_next(db, s);

	if (r > 0 && sqlite3_column_type(s, 0) == SQLITE_NULL)
		r = 0;
	if (r > 0)
		*ret_value = sqlite3_column_int64(s, 0);
	return r;
}

int db_fill(struct db *db, const char *table, const char *column, uint64_t row,
	    const void *data, size_t len)
{
	sqlite3_blob *blob = NULL;
	int r = 0;

	if (sqlite3_blob_open(db->sqlite, "main", table, column, (int64_t)row,
			      1, &blob) != SQLITE_OK ||
	    sqlite3_blob_write(blob, data, (int)len, 0) != SQLITE_OK)
		r = db_errno(db);
	if (sqlite3_blob_close(blob) != SQLITE_OK && r == 0)
		r = db_errno(db);
	return r;
}

int db_number(struct db *db, int64_t *ret_value, enum db_query q,
	      const char *types, ...)
{
	sqlite3_stmt *s;
	va_list args;
	int r;

	va_start(args, types);
	s = ask(db, q, types, &args);
	va_end(args);
	if (!s)
		return db_errno(db);
	r = number(db, s, ret_value);
	db_end(s);
	return r;
}

int db_exec(struct db *db, const char *sql)
{
	if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_errno(db);
	return 0;
}

int db_exec_number(struct db *db, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *s;
	int r;

	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &s, NULL) != SQLITE_OK)
		return db_errno(db);
	r = number(db, s, ret_value);
	sqlite3_finalize(s);
	return r;
}

void db_rollback(struct db *db)
{
	/* Some errors have rolled back already. */
	if (db->sqlite && !sqlite3_get_autocommit(db->sqlite))
		(void)db_exec(db, "ROLLBACK");
}

void db_close(struct db *db)
{
	for (int q = 0; q < DB_QUERIES; q++) {
		sqlite3_finalize(db->queries[q]);
		db->queries[q] = NULL;
	}
	sqlite3_close(db->sqlite);
	db->sqlite = NULL;
	db->damaged = false;
}
