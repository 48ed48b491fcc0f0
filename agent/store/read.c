/* Whole records in order of their number, merged from the tables that hold
 * them; and facts. */
#include "store/sample.h"
#include "store/sealed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One read transaction: the log cannot be cleared beneath it. */
#define PAGE_ROWS 5000

#define SAMPLE_TYPES (1u << ROW_SAMPLE | 1u << ROW_LATE)
#define NOTE_TYPES                                                             \
	(1u << ROW_BOOT | 1u << ROW_CLOCK | 1u << ROW_SELF | 1u << ROW_EVENT)
#define GAP_TYPES (1u << ROW_GAP | 1u << ROW_SELF)

enum { SAMPLES, NOTES, GAPS, ASKED, CHUNKS = ASKED, SOURCES };

struct source {
	sqlite3_stmt *stmt; /* NULL: of chunks */
	size_t at;          /* of the rows in store->chunk */
	uint64_t seq;       /* of the row it stands on; UINT64_MAX: ended */
};

struct merging {
	struct store *store;
	const struct store_range *range;
	const struct destination *to; /* NULL: everything */
	store_record_cb cb;
	void *arg;
	struct source sources[SOURCES];
	uint64_t next; /* sequence number to go on with */
	uint64_t last; /* of the range */
	char body[64]; /* of a gap row that says nothing to `to` */
	int ret;       /* of the callback */
};

/* On the first sealed row from `from` on. */
static int stand(struct merging *m, uint64_t from)
{
	struct source *source = &m->sources[CHUNKS];
	const struct chunk *chunk;
	int r = sealed_load(m->store, from, m->last);

	source->seq = UINT64_MAX;
	if (r <= 0)
		return r;
	chunk = m->store->chunk;
	source->at = sealed_from(chunk, from);
	if (sealed_seq(chunk, source->at) <= m->last)
		source->seq = sealed_seq(chunk, source->at);
	return 0;
}

static int step(struct merging *m)
{
	struct source *source = &m->sources[CHUNKS];
	const struct chunk *chunk = m->store->chunk;
	uint64_t seq = source->seq + 1;

	/* The callback may have read another one. */
	if (chunk->id != source->seq / CHUNK_NUMBERS ||
	    source->at + 1 == chunk->n)
		return stand(m, seq);
	seq = sealed_seq(chunk, ++source->at);
	source->seq = seq <= m->last ? seq : UINT64_MAX;
	return 0;
}

static int advance(struct merging *m, int i)
{
	struct source *source = &m->sources[i];
	int r;

	if (i == CHUNKS)
		return step(m);
	r = db_next(&m->store->db, source->stmt);
	source->seq = r > 0 ? (uint64_t)sqlite3_column_int64(source->stmt, 0)
			    : UINT64_MAX;
	return r < 0 ? r : 0;
}

static int begin_sources(struct merging *m)
{
	static const struct {
		enum db_query query;
		unsigned types;
	} kinds[ASKED] = {
		[SAMPLES] = { Q_SAMPLE_SCAN, SAMPLE_TYPES },
		[NOTES] = { Q_NOTE_SCAN, NOTE_TYPES },
		[GAPS] = { Q_GAP_SCAN, GAP_TYPES },
	};
	unsigned types = m->range->types ? m->range->types : ~0u;

	for (int i = 0; i < ASKED; i++) {
		struct source *source = &m->sources[i];

		*source = (struct source){ .seq = UINT64_MAX };
		if (!(types & kinds[i].types))
			continue;
		source->stmt = db_ask(&m->store->db, kinds[i].query, "uu",
				      m->next, m->last);
		if (!source->stmt || advance(m, i) < 0)
			return db_errno(&m->store->db);
	}
	m->sources[CHUNKS] = (struct source){ .seq = UINT64_MAX };
	return types & SAMPLE_TYPES ? stand(m, m->next) : 0;
}

static void end_sources(struct merging *m)
{
	for (int i = 0; i < ASKED; i++)
		db_end(m->sources[i].stmt);
}

static int note_read(sqlite3_stmt *row, struct record *ret_record)
{
	const char *body = (const char *)sqlite3_column_text(row, 3);

	*ret_record = (struct record){
		.seq = (uint64_t)sqlite3_column_int64(row, 0),
		.time_ns = (uint64_t)sqlite3_column_int64(row, 1),
		.type = (enum row_type)sqlite3_column_int(row, 2),
		.body = body ? body : "",
	};
	return 0;
}

static int gap_read(struct merging *m, sqlite3_stmt *row,
		    struct record *ret_record)
{
	struct record record = {
		.type = ROW_GAP,
		.seq = (uint64_t)sqlite3_column_int64(row, 0),
		.time_ns = (uint64_t)sqlite3_column_int64(row, 1),
		.reason = (enum gap_reason)sqlite3_column_int(row, 2),
	};
	struct run run = { 0, 0 };
	uint64_t others = 0;
	int r = gap_view(m->store, record.seq, m->to, &run, &others);

	if (r < 0)
		return r;
	record.first = run.first;
	record.last = run.last;
	if (r == 0) {
		snprintf(m->body, sizeof(m->body),
			 "\"part\":\"gap\",\"%s_elsewhere\":%llu",
			 gap_reason_name(record.reason),
			 (unsigned long long)others);
		record.type = ROW_SELF;
		record.body = m->body;
	}
	*ret_record = record;
	return 0;
}

static int read_record(struct merging *m, int from, struct record *record)
{
	sqlite3_stmt *row = m->sources[from].stmt;

	if (from == CHUNKS) {
		sealed_read(m->store, m->store->chunk, m->sources[from].at,
			    record);
		return 0;
	}
	if (from == SAMPLES)
		return sample_read(m->store, row, record);
	return from == NOTES ? note_read(row, record)
			     : gap_read(m, row, record);
}

static bool wanted(const struct store_range *range, const struct record *record)
{
	if (range->types && !(range->types & 1u << record->type))
		return false;
	return record->time_ns >= range->since_ns &&
	       (range->until_ns == 0 || record->time_ns < range->until_ns);
}

/* The lowest number of all. 1: offered or passed over; 0: no more. */
static int offer_next(struct merging *m)
{
	struct record record;
	int from = SAMPLES, r;

	for (int i = 1; i < SOURCES; i++)
		if (m->sources[i].seq < m->sources[from].seq)
			from = i;
	if (m->sources[from].seq == UINT64_MAX)
		return 0;
	r = read_record(m, from, &record);
	if (r < 0)
		return r;
	if (wanted(m->range, &record))
		m->ret = m->cb(&record, m->arg);
	if (m->ret)
		return 0;
	m->next = record.seq + 1;
	r = advance(m, from);
	return r < 0 ? r : 1;
}

static int merge_page(struct merging *m)
{
	struct db *db = &m->store->db;
	int r = db_run(db, Q_BEGIN_READ, "");

	if (r < 0)
		return r;
	r = begin_sources(m);
	if (r == 0)
		r = 1;
	for (int n = 0; n < PAGE_ROWS && r > 0; n++)
		r = offer_next(m);
	end_sources(m);
	if (r < 0)
		return r; /* its words are still wanted: rolled back later */
	return db_run(db, Q_COMMIT, "") < 0 ? db_errno(db) : r;
}

int scan_for(struct store *store, const struct store_range *range,
	     const struct destination *to, store_record_cb cb, void *arg,
	     struct ep_err *err)
{
	struct merging m = {
		.store = store,
		.range = range,
		.to = to,
		.cb = cb,
		.arg = arg,
		.next = range->first_seq,
		.last = range->last_seq ? range->last_seq : INT64_MAX,
	};
	int r;

	do
		r = merge_page(&m);
	while (r > 0);
	if (r < 0)
		(void)db_fail(&store->db, err, store->path);
	db_rollback(&store->db);
	return r < 0 ? r : m.ret;
}

int store_scan(struct store *store, const struct store_range *range,
	       store_record_cb cb, void *arg, struct ep_err *err)
{
	struct store_range from = *range;
	struct destination to;
	int r = 0;

	if (range->destination >= 0)
		r = destination_get(store, range->destination, &to);
	if (r < 0)
		return ep_err_set(err, r, "%s: destination %d is not known",
				  store->path, range->destination);
	/* Below are only rows that are kept for one destination. */
	if (from.first_seq < store->floor)
		from.first_seq = store->floor;
	return scan_for(store, &from, range->destination < 0 ? NULL : &to, cb,
			arg, err);
}

static uint64_t number(struct store *store, enum db_query q, const char *types,
		       int64_t a, const char *b)
{
	int64_t n = 0;

	(void)db_number(&store->db, &n, q, types, a, b);
	return (uint64_t)n;
}

int store_facts(struct store *store, struct store_facts *ret_facts)
{
	struct store_facts facts = {
		.bytes = file_bytes(store, ""),
		.wal_bytes = file_bytes(store, "-wal"),
		.queued = store->queue.rows,
		.disk_full = store->disk_full,
	};
	uint64_t missing;

	facts.evicted_undelivered =
		number(store, Q_COUNT_GET, "it", 0, "evicted");
	facts.sealed_rows = number(store, Q_COUNT_GET, "it", 0, SEALED_ROWS);
	facts.sealed_bytes = number(store, Q_COUNT_GET, "it", 0, SEALED_BYTES);
	facts.last_seq = store->durable - 1;
	if (store->durable > store->floor) {
		facts.first_seq = store->floor;
		missing = number(store, Q_GAP_OVERFLOWN, "i",
				 (int64_t)store->floor, NULL);
		facts.rows = store->durable - store->floor - missing;
	}
	*ret_facts = facts;
	return 0;
}
