/* A sample as a row of `sample`, with `https` and `late` beside it. */
#include "store/sample.h"

#include <errno.h>
#include <string.h>

/* `code` packs what is small, the commonest value being 0, which SQLite keeps
 * in no byte at all. CODE_LATE and CODE_HTTPS are its lowest bits. */
#define CODE_STAMP_SHIFT   2
#define CODE_FLAGS_SHIFT   10
#define CODE_OUTCOME_SHIFT 18
#define CODE_REASON_SHIFT  26
#define CODE_MORE_SHIFT    34 /* the upper eight flags */

#define PORT_BITS 16

static uint64_t pack(const struct ep_sample *sample, bool late, bool https)
{
	return (late ? CODE_LATE : 0) | (https ? CODE_HTTPS : 0) |
	       (uint64_t)sample->stamp << CODE_STAMP_SHIFT |
	       (uint64_t)(sample->flags & 0xff) << CODE_FLAGS_SHIFT |
	       (uint64_t)(sample->flags >> 8) << CODE_MORE_SHIFT |
	       (uint64_t)sample->outcome << CODE_OUTCOME_SHIFT |
	       (uint64_t)sample->reason << CODE_REASON_SHIFT;
}

struct code code_unpack(uint64_t code)
{
	return (struct code){
		.late = (code & CODE_LATE) != 0,
		.https = (code & CODE_HTTPS) != 0,
		.stamp = (uint8_t)(code >> CODE_STAMP_SHIFT),
		.flags = (uint16_t)((code >> CODE_FLAGS_SHIFT & 0xff) |
				    (code >> CODE_MORE_SHIFT & 0xff) << 8),
		.outcome = (uint8_t)(code >> CODE_OUTCOME_SHIFT),
		.reason = (uint8_t)(code >> CODE_REASON_SHIFT),
	};
}

static bool has_https(const struct ep_https *h)
{
	return h->tls_first_byte_ns != EP_ABSENT ||
	       h->connect_ns != EP_ABSENT || h->tls_ns != EP_ABSENT ||
	       h->first_byte_ns != EP_ABSENT || h->total_ns != EP_ABSENT ||
	       h->srtt_ns != EP_ABSENT || h->min_rtt_ns != EP_ABSENT ||
	       h->tls_days_left != EP_DAYS_ABSENT || h->http_status != 0 ||
	       h->http_version[0] || h->pop[0] || h->pop_source[0] ||
	       h->pop_ref[0] || h->edge_cache[0] || h->tls_issuer[0];
}

uint32_t sample_bytes(const struct ep_sample *sample)
{
	return (uint32_t)(has_https(&sample->https) ? sizeof(*sample)
						    : EP_SAMPLE_CORE);
}

/* A row of `https` is beside it. */
static bool has_beside(const struct ep_sample *sample)
{
	return sample->mapped.family != 0 || has_https(&sample->https);
}

/* Absent values are NULL, which takes no room; so does a 0. */
static int bind_signed(sqlite3_stmt *s, int i, int64_t value, int64_t absent)
{
	return value == absent ? sqlite3_bind_null(s, i)
			       : sqlite3_bind_int64(s, i, value);
}

int64_t column_signed(sqlite3_stmt *row, int i, int64_t absent)
{
	int64_t value;

	if (i >= sqlite3_column_count(row))
		return absent; /* a reader of a store of an earlier schema */
	value = sqlite3_column_int64(row, i);
	/* NULL reads as 0, which is rare: one call for most rows. */
	if (value == 0 && sqlite3_column_type(row, i) == SQLITE_NULL)
		return absent;
	return value;
}

/* Where a STUN server saw us, which is the same for long: the number of a word,
 * and below it the port. */
static int64_t pack_egress(struct store *store, const struct ep_sample *sample,
			   uint64_t seq)
{
	char text[EP_ADDRESS_TEXT_MAX];
	uint64_t word;

	if (!sample->mapped.family)
		return EP_ABSENT;
	ep_address_format(&sample->mapped, text, sizeof(text));
	word = names_word(store, text, sizeof(text), seq);
	return (int64_t)(word << PORT_BITS | sample->mapped_port);
}

static void unpack_egress(struct store *store, uint64_t egress,
			  struct ep_sample *ret_sample)
{
	const char *text = store_word(store, (uint32_t)(egress >> PORT_BITS));

	if (egress != (uint64_t)EP_ABSENT &&
	    ep_address_parse(text, &ret_sample->mapped) == 0)
		ret_sample->mapped_port = (uint16_t)egress;
}

static int write_beside(struct store *store, uint64_t seq,
			const struct ep_sample *sample)
{
	const struct ep_https *h = &sample->https;
	sqlite3_stmt *s = db_ask(&store->db, Q_HTTPS_ADD, "u", seq);
	int r;

	if (!s)
		return db_errno(&store->db);
	bind_signed(s, 2, h->connect_ns, EP_ABSENT);
	bind_signed(s, 3, h->tls_ns, EP_ABSENT);
	bind_signed(s, 4, h->first_byte_ns, EP_ABSENT);
	bind_signed(s, 5, h->total_ns, EP_ABSENT);
	bind_signed(s, 6, h->tls_days_left, EP_DAYS_ABSENT);
	sqlite3_bind_int(s, 7, h->http_status);
	sqlite3_bind_int64(s, 8,
			   names_word(store, h->http_version,
				      sizeof(h->http_version), seq));
	sqlite3_bind_int64(s, 9,
			   names_word(store, h->pop, sizeof(h->pop), seq));
	sqlite3_bind_int64(
		s, 10,
		names_word(store, h->pop_source, sizeof(h->pop_source), seq));
	sqlite3_bind_int64(
		s, 11,
		names_word(store, h->tls_issuer, sizeof(h->tls_issuer), seq));
	sqlite3_bind_text(s, 12, h->pop_ref,
			  (int)strnlen(h->pop_ref, sizeof(h->pop_ref)),
			  SQLITE_STATIC);
	bind_signed(s, 13, h->srtt_ns, EP_ABSENT);
	bind_signed(s, 14, h->min_rtt_ns, EP_ABSENT);
	bind_signed(s, 15, h->tls_first_byte_ns, EP_ABSENT);
	bind_signed(s, 16, pack_egress(store, sample, seq), EP_ABSENT);
	sqlite3_bind_int64(
		s, 17,
		names_word(store, h->edge_cache, sizeof(h->edge_cache), seq));
	r = db_next(&store->db, s);
	db_end(s);
	return r;
}

static int write_core(struct store *store, uint64_t seq, uint32_t series_id,
		      const struct ep_sample *sample, uint64_t code)
{
	uint32_t path = names_path(store, series_id, sample, seq);
	sqlite3_stmt *s;
	int r;

	if (!path)
		return -ENOMEM;
	s = db_ask(&store->db, Q_SAMPLE_ADD, "uuuu", seq, sample->sent_ns,
		   (uint64_t)path, code);
	if (!s)
		return db_errno(&store->db);
	bind_signed(s, 5, sample->rtt_ns, EP_ABSENT);
	sqlite3_bind_int64(s, 6, sample->missed);
	bind_signed(s, 7, sample->dns_ns, EP_ABSENT);
	sqlite3_bind_int64(s, 8, (int64_t)sample->uncertainty_ns);
	sqlite3_bind_int64(s, 9, sample->slip_ns);
	bind_signed(s, 10, sample->ttl, EP_ABSENT);
	bind_signed(s, 11, sample->retransmits, EP_ABSENT);
	r = db_next(&store->db, s);
	db_end(s);
	return r;
}

int sample_write(struct store *store, uint64_t seq, uint32_t series_id,
		 const struct ep_sample *sample, const uint64_t *late_of)
{
	bool beside = has_beside(sample);
	int r = write_core(store, seq, series_id, sample,
			   pack(sample, late_of != NULL, beside));

	if (r == 0 && beside)
		r = write_beside(store, seq, sample);
	if (r == 0 && late_of)
		r = db_run(&store->db, Q_LATE_ADD, "uu", seq, *late_of);
	return r;
}

/* --- reading --- */

static void copy_text(char *to, size_t size, const char *from)
{
	size_t len = from ? strnlen(from, size - 1) : 0;

	if (len)
		memcpy(to, from, len);
	to[len] = '\0';
}

static void copy_word(struct store *store, uint64_t id, char *to, size_t size)
{
	copy_text(to, size, store_word(store, (uint32_t)id));
}

void sample_columns(sqlite3_stmt *row, uint64_t *ret_col)
{
	static const struct {
		int from;
		enum chunk_column to;
		bool optional;
	} places[] = {
		{ 1, CHUNK_SENT, false },
		{ 2, CHUNK_PATH, false },
		{ 3, CHUNK_CODE, false },
		{ 4, CHUNK_RTT, true },
		{ 5, CHUNK_MISSED, false },
		{ 6, CHUNK_DNS, true },
		{ 7, CHUNK_UNCERTAINTY, false },
		{ 8, CHUNK_SLIP, false },
		{ 9, CHUNK_TTL, true },
		{ 10, CHUNK_RETRANSMITS, true },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		ret_col[places[i].to] = (uint64_t)column_signed(
			row, places[i].from,
			places[i].optional ? EP_ABSENT : 0);
}

void sample_https_columns(sqlite3_stmt *row, uint64_t *ret_col,
			  const char **ret_text)
{
	static const struct {
		int from;
		enum chunk_https_column to;
		int64_t absent;
	} places[] = {
		{ 1, CHUNK_CONNECT, EP_ABSENT },
		{ 2, CHUNK_TLS, EP_ABSENT },
		{ 3, CHUNK_FIRST_BYTE, EP_ABSENT },
		{ 4, CHUNK_TOTAL, EP_ABSENT },
		{ 5, CHUNK_DAYS, EP_DAYS_ABSENT },
		{ 6, CHUNK_STATUS, 0 },
		{ 7, CHUNK_VERSION, 0 },
		{ 8, CHUNK_POP, 0 },
		{ 9, CHUNK_SOURCE, 0 },
		{ 10, CHUNK_ISSUER, 0 },
		{ 12, CHUNK_SRTT, EP_ABSENT },
		{ 13, CHUNK_MIN_RTT, EP_ABSENT },
		{ 14, CHUNK_TLS_FIRST_BYTE, EP_ABSENT },
		{ 15, CHUNK_EGRESS, EP_ABSENT },
		{ 16, CHUNK_CACHE, 0 },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		ret_col[places[i].to] = (uint64_t)column_signed(
			row, places[i].from, places[i].absent);
	*ret_text = (const char *)sqlite3_column_text(row, 11);
}

void sample_https(struct store *store, const uint64_t *col, const char *text,
		  struct ep_sample *ret_sample)
{
	struct ep_https *h = &ret_sample->https;

	h->connect_ns = (int64_t)col[CHUNK_CONNECT];
	h->tls_ns = (int64_t)col[CHUNK_TLS];
	h->first_byte_ns = (int64_t)col[CHUNK_FIRST_BYTE];
	h->total_ns = (int64_t)col[CHUNK_TOTAL];
	h->srtt_ns = (int64_t)col[CHUNK_SRTT];
	h->min_rtt_ns = (int64_t)col[CHUNK_MIN_RTT];
	h->tls_first_byte_ns = (int64_t)col[CHUNK_TLS_FIRST_BYTE];
	h->tls_days_left = (int32_t)(int64_t)col[CHUNK_DAYS];
	h->http_status = (uint16_t)col[CHUNK_STATUS];
	copy_word(store, col[CHUNK_VERSION], h->http_version,
		  sizeof(h->http_version));
	copy_word(store, col[CHUNK_POP], h->pop, sizeof(h->pop));
	copy_word(store, col[CHUNK_SOURCE], h->pop_source,
		  sizeof(h->pop_source));
	copy_word(store, col[CHUNK_ISSUER], h->tls_issuer,
		  sizeof(h->tls_issuer));
	copy_word(store, col[CHUNK_CACHE], h->edge_cache,
		  sizeof(h->edge_cache));
	copy_text(h->pop_ref, sizeof(h->pop_ref), text);
	unpack_egress(store, col[CHUNK_EGRESS], ret_sample);
}

static int read_https(struct store *store, uint64_t seq,
		      struct ep_sample *ret_sample)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_HTTPS_SCAN, "uu", seq, seq);
	uint64_t col[CHUNK_HTTPS_COLUMNS];
	const char *text;
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0) {
		sample_https_columns(s, col, &text);
		sample_https(store, col, text, ret_sample);
	}
	db_end(s);
	return r < 0 ? r : 0;
}

static int read_late(struct store *store, struct record *record)
{
	int64_t of = 0;
	int r = db_number(&store->db, &of, Q_LATE_OF, "u", record->seq);

	record->of = (uint64_t)of;
	return r < 0 ? r : 0;
}

void sample_record(struct store *store, const uint64_t *col,
		   struct record *ret_record)
{
	/* A path that damage took: the figures are still worth having. */
	static const struct series unknown = { .target = "", .probe = "" };
	struct code code = code_unpack(col[CHUNK_CODE]);
	struct record record = { .type = code.late ? ROW_LATE : ROW_SAMPLE };
	struct ep_sample *sample = &record.sample;
	uint32_t series = 0;

	ep_sample_init(sample);
	sample->sent_ns = col[CHUNK_SENT];
	record.time_ns = sample->sent_ns;
	if (names_path_read(store, (uint32_t)col[CHUNK_PATH], &series, sample))
		record.series = store_series_text(store, series);
	if (!record.series)
		record.series = &unknown;
	sample->outcome = code.outcome;
	sample->reason = code.reason;
	sample->stamp = code.stamp;
	sample->flags = code.flags;
	sample->rtt_ns = (int64_t)col[CHUNK_RTT];
	sample->missed = (uint32_t)col[CHUNK_MISSED];
	sample->dns_ns = (int64_t)col[CHUNK_DNS];
	sample->uncertainty_ns = col[CHUNK_UNCERTAINTY];
	sample->slip_ns = (int64_t)col[CHUNK_SLIP];
	sample->ttl = (int16_t)(int64_t)col[CHUNK_TTL];
	sample->retransmits = (int16_t)(int64_t)col[CHUNK_RETRANSMITS];
	*ret_record = record;
}

int sample_read(struct store *store, sqlite3_stmt *row,
		struct record *ret_record)
{
	uint64_t col[CHUNK_COLUMNS];
	struct record record;
	int r = 0;

	sample_columns(row, col);
	sample_record(store, col, &record);
	record.seq = (uint64_t)sqlite3_column_int64(row, 0);
	if (col[CHUNK_CODE] & CODE_HTTPS)
		r = read_https(store, record.seq, &record.sample);
	if (r == 0 && record.type == ROW_LATE)
		r = read_late(store, &record);
	*ret_record = record;
	return r;
}
