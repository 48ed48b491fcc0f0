#include "lib/any_rows.h"
#include "store/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct store_facts facts_of(struct kit *kit)
{
	struct store_facts facts;

	assert_int_equal(store_facts(kit->store, &facts), 0);
	return facts;
}

/* Every kind of row in turn; what a row is follows from its number. */
static void add_any(struct kit *kit, const uint32_t series[3])
{
	uint64_t seq = store_last_seq(kit->store) + 1;
	struct ep_sample s = seq % 5 == 0   ? kit_https(seq)
			     : seq % 7 == 0 ? kit_stun(seq)
					    : kit_sample(seq);

	if (seq % 97 == 0) {
		store_add_note(kit->store, ROW_EVENT, s.sent_ns, "\"n\":1");
		return;
	}
	if (seq % 501 == 0) {
		store_add_overflow(kit->store, 3);
		return;
	}
	if (seq % 11 == 0) {
		s.outcome = EP_LOST;
		s.reason = EP_REASON_TIMEOUT;
		s.rtt_ns = s.ttl = EP_ABSENT;
		s.flags = EP_FLAG_DRAINING | 1 << 13;
	}
	if (seq % 23 == 0)
		store_add_late(kit->store, series[0], &s, seq - 12);
	else
		store_add_sample(kit->store, series[seq % 3], &s);
}

void fill_to(struct kit *kit, uint64_t last)
{
	uint32_t series[3] = { kit_series(kit, "a", "icmp"),
			       kit_series(kit, "b", "tcp"),
			       kit_series(kit, "c", "https") };

	while (store_last_seq(kit->store) < last) {
		add_any(kit, series);
		if (store_last_seq(kit->store) % 2000 == 0)
			kit_commit(kit);
	}
	kit_commit(kit);
}

/* A commit seals for some milliseconds at most. */
void seal_all(struct kit *kit, uint64_t chunks)
{
	uint64_t rows = chunks * CHUNK_NUMBERS * 9 / 10;

	for (int i = 0; i < 1000; i++) {
		if (facts_of(kit).sealed_rows >= rows)
			return;
		kit_commit(kit);
	}
	fail_msg("%llu rows are sealed, not %llu",
		 (unsigned long long)facts_of(kit).sealed_rows,
		 (unsigned long long)rows);
}

struct store *reader(struct kit *kit)
{
	struct store_options options = { .path = kit->path, .read_only = true };
	struct store *store;

	assert_int_equal(store_open(&options, &store, NULL), 0);
	return store;
}
