/* The store's own code on a disk that loses its power at any moment: what it
 * was told is on disk is there, nothing else is, and a frozen batch is the same
 * bytes. IMAGES (1,000) of such disks, by SEED. */
#include "fault/power_past.h"
#include "fault/power_vfs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* What a collector has, and has been told. */
struct collector {
	unsigned char there[ROWS_MAX], missing[ROWS_MAX];
	uint64_t first, last;
};

static uint64_t seed;
static const char *wrong; /* what the image lacks; NULL: nothing */
static uint64_t wrong_n;

static void accuse(const char *what, uint64_t n)
{
	if (wrong == NULL) {
		wrong = what;
		wrong_n = n;
	}
}

static void check_row(const struct record *r)
{
	char body[FAT_BYTES];
	struct ep_sample s = past_sample(r->seq);

	past_note(r->seq, body);
	if (r->type == ROW_EVENT && strcmp(r->body, body) != 0)
		accuse("a note that is another", r->seq);
	if (r->type == ROW_SAMPLE &&
	    (r->sample.sent_ns != s.sent_ns || r->sample.rtt_ns != s.rtt_ns ||
	     r->sample.slip_ns != s.slip_ns ||
	     r->sample.uncertainty_ns != s.uncertainty_ns ||
	     r->sample.https.total_ns != s.https.total_ns ||
	     strcmp(r->sample.https.pop_ref, s.https.pop_ref) != 0))
		accuse("a sample that is another", r->seq);
}

/* --- an image --- */

static void receive(struct collector *c, const struct sent *sent)
{
	for (size_t i = 0; i < sent->n_rows; i++) {
		const struct told_of *row = &sent->rows[i];

		c->there[row->seq] = 1;
		if (c->first == 0 || row->seq < c->first)
			c->first = row->seq;
		if (row->seq > c->last)
			c->last = row->seq;
		for (uint64_t s = row->gap.first; s && s <= row->gap.last; s++)
			c->missing[s] = 1;
	}
}

static const struct sent *find_sent(int destination,
				    const struct store_batch *batch)
{
	for (size_t i = 0; i < past.n_batches; i++) {
		const struct sent *s = &past.batches[i];

		if (s->destination == destination && s->first == batch->first &&
		    s->last == batch->last && s->n_rows == batch->rows)
			return s;
	}
	return NULL;
}

/* Batches that are frozen: sent before the cut, or just about to be. */
static void receive_frozen(struct kit *kit, int destination,
			   struct collector *c, bool *pending)
{
	struct store_batch batch;

	while (store_batch_pending(kit->store, destination, &batch, NULL) > 0) {
		const struct sent *sent = find_sent(destination, &batch);
		size_t len;
		char *body =
			past_body(destination, batch.first, batch.last, &len);

		if (sent == NULL)
			accuse("a batch that nobody froze", batch.first);
		else if (len != batch.body_len ||
			 memcmp(body, batch.body, len) != 0)
			accuse("a frozen batch that is another", batch.first);
		else
			pending[sent - past.batches] = true;
		if (sent != NULL)
			receive(c, sent);
		free(body);
		if (store_batch_done(kit->store, destination, &batch, NULL) !=
		    0)
			accuse("a batch that cannot be acknowledged", 0);
		store_batch_finish(&batch);
		if (wrong)
			return;
	}
}

static void receive_rest(struct kit *kit, int destination, struct collector *c)
{
	bool more = true;

	while (more && !wrong) {
		struct sent sent = { .destination = destination };
		struct store_batch batch = { .id = 0 };
		int r = 0;

		more = past_collect(kit, &sent, 5000);
		if (more)
			r = past_freeze(kit, &sent, &batch);
		if (more && r == 0) {
			receive(c, &sent);
			r = store_batch_done(kit->store, destination, &batch,
					     NULL);
		}
		if (r == -ESTALE) /* room was made of it: a gap comes next */
			kit_commit(kit);
		else if (r < 0)
			accuse("rows that cannot be sent", sent.first);
		store_batch_finish(&batch);
		free(sent.rows);
	}
}

/* What had been promised when the power went. */
struct promised {
	bool opened;
	uint64_t last; /* row */
	bool frozen[BATCHES_MAX], sent[BATCHES_MAX];
	/* What was under way; a batch that was being settled may be so. */
	const struct mark *next;
};

static void recall(size_t cut, struct promised *p)
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < past.n_marks; i++) {
		const struct mark *m = &past.marks[i];

		if (m->operations > cut) {
			p->next = m;
			return;
		}
		if (m->what == OPENED)
			p->opened = true;
		else if (m->what == COMMITTED)
			p->last = m->n;
		else
			p->frozen[m->n] = m->what == FROZEN;
		if (m->what == DONE)
			p->sent[m->n] = true;
	}
}

static void check_destination(struct kit *kit, int destination,
			      const struct promised *p)
{
	static struct collector c;
	bool pending[BATCHES_MAX] = { false };

	memset(&c, 0, sizeof(c));
	receive_frozen(kit, destination, &c, pending);
	for (size_t i = 0; i < past.n_batches; i++) {
		const struct sent *s = &past.batches[i];
		bool settling = p->next && p->next->what != FROZEN &&
				p->next->what != COMMITTED && p->next->n == i;

		if (s->destination != destination)
			continue;
		if (p->sent[i] || (settling && p->next->what == DONE))
			receive(&c, s);
		else if (p->frozen[i] && !pending[i] && !settling)
			accuse("a frozen batch that is gone", s->first);
	}
	receive_rest(kit, destination, &c);
	if (c.last < p->last)
		accuse("a row that is not sent", c.last + 1);
	for (uint64_t s = c.first; s && s <= c.last; s++)
		if (c.there[s] == c.missing[s])
			accuse(c.there[s] ? "a row that is there and declared"
					  : "a row that is lost in silence",
			       s);
}

static int check_stored(const struct record *record, void *arg)
{
	uint64_t *next = arg;

	/* What is evicted is before all others; but for a first row. */
	if (*next > 2 && record->seq != *next)
		accuse("a row that is not stored", *next);
	*next = record->seq + 1;
	check_row(record);
	return 0;
}

static void check_store(struct kit *kit, const struct promised *p)
{
	static const struct store_range all = { .destination = -1 };
	uint64_t next = 0;

	if (store_last_seq(kit->store) < p->last)
		accuse("a committed row that is gone",
		       store_last_seq(kit->store) + 1);
	if (store_scan(kit->store, &all, check_stored, &next, NULL) != 0)
		accuse("a store that cannot be read", 0);
	kit_commit(kit); /* what was owed becomes rows */
}

/* The power went after `cut` operations. */
static void check_image(struct kit *kit, size_t cut)
{
	struct store_options options = { .path = kit->path,
					 .max_bytes = SMALL_BYTES };
	struct ep_err err = { 0 };
	struct promised p;

	wrong = NULL;
	recall(cut, &p);
	assert_int_equal(power_image(cut, kit->path, &seed), 0);
	if (store_open(&options, &kit->store, &err) != 0)
		fail_msg("cut %zu: %s", cut, err.text);
	/* One that is cut while it is made may be made anew. */
	if (p.opened && (store_notice(kit->store)[0] != '\0' ||
			 strcmp(store_epoch(kit->store), past.epoch) != 0))
		accuse("a store that is damaged", 0);
	if (p.opened && !wrong)
		check_store(kit, &p);
	for (int i = 0; i < DESTINATIONS && p.opened && !wrong; i++)
		check_destination(kit, past.destinations[i], &p);
	kit_close(kit);
}

static int compare(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Returns how many of `n` images are wrong; all cuts are after `from`. */
static unsigned check_images(unsigned n, size_t from)
{
	size_t *cuts = calloc(n, sizeof(*cuts));
	unsigned bad = 0;
	void *state;

	power_stop();
	assert_non_null(cuts);
	for (unsigned i = 0; i < n; i++)
		cuts[i] = from +
			  power_random(&seed) % (power_operations() - from + 1);
	qsort(cuts, n, sizeof(*cuts), compare);
	assert_int_equal(kit_setup(&state), 0);
	for (unsigned i = 0; i < n; i++) {
		check_image(state, cuts[i]);
		if (wrong && bad++ < 3)
			print_message("# cut %zu of %zu: %s (%llu)\n", cuts[i],
				      power_operations(), wrong,
				      (unsigned long long)wrong_n);
	}
	kit_teardown(&state);
	free(cuts);
	return bad;
}

static void report(const char *what, unsigned images, unsigned bad)
{
	print_message("# %s: %u images of %zu operations with %zu syncs, "
		      "%zu batches, %u wrong\n",
		      what, images, power_operations(), power_syncs(),
		      past.n_batches, bad);
}

static unsigned images(void)
{
	const char *given = getenv("IMAGES");

	return given ? (unsigned)strtoul(given, NULL, 10) : 1000;
}

/* From the creation of the file on. */
static void a_young_store(void **state)
{
	unsigned n = images() * 86 / 100, bad;

	past_open(*state);
	past_live(*state, 60, false, &seed);
	kit_close(*state);
	bad = check_images(n, 0);
	report("young", n, bad);
	assert_int_equal(bad, 0);
}

/* It evicts, what is delivered and what is not. */
static void a_full_store(void **state)
{
	unsigned n = images() * 12 / 100, bad;
	struct kit *kit = *state;
	struct store_facts facts;
	size_t from;

	past_open(kit);
	past_live(kit, 65, true, &seed);
	from = power_operations();
	past_live(kit, 40, true, &seed);
	assert_int_equal(store_facts(kit->store, &facts), 0);
	assert_true(facts.evicted_undelivered > 0);
	kit_close(kit);
	bad = check_images(n, from);
	report("full", n, bad);
	assert_int_equal(bad, 0);
}

/* Rows become chunks, and are sent from them. */
static void a_store_that_seals(void **state)
{
	unsigned n = images() * 2 / 100, bad;
	struct kit *kit = *state;
	struct store_facts facts;
	size_t from;

	past_open(kit);
	past_commit(kit, 16, 500);
	from = power_operations();
	past_commit(kit, 10, 50);
	past_live(kit, 20, false, &seed);
	past_commit(kit, 10, 800);
	assert_int_equal(store_facts(kit->store, &facts), 0);
	assert_true(facts.sealed_rows > 10000);
	kit_close(kit);
	bad = check_images(n, from);
	report("sealing", n, bad);
	assert_int_equal(bad, 0);
}

/* This test can fail: SQLite's own default for a log is not durable. */
static void without_a_sync_at_each_commit_rows_are_lost(void **state)
{
	unsigned n = images() / 10, bad;
	struct kit *kit = *state;

	past_open(kit);
	assert_int_equal(
		db_exec(&kit->store->db, "PRAGMA synchronous = NORMAL"), 0);
	past_commit(kit, 50, 20);
	kit_close(kit);
	bad = check_images(n, 0);
	report("not synced", n, bad);
	assert_true(bad > n / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_young_store),
		KIT_TEST(a_full_store),
		KIT_TEST(a_store_that_seals),
		KIT_TEST(without_a_sync_at_each_commit_rows_are_lost),
	};
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 10)
		     : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
	fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
	assert_int_equal(power_begin(), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
