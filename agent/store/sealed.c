#include "store/sealed.h"
#include "store/sample.h"

#include <errno.h>

/* --- one chunk at a time --- */

static int take_chunk(struct store *store, sqlite3_stmt *s)
{
	uint64_t id = (uint64_t)sqlite3_column_int64(s, 0);
	struct chunk *chunk;
	const void *body;
	int r;

	store->chunk_used = true;
	if (store->chunk && store->chunk->id == id)
		return 1; /* what is in it never changes */
	body = sqlite3_column_blob(s, 1);
	if (!body)
		return sqlite3_column_bytes(s, 1) ? -ENOMEM : -EBADMSG;
	r = chunk_decode(body, (size_t)sqlite3_column_bytes(s, 1), &chunk);
	if (r < 0)
		return r;
	if (chunk->id != id) {
		chunk_destroy(chunk);
		return -EBADMSG;
	}
	chunk_destroy(store->chunk);
	store->chunk = chunk;
	return 1;
}

/* From `*id` on; 0: no more. */
static int next_chunk(struct store *store, uint64_t *id, uint64_t last)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_CHUNK_NEXT, "uu", *id, last);
	int r = s ? db_next(&store->db, s) : db_errno(&store->db);

	if (r > 0) {
		*id = (uint64_t)sqlite3_column_int64(s, 0);
		r = take_chunk(store, s);
	}
	db_end(s);
	return r;
}

int sealed_load(struct store *store, uint64_t from, uint64_t last)
{
	for (uint64_t id = from / CHUNK_NUMBERS;; id++) {
		int r = next_chunk(store, &id, last / CHUNK_NUMBERS);

		if (r == -EBADMSG) {
			if (!store->damaged_chunk)
				store->damaged_chunk = id + 1;
			continue;
		}
		if (r <= 0 || sealed_from(store->chunk, from) < store->chunk->n)
			return r;
	}
}

uint64_t sealed_seq(const struct chunk *chunk, size_t i)
{
	return chunk->id * CHUNK_NUMBERS + chunk_row(chunk, i)->col[CHUNK_SEQ];
}

size_t sealed_from(const struct chunk *chunk, uint64_t from)
{
	size_t low = 0, high = chunk->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (sealed_seq(chunk, middle) < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void sealed_read(struct store *store, const struct chunk *chunk, size_t i,
		 struct record *ret_record)
{
	const struct chunk_row *row = chunk_row(chunk, i);
	const struct chunk_https *https = NULL;

	if (row->col[CHUNK_CODE] & CODE_HTTPS)
		https = &chunk->https[row->https];
	sample_record(store, row->col, ret_record);
	ret_record->seq = sealed_seq(chunk, i);
	if (https)
		sample_https(store, https->col, chunk->texts + https->text,
			     &ret_record->sample);
	if (ret_record->type == ROW_LATE)
		ret_record->of = row->col[CHUNK_OF];
}

void sealed_rest(struct store *store)
{
	if (!store->chunk_used) {
		chunk_destroy(store->chunk);
		store->chunk = NULL;
	}
	store->chunk_used = false;
}

/* --- rows of any kind --- */

int sealed_first_row(struct store *store, uint64_t from, int64_t *ret_seq)
{
	int64_t seq = INT64_MAX;
	int r = db_number(&store->db, &seq, Q_FIRST_SEQ, "u", from);

	if (r < 0)
		return r;
	r = sealed_load(store, from, (uint64_t)seq);
	if (r > 0) {
		const struct chunk *chunk = store->chunk;
		uint64_t sealed = sealed_seq(chunk, sealed_from(chunk, from));

		if (sealed < (uint64_t)seq)
			seq = (int64_t)sealed;
	}
	if (r < 0 || seq == INT64_MAX)
		return r < 0 ? r : 0;
	*ret_seq = seq;
	return 1;
}

int sealed_row_time(struct store *store, uint64_t seq, int64_t *ret_ns)
{
	const struct chunk *chunk;
	size_t i;
	int r = db_number(&store->db, ret_ns, Q_FIRST_TIME, "u", seq);

	if (r == 0)
		r = sealed_load(store, seq, seq);
	else
		return r;
	if (r <= 0)
		return r;
	chunk = store->chunk;
	i = sealed_from(chunk, seq);
	if (sealed_seq(chunk, i) != seq)
		return 0;
	*ret_ns = (int64_t)chunk_row(chunk, i)->col[CHUNK_SENT];
	return 1;
}
