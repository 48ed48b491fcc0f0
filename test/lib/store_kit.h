/* A store in a directory of its own, samples to put into it, and a collector
 * that keeps account of every sequence number. */
#ifndef LIB_STORE_KIT_H
#define LIB_STORE_KIT_H

#include "store/scan.h"
#include "store/store.h"

struct kit {
	char dir[64];
	char path[96];
	struct store *store;
};

/* For cmocka: `*state` is a struct kit. */
int kit_setup(void **state);
int kit_teardown(void **state);

/* A test with a kit. */
#define KIT_TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

/* Samples of a test are of its minutes, so that they stay rows, unless it asks
 * for old ones, which the store seals as soon as it can. */
void kit_old(void);

/* Open or close; fails the test. `max_bytes` 0: 64 MiB. */
void kit_open(struct kit *kit, uint64_t max_bytes);
void kit_close(struct kit *kit);
void kit_commit(struct kit *kit);
uint32_t kit_series(struct kit *kit, const char *target, const char *probe);

/* The n-th sample: replied, with figures that follow from n. */
struct ep_sample kit_sample(uint64_t n);
/* The same with everything that https adds. */
struct ep_sample kit_https(uint64_t n);
/* Of stun. */
struct ep_sample kit_stun(uint64_t n);
void kit_add(struct kit *kit, uint32_t series, uint64_t n);

/* Every field is equal. */
void kit_same_sample(const struct ep_sample *a, const struct ep_sample *b);

/* What has been at a collector. */
struct account {
	int destination;
	unsigned char *rows, *gaps; /* by number: how often */
	uint64_t size;
	uint64_t count, missing;   /* distinct rows; sum of gaps */
	uint64_t min, max, selves; /* of rows; rows "..._elsewhere" */
	uint64_t limit;            /* rows a batch */
	uint64_t in_batch;
};

void account_begin(struct account *a, struct kit *kit, const char *name,
		   uint64_t limit);
void account_end(struct account *a);
/* Collect, freeze and acknowledge one batch. Returns its rows. */
uint64_t account_batch(struct account *a, struct kit *kit);
/* The same of one part. */
uint64_t account_batch_of(struct account *a, struct kit *kit,
			  enum store_part part);
/* All there is. */
void account_drain(struct account *a, struct kit *kit);
/* count(distinct seq) + sum(gap lengths) = max(seq) - min(seq) + 1, and no
 * number is both there and declared. */
void account_audit(const struct account *a);

#endif
