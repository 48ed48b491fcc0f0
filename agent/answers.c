/* One function a word, each a page at a time. With an agent and without it a
 * store is asked by the same code: what only an agent knows is added. */
#include "answers.h"
#include "backlog.h"
#include "line.h"
#include "store/dead.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Letters that one page decides about, each a transaction. */
#define DECIDED_MAX 8

#define NAME_MAX_BYTES 64 /* of a destination */

struct asked {
	struct store *store;
	const struct status_of *of; /* NULL: no agent runs */
	struct control_answer *answer;
};

static int say_status(struct asked *a, struct ep_err *err)
{
	if (a->of == NULL)
		return ep_err_set(err, -ECONNREFUSED, "no agent is running");
	return status_say(a->of, a->answer, err);
}

static int say_backlog(struct asked *a, struct ep_err *err)
{
	return backlog_say(a->store, a->answer,
			   a->of ? status_destination : NULL,
			   (void *)(uintptr_t)a->of, err);
}

static int say_letters(struct asked *a, struct ep_err *err)
{
	return letters_say(a->store, a->answer, err);
}

/* --- deciding about letters --- */

typedef int (*decision)(struct store *store, uint64_t id, struct ep_err *err);

struct found {
	uint64_t ids[DECIDED_MAX];
	unsigned n;
};

static int find(const struct store_parcel *parcel, void *arg)
{
	struct found *f = arg;

	f->ids[f->n++] = parcel->id;
	return 0;
}

static int find_named(const struct control_answer *answer, struct found *f)
{
	const struct control_request *q = answer->request;
	size_t at = (size_t)answer->at;

	while (f->n < DECIDED_MAX && at < q->n_ids)
		f->ids[f->n++] = q->ids[at++];
	return 0;
}

static int find_next(struct asked *a, struct found *f)
{
	const struct control_request *q = a->answer->request;

	if (!q->all)
		return find_named(a->answer, f);
	return store_dead_list(a->store, q->destination, a->answer->at,
			       DECIDED_MAX, find, f);
}

static void tell_decided(struct buf *b, uint64_t id, int r,
			 const struct ep_err *err)
{
	line_begin(b, "letter");
	line_uint(b, "id", id);
	line_bool(b, "done", r == 0);
	if (r < 0)
		line_text(b, "why", err->text);
	line_end(b);
}

static int decide_some(struct asked *a, decision decide, struct ep_err *err)
{
	const struct control_request *q = a->answer->request;
	struct found f = { .n = 0 };
	int r = 0;

	if (q->all == (q->n_ids > 0))
		return ep_err_set(err, -EINVAL,
				  "either \"ids\" or \"all\" is needed");
	r = find_next(a, &f);
	if (r < 0)
		return ep_err_set(err, r, "the store: %s", strerror(-r));
	for (unsigned i = 0; i < f.n; i++) {
		struct ep_err why = { 0 };

		r = decide(a->store, f.ids[i], &why);
		tell_decided(a->answer->out, f.ids[i], r, &why);
	}
	if (f.n > 0)
		a->answer->at = q->all ? f.ids[f.n - 1] : a->answer->at + f.n;
	return f.n == DECIDED_MAX;
}

static int say_retry(struct asked *a, struct ep_err *err)
{
	return decide_some(a, store_dead_retry, err);
}

static int say_drop(struct asked *a, struct ep_err *err)
{
	return decide_some(a, store_dead_drop, err);
}

/* --- replay --- */

static int take_time(const struct record *record, void *arg)
{
	*(uint64_t *)arg = record->time_ns;
	return 1;
}

/* Of the oldest row that is kept; 0: there is none. */
static uint64_t kept_since(struct store *store)
{
	struct store_facts facts = { 0 };
	struct store_range range = { .destination = -1 };
	uint64_t time_ns = 0;

	store_facts(store, &facts);
	range.first_seq = facts.first_seq;
	range.last_seq = facts.last_seq;
	if (facts.first_seq > 0)
		(void)store_scan(store, &range, take_time, &time_ns, NULL);
	return time_ns;
}

/* The next destination that is asked for. */
struct next {
	const struct control_answer *answer;
	int id; /* 0: there is none */
	char name[NAME_MAX_BYTES + 1];
};

static int find_destination(int id, const char *name, void *arg)
{
	struct next *next = arg;
	const char *asked = next->answer->request->destination;

	if ((uint64_t)id <= next->answer->at ||
	    (asked != NULL && strcmp(asked, name) != 0))
		return 0;
	next->id = id;
	snprintf(next->name, sizeof(next->name), "%s", name);
	return 1;
}

static void tell_replay(struct asked *a, const char *name, uint64_t rows)
{
	uint64_t kept_ns = kept_since(a->store);
	struct buf *b = a->answer->out;

	line_begin(b, "replay");
	line_text(b, "destination", name);
	line_uint(b, "rows", rows);
	if (kept_ns > a->answer->request->since_ns) {
		buf_text(b, ",\"kept_since\":");
		buf_json_time(b, kept_ns);
	}
	line_end(b);
}

static int no_destination(const struct control_answer *answer,
			  struct ep_err *err)
{
	if (answer->request->destination == NULL || answer->at > 0)
		return 0;
	return ep_err_set(err, -EINVAL, "there is no destination \"%s\"",
			  answer->request->destination);
}

/* One destination a page. */
static int say_replay(struct asked *a, struct ep_err *err)
{
	const struct control_request *asked = a->answer->request;
	struct next next = { .answer = a->answer };
	uint64_t rows = 0;
	int r;

	if (asked->since_ns == 0)
		return ep_err_set(err, -EINVAL, "\"since_us\" is needed");
	if (asked->until_ns != 0 && asked->until_ns <= asked->since_ns)
		return ep_err_set(err, -EINVAL,
				  "\"until_us\" must be after \"since_us\"");
	r = store_destination_names(a->store, find_destination, &next);
	if (r < 0)
		return ep_err_set(err, r, "the store: %s", strerror(-r));
	if (next.id == 0)
		return no_destination(a->answer, err);
	r = store_replay(a->store, next.id, asked->since_ns, asked->until_ns,
			 &rows, err);
	if (r < 0)
		return r;
	a->answer->at = (uint64_t)next.id;
	tell_replay(a, next.name, rows);
	return 1;
}

/* --- the table --- */

static const struct control_word words[] = {
	{ "status", 0 },
	{ "backlog", CONTROL_DESTINATION },
	{ "dead-letter list", CONTROL_DESTINATION },
	{ "dead-letter retry", CONTROL_DESTINATION | CONTROL_IDS },
	{ "dead-letter drop", CONTROL_DESTINATION | CONTROL_IDS },
	{ "replay", CONTROL_DESTINATION | CONTROL_SINCE | CONTROL_UNTIL },
};

static int (*const says[])(struct asked *a, struct ep_err *err) = {
	say_status, say_backlog, say_letters, say_retry, say_drop, say_replay,
};

#define WORDS (sizeof(words) / sizeof(words[0]))

const struct control_word *answers_words(size_t *ret_n)
{
	*ret_n = WORDS;
	return words;
}

static int say(struct asked *a, struct ep_err *err)
{
	int r;

	/* An empty page would be taken for a stuck one. */
	do
		r = says[a->answer->request->word - words](a, err);
	while (r > 0 && a->answer->out->len == 0);
	return r;
}

int answers_of_store(struct store *store, struct control_answer *answer,
		     struct ep_err *err)
{
	struct asked a = { .store = store, .answer = answer };

	return say(&a, err);
}

int answers_say(struct control_answer *answer, struct ep_err *err, void *arg)
{
	struct asked a = { .of = arg, .answer = answer };
	struct keeping_view view;

	keeping_look(a.of->keeping, &view);
	a.store = view.store;
	return say(&a, err);
}
