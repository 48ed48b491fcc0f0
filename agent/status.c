#include "status.h"
#include "backlog.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "health.h"
#include "line.h"
#include "self.h"
#include "store/dead.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORST_MAX 10 /* items that have not answered for longest */

static uint64_t since(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void tell_agent(const struct status_of *of,
		       const struct keeping_view *view, struct buf *b)
{
	line_begin(b, "agent");
	line_text(b, "version", ep_version());
	line_text(b, "agent", of->config->agent);
	line_text(b, "epoch", store_epoch(view->store));
	line_uint(b, "pid", (uint64_t)getpid());
	line_us(b, "uptime_us", since(of->started_ns, ep_clock_mono_ns()));
	line_end(b);
}

/* --- targets --- */

struct worst {
	const struct item *item;
	const struct health_item *health;
};

struct seen {
	uint64_t outcomes[EP_CANCELLED + 1];
	uint64_t items, waiting; /* without a sample so far */
	struct worst worst[WORST_MAX];
	unsigned n_worst;
};

/* In order of how many samples had no answer; a fresh one goes below. */
static void note_worst(struct seen *seen, struct worst one)
{
	unsigned at = seen->n_worst;

	while (at > 0 &&
	       seen->worst[at - 1].health->silent < one.health->silent)
		at--;
	if (at == WORST_MAX)
		return;
	if (seen->n_worst < WORST_MAX)
		seen->n_worst++;
	memmove(&seen->worst[at + 1], &seen->worst[at],
		(seen->n_worst - at - 1) * sizeof(one));
	seen->worst[at] = one;
}

static void look_at_items(const struct keeping_view *view, struct seen *seen)
{
	for (unsigned s = 0; s < view->n_sources; s++) {
		for (size_t i = 0; i < view->health[s]->n; i++) {
			const struct health_item *h =
				&view->health[s]->items[i];

			seen->items++;
			if (!h->asked)
				seen->waiting++;
			else
				seen->outcomes[h->outcome]++;
			if (h->silent > 0)
				note_worst(
					seen,
					(struct worst){
						&view->items[s]->items[i], h });
		}
	}
}

static void tell_worst(const struct worst *w, struct buf *b)
{
	const struct series *s = &w->item->series;

	line_begin(b, "worst");
	line_text(b, "target", s->target);
	line_text(b, "probe", s->probe);
	line_text(b, "circuit", s->circuit);
	line_text(b, "outcome",
		  ep_outcome_name((enum ep_outcome)w->health->outcome));
	line_text(b, "reason",
		  ep_reason_name((enum ep_reason)w->health->reason));
	line_uint(b, "silent", w->health->silent);
	line_us(b, "for_us", since(w->health->since_ns, ep_clock_wall_ns()));
	line_end(b);
}

static void tell_targets(const struct status_of *of,
			 const struct keeping_view *view, struct buf *b)
{
	struct seen seen = { .items = 0 };

	look_at_items(view, &seen);
	line_begin(b, "targets");
	line_uint(b, "targets", of->config->n_targets);
	line_uint(b, "items", seen.items);
	for (int o = EP_REPLIED; o < EP_CANCELLED; o++)
		line_uint(b, ep_outcome_name((enum ep_outcome)o),
			  seen.outcomes[o]);
	line_uint(b, "waiting", seen.waiting);
	line_end(b);
	for (unsigned i = 0; i < seen.n_worst; i++)
		tell_worst(&seen.worst[i], b);
}

/* --- circuits, threads, store --- */

static void tell_circuit(const struct status_of *of, size_t i, struct buf *b)
{
	struct circuit_facts facts = { .watched = false };

	circuits_facts(of->circuits, i, &facts);
	line_begin(b, "circuit");
	line_text(b, "circuit", of->config->circuits[i].name);
	if (facts.watched)
		line_bool(b, "up", facts.up);
	line_text(b, "reason", facts.reason);
	line_text(b, "interface", facts.interface);
	line_text(b, "addresses", facts.addresses);
	line_number(b, "share", facts.share);
	line_end(b);
}

static void tell_circuits(const struct status_of *of,
			  const struct keeping_view *view, struct buf *b)
{
	(void)view;
	for (size_t i = 0; i < of->config->n_circuits; i++)
		tell_circuit(of, i, b);
}

/* As in their rows of the last minute, but for the key that says which. */
static void tell_threads(const struct keeping_view *view, struct buf *b)
{
	const char *said;

	for (unsigned i = 0; (said = self_part(view->self, i)) != NULL; i++)
		if (said[0] != '\0')
			buf_printf(b, "{%s}\n", said);
}

static void tell_store(const struct status_of *of,
		       const struct keeping_view *view, struct buf *b)
{
	struct store_facts facts = { 0 };

	store_facts(view->store, &facts);
	line_begin(b, "store");
	line_text(b, "path", of->config->store_path);
	line_uint(b, "rows", facts.rows);
	line_uint(b, "bytes", facts.bytes);
	line_uint(b, "wal_bytes", facts.wal_bytes);
	line_uint(b, "max_bytes", of->config->store_max_bytes);
	line_uint(b, "sealed_rows", facts.sealed_rows);
	line_uint(b, "sealed_bytes", facts.sealed_bytes);
	line_uint(b, "queued", facts.queued);
	line_uint(b, "first_seq", facts.first_seq);
	line_uint(b, "last_seq", facts.last_seq);
	line_uint(b, "evicted", facts.evicted_undelivered);
	line_bool(b, "disk_full", facts.disk_full);
	if (view->committed_ns > 0)
		line_us(b, "commit_age_us",
			since(view->committed_ns, ep_clock_mono_ns()));
	line_end(b);
}

static void tell_inside(const struct status_of *of,
			const struct keeping_view *view, struct buf *b)
{
	tell_threads(view, b);
	tell_store(of, view, b);
}

/* --- destinations --- */

static void tell_pace(const struct keeping_view *view, size_t i, uint64_t rows,
		      struct buf *b)
{
	struct self_pace pace;

	self_pace(view->self, i, ep_clock_mono_ns(), &pace);
	line_number(b, "acked_per_s", pace.acked);
	line_number(b, "added_per_s", pace.added);
	if (rows > 0 && pace.acked > pace.added)
		line_us(b, "drain_us",
			(uint64_t)((double)rows / (pace.acked - pace.added) *
				   1e9));
}

static void tell_delivery(const struct deliver_facts *facts, struct buf *b)
{
	uint64_t now_ns = uv_hrtime();

	line_uint(b, "batches", facts->batches);
	line_uint(b, "acked_rows", facts->rows);
	line_uint(b, "refused", facts->refused);
	line_uint(b, "quarantined", facts->quarantined);
	line_uint(b, "rejected", facts->rejected);
	line_bool(b, "draining", facts->draining);
	if (facts->backlog_rate > 0)
		line_number(b, "pace_batches_per_s", facts->backlog_rate);
	line_text(b, "trouble", facts->trouble);
	if (facts->acked_ns > 0)
		line_us(b, "ack_age_us", since(facts->acked_ns, now_ns));
	if (facts->next_try_ns > 0)
		line_us(b, "next_try_us", since(now_ns, facts->next_try_ns));
	if (facts->token_until_ns > now_ns)
		line_us(b, "token_left_us",
			since(now_ns, facts->token_until_ns));
}

void status_destination(const char *name, uint64_t rows, struct buf *line,
			void *arg)
{
	const struct status_of *of = arg;
	struct keeping_view view;

	keeping_look(of->keeping, &view);
	for (size_t i = 0; i < view.n_delivers; i++) {
		struct deliver_facts facts = { 0 };

		if (strcmp(of->config->destinations[i].name, name) != 0)
			continue;
		deliver_facts(view.delivers[i], &facts);
		tell_delivery(&facts, line);
		tell_pace(&view, i, rows, line);
	}
}

/* --- all of it --- */

static void (*const parts[])(const struct status_of *of,
			     const struct keeping_view *view, struct buf *b) = {
	tell_agent,
	tell_targets,
	tell_circuits,
	tell_inside,
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

int status_say(const struct status_of *of, struct control_answer *answer,
	       struct ep_err *err)
{
	struct keeping_view view;
	struct control_answer rest = *answer;
	int r;

	keeping_look(of->keeping, &view);
	if (answer->step < PARTS) {
		parts[answer->step++](of, &view, answer->out);
		return answer->out->len > 0 ? 1 : status_say(of, answer, err);
	}
	rest.step = 0; /* its first page: the destinations */
	r = backlog_say(view.store, &rest, status_destination,
			(void *)(uintptr_t)of, err);
	return r < 0 ? r : 0;
}
