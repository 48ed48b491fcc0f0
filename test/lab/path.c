#include "path.h"

#include <stdlib.h>
#include <string.h>

#define SYNS_MAX   8192 /* a power of two */
#define GAP_NS     2000000
#define TYPE4_GONE 11 /* time exceeded */
#define TYPE6_GONE 3

struct path {
	struct rules *rules;
	uint64_t loaded_ns;
	uint64_t random;
	struct queue *queue;
	struct path_totals totals;
	uint64_t syns[SYNS_MAX]; /* first SYNs seen, by hash; newer ones win */
	uint8_t answer[PACKET_MAX];
};

/* Who answers where a rule names nobody. */
static const struct packet_addr router4 = { 4, { 10, 78, 0, 254 } };
static const struct packet_addr router6 = {
	6,
	{ 0xfd, 0x78, [15] = 0xfe },
};

struct path *path_create(size_t queue_max, uint64_t seed)
{
	struct path *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->random = seed;
	p->queue = queue_create(queue_max);
	if (!p->queue) {
		free(p);
		return NULL;
	}
	return p;
}

void path_destroy(struct path *p)
{
	if (!p)
		return;
	queue_destroy(p->queue);
	rules_destroy(p->rules);
	free(p);
}

void path_set_rules(struct path *p, struct rules *r, uint64_t now_ns)
{
	rules_destroy(p->rules);
	p->rules = r;
	p->loaded_ns = now_ns;
}

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint64_t draw(struct path *p)
{
	p->random += 0x9e3779b97f4a7c15ULL;
	return mix(p->random); /* splitmix64 */
}

static bool chance(struct path *p, uint64_t share)
{
	return share > 0 && draw(p) >> 32 < share;
}

static void push(struct path *p, uint64_t due_ns, enum way way,
		 const uint8_t *data, size_t n)
{
	if (queue_push(p->queue, due_ns, (int)way, data, n) < 0)
		p->totals.overflowed++;
}

static void send(struct path *p, const struct leg *leg, enum way way,
		 uint8_t *data, const struct packet *k, uint64_t now_ns)
{
	uint64_t due_ns = now_ns + leg->delay_ns;

	if (chance(p, leg->loss)) {
		p->totals.lost++;
		return;
	}
	if (leg->jitter_ns > 0)
		due_ns += draw(p) % (leg->jitter_ns + 1);
	if (chance(p, leg->reorder)) {
		due_ns += leg->gap_ns > 0 ? leg->gap_ns : GAP_NS;
		p->totals.reordered++;
	}
	if (chance(p, leg->corrupt)) {
		packet_corrupt(data, k, draw(p));
		p->totals.corrupted++;
	}
	push(p, due_ns, way, data, k->len);
	if (chance(p, leg->duplicate)) {
		push(p, due_ns, way, data, k->len);
		p->totals.doubled++;
	}
}

/* A flow is told by its SYN's own number too: a fixed source port begins a
 * new flow with each connection, and a resent SYN is none. */
static bool is_first_syn(struct path *p, const struct packet *k)
{
	uint64_t hash =
		mix((uint64_t)k->a << 48 | (uint64_t)k->b << 32 | k->tcp_seq);
	uint64_t *seen;
	size_t i;

	if ((k->tcp_flags & (PACKET_SYN | PACKET_ACK)) != PACKET_SYN)
		return false;
	for (i = 0; i < sizeof(k->dst.b); i++)
		hash = mix(hash ^ k->dst.b[i]);
	seen = &p->syns[hash % SYNS_MAX];
	if (*seen == hash)
		return false;
	*seen = hash;
	return true;
}

/* Type and code of an answer in both protocols. */
static void error_of(enum answer answer, uint8_t family, uint8_t *ret_type,
		     uint8_t *ret_code)
{
	static const uint8_t codes[][2] = {
		[ANSWER_NET_UNREACHABLE] = { 0, 0 },
		[ANSWER_HOST_UNREACHABLE] = { 1, 3 },
		[ANSWER_PORT_UNREACHABLE] = { 3, 4 },
		[ANSWER_PROHIBITED] = { 13, 1 },
	};

	*ret_type = family == 4 ? 3 : 1;
	*ret_code = codes[answer][family == 4 ? 0 : 1];
}

static size_t build_answer(struct path *p, const struct effect *e,
			   const uint8_t *data, const struct packet *k)
{
	struct packet_error error = { .quote = e->quote };

	if (e->answer == ANSWER_NONE)
		return 0;
	if (e->answer == ANSWER_REFUSED)
		return packet_refusal(data, k, p->answer);
	error.from = k->family == 4 ? e->from4 : e->from6;
	if (error.from.family == 0)
		error.from = k->family == 4 ? router4 : router6;
	error_of(e->answer, k->family, &error.type, &error.code);
	return packet_icmp_error(data, k, &error, p->answer);
}

/* The TTL ends at one of the hops, evenly spread over the way. */
static void expire(struct path *p, const struct effect *e, const uint8_t *data,
		   const struct packet *k, uint64_t now_ns)
{
	unsigned hop = k->hops_left > 0 ? k->hops_left : 1;
	uint64_t there_and_back_ns =
		e->leg[WAY_OUT].delay_ns + e->leg[WAY_IN].delay_ns;
	struct packet_error error = {
		.type = k->family == 4 ? TYPE4_GONE : TYPE6_GONE,
		.from = e->hops[hop - 1],
		.quote = e->quote,
	};
	size_t n = packet_icmp_error(data, k, &error, p->answer);

	if (n == 0)
		return;
	p->totals.answered++;
	push(p, now_ns + there_and_back_ns * hop / (e->n_hops + 1), WAY_IN,
	     p->answer, n);
}

/* True when the packet goes no further: somebody on the way answered it, or
 * it is dropped there. */
static bool ends_here(struct path *p, const struct effect *e,
		      const uint8_t *data, const struct packet *k,
		      uint64_t now_ns)
{
	uint64_t due_ns =
		now_ns + e->leg[WAY_OUT].delay_ns + e->leg[WAY_IN].delay_ns;
	size_t n;

	if (e->n_hops > 0 && k->hops_left <= e->n_hops) {
		expire(p, e, data, k, now_ns);
		return true;
	}
	n = build_answer(p, e, data, k);
	if (n > 0) {
		p->totals.answered++;
		push(p, due_ns, WAY_IN, p->answer, n);
		return true;
	}
	if (e->drop_first_syn && is_first_syn(p, k)) {
		p->totals.lost++;
		return true;
	}
	return false;
}

void path_take(struct path *p, enum way way, uint8_t *data, size_t n,
	       uint64_t now_ns)
{
	struct packet k;
	struct effect e;

	p->totals.taken++;
	if (!packet_parse(data, n, &k) || k.len > n || k.len < k.l4) {
		p->totals.malformed++;
		return;
	}
	rules_apply(p->rules, way == WAY_OUT ? &k.dst : &k.src, k.proto,
		    now_ns - p->loaded_ns, &e);
	if (e.blackhole) {
		p->totals.lost++;
		return;
	}
	if (way == WAY_OUT && ends_here(p, &e, data, &k, now_ns))
		return;
	if (e.n_hops > 0 && k.hops_left > e.n_hops)
		packet_age(data, &k, (uint8_t)e.n_hops);
	send(p, &e.leg[way], way, data, &k, now_ns);
}

const struct held *path_first(const struct path *p)
{
	return queue_first(p->queue);
}

void path_pop(struct path *p)
{
	queue_pop(p->queue);
}

const struct path_totals *path_totals(const struct path *p)
{
	return &p->totals;
}
