/* Two things keep a budget. Thinning sends the same share of every item's due
 * times, evenly: each adds the share to what it owes, and goes when that makes
 * one. Behind it stands a bucket of bytes that nothing can overdraw by more
 * than what is under way; it should never be empty, and how full it is corrects
 * the share.
 *
 * The bucket is one number: the moment at which all that was spent is paid off
 * at the allowed rate. If it lies in the past, the time since then is what is
 * left. */
#include "circuit/meter.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/target.h"
#include <string.h>

#define DAY_S 86400

/* The bucket holds an hour's worth, but always a large probe. */
#define DEPTH_PART  24
#define DEPTH_BYTES 16384

/* First guesses. */
#define TCP_BYTES   380  /* seven packets with timestamps, IPv4 */
#define HTTPS_BYTES 7000 /* most of it the server's certificates */
#define KEPT_BYTES  2500 /* without handshake, now and then with one */
#define IP_BYTES    20   /* header */
#define IP6_MORE    20
#define ECHO_HEADER 8
#define ECHO_BYTES  56

/* One sample's weight in what is expected of the next. */
#define LEARNING 0.0625

/* At an empty bucket a tenth less than the budget is planned, at a full one a
 * tenth more. */
#define LEAST_FACTOR 0.9
#define FACTOR_RANGE 0.2

#define NEWS_PART 0.1
#define NEWS_NS   (300 * EP_NS_PER_S)

void meter_init(struct meter *meter, uint64_t budget, uint64_t now_ns)
{
	uint64_t depth = budget / DEPTH_PART;

	memset(meter, 0, sizeof(*meter));
	if (budget == 0)
		return;
	if (depth < DEPTH_BYTES)
		depth = DEPTH_BYTES;
	if (depth > budget / 2)
		depth = budget / 2;
	/* a full bucket and a day's refill are the budget, not more */
	meter->budget = budget;
	meter->rate = (double)(budget - depth) / DAY_S;
	meter->depth_ns = (int64_t)((double)depth / meter->rate * 1e9);
	atomic_init(&meter->paid_ns, (int64_t)now_ns);
}

static double ns_of(const struct meter *m, double bytes)
{
	return bytes / m->rate * 1e9;
}

/* --- the bucket --- */

static int64_t left_ns(const struct meter *m, uint64_t now_ns)
{
	int64_t left = (int64_t)now_ns -
		       atomic_load_explicit(&m->paid_ns, memory_order_relaxed);

	return left < m->depth_ns ? left : m->depth_ns;
}

static void spend(struct meter *m, uint32_t bytes, uint64_t now_ns)
{
	int64_t full_ns = (int64_t)now_ns - m->depth_ns;
	int64_t cost_ns = (int64_t)ns_of(m, bytes);
	int64_t paid_ns = atomic_load(&m->paid_ns);
	int64_t from_ns;

	do
		from_ns = paid_ns > full_ns ? paid_ns : full_ns;
	while (!atomic_compare_exchange_weak(&m->paid_ns, &paid_ns,
					     from_ns + cost_ns));
	atomic_fetch_add(&m->spent, bytes);
}

/* It took so many more than was thought, or fewer. */
static void correct(struct meter *m, int64_t bytes)
{
	atomic_fetch_add(&m->paid_ns, (int64_t)ns_of(m, (double)bytes));
	atomic_fetch_add(&m->spent, bytes);
}

/* What is more than the bucket ever holds may go when it is full. */
static bool can_afford(const struct meter_item *i, uint64_t now_ns)
{
	double cost_ns = ns_of(i->meter, i->bytes * i->probes);
	double depth_ns = (double)i->meter->depth_ns;

	return (double)left_ns(i->meter, now_ns) >=
	       (cost_ns < depth_ns ? cost_ns : depth_ns);
}

/* --- the plan --- */

static void plan(struct meter_item *i)
{
	int64_t planned =
		(int64_t)(i->a_second * i->probes * i->bytes * 1000.0);

	atomic_fetch_add_explicit(&i->meter->planned, planned - i->planned,
				  memory_order_relaxed);
	i->planned = planned;
}

static uint32_t first_guess(const struct ep_target *t)
{
	uint32_t ip = t->family == 6 ? IP_BYTES + IP6_MORE : IP_BYTES;
	uint64_t size = t->size == 0 ? ECHO_BYTES : t->size;

	if (strcmp(t->kind->name, "icmp") == 0)
		return 2 * (ip + ECHO_HEADER + (uint32_t)size);
	if (strcmp(t->kind->name, "tcp") == 0)
		return TCP_BYTES;
	return t->kept ? KEPT_BYTES : HTTPS_BYTES;
}

/* Multiples of the golden ratio spread evenly, however many there are. */
static double phase(unsigned number)
{
	double x = 0.6180339887498949 * number;

	return x - (double)(uint64_t)x;
}

void meter_item_init(struct meter_item *item, struct meter *meter,
		     const struct ep_target *target, double a_second,
		     unsigned number)
{
	memset(item, 0, sizeof(*item));
	if (meter == NULL || meter->budget == 0)
		return;
	item->meter = meter;
	item->a_second = a_second;
	item->probes = 1;
	item->charge = first_guess(target);
	item->bytes = item->charge;
	item->owed = phase(number);
	plan(item);
}

/* Of the plan, before the bucket's correction; may be more than 1. */
static double raw_share(const struct meter *m)
{
	int64_t planned =
		atomic_load_explicit(&m->planned, memory_order_relaxed);

	return planned <= 0 ? 1 : m->rate * 1000.0 / (double)planned;
}

double meter_share(const struct meter *meter)
{
	double share = meter->budget == 0 ? 1 : raw_share(meter);

	return share < 1 ? share : 1;
}

static double share_now(const struct meter *m, uint64_t now_ns)
{
	double fill = (double)left_ns(m, now_ns) / (double)m->depth_ns;
	double share = raw_share(m) *
		       (LEAST_FACTOR + FACTOR_RANGE * (fill > 0 ? fill : 0));

	return share < 1 ? share : 1;
}

/* --- an item's life --- */

bool meter_ask(struct meter_item *item, uint64_t now_ns)
{
	double share;

	if (item->meter == NULL)
		return true;
	if (item->sent > 0 && item->probes != item->sent) {
		item->probes = item->sent;
		plan(item);
	}
	share = share_now(item->meter, now_ns);
	if (item->owed + share < 1 || !can_afford(item, now_ns)) {
		if (item->owed + share < 1)
			item->owed += share;
		item->skipped = true;
		return false;
	}
	item->owed += share - 1;
	item->thinned = item->skipped || share < 1;
	item->skipped = false;
	item->sent = 0;
	return true;
}

void meter_sent(struct meter_item *item, uint64_t now_ns)
{
	if (item->meter == NULL)
		return;
	item->sent++;
	spend(item->meter, item->charge, now_ns);
}

void meter_done(struct meter_item *item, const struct ep_sample *sample)
{
	if (item->meter == NULL)
		return;
	if (sample->bytes == 0 && sample->outcome != EP_FAILED)
		return; /* not known */
	correct(item->meter, (int64_t)sample->bytes - (int64_t)item->charge);
	if (sample->bytes == 0)
		return; /* nothing has left: no word on those that will */
	item->bytes += ((double)sample->bytes - item->bytes) * LEARNING;
	plan(item);
}

/* --- saying it --- */

bool meter_has_news(const struct meter *meter, struct meter_said *said,
		    uint64_t now_ns)
{
	double share = meter_share(meter);
	double change = share - said->share;

	if (meter->budget == 0)
		return false;
	if (said->share > 0 && (now_ns - said->at_ns < NEWS_NS ||
				(change < NEWS_PART * said->share &&
				 change > -NEWS_PART * said->share)))
		return false;
	said->share = share;
	said->at_ns = now_ns;
	return true;
}
