#include "schedule/plan.h"
#include "edgeprobe/private/heap.h"
#include "edgeprobe/private/list.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct entry {
	struct ep_heap_item due; /* key: the time of `turn` */
	struct plan_item item;
	unsigned index;
	uint64_t turn; /* number of the due time that is next */
};

struct plan {
	struct entry **entries;
	unsigned n;
	struct ep_heap heap;
	uint64_t slot_start_ns;
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

int plan_add(struct plan *plan, const struct plan_item *item)
{
	struct entry **entries, *e;

	if (item->interval_ns < 1000000 || item->count == 0 ||
	    item->phase_ns >= item->interval_ns ||
	    item->spacing_ns > item->interval_ns / item->count)
		return -EINVAL;
	entries =
		realloc(plan->entries, (plan->n + 1) * sizeof(struct entry *));
	if (entries == NULL)
		return -ENOMEM;
	plan->entries = entries;
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

static uint64_t time_of(const struct plan_item *item, uint64_t turn)
{
	return item->phase_ns + turn / item->count * item->interval_ns +
	       turn % item->count * item->spacing_ns;
}

/* The first turn whose time is at or after `at_ns`. */
static uint64_t turn_from(const struct plan_item *item, uint64_t at_ns)
{
	uint64_t round = at_ns < item->phase_ns
				 ? 0
				 : (at_ns - item->phase_ns) / item->interval_ns;
	uint64_t turn = round * item->count;

	while (time_of(item, turn) < at_ns)
		turn++;
	return turn;
}

static void go_to(struct plan *plan, struct entry *e, uint64_t turn)
{
	e->turn = turn;
	ep_heap_put(&plan->heap, &e->due, time_of(&e->item, turn));
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

void plan_start(struct plan *plan, uint64_t now_ns)
{
	for (unsigned i = 0; i < plan->n; i++) {
		struct entry *e = plan->entries[i];

		go_to(plan, e, turn_from(&e->item, now_ns));
	}
	/* Twice the mean: enough for chance, too little for a burst. */
	plan->slot_max = PLAN_SLOT_AT_LEAST +
			 (uint64_t)(2e-9 * PLAN_SLOT_NS * rate(plan));
	plan->gather = rate(plan) >= PLAN_SLOT_RATE;
	plan->slot_start_ns = now_ns;
	plan->slot_taken = 0;
}

static bool slot_full(const struct plan *plan, uint64_t now_ns)
{
	return plan->slot_taken >= plan->slot_max &&
	       now_ns < plan->slot_start_ns + PLAN_SLOT_NS;
}

static uint64_t end_of_slot(uint64_t due_ns)
{
	return (due_ns + PLAN_SLOT_NS - 1) / PLAN_SLOT_NS * PLAN_SLOT_NS;
}

uint64_t plan_next_ns(const struct plan *plan)
{
	struct ep_heap_item *top = ep_heap_top(&plan->heap);
	uint64_t open_ns = plan->slot_start_ns + PLAN_SLOT_NS;

	if (top == NULL)
		return UINT64_MAX;
	if (plan->slot_taken >= plan->slot_max && top->key < open_ns)
		return open_ns;
	return plan->gather ? end_of_slot(top->key) : top->key;
}

static bool too_late(const struct plan_item *item, uint64_t late_ns)
{
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
	turn = e->turn + 1;
	if (too_late(&e->item, now_ns - top->key)) {
		turn = turn_from(&e->item, now_ns);
		ret_due->missed = turn - e->turn;
	}
	ret_due->item = e->index;
	go_to(plan, e, turn);
	if (now_ns >= plan->slot_start_ns + PLAN_SLOT_NS) {
		plan->slot_start_ns = now_ns;
		plan->slot_taken = 0;
	}
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
