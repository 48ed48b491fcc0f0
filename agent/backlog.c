#include "backlog.h"
#include "line.h"
#include "store/dead.h"
#include <errno.h>
#include <string.h>

/* Lines of batches or letters in one page; each is less than 8 KiB. */
#define PAGE_LINES 8

struct listing {
	struct store *store;
	struct control_answer *answer;
	backlog_more more;
	void *arg;
};

static int failed(struct ep_err *err, int r)
{
	return ep_err_set(err, r, "the store: %s", strerror(-r));
}

/* --- destinations --- */

static bool is_asked_for(const struct listing *l, const char *name)
{
	const char *asked = l->answer->request->destination;

	return asked == NULL || strcmp(asked, name) == 0;
}

static int tell_destination(int id, const char *name, void *arg)
{
	struct listing *l = arg;
	struct buf *b = l->answer->out;
	uint64_t rows = 0, age_ns = 0;
	struct store_lacking lacking = { 0 };
	int r;

	if (!is_asked_for(l, name))
		return 0;
	r = store_backlog(l->store, id, &rows, &age_ns);
	if (r == 0)
		r = store_lacking(l->store, id, &lacking);
	if (r < 0)
		return r;
	line_begin(b, "destination");
	line_text(b, "destination", name);
	line_uint(b, "rows", rows);
	line_us(b, "age_us", age_ns);
	line_uint(b, "frozen_rows",
		  rows - lacking.fresh - lacking.backlog - lacking.again);
	line_uint(b, "fresh_rows", lacking.fresh);
	line_uint(b, "older_rows", lacking.backlog);
	line_uint(b, "again_rows", lacking.again);
	if (l->more != NULL)
		l->more(name, rows, b, l->arg);
	line_end(b);
	return 0;
}

/* --- parcels --- */

static int tell_parcel(const struct store_parcel *p, struct listing *l,
		       const char *part)
{
	struct buf *b = l->answer->out;

	line_begin(b, part);
	line_uint(b, "id", p->id);
	line_text(b, "destination", p->destination);
	line_uint(b, "first", p->first);
	line_uint(b, "last", p->last);
	line_uint(b, "rows", p->rows);
	line_uint(b, "bytes", p->bytes);
	line_text(b, "encoding", p->encoding);
	line_bool(b, "gzip", p->gzip);
	line_uint(b, "attempts", p->attempts);
	l->answer->at = p->id;
	return 0;
}

static int tell_batch(const struct store_parcel *parcel, void *arg)
{
	struct listing *l = arg;

	tell_parcel(parcel, l, "batch");
	line_end(l->answer->out);
	return 0;
}

static int tell_letter(const struct store_parcel *parcel, void *arg)
{
	struct listing *l = arg;
	struct buf *b = l->answer->out;

	tell_parcel(parcel, l, "letter");
	buf_text(b, ",\"time\":");
	buf_json_time(b, parcel->time_ns);
	line_text(b, "answer", parcel->answer);
	line_end(b);
	return 0;
}

/* --- pages --- */

static int destinations(struct listing *l, struct ep_err *err)
{
	size_t before = l->answer->out->len;
	int r = store_destination_names(l->store, tell_destination, l);

	if (r < 0)
		return failed(err, r);
	if (l->answer->request->destination != NULL &&
	    l->answer->out->len == before)
		return ep_err_set(err, -EINVAL,
				  "there is no destination \"%s\"",
				  l->answer->request->destination);
	return 1;
}

static int frozen(struct listing *l, struct ep_err *err)
{
	int n = store_frozen_list(l->store, l->answer->request->destination,
				  l->answer->at, PAGE_LINES, tell_batch, l);

	return n < 0 ? failed(err, n) : n == PAGE_LINES;
}

int backlog_say(struct store *store, struct control_answer *answer,
		backlog_more more, void *arg, struct ep_err *err)
{
	struct listing l = { store, answer, more, arg };

	if (answer->step++ == 0)
		return destinations(&l, err);
	return frozen(&l, err);
}

int letters_say(struct store *store, struct control_answer *answer,
		struct ep_err *err)
{
	struct listing l = { .store = store, .answer = answer };
	int n = store_dead_list(store, answer->request->destination, answer->at,
				PAGE_LINES, tell_letter, &l);

	return n < 0 ? failed(err, n) : n == PAGE_LINES;
}

struct looking {
	const char *name;
	int found;
};

static int see_name(int id, const char *name, void *arg)
{
	struct looking *l = arg;

	if (strcmp(l->name, name) == 0)
		l->found = id;
	return 0;
}

int destination_number(struct store *store, const char *name)
{
	struct looking l = { .name = name };

	return store_destination_names(store, see_name, &l) < 0 ? 0 : l.found;
}
