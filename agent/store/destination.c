#include "store/parts.h"

#include <errno.h>
#include <string.h>

static struct destination read_row(sqlite3_stmt *s)
{
	return (struct destination){
		.id = sqlite3_column_int(s, 0),
		.start = (uint64_t)sqlite3_column_int64(s, 1),
		.next = (uint64_t)sqlite3_column_int64(s, 2),
		.anchor = (uint64_t)sqlite3_column_int64(s, 3),
	};
}

int destination_get(struct store *store, int id, struct destination *ret)
{
	sqlite3_stmt *s =
		db_ask(&store->db, Q_DESTINATION_GET, "i", (int64_t)id);
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0)
		*ret = read_row(s);
	db_end(s);
	if (r == 0)
		return -ENOENT;
	return r < 0 ? r : 0;
}

int destination_list(struct store *store, struct destination *list)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_DESTINATION_SCAN, "");
	int n = 0, r;

	memset(list, 0, DESTINATIONS_MAX * sizeof(*list));
	if (!s)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s)) > 0 && n < DESTINATIONS_MAX)
		list[n++] = read_row(s);
	db_end(s);
	return r < 0 ? r : n;
}

int destination_set(struct store *store, const struct destination *to)
{
	if (to->anchor)
		return db_run(&store->db, Q_DESTINATION_SET, "iuu",
			      (int64_t)to->id, to->next, to->anchor);
	return db_run(&store->db, Q_DESTINATION_SET, "iu", (int64_t)to->id,
		      to->next);
}

struct adding {
	const char *name;
	int64_t id;
};

static int add(struct store *store, void *arg)
{
	struct destination list[DESTINATIONS_MAX];
	struct adding *a = arg;
	int64_t start = (int64_t)store->durable;
	int r = destination_list(store, list);

	if (r >= DESTINATIONS_MAX)
		return -E2BIG;
	if (r >= 0)
		r = db_number(&store->db, &start, Q_FIRST_SEQ, "u",
			      store->floor);
	if (r >= 0)
		r = db_run(&store->db, Q_DESTINATION_ADD, "ti", a->name, start);
	if (r >= 0)
		r = db_number(&store->db, &a->id, Q_DESTINATION_FIND, "t",
			      a->name);
	return r < 0 ? r : 0;
}

int store_destination(struct store *store, const char *name, int *ret_id,
		      struct ep_err *err)
{
	struct adding a = { .name = name };
	int r;

	r = db_number(&store->db, &a.id, Q_DESTINATION_FIND, "t", name);
	if (r < 0)
		return db_fail(&store->db, err, store->path);
	if (r == 0) {
		r = store_transact(store, add, &a, err);
		if (r < 0)
			return r;
	}
	*ret_id = (int)a.id;
	return 0;
}

struct retiring {
	const int *ids;
	size_t n;
};

static bool among(const struct retiring *keep, int id)
{
	for (size_t i = 0; i < keep->n; i++)
		if (keep->ids[i] == id)
			return true;
	return false;
}

static int retire_one(struct store *store, int64_t id)
{
	static const enum db_query steps[] = {
		Q_BATCH_BODY_DROP_ALL,
		Q_BATCH_DROP_ALL,
		Q_DESTINATION_RETIRE,
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && r == 0; i++)
		r = db_run(&store->db, steps[i], "i", id);
	return r;
}

static int retire(struct store *store, void *arg)
{
	struct destination list[DESTINATIONS_MAX];
	const struct retiring *keep = arg;
	int n = destination_list(store, list);
	int r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++)
		if (!among(keep, list[i].id))
			r = retire_one(store, list[i].id);
	return r;
}

int store_retire_destinations(struct store *store, const int *ids, size_t n,
			      struct ep_err *err)
{
	struct retiring keep = { ids, n };

	return store_transact(store, retire, &keep, err);
}

static int oldest_row(struct store *store, const struct destination *to,
		      int64_t *ret_ns)
{
	int64_t seq = (int64_t)to->anchor;
	int r = 1;

	if (!to->anchor)
		r = db_number(&store->db, &seq, Q_FIRST_SEQ, "u", to->next);
	if (r > 0)
		r = db_number(&store->db, ret_ns, Q_FIRST_TIME, "i", seq);
	return r;
}

/* Not yet in a batch: all from `next`, less what never reached the disk. */
static int unfrozen(struct store *store, const struct destination *to,
		    uint64_t *ret_rows)
{
	int64_t missing = 0;
	int r = db_number(&store->db, &missing, Q_GAP_OVERFLOWN, "u", to->next);

	if (r < 0)
		return r;
	*ret_rows = store->durable - to->next - (uint64_t)missing +
		    (to->anchor ? 1 : 0);
	return 0;
}

static int frozen(struct store *store, int destination, uint64_t *ret_rows,
		  int64_t *ret_ns)
{
	sqlite3_stmt *s =
		db_ask(&store->db, Q_BATCH_BACKLOG, "i", (int64_t)destination);
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0) {
		*ret_rows = (uint64_t)sqlite3_column_int64(s, 0);
		*ret_ns = sqlite3_column_int64(s, 1);
	}
	db_end(s);
	return r < 0 ? r : 0;
}

int store_backlog(struct store *store, int destination, uint64_t *ret_rows,
		  uint64_t *ret_oldest_ns)
{
	uint64_t in_batches = 0, beyond = 0, now = now_wall_ns();
	struct destination to = { .id = destination };
	int64_t oldest = 0;
	int r;

	r = destination_get(store, destination, &to);
	if (r == 0)
		r = frozen(store, destination, &in_batches, &oldest);
	if (r == 0)
		r = unfrozen(store, &to, &beyond);
	if (r == 0 && in_batches == 0 && beyond > 0)
		r = oldest_row(store, &to, &oldest);
	if (r < 0)
		return r;
	*ret_rows = in_batches + beyond;
	*ret_oldest_ns = oldest > 0 && now > (uint64_t)oldest
				 ? now - (uint64_t)oldest
				 : 0;
	return 0;
}
