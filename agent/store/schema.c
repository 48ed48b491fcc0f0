/* Every table and every prepared question. README.md says what they mean. */
#include "store/db.h"
#include "store/store.h"

/* Rows that a destination is still to get first: never evicted. */
#define ANCHORS                                                                \
	"(SELECT anchor FROM destination WHERE anchor IS NOT NULL AND active)"
#define EVICT(table)                                                           \
	"DELETE FROM " table " WHERE seq <= ?1 AND seq NOT IN " ANCHORS

/* Rows under their number / CHUNK_NUMBERS, packed: chunk.h. */
#define CHUNK_TABLE                                                            \
	"TABLE chunk(id INTEGER PRIMARY KEY, first INTEGER, last INTEGER,"     \
	" rows INTEGER, body BLOB)"

#define SEAL(table) "DELETE FROM " table " WHERE seq >= ? AND seq <= ?"

/* What all rows hang on is there twice, on pages of its own: a bad sector must
 * not take the names of everything. */
#define SERIES                                                                 \
	"(id INTEGER PRIMARY KEY, target TEXT, probe TEXT, host TEXT,"         \
	" site TEXT, country TEXT, metro TEXT, circuit TEXT, provider TEXT,"   \
	" prefix TEXT)"
#define PATH                                                                   \
	"(id INTEGER PRIMARY KEY, series INTEGER, family INTEGER,"             \
	" address BLOB, scope INTEGER, port INTEGER)"
#define WORD "(id INTEGER PRIMARY KEY, text TEXT)"
#define SPARE_DESTINATION                                                      \
	"(id INTEGER PRIMARY KEY, name TEXT, active INTEGER, start INTEGER,"   \
	" next INTEGER, anchor INTEGER, had TEXT, again TEXT)"

#define SPARE(table, columns)                                                  \
	"CREATE TABLE " table "_spare" columns ";"                             \
	"INSERT INTO " table "_spare SELECT * FROM " table ";"
#define SPARES                                                                 \
	SPARE("series", SERIES)                                                \
	SPARE("path", PATH)                                                    \
	SPARE("word", WORD) SPARE("destination", SPARE_DESTINATION)

/* Of the writer's connection: the file's own schema is to fit into its first
 * page, which salvage.c can make again (mend.c). */
#define SPARE_AFTER(table, what, event)                                        \
	"CREATE TEMP TRIGGER " table "_" what " AFTER " event                  \
	" ON main." table " BEGIN DELETE FROM " table "_spare"                 \
	" WHERE id = new.id; INSERT INTO " table "_spare"                      \
	" SELECT * FROM main." table " WHERE id = new.id; END;"
#define SPARE_KEPT(table)                                                      \
	SPARE_AFTER(table, "added", "INSERT")                                  \
	SPARE_AFTER(table, "changed", "UPDATE")                                \
	"CREATE TEMP TRIGGER " table "_dropped AFTER DELETE ON main." table    \
	" BEGIN DELETE FROM " table "_spare WHERE id = old.id; END;"

const char db_spares_kept[] = SPARE_KEPT("series") SPARE_KEPT("path")
	SPARE_KEPT("word") SPARE_KEPT("destination");

const char db_schema[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE series" SERIES ";"
	"CREATE TABLE path" PATH ";"
	"CREATE TABLE word" WORD ";"
	"CREATE TABLE sample(seq INTEGER PRIMARY KEY, sent_ns INTEGER,"
	" path INTEGER, code INTEGER, rtt_ns INTEGER, missed INTEGER,"
	" dns_ns INTEGER, uncertainty_ns INTEGER, slip_ns INTEGER,"
	" ttl INTEGER, retransmits INTEGER);"
	"CREATE TABLE late(seq INTEGER PRIMARY KEY, of INTEGER);"
	"CREATE TABLE https(seq INTEGER PRIMARY KEY, connect_ns INTEGER,"
	" tls_ns INTEGER, first_byte_ns INTEGER, total_ns INTEGER,"
	" tls_days_left INTEGER, http_status INTEGER, http_version INTEGER,"
	" pop INTEGER, pop_source INTEGER, tls_issuer INTEGER, pop_ref TEXT,"
	" srtt_ns INTEGER, min_rtt_ns INTEGER, tls_first_byte_ns INTEGER,"
	" egress INTEGER, edge_cache INTEGER);"
	"CREATE TABLE note(seq INTEGER PRIMARY KEY, time_ns INTEGER,"
	" type INTEGER, body TEXT);"
	"CREATE TABLE gap(seq INTEGER PRIMARY KEY, time_ns INTEGER,"
	" reason INTEGER);"
	"CREATE TABLE gap_range(seq INTEGER, destination INTEGER,"
	" first INTEGER, last INTEGER, PRIMARY KEY(seq, destination))"
	" WITHOUT ROWID;"
	"CREATE TABLE owed(id INTEGER PRIMARY KEY, destination INTEGER,"
	" reason INTEGER, first INTEGER, last INTEGER);"
	"CREATE TABLE span(id INTEGER PRIMARY KEY, min_ns INTEGER,"
	" max_ns INTEGER);"
	"CREATE TABLE destination(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT UNIQUE, active INTEGER, start INTEGER, next INTEGER,"
	" anchor INTEGER, had TEXT, again TEXT);"
	"CREATE TABLE batch(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" destination INTEGER, first INTEGER, last INTEGER, rows INTEGER,"
	" encoding TEXT, gzip INTEGER, attempts INTEGER, oldest_ns INTEGER,"
	" runs TEXT, told TEXT, crc INTEGER, part INTEGER DEFAULT 0);"
	"CREATE TABLE batch_body(id INTEGER PRIMARY KEY, body BLOB);"
	"CREATE TABLE dead(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" time_ns INTEGER, destination INTEGER, first INTEGER, last INTEGER,"
	" rows INTEGER, encoding TEXT, gzip INTEGER, attempts INTEGER,"
	" bytes INTEGER, answer TEXT, body BLOB);"
	"CREATE TABLE counter(destination INTEGER, name TEXT, value INTEGER,"
	" PRIMARY KEY(destination, name)) WITHOUT ROWID;"
	"CREATE " CHUNK_TABLE ";" SPARES;

const char db_no_chunks[] = "CREATE TEMP " CHUNK_TABLE;

/* No step may touch every row: a store of gigabytes is opened by it. */
const char *const db_steps[STORE_SCHEMA] = {
	[1] = "ALTER TABLE https ADD COLUMN srtt_ns INTEGER;"
	      "ALTER TABLE https ADD COLUMN min_rtt_ns INTEGER",
	[2] = "CREATE " CHUNK_TABLE ";"
	      "ALTER TABLE destination ADD COLUMN had TEXT;"
	      "ALTER TABLE destination ADD COLUMN again TEXT;"
	      "ALTER TABLE batch ADD COLUMN part INTEGER DEFAULT 0;" SPARES,
	[3] = "ALTER TABLE https ADD COLUMN tls_first_byte_ns INTEGER;"
	      "ALTER TABLE https ADD COLUMN egress INTEGER",
	[4] = "ALTER TABLE https ADD COLUMN edge_cache INTEGER",
};

const char *const db_texts[DB_QUERIES] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_BEGIN_READ] = "BEGIN",
	[Q_COMMIT] = "COMMIT",
	[Q_PAGES] = "PRAGMA page_count",
	[Q_PAGES_FREE] = "PRAGMA freelist_count",
	[Q_META_GET] = "SELECT value FROM meta WHERE name = ?",
	[Q_META_SET] = "INSERT OR REPLACE INTO meta VALUES(?, ?)",
	[Q_META_DROP] = "DELETE FROM meta WHERE name = ?",

	[Q_SERIES_ADD] = "INSERT OR IGNORE INTO series"
			 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[Q_SERIES_LOAD] = "SELECT * FROM series WHERE id > ? ORDER BY id",
	[Q_PATH_ADD] = "INSERT OR IGNORE INTO path VALUES(?, ?, ?, ?, ?, ?)",
	[Q_PATH_LOAD] = "SELECT * FROM path WHERE id > ? ORDER BY id",
	[Q_PATH_DROP] = "DELETE FROM path WHERE id = ?",
	[Q_WORD_ADD] = "INSERT OR IGNORE INTO word VALUES(?, ?)",
	[Q_WORD_LOAD] = "SELECT * FROM word WHERE id > ? ORDER BY id",
	[Q_WORD_DROP] = "DELETE FROM word WHERE id = ?",

	[Q_SAMPLE_ADD] = "INSERT INTO sample"
			 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[Q_SAMPLE_SCAN] = "SELECT * FROM sample WHERE seq >= ? AND seq <= ?"
			  " ORDER BY seq",
	[Q_ROW_SCAN] = "SELECT seq, sent_ns, path, code, rtt_ns, missed,"
		       " dns_ns FROM sample"
		       " WHERE seq >= ? AND seq <= ? ORDER BY seq",
	[Q_SAMPLE_TIMES] = "SELECT sent_ns FROM sample WHERE seq >= ?"
			   " ORDER BY seq",
	[Q_LATE_ADD] = "INSERT INTO late VALUES(?, ?)",
	[Q_LATE_OF] = "SELECT of FROM late WHERE seq = ?",
	[Q_HTTPS_ADD] = "INSERT INTO https"
			" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
			" ?, ?)",
	[Q_HTTPS_SCAN] = "SELECT * FROM https WHERE seq >= ? AND seq <= ?"
			 " ORDER BY seq",
	[Q_SAMPLE_BEFORE] = "SELECT sent_ns FROM sample WHERE seq <= ?"
			    " ORDER BY seq DESC LIMIT 1",

	[Q_CHUNK_ADD] = "INSERT INTO chunk VALUES(?, ?, ?, ?, ?)",
	[Q_CHUNK_NEXT] = "SELECT id, body FROM chunk WHERE id >= ? AND id <= ?"
			 " ORDER BY id LIMIT 1",
	[Q_CHUNK_LAST] = "SELECT max(id) FROM chunk",
	[Q_CHUNK_BELOW] = "SELECT sum(rows), sum(length(body)) FROM chunk"
			  " WHERE id < ?",
	[Q_CHUNK_SIZE] = "SELECT rows, length(body) FROM chunk WHERE id = ?",
	[Q_CHUNK_DROP] = "DELETE FROM chunk WHERE id = ?",
	[Q_SEAL_SAMPLE] = SEAL("sample"),
	[Q_SEAL_HTTPS] = SEAL("https"),
	[Q_SEAL_LATE] = SEAL("late"),

	[Q_NOTE_ADD] = "INSERT INTO note VALUES(?, ?, ?, ?)",
	[Q_NOTE_SCAN] = "SELECT * FROM note WHERE seq >= ? AND seq <= ?"
			" ORDER BY seq",
	[Q_SPAN_ADD] = "INSERT OR REPLACE INTO span VALUES(?, ?, ?)",
	[Q_SPAN_SCAN] = "SELECT * FROM span WHERE id >= ? ORDER BY id",
	[Q_LAST_SEQ] = "SELECT max(coalesce((SELECT max(seq) FROM sample), 0),"
		       " coalesce((SELECT last FROM chunk"
		       " ORDER BY id DESC LIMIT 1), 0),"
		       " coalesce((SELECT max(seq) FROM note), 0),"
		       " coalesce((SELECT max(seq) FROM gap), 0),"
		       " coalesce((SELECT max(last) FROM owed), 0))",
	[Q_FIRST_SEQ] = "SELECT min(seq) FROM"
			" (SELECT min(seq) AS seq FROM sample WHERE seq >= ?1"
			" UNION ALL SELECT min(seq) FROM note WHERE seq >= ?1"
			" UNION ALL SELECT min(seq) FROM gap WHERE seq >= ?1)",
	[Q_FIRST_TIME] = "SELECT sent_ns FROM sample WHERE seq = ?1"
			 " UNION ALL SELECT time_ns FROM note WHERE seq = ?1"
			 " UNION ALL SELECT time_ns FROM gap WHERE seq = ?1",

	[Q_GAP_ADD] = "INSERT INTO gap VALUES(?, ?, ?)",
	[Q_GAP_SCAN] = "SELECT * FROM gap WHERE seq >= ? AND seq <= ?"
		       " ORDER BY seq",
	[Q_GAP_RANGE_ADD] = "INSERT INTO gap_range VALUES(?, ?, ?, ?)",
	[Q_GAP_RANGES] = "SELECT destination, first, last FROM gap_range"
			 " WHERE seq = ?",
	[Q_GAP_BEFORE] = "SELECT seq FROM gap_range"
			 " WHERE seq > ?3 AND destination = ?1"
			 " AND last = ?2 - 1"
			 " AND seq IN (SELECT seq FROM gap WHERE reason = ?4)",
	[Q_GAP_EXTEND] = "UPDATE gap_range SET last = ?3"
			 " WHERE seq = ?2 AND destination = ?1",
	[Q_GAP_OVER] = "SELECT first, seq FROM gap_range WHERE seq > ?1"
		       " AND destination = 0 AND first <= ?1"
		       " ORDER BY first LIMIT 1",
	[Q_GAP_OVERFLOWN] = "SELECT sum(last - first + 1) FROM gap_range"
			    " WHERE seq >= ?1 AND destination = 0"
			    " AND first >= ?1"
			    " AND (?2 IS NULL OR first <= ?2)",
	[Q_GAP_DECLARED] = "SELECT first, last FROM"
			   " (SELECT first, last, destination FROM gap_range"
			   " UNION ALL"
			   " SELECT first, last, destination FROM owed)"
			   " WHERE destination IN (?1, 0) AND last >= ?2"
			   " AND first <= ?3 ORDER BY first LIMIT 1",
	[Q_GAP_NEVER] = "SELECT first, last FROM gap_range"
			" WHERE destination = 0 AND first <= ?2 AND last >= ?1"
			" UNION ALL SELECT first, last FROM owed"
			" WHERE destination = 0 AND first <= ?2 AND last >= ?1",
	[Q_OWED_ADD] = "INSERT INTO owed VALUES(NULL, ?1, ?2, ?3, ?4)",
	[Q_OWED_SCAN] = "SELECT destination, reason, first, last FROM owed"
			" ORDER BY reason, destination, first",
	[Q_OWED_GROW_UP] = "UPDATE owed SET last = ?4 WHERE destination = ?1"
			   " AND reason = ?2 AND last = ?3 - 1",
	[Q_OWED_GROW_DOWN] = "UPDATE owed SET first = ?3 WHERE destination = ?1"
			     " AND reason = ?2 AND first = ?4 + 1",
	[Q_OWED_CLEAR] = "DELETE FROM owed",
	[Q_OWED_OVERFLOW] = "SELECT first, last FROM owed WHERE destination = 0"
			    " AND first <= ? ORDER BY first LIMIT 1",
	[Q_OWED_WITHIN] = "DELETE FROM owed WHERE destination = ?1"
			  " AND first >= ?2 AND last <= ?3",
	[Q_OWED_BEYOND] =
		"UPDATE owed SET first = ?3 + 1 WHERE destination = ?1"
		" AND first >= ?2 AND first <= ?3 AND last > ?3",
	[Q_OWED_DROP] = "DELETE FROM owed WHERE destination = 0"
			" AND first = ? AND last = ?",

	[Q_EVICT_SAMPLE] = EVICT("sample"),
	[Q_EVICT_HTTPS] = EVICT("https"),
	[Q_EVICT_LATE] = EVICT("late"),
	[Q_EVICT_NOTE] = EVICT("note"),
	[Q_EVICT_GAP] = EVICT("gap"),
	[Q_EVICT_GAP_RANGE] = EVICT("gap_range"),
	[Q_EVICT_SPAN] = "DELETE FROM span WHERE id < ?",
	[Q_EVICT_CHUNK] = "DELETE FROM chunk WHERE id < ?",

	[Q_DESTINATION_FIND] = "SELECT id FROM destination"
			       " WHERE name = ? AND active",
	[Q_DESTINATION_ADD] = "INSERT INTO destination"
			      "(name, active, start, next)"
			      " VALUES(?1, 1, ?2, ?2)"
			      " ON CONFLICT(name) DO UPDATE SET active = 1,"
			      " start = ?2, next = ?2, anchor = NULL,"
			      " had = NULL, again = NULL",
	[Q_DESTINATION_GET] = "SELECT id, start, next, anchor, had"
			      " FROM destination WHERE id = ? AND active",
	[Q_DESTINATION_SCAN] = "SELECT id, start, next, anchor, had"
			       " FROM destination WHERE active ORDER BY id",
	[Q_DESTINATION_NAMES] = "SELECT id, name FROM destination"
				" WHERE active ORDER BY id",
	[Q_DESTINATION_SET] = "UPDATE destination SET next = ?2, had = ?3,"
			      " anchor = ?4 WHERE id = ?1",
	[Q_DESTINATION_BEGIN] = "UPDATE destination SET start = ?2"
				" WHERE id = ?1",
	[Q_AGAIN_GET] = "SELECT again FROM destination WHERE id = ? AND active",
	[Q_AGAIN_SET] = "UPDATE destination SET again = ?2 WHERE id = ?1",
	[Q_NOTE_SINCE] = "SELECT min(seq) FROM"
			 " (SELECT min(seq) AS seq FROM note"
			 " WHERE time_ns >= ?1 UNION ALL"
			 " SELECT min(seq) FROM gap WHERE time_ns >= ?1)",
	[Q_DESTINATION_RETIRE] = "UPDATE destination SET active = 0,"
				 " anchor = NULL WHERE id = ?",

	[Q_BATCH_ADD] = "INSERT INTO batch"
			" VALUES(NULL, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?,"
			" ?, ?)",
	[Q_BATCH_BODY_ADD] = "INSERT INTO batch_body"
			     " VALUES(?, zeroblob(?))",
	[Q_BATCH_OLDEST] = "SELECT id, first, last, rows, encoding, gzip,"
			   " attempts, crc, body, part FROM batch"
			   " LEFT JOIN batch_body USING(id)"
			   " WHERE destination = ?1"
			   " AND (?2 < 0 OR part = ?2)"
			   " ORDER BY first LIMIT 1",
	[Q_BATCH_GET] = "SELECT oldest_ns, runs, told, part FROM batch"
			" WHERE id = ? AND destination = ?",
	[Q_BATCH_ATTEMPT] = "UPDATE batch SET attempts = attempts + 1"
			    " WHERE id = ?",
	[Q_BATCH_DROP] = "DELETE FROM batch WHERE id = ? AND destination = ?",
	[Q_BATCH_BODY_DROP] = "DELETE FROM batch_body WHERE id = ?",
	[Q_BATCH_DROP_ALL] = "DELETE FROM batch WHERE destination = ?",
	[Q_BATCH_BODY_DROP_ALL] = "DELETE FROM batch_body WHERE id IN"
				  " (SELECT id FROM batch WHERE"
				  " destination = ?)",
	[Q_BATCH_BACKLOG] = "SELECT coalesce(sum(rows), 0), min(oldest_ns)"
			    " FROM batch WHERE destination = ?",
	[Q_BATCH_PARTS] = "SELECT DISTINCT part FROM batch"
			  " WHERE destination = ?",
	[Q_BATCH_LIST] = "SELECT p.id, name, first, last, rows, encoding, gzip,"
			 " attempts, length(body), 0, NULL FROM batch AS p"
			 " LEFT JOIN batch_body USING(id)"
			 " JOIN destination AS d ON d.id = p.destination"
			 " WHERE p.id > ?2 AND (?1 IS NULL OR name = ?1)"
			 " ORDER BY p.id LIMIT ?3",
	[Q_DEAD_ADD] = "INSERT INTO dead SELECT NULL, ?3, destination, first,"
		       " last, rows, encoding, gzip, attempts, length(body),"
		       " ?4, body FROM batch LEFT JOIN batch_body USING(id)"
		       " WHERE id = ?1 AND destination = ?2",
	[Q_DEAD_BYTES] = "SELECT sum(bytes) FROM dead",
	[Q_DEAD_DROP_OLDEST] = "DELETE FROM dead WHERE id ="
			       " (SELECT min(id) FROM dead)",
	[Q_DEAD_LIST] = "SELECT p.id, name, first, last, rows, encoding, gzip,"
			" attempts, bytes, time_ns, answer FROM dead AS p"
			" JOIN destination AS d ON d.id = p.destination"
			" WHERE p.id > ?2 AND (?1 IS NULL OR name = ?1)"
			" ORDER BY p.id LIMIT ?3",
	[Q_DEAD_READ] = "SELECT first, last, rows, encoding, gzip, attempts,"
			" body FROM dead WHERE id = ?",
	[Q_DEAD_FREEZE] = "INSERT INTO batch(destination, first, last, rows,"
			  " encoding, gzip, attempts, oldest_ns, runs, told,"
			  " crc) SELECT p.destination, first, last, rows,"
			  " encoding, gzip, 0, time_ns, '', '', ?2"
			  " FROM dead AS p JOIN destination AS d"
			  " ON d.id = p.destination AND d.active"
			  " WHERE p.id = ?1",
	[Q_DEAD_DROP] = "DELETE FROM dead WHERE id = ?",
	[Q_COUNT_ADD] = "INSERT INTO counter VALUES(?1, ?2, ?3)"
			" ON CONFLICT DO UPDATE SET value = value + ?3",
	[Q_COUNT_GET] = "SELECT value FROM counter"
			" WHERE destination = ? AND name = ?",
};
