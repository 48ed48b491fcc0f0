#include "schedule/plan.h"
#include "edgeprobe/private/heap.h"
#include "edgeprobe/private/list.h"
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct entry {
	struct ep_heap_item due; /* key: the time of `turn` */
	struct plan_item item;
	unsigned index;
	uint64_t turn; /* number of the due time that is next */
	/* Of a random item. */
	uint64_t round_ns; /* when the round of `turn` begins */
	uint64_t chance;   /* state of its generator */
};

struct plan {
	struct entry **entries;
	unsigned n, room;
	struct ep_heap heap;
	uint64_t slot_ns,
		slot_start_ns; /* it starts at multiples of its length */
	uint64_t slot_taken, slot_max;
	bool gather; /* what is due in a slot leaves at its end */
};

struct plan *plan_create(void)
{
	return calloc(1, sizeof(struct plan));
}

void plan_destroy(struct plan *plan)
{
	if (plan == NULL)
		return;
	for (unsigned i = 0; i < plan->n; i++)
		free(plan->entries[i]);
	free(plan->entries);
	ep_heap_finish(&plan->heap);
	free(plan);
}

static bool possible(const struct plan_item *item)
{
	return item->interval_ns >= 1000000 && item->count > 0 &&
	       item->phase_ns < item->interval_ns &&
	       item->spacing_ns <= item->interval_ns / item->count;
}

static int make_room(struct plan *plan)
{
	unsigned room = plan->room == 0 ? 16 : 2 * plan->room;
	struct entry **entries;

	if (plan->n < plan->room)
		return 0;
	entries = realloc(plan->entries, room * sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	plan->entries = entries;
	plan->room = room;
	return 0;
}

int plan_add(struct plan *plan, const struct plan_item *item)
{
	struct entry *e;

	if (!possible(item))
		return -EINVAL;
	if (make_room(plan) < 0)
		return -ENOMEM;
	e = calloc(1, sizeof(*e));
	if (e == NULL || ep_heap_reserve(&plan->heap, plan->n + 1) < 0) {
		free(e);
		return -ENOMEM;
	}
	e->item = *item;
	e->index = plan->n;
	plan->entries[plan->n] = e;
	return (int)plan->n++;
}

/* --- due times --- */

/* splitmix64: every state gives another number, and neighbours unlike ones. */
static uint64_t draw(uint64_t *chance)
{
	uint64_t x = *chance += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t round_takes(const struct plan_item *item)
{
	return (item->count - 1) * item->spacing_ns;
}

static uint64_t draw_gap(struct entry *e)
{
	double mean = (double)(e->item.interval_ns - round_takes(&e->item));
	double even = (double)((draw(&e->chance) >> 11) + 1) * 0x1p-53;
	double gap = -log(even); /* of (0, 1] */

	if (gap < PLAN_GAP_LEAST)
		gap = PLAN_GAP_LEAST;
	if (gap > PLAN_GAP_MOST)
		gap = PLAN_GAP_MOST;
	return (uint64_t)(gap * mean);
}

static uint64_t time_of(const struct entry *e)
{
	const struct plan_item *item = &e->item;
	uint64_t round_ns = e->round_ns;

	if (item->kind == PLAN_PERIODIC)
		round_ns = item->phase_ns +
			   e->turn / item->count * item->interval_ns;
	return round_ns + e->turn % item->count * item->spacing_ns;
}

static void advance(struct entry *e)
{
	e->turn++;
	if (e->item.kind == PLAN_POISSON && e->turn % e->item.count == 0)
		e->round_ns += round_takes(&e->item) + draw_gap(e);
}

/* To the first turn whose time is at or after `at_ns`; never back. */
static void advance_to(struct entry *e, uint64_t at_ns)
{
	const struct plan_item *item = &e->item;
	uint64_t turn;

	if (item->kind == PLAN_PERIODIC && at_ns > item->phase_ns) {
		turn = (at_ns - item->phase_ns) / item->interval_ns *
		       item->count;
		if (turn > e->turn)
			e->turn = turn;
	}
	while (time_of(e) < at_ns)
		advance(e);
}

static void begin(struct entry *e, uint64_t now_ns)
{
	e->turn = 0;
	if (e->item.kind == PLAN_PERIODIC) {
		advance_to(e, now_ns);
		return;
	}
	e->chance = e->item.seed;
	e->chance = draw(&e->chance) ^ now_ns;
	e->round_ns = now_ns + draw_gap(e);
}

static void queue(struct plan *plan, struct entry *e)
{
	ep_heap_put(&plan->heap, &e->due, time_of(e));
}

static double rate(const struct plan *plan)
{
	double a_second = 0;

	for (unsigned i = 0; i < plan->n; i++) {
		const struct plan_item *item = &plan->entries[i]->item;

		a_second +=
			1e9 * (double)item->count / (double)item->interval_ns;
	}
	return a_second;
}

static uint64_t slot_for(double a_second)
{
	double ns = 1e9 * PLAN_SLOT_PROBES / (a_second + 1);

	if (ns > (double)PLAN_SLOT_MOST_NS)
		return PLAN_SLOT_MOST_NS;
	return ns < (double)PLAN_SLOT_LEAST_NS ? PLAN_SLOT_LEAST_NS
					       : (uint64_t)ns;
}

/* On a grid: a wake-up that comes a little early after a late one must not
 * count for the slot before it. */
static void open_slot(struct plan *plan, uint64_t now_ns)
{
	plan->slot_start_ns = now_ns / plan->slot_ns * plan->slot_ns;
	plan->slot_taken = 0;
}

void plan_start(struct plan *plan, uint64_t now_ns)
{
	double a_second = rate(plan);

	for (unsigned i = 0; i < plan->n; i++) {
		begin(plan->entries[i], now_ns);
		queue(plan, plan->entries[i]);
	}
	plan->slot_ns = slot_for(a_second);
	/* Twice the mean: enough for chance, too little for a burst. */
	plan->slot_max = PLAN_SLOT_AT_LEAST +
			 (uint64_t)(2e-9 * (double)plan->slot_ns * a_second);
	plan->gather = a_second >= PLAN_SLOT_RATE;
	open_slot(plan, now_ns);
}

static bool slot_full(const struct plan *plan, uint64_t now_ns)
{
	return plan->slot_taken >= plan->slot_max &&
	       now_ns < plan->slot_start_ns + plan->slot_ns;
}

static uint64_t leaves_at(const struct plan *plan, uint64_t due_ns)
{
	if (!plan->gather)
		return due_ns;
	return (due_ns + plan->slot_ns - 1) / plan->slot_ns * plan->slot_ns;
}

uint64_t plan_next_ns(const struct plan *plan)
{
	struct ep_heap_item *top = ep_heap_top(&plan->heap);
	uint64_t open_ns = plan->slot_start_ns + plan->slot_ns;

	if (top == NULL)
		return UINT64_MAX;
	if (plan->slot_taken >= plan->slot_max && top->key < open_ns)
		return open_ns;
	return leaves_at(plan, top->key);
}

/* Waiting for the end of its slot makes nothing late. */
static bool too_late(const struct plan *plan, const struct plan_item *item,
		     uint64_t due_ns, uint64_t now_ns)
{
	uint64_t at_ns = leaves_at(plan, due_ns);
	uint64_t late_ns = now_ns > at_ns ? now_ns - at_ns : 0;

	return late_ns > PLAN_LATE_MAX_NS ||
	       late_ns > item->interval_ns / item->count / 2;
}

bool plan_take(struct plan *plan, uint64_t now_ns, struct plan_due *ret_due)
{
	struct ep_heap_item *top = ep_heap_top(&plan->heap);
	uint64_t turn;
	struct entry *e;

	if (top == NULL || top->key > now_ns || slot_full(plan, now_ns))
		return false;
	e = container_of(top, struct entry, due);
	ret_due->due_ns = top->key;
	ret_due->missed = 0;
	ret_due->item = e->index;
	turn = e->turn;
	if (too_late(plan, &e->item, top->key, now_ns)) {
		advance_to(e, now_ns);
		ret_due->missed = e->turn - turn;
	} else {
		advance(e);
	}
	queue(plan, e);
	if (now_ns >= plan->slot_start_ns + plan->slot_ns)
		open_slot(plan, now_ns);
	if (ret_due->missed == 0)
		plan->slot_taken++;
	return true;
}

uint64_t plan_phase(const char *name, uint64_t interval_ns)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name != '\0'; name++) {
		hash ^= (unsigned char)*name;
		hash *= UINT64_C(0x100000001b3);
	}
	/* FNV's high bits are the better mixed ones. */
	hash ^= hash >> 32;
	return interval_ns == 0 ? 0 : hash % interval_ns;
}
