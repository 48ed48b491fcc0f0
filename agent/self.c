#include "self.h"
#include "base/buf.h"
#include "base/hist.h"
#include "base/usage.h"
#include "edgeprobe/clock.h"
#include "vitals.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 2048

/* What a pace is taken over, at least. */
#define PACE_NS (10 * EP_NS_PER_S)

/* Threads are asked so long before their rows are written. */
#define ASK_NS (5 * EP_NS_PER_S / 2)

/* Counted here since the last rows. */
struct seen {
	uint64_t samples, late, stalled, unmeasured, missed;
	uint64_t ring_max, overflown;
	struct hist slip;
};

struct source {
	struct measuring *measuring; /* NULL: none */
	struct vitals_facts before;
	struct seen seen;
};

struct sink {
	const char *name;
	const struct deliver *deliver;
	struct deliver_facts before;
	double rate; /* rows a second, in the minute before */
};

/* Threads and this one; then destinations have rows of their own. */
#define PARTS (SELF_SOURCES + 1)

struct self {
	struct store *store;
	struct source sources[SELF_SOURCES];
	struct sink *sinks;
	size_t n_sinks;
	uint64_t since_ns, next_ns;
	bool asked;
	struct usage usage; /* of this thread, when the last rows were made */
	struct hist ticks, commits;
	struct store_facts facts;
	double rate; /* rows a second into the store, in the minute before */
	char *said[PARTS];
};

struct self *self_create(struct store *store, uint64_t now_ns)
{
	struct self *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return NULL;
	self->store = store;
	self->since_ns = now_ns;
	self->next_ns = now_ns + SELF_EVERY_NS;
	usage_of_thread(&self->usage);
	store_facts(store, &self->facts);
	return self;
}

void self_destroy(struct self *self)
{
	if (self == NULL)
		return;
	for (unsigned i = 0; i < PARTS; i++)
		free(self->said[i]);
	free(self->sinks);
	free(self);
}

void self_add(struct self *self, unsigned source, struct measuring *measuring)
{
	assert(source < SELF_SOURCES);
	self->sources[source].measuring = measuring;
	vitals_read(measuring_vitals(measuring), &self->sources[source].before);
}

int self_add_destination(struct self *self, const char *name,
			 const struct deliver *deliver)
{
	struct sink *sinks =
		realloc(self->sinks, (self->n_sinks + 1) * sizeof(*sinks));

	if (sinks == NULL)
		return -ENOMEM;
	self->sinks = sinks;
	memset(&sinks[self->n_sinks], 0, sizeof(*sinks));
	sinks[self->n_sinks].name = name;
	sinks[self->n_sinks].deliver = deliver;
	deliver_facts(deliver, &sinks[self->n_sinks].before);
	self->n_sinks++;
	return 0;
}

void self_forget_destinations(struct self *self)
{
	self->n_sinks = 0;
}

/* --- counting --- */

void self_saw_sample(struct self *self, unsigned source,
		     const struct taken *taken)
{
	const struct ep_sample *s = &taken->sample;
	struct seen *seen = &self->sources[source].seen;

	if (taken->late) {
		seen->late++;
		return;
	}
	seen->samples++;
	seen->stalled += (s->flags & EP_FLAG_STALLED) != 0;
	seen->unmeasured += s->reason == EP_REASON_UNMEASURED;
	if (s->reason == EP_REASON_MISSED)
		seen->missed += s->missed;
	else
		hist_add(&seen->slip,
			 s->slip_ns > 0 ? (uint64_t)s->slip_ns : 0);
}

void self_saw_ring(struct self *self, unsigned source, size_t used,
		   uint64_t overflown)
{
	struct seen *seen = &self->sources[source].seen;

	if (used > seen->ring_max)
		seen->ring_max = used;
	seen->overflown += overflown;
}

void self_saw_commit(struct self *self, uint64_t took_ns)
{
	hist_add(&self->commits, took_ns);
}

void self_saw_tick(struct self *self, uint64_t late_ns)
{
	hist_add(&self->ticks, late_ns);
}

/* --- rows --- */

static void put_key(struct buf *b, const char *key)
{
	if (b->len > 0)
		buf_char(b, ',');
	buf_json_text(b, key);
	buf_char(b, ':');
}

static void put(struct buf *b, const char *key, uint64_t value)
{
	put_key(b, key);
	buf_uint(b, value);
}

static void put_us(struct buf *b, const char *key, uint64_t ns)
{
	put_key(b, key);
	buf_json_us(b, ns < INT64_MAX ? (int64_t)ns : INT64_MAX);
}

static void put_text(struct buf *b, const char *key, const char *text)
{
	put_key(b, key);
	buf_json_text(b, text);
}

/* "lag_max_us" and "lag_p99_us". */
static void put_hist(struct buf *b, const char *max, const char *p99,
		     const struct hist *h)
{
	put_us(b, max, h->max_ns);
	put_us(b, p99, hist_quantile_ns(h, 0.99));
}

static void put_usage(struct buf *b, const struct usage *before,
		      const struct usage *now)
{
	put_us(b, "cpu_us", now->cpu_ns - before->cpu_ns);
	if (now->waited_ns > 0)
		put_us(b, "cpu_wait_us", now->waited_ns - before->waited_ns);
	put(b, "wakeups", now->wakeups - before->wakeups);
	put(b, "preempted", now->preempted - before->preempted);
}

static void put_engine(struct buf *b, const struct ep_engine_stats *before,
		       const struct ep_engine_stats *now)
{
	put(b, "probes", now->started - before->started);
	put(b, "in_flight_max", now->in_flight_max);
	put(b, "engine_calls", now->wakeups - before->wakeups);
	put(b, "drains", now->drains - before->drains);
	put(b, "stalls", now->stalls - before->stalls);
	put(b, "local_drops", now->local_drops - before->local_drops);
	put(b, "stamps_kernel", now->stamps_kernel - before->stamps_kernel);
	put(b, "stamps_mixed", now->stamps_mixed - before->stamps_mixed);
	put(b, "stamps_user", now->stamps_user - before->stamps_user);
	put(b, "stamps_sched", now->stamps_sched - before->stamps_sched);
}

static void put_seen(struct buf *b, const struct seen *seen)
{
	put_hist(b, "slip_max_us", "slip_p99_us", &seen->slip);
	put(b, "samples", seen->samples);
	put(b, "unmeasured", seen->unmeasured);
	put(b, "missed", seen->missed);
	put(b, "stalled", seen->stalled);
	put(b, "late", seen->late);
	put(b, "ring_max", seen->ring_max);
	put(b, "overflown", seen->overflown);
}

static void begin_row(struct buf *b, const char *part, uint64_t period_ns)
{
	buf_init(b, BODY_MAX);
	put_text(b, "part", part);
	put_us(b, "period_us", period_ns);
}

static void end_row(struct self *self, struct buf *b)
{
	if (b->error == 0)
		store_add_note(self->store, ROW_SELF, ep_clock_wall_ns(),
			       b->data);
	buf_finish(b);
}

/* For whoever asks before the next one. */
static void keep_said(struct self *self, unsigned part, const struct buf *b)
{
	char *said = b->error == 0 ? strdup(b->data) : NULL;

	if (said == NULL)
		return;
	free(self->said[part]);
	self->said[part] = said;
}

/* Nothing where no reading has come since the last row. */
static void tell_source(struct self *self, struct source *s)
{
	struct vitals_facts now;
	struct buf body;

	vitals_read(measuring_vitals(s->measuring), &now);
	if (now.time_ns == s->before.time_ns)
		return;
	begin_row(&body, measuring_part(s->measuring),
		  now.time_ns - s->before.time_ns);
	put_usage(&body, &s->before.usage, &now.usage);
	put_hist(&body, "lag_max_us", "lag_p99_us", &now.lag);
	put_engine(&body, &s->before.engine, &now.engine);
	put_seen(&body, &s->seen);
	put(&body, "ring_slots", measuring_ring_slots(s->measuring));
	keep_said(self, (unsigned)(s - self->sources), &body);
	end_row(self, &body);
	s->before = now;
	memset(&s->seen, 0, sizeof(s->seen));
}

static double per_second(uint64_t from, uint64_t to, uint64_t ns)
{
	return to > from ? (double)(to - from) * 1e9 / (double)ns : 0;
}

static void put_store(struct self *self, struct buf *b, uint64_t period_ns)
{
	struct store_facts now = { 0 };

	store_facts(self->store, &now);
	put(b, "store_rows", now.rows);
	put(b, "store_bytes", now.bytes);
	put(b, "wal_bytes", now.wal_bytes);
	put(b, "sealed_rows", now.sealed_rows);
	put(b, "chunk_bytes", now.sealed_bytes);
	put(b, "queued", now.queued);
	put(b, "evicted",
	    now.evicted_undelivered - self->facts.evicted_undelivered);
	put(b, "disk_full", now.disk_full);
	self->rate = per_second(self->facts.last_seq, now.last_seq, period_ns);
	self->facts = now;
}

static void tell_keeping(struct self *self, uint64_t period_ns)
{
	struct usage_memory memory;
	struct usage now;
	struct buf body;

	usage_of_memory(&memory);
	usage_of_thread(&now);
	begin_row(&body, "keeping", period_ns);
	put_usage(&body, &self->usage, &now);
	put_hist(&body, "lag_max_us", "lag_p99_us", &self->ticks);
	put(&body, "commits", self->commits.n);
	put_hist(&body, "commit_max_us", "commit_p99_us", &self->commits);
	put(&body, "rss_bytes", memory.bytes);
	put(&body, "rss_max_bytes", memory.max_bytes);
	put_store(self, &body, period_ns);
	keep_said(self, SELF_SOURCES, &body);
	end_row(self, &body);
	self->usage = now;
	memset(&self->ticks, 0, sizeof(self->ticks));
	memset(&self->commits, 0, sizeof(self->commits));
}

/* Nothing where nothing is known. */
static void put_days(struct buf *b, const char *key,
		     const struct expiry_span *span)
{
	int64_t now_s = (int64_t)(ep_clock_wall_ns() / EP_NS_PER_S);

	if (span->ends_s == 0)
		return;
	put_key(b, key);
	buf_printf(b, "%d", expiry_days(span, now_s));
}

static void tell_sink(struct self *self, struct sink *s, uint64_t period_ns)
{
	struct deliver_facts now = { 0 };
	struct buf body;

	deliver_facts(s->deliver, &now);
	begin_row(&body, "destination", period_ns);
	put_text(&body, "destination", s->name);
	put(&body, "batches", now.batches - s->before.batches);
	put(&body, "rows", now.rows - s->before.rows);
	put(&body, "refused", now.refused - s->before.refused);
	put(&body, "quarantined", now.quarantined - s->before.quarantined);
	put(&body, "backlog_rows", now.backlog_rows);
	put_us(&body, "backlog_age_us", now.backlog_oldest_ns);
	put(&body, "draining", now.draining);
	if (now.backlog_rate > 0)
		put_us(&body, "backlog_gap_us",
		       (uint64_t)((double)EP_NS_PER_S / now.backlog_rate));
	put(&body, "troubled", now.trouble[0] != '\0');
	s->rate = per_second(s->before.rows, now.rows, period_ns);
	put_days(&body, "tls_days_left",
		 &now.credentials[CREDENTIAL_COLLECTOR]);
	put_days(&body, "client_cert_days_left",
		 &now.credentials[CREDENTIAL_CLIENT]);
	end_row(self, &body);
	s->before = now;
}

static void tell_all(struct self *self, uint64_t now_ns)
{
	uint64_t period_ns = now_ns - self->since_ns;

	for (unsigned i = 0; i < SELF_SOURCES; i++)
		if (self->sources[i].measuring != NULL)
			tell_source(self, &self->sources[i]);
	tell_keeping(self, period_ns);
	for (size_t i = 0; i < self->n_sinks; i++)
		tell_sink(self, &self->sinks[i], period_ns);
	self->since_ns = now_ns;
}

static void ask_all(struct self *self)
{
	for (unsigned i = 0; i < SELF_SOURCES; i++)
		if (self->sources[i].measuring != NULL)
			vitals_ask(
				measuring_vitals(self->sources[i].measuring));
}

/* Whoever stood still for minutes has nothing to say of each. */
void self_tick(struct self *self, uint64_t now_ns)
{
	if (!self->asked && now_ns + ASK_NS >= self->next_ns) {
		self->asked = true;
		ask_all(self);
		return;
	}
	if (now_ns < self->next_ns)
		return;
	tell_all(self, now_ns);
	self->asked = false;
	self->next_ns += SELF_EVERY_NS;
	if (self->next_ns < now_ns)
		self->next_ns = now_ns + SELF_EVERY_NS;
}

const char *self_part(const struct self *self, unsigned i)
{
	if (i >= PARTS)
		return NULL;
	return self->said[i] ? self->said[i] : "";
}

/* A few seconds say nothing: a batch goes every ten. */
void self_pace(const struct self *self, size_t i, uint64_t now_ns,
	       struct self_pace *ret_pace)
{
	const struct sink *s = &self->sinks[i];
	uint64_t ns = now_ns > self->since_ns ? now_ns - self->since_ns : 0;
	struct deliver_facts now = { 0 };

	assert(i < self->n_sinks);
	*ret_pace = (struct self_pace){ s->rate, self->rate };
	if (ns < PACE_NS)
		return;
	deliver_facts(s->deliver, &now);
	ret_pace->acked = per_second(s->before.rows, now.rows, ns);
	ret_pace->added = per_second(self->facts.last_seq,
				     store_last_seq(self->store), ns);
}

void self_end(struct self *self, uint64_t now_ns)
{
	tell_all(self, now_ns);
}
