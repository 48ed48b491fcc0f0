/* What agents would send: batches as the agent frames and compresses them,
 * one agent after the other, then the next round of all.
 *
 *   rows AGENTS TARGETS INTERVAL_MS START_S ROUNDS ROWS [FIRST_AGENT]
 *
 * Each agent measures TARGETS by icmp, tcp and https in turn (a third of them
 * each), every INTERVAL_MS. A round is ROWS rows of each agent, all of which
 * begin at START_S of the wall clock. On standard output a batch is a line,
 * `BYTES ROWS`, and so many bytes of gzip. */
#include "delivery/framing.h"
#include "edgeprobe/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((size_t)64 << 20)

struct world {
	unsigned agents, targets, first;
	uint64_t interval_ns, start_ns;
	uint64_t rounds, rows;
	uint64_t random;
};

static uint64_t draw(struct world *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

/* A base that differs by target and branch, a tail that halves by 0.4 ms. */
static int64_t draw_rtt(struct world *w, uint64_t agent, uint64_t target)
{
	int64_t rtt_ns =
		5000000 + (int64_t)(target * 900000 + agent % 97 * 70000);
	uint64_t bits = draw(w);

	for (; bits & 1; bits >>= 1)
		rtt_ns += 400000;
	return rtt_ns + (int64_t)(bits >> 44);
}

static void describe(struct ep_sample *s, const char *probe, uint64_t target)
{
	char text[32];

	ep_sample_init(s);
	s->outcome = EP_REPLIED;
	s->stamp = EP_STAMP_KERNEL;
	s->ttl = strcmp(probe, "icmp") == 0 ? 57 : EP_ABSENT;
	s->port = strcmp(probe, "icmp") == 0 ? 0 : 443;
	snprintf(text, sizeof(text), "198.51.100.%u", (unsigned)target % 250);
	ep_address_parse(text, &s->address);
}

static void add_phases(struct world *w, struct ep_sample *s)
{
	struct ep_https *h = &s->https;

	h->connect_ns = s->rtt_ns + (int64_t)(draw(w) >> 48);
	h->tls_ns = s->rtt_ns + 1500000 + (int64_t)(draw(w) >> 46);
	h->first_byte_ns = s->rtt_ns + 900000 + (int64_t)(draw(w) >> 45);
	h->total_ns = h->connect_ns + h->tls_ns + h->first_byte_ns + 20000;
	h->http_status = 200;
	h->tls_days_left = 91;
	memcpy(h->http_version, "2", 2);
	memcpy(h->pop, "AMS", 4);
	memcpy(h->pop_source, "X-MSEdge-Ref", 13);
	snprintf(h->pop_ref, sizeof(h->pop_ref),
		 "Ref A: %016llX%016llX Ref B: AMS04EDGE%04u Ref C: 2026-01-01",
		 (unsigned long long)draw(w), (unsigned long long)draw(w),
		 (unsigned)(draw(w) >> 54));
	memcpy(h->tls_issuer, "Microsoft Corporation", 22);
}

/* Row `n` of an agent, from 0. */
static int add_row(struct world *w, struct frame *frame,
		   const struct identity *who, uint64_t agent, uint64_t n)
{
	static const char *const probes[] = { "icmp", "tcp", "https" };
	uint64_t target = n % w->targets;
	const char *probe = probes[target % 3];
	char name[24], host[40], site[24];
	struct series series = { .target = name,
				 .probe = probe,
				 .host = host,
				 .site = site,
				 .country = "NL",
				 .metro = "Amsterdam",
				 .circuit = "fibre",
				 .provider = agent % 2 ? "KPN" : "Vodafone" };
	struct record record = { .type = ROW_SAMPLE,
				 .seq = n + 1,
				 .series = &series };
	struct ep_sample *s = &record.sample;

	snprintf(name, sizeof(name), "target-%u", (unsigned)target);
	snprintf(host, sizeof(host), "t%u.example.com", (unsigned)target);
	snprintf(site, sizeof(site), "site-%u", (unsigned)agent);
	describe(s, probe, target);
	s->rtt_ns = draw_rtt(w, agent, target);
	s->slip_ns = (int64_t)(draw(w) >> 46);
	s->uncertainty_ns = 1000 + (draw(w) >> 52);
	if (s->port)
		s->retransmits = 0;
	if (strcmp(probe, "https") == 0)
		add_phases(w, s);
	if (draw(w) % 500 == 0) {
		s->outcome = EP_LOST;
		s->reason = EP_REASON_TIMEOUT;
		s->rtt_ns = EP_ABSENT;
	}
	s->sent_ns = w->start_ns + n / w->targets * w->interval_ns +
		     target * (w->interval_ns / w->targets) + (draw(w) >> 48);
	record.time_ns = s->sent_ns;
	return frame_add(frame, who, &record);
}

static int send_batch(struct world *w, uint64_t agent, uint64_t round)
{
	const struct framing *framing = framing_find("ndjson");
	char name[24], epoch[24];
	const struct identity who = { name, epoch };
	struct frame frame;
	struct buf packed;
	int r = 0;

	snprintf(name, sizeof(name), "branch-%05u", (unsigned)agent);
	snprintf(epoch, sizeof(epoch), "%016llx", (unsigned long long)agent);
	frame_init(&frame, framing, w->rows, BYTES_MAX);
	buf_init(&packed, BYTES_MAX);
	for (uint64_t i = 0; r == 0 && i < w->rows; i++)
		r = add_row(w, &frame, &who, agent, round * w->rows + i);
	if (r == 0)
		r = frame_end(&frame, &who);
	if (r == 0)
		r = framing_gzip(frame.body.data, frame.body.len, &packed);
	if (r == 0) {
		printf("%zu %llu\n", packed.len, (unsigned long long)w->rows);
		fwrite(packed.data, 1, packed.len, stdout);
	}
	frame_finish(&frame);
	buf_finish(&packed);
	return r;
}

int main(int argc, char **argv)
{
	struct world w = { .random = 88172645463325252u };
	int r = 0;

	if (argc < 7) {
		fprintf(stderr,
			"usage: %s AGENTS TARGETS INTERVAL_MS START_S "
			"ROUNDS ROWS [FIRST_AGENT]\n",
			argv[0]);
		return 64;
	}
	w.agents = (unsigned)strtoul(argv[1], NULL, 10);
	w.targets = (unsigned)strtoul(argv[2], NULL, 10);
	w.interval_ns = strtoull(argv[3], NULL, 10) * EP_NS_PER_MS;
	w.start_ns = strtoull(argv[4], NULL, 10) * EP_NS_PER_S;
	w.rounds = strtoull(argv[5], NULL, 10);
	w.rows = strtoull(argv[6], NULL, 10);
	w.first = argc > 7 ? (unsigned)strtoul(argv[7], NULL, 10) : 0;
	if (!w.agents || !w.targets || !w.interval_ns || !w.rows) {
		fprintf(stderr, "%s: a number is 0\n", argv[0]);
		return 64;
	}
	w.random += w.first;
	for (uint64_t round = 0; r == 0 && round < w.rounds; round++)
		for (unsigned i = 0; r == 0 && i < w.agents; i++)
			r = send_batch(&w, w.first + i, round);
	return r == 0 && fflush(stdout) == 0 ? 0 : 1;
}
