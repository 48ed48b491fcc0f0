#include "notices.h"
#include "base/log.h"
#include "edgeprobe/clock.h"
#include "store/store.h"
#include <errno.h>
#include <string.h>

/* What may come between two visits of the keeping thread. */
#define SLOTS 64

struct ring *notices_create(void)
{
	return ring_create(sizeof(struct notice), SLOTS);
}

int notices_put(struct ring *notices, enum row_type type, const char *body)
{
	struct notice notice;
	size_t n = strlen(body) + 1;

	if (n > sizeof(notice.body))
		return -E2BIG;
	memset(&notice, 0, sizeof(notice));
	notice.type = type;
	notice.time_ns = ep_clock_wall_ns();
	memcpy(notice.body, body, n);
	return ring_push(notices, &notice);
}

void notices_keep(struct ring *notices, struct store *store)
{
	struct notice notice;
	uint64_t overflown;

	while (ring_pop(notices, &notice, 1) > 0)
		store_add_note(store, notice.type, notice.time_ns, notice.body);
	overflown = ring_take_overflown(notices);
	if (overflown == 0)
		return;
	store_add_overflow(store, overflown);
	log_error("keeping", "notices=full lost=%llu declared=gap",
		  (unsigned long long)overflown);
}
