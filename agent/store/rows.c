/* Reading for reports: numbers only, in large pages. */
#include "store/sample.h"
#include "store/sealed.h"

#include <errno.h>

#define PAGE_ROWS 50000

/* --- spans: which numbers cannot be of a time --- */

int span_extend(struct store *store, struct span *span, uint64_t seq,
		uint64_t sent_ns)
{
	uint64_t id = seq / SPAN_ROWS;
	int r = 0;

	if (span->id != id) {
		if (span->id != UINT64_MAX)
			r = db_run(&store->db, Q_SPAN_ADD, "uuu", span->id,
				   span->min_ns, span->max_ns);
		*span = (struct span){ id, sent_ns, sent_ns };
	}
	if (sent_ns < span->min_ns)
		span->min_ns = sent_ns;
	if (sent_ns > span->max_ns)
		span->max_ns = sent_ns;
	return r;
}

static bool outside(sqlite3_stmt *span, const struct store_range *range)
{
	uint64_t min_ns = (uint64_t)sqlite3_column_int64(span, 1);
	uint64_t max_ns = (uint64_t)sqlite3_column_int64(span, 2);

	return max_ns < range->since_ns ||
	       (range->until_ns && min_ns >= range->until_ns);
}

/* Move `*seq` beyond the spans that hold nothing of the range. */
static int skip_spans(struct store *store, const struct store_range *range,
		      uint64_t *seq)
{
	uint64_t id = *seq / SPAN_ROWS;
	sqlite3_stmt *s;
	int r;

	if (!range->since_ns && !range->until_ns)
		return 0;
	s = db_ask(&store->db, Q_SPAN_SCAN, "u", id);
	if (!s)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s)) > 0 &&
	       (uint64_t)sqlite3_column_int64(s, 0) == id && outside(s, range))
		*seq = ++id * SPAN_ROWS;
	db_end(s);
	return r < 0 ? r : 0;
}

/* --- a page --- */

struct reading {
	struct store *store;
	const struct store_range *range;
	store_scan_row_cb cb;
	void *arg;
	sqlite3_stmt *rows, *https;
	bool https_ended;
	struct scan_https beside;
	uint64_t next; /* sequence number to go on with */
	uint64_t last; /* of the range */
	int ret;       /* of the callback */
};

static struct scan_https https_of(sqlite3_stmt *s)
{
	return (struct scan_https){
		.connect_ns = column_signed(s, 1, EP_ABSENT),
		.tls_ns = column_signed(s, 2, EP_ABSENT),
		.first_byte_ns = column_signed(s, 3, EP_ABSENT),
		.total_ns = column_signed(s, 4, EP_ABSENT),
		.tls_days_left = (int32_t)column_signed(s, 5, EP_DAYS_ABSENT),
		.http_status = (uint16_t)sqlite3_column_int(s, 6),
		.http_version = (uint32_t)sqlite3_column_int64(s, 7),
		.pop = (uint32_t)sqlite3_column_int64(s, 8),
		.pop_source = (uint32_t)sqlite3_column_int64(s, 9),
		.tls_issuer = (uint32_t)sqlite3_column_int64(s, 10),
		.srtt_ns = column_signed(s, 12, EP_ABSENT),
		.min_rtt_ns = column_signed(s, 13, EP_ABSENT),
	};
}

/* Both questions are in order of number: step the one beside along. */
static int find_https(struct reading *rd, struct scan_row *row)
{
	struct db *db = &rd->store->db;
	uint64_t seq = 0;
	int r = 1;

	if (!rd->https)
		rd->https = db_ask(db, Q_HTTPS_SCAN, "uu", row->seq,
				   (uint64_t)INT64_MAX);
	if (!rd->https)
		return db_errno(db);
	while (!rd->https_ended && seq < row->seq) {
		r = db_next(db, rd->https);
		if (r < 0)
			return r;
		rd->https_ended = r == 0;
		if (r > 0)
			seq = (uint64_t)sqlite3_column_int64(rd->https, 0);
	}
	if (seq == row->seq) {
		rd->beside = https_of(rd->https);
		row->https = &rd->beside;
	}
	return 0;
}

static int read_row(struct reading *rd, struct scan_row *row)
{
	sqlite3_stmt *s = rd->rows;
	struct code code = code_unpack((uint64_t)sqlite3_column_int64(s, 3));

	*row = (struct scan_row){
		.seq = (uint64_t)sqlite3_column_int64(s, 0),
		.sent_ns = (uint64_t)sqlite3_column_int64(s, 1),
		.rtt_ns = column_signed(s, 4, EP_ABSENT),
		.missed = (uint32_t)sqlite3_column_int64(s, 5),
		.dns_ns = column_signed(s, 6, EP_ABSENT),
		.series = names_path_series(
			rd->store, (uint32_t)sqlite3_column_int64(s, 2)),
		.outcome = code.outcome,
		.reason = code.reason,
		.stamp = code.stamp,
		.flags = code.flags,
		.late = code.late,
	};
	return code.https ? find_https(rd, row) : 0;
}

static bool in_time(const struct store_range *range, uint64_t ns)
{
	return ns >= range->since_ns &&
	       (range->until_ns == 0 || ns < range->until_ns);
}

static void offer(struct reading *rd, const struct scan_row *row)
{
	rd->next = row->seq + 1;
	if (in_time(rd->range, row->sent_ns))
		rd->ret = rd->cb(row, rd->arg);
}

/* 1: there may be more up to `last`; 0: the end, or the callback stopped. */
static int read_rows(struct reading *rd, uint64_t last)
{
	struct db *db = &rd->store->db;
	struct scan_row row;
	int r = 1, n;

	rd->rows = db_ask(db, Q_ROW_SCAN, "uu", rd->next, last);
	if (!rd->rows)
		return db_errno(db);
	for (n = 0; n < PAGE_ROWS && rd->ret == 0; n++) {
		r = db_next(db, rd->rows);
		if (r > 0)
			r = read_row(rd, &row) < 0 ? db_errno(db) : 1;
		if (r <= 0)
			break;
		offer(rd, &row);
	}
	return rd->ret ? 0 : r;
}

/* --- from chunks --- */

static struct scan_https sealed_https(const struct chunk_https *h)
{
	return (struct scan_https){
		.connect_ns = (int64_t)h->col[CHUNK_CONNECT],
		.tls_ns = (int64_t)h->col[CHUNK_TLS],
		.first_byte_ns = (int64_t)h->col[CHUNK_FIRST_BYTE],
		.total_ns = (int64_t)h->col[CHUNK_TOTAL],
		.tls_days_left = (int32_t)(int64_t)h->col[CHUNK_DAYS],
		.http_status = (uint16_t)h->col[CHUNK_STATUS],
		.http_version = (uint32_t)h->col[CHUNK_VERSION],
		.pop = (uint32_t)h->col[CHUNK_POP],
		.pop_source = (uint32_t)h->col[CHUNK_SOURCE],
		.tls_issuer = (uint32_t)h->col[CHUNK_ISSUER],
		.srtt_ns = (int64_t)h->col[CHUNK_SRTT],
		.min_rtt_ns = (int64_t)h->col[CHUNK_MIN_RTT],
	};
}

static struct scan_row sealed_row(struct reading *rd, const struct chunk *chunk,
				  size_t i)
{
	const struct chunk_row *from = chunk_row(chunk, i);
	struct code code = code_unpack(from->col[CHUNK_CODE]);
	struct scan_row row = {
		.seq = sealed_seq(chunk, i),
		.sent_ns = from->col[CHUNK_SENT],
		.rtt_ns = (int64_t)from->col[CHUNK_RTT],
		.missed = (uint32_t)from->col[CHUNK_MISSED],
		.dns_ns = (int64_t)from->col[CHUNK_DNS],
		.series = names_path_series(rd->store,
					    (uint32_t)from->col[CHUNK_PATH]),
		.outcome = code.outcome,
		.reason = code.reason,
		.stamp = code.stamp,
		.flags = code.flags,
		.late = code.late,
	};

	if (code.https) {
		rd->beside = sealed_https(&chunk->https[from->https]);
		row.https = &rd->beside;
	}
	return row;
}

/* The rest of the chunk at hand. */
static void read_sealed(struct reading *rd)
{
	const struct chunk *chunk = rd->store->chunk;
	uint64_t id = chunk->id;

	for (size_t i = sealed_from(chunk, rd->next);
	     i < chunk->n && rd->ret == 0; i++) {
		struct scan_row row = sealed_row(rd, chunk, i);

		if (row.seq > rd->last)
			break;
		offer(rd, &row);
	}
	if (rd->ret == 0)
		rd->next = (id + 1) * CHUNK_NUMBERS;
}

/* Rows lie in chunks or in their table: what comes first of the two. */
static int read_page(struct reading *rd)
{
	uint64_t until = rd->last;
	int r = sealed_load(rd->store, rd->next, rd->last);

	if (r < 0)
		return r;
	if (r > 0) {
		uint64_t first = rd->store->chunk->id * CHUNK_NUMBERS;

		if (first <= rd->next) {
			read_sealed(rd);
			return rd->ret == 0 && rd->next <= rd->last;
		}
		until = first - 1;
	}
	r = read_rows(rd, until);
	if (r == 0 && rd->ret == 0 && until < rd->last) {
		rd->next = until + 1;
		r = 1;
	}
	return r;
}

static int one_page(struct reading *rd)
{
	struct db *db = &rd->store->db;
	int r = db_run(db, Q_BEGIN_READ, "");

	if (r < 0)
		return r;
	r = skip_spans(rd->store, rd->range, &rd->next);
	if (r == 0)
		r = read_page(rd);
	db_end(rd->rows);
	db_end(rd->https);
	rd->rows = rd->https = NULL;
	rd->https_ended = false;
	if (r < 0)
		return r; /* its words are still wanted: rolled back later */
	return db_run(db, Q_COMMIT, "") < 0 ? db_errno(db) : r;
}

int store_scan_rows(struct store *store, const struct store_range *range,
		    store_scan_row_cb cb, void *arg, struct ep_err *err)
{
	struct reading rd = {
		.store = store,
		.range = range,
		.cb = cb,
		.arg = arg,
		.next = range->first_seq,
		.last = range->last_seq ? range->last_seq : INT64_MAX,
	};
	int r;

	/* Below are only rows that are kept for one destination. */
	if (rd.next < store->floor)
		rd.next = store->floor;
	do
		r = one_page(&rd);
	while (r > 0);
	if (r < 0)
		r = db_fail(&store->db, err, store->path);
	db_rollback(&store->db);
	return r < 0 ? r : rd.ret;
}
