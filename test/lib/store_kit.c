#include "lib/store_kit.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Memory where there is some to spare: the tests wait for no disk then. */
static const char *place(void)
{
	const char *tmp = getenv("TMPDIR");
	struct statvfs fs;

	if (tmp)
		return tmp;
	if (access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize > 512u << 20)
		return "/dev/shm";
	return "/tmp";
}

/* Of sample 0. */
static uint64_t begin_ns;

void kit_old(void)
{
	begin_ns = 1767225600000000000u;
}

static void young(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	begin_ns = (uint64_t)(now.tv_sec - 300) * 1000000000u;
}

int kit_setup(void **state)
{
	struct kit *kit = calloc(1, sizeof(*kit));

	if (!kit)
		return -1;
	young();
	snprintf(kit->dir, sizeof(kit->dir), "%.40s/store-XXXXXX", place());
	if (!mkdtemp(kit->dir)) {
		free(kit);
		return -1;
	}
	snprintf(kit->path, sizeof(kit->path), "%s/store.db", kit->dir);
	*state = kit;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int kit_teardown(void **state)
{
	struct kit *kit = *state;

	store_close(kit->store);
	nftw(kit->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(kit);
	return 0;
}

void kit_open(struct kit *kit, uint64_t max_bytes)
{
	struct store_options options = {
		.path = kit->path,
		.max_bytes = max_bytes ? max_bytes : 64u << 20,
	};
	struct ep_err err = { 0 };

	if (store_open(&options, &kit->store, &err) != 0)
		fail_msg("%s", err.text);
}

void kit_close(struct kit *kit)
{
	store_close(kit->store);
	kit->store = NULL;
}

void kit_commit(struct kit *kit)
{
	struct ep_err err = { 0 };

	if (store_commit(kit->store, &err) != 0)
		fail_msg("%s", err.text);
}

uint32_t kit_series(struct kit *kit, const char *target, const char *probe)
{
	struct series series = { .target = target,
				 .probe = probe,
				 .host = "host.example",
				 .site = "Amsterdam" };
	struct ep_err err = { 0 };
	uint32_t id = 0;

	if (store_series(kit->store, &series, &id, &err) != 0)
		fail_msg("%s", err.text);
	return id;
}

struct ep_sample kit_sample(uint64_t n)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.sent_ns = begin_ns + n * 10000001u;
	s.rtt_ns = 5000000 + (int64_t)(n * 7919 % 20000000);
	s.slip_ns = (int64_t)(n % 90000);
	s.uncertainty_ns = 12000 + n % 1000;
	s.address = (struct ep_address){
		.family = 4, .bytes = { 13, 107, 6, (uint8_t)(n % 4) }
	};
	s.port = 443;
	s.ttl = 57;
	s.retransmits = 0;
	s.outcome = EP_REPLIED;
	return s;
}

struct ep_sample kit_https(uint64_t n)
{
	struct ep_sample s = kit_sample(n);

	s.dns_ns = 1500000 + (int64_t)(n % 100000);
	s.https.connect_ns = s.rtt_ns + 40000;
	s.https.srtt_ns = s.rtt_ns + 1000;
	s.https.min_rtt_ns = s.rtt_ns - 1000;
	s.https.tls_ns = 9000000 + (int64_t)(n % 1000000);
	s.https.first_byte_ns = 8000000 + (int64_t)(n % 3000000);
	s.https.total_ns = 31000000 + (int64_t)(n % 9000000);
	s.https.tls_first_byte_ns = s.rtt_ns + 700000 + (int64_t)(n % 50000);
	s.https.tls_days_left = 120;
	s.https.http_status = 200;
	snprintf(s.https.http_version, sizeof(s.https.http_version), "1.1");
	snprintf(s.https.pop, sizeof(s.https.pop), "AMS");
	snprintf(s.https.pop_source, sizeof(s.https.pop_source),
		 "x-msedge-ref");
	snprintf(s.https.pop_ref, sizeof(s.https.pop_ref),
		 "Ref A: %032llX Ref B: AMS231020%06llu Ref C: 2026-01-01",
		 (unsigned long long)(n * 2654435761u),
		 (unsigned long long)(n % 1000000));
	snprintf(s.https.edge_cache, sizeof(s.https.edge_cache), "%s",
		 n % 2 ? "TCP_HIT" : "CONFIG_NOCACHE");
	snprintf(s.https.tls_issuer, sizeof(s.https.tls_issuer),
		 "Microsoft Corporation");
	return s;
}

/* The line has another public address now and then. */
struct ep_sample kit_stun(uint64_t n)
{
	struct ep_sample s = kit_sample(n);

	s.mapped = (struct ep_address){
		.family = 4,
		.bytes = { 198, 51, 100, (uint8_t)(7 + n / 1000 % 3) },
	};
	s.mapped_port = (uint16_t)(1024 + n % 2);
	return s;
}

void kit_add(struct kit *kit, uint32_t series, uint64_t n)
{
	struct ep_sample s = kit_sample(n);

	store_add_sample(kit->store, series, &s);
}

void kit_same_sample(const struct ep_sample *a, const struct ep_sample *b)
{
	assert_int_equal(a->sent_ns, b->sent_ns);
	assert_int_equal(a->rtt_ns, b->rtt_ns);
	assert_int_equal(a->dns_ns, b->dns_ns);
	assert_int_equal(a->slip_ns, b->slip_ns);
	assert_int_equal(a->uncertainty_ns, b->uncertainty_ns);
	assert_int_equal(a->address.family, b->address.family);
	assert_int_equal(a->address.scope, b->address.scope);
	assert_memory_equal(a->address.bytes, b->address.bytes, 16);
	assert_int_equal(a->mapped.family, b->mapped.family);
	assert_memory_equal(a->mapped.bytes, b->mapped.bytes, 16);
	assert_int_equal(a->mapped_port, b->mapped_port);
	assert_int_equal(a->missed, b->missed);
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->stamp, b->stamp);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->ttl, b->ttl);
	assert_int_equal(a->retransmits, b->retransmits);
	assert_int_equal(a->https.connect_ns, b->https.connect_ns);
	assert_int_equal(a->https.srtt_ns, b->https.srtt_ns);
	assert_int_equal(a->https.min_rtt_ns, b->https.min_rtt_ns);
	assert_int_equal(a->https.tls_ns, b->https.tls_ns);
	assert_int_equal(a->https.first_byte_ns, b->https.first_byte_ns);
	assert_int_equal(a->https.total_ns, b->https.total_ns);
	assert_int_equal(a->https.tls_first_byte_ns,
			 b->https.tls_first_byte_ns);
	assert_int_equal(a->https.tls_days_left, b->https.tls_days_left);
	assert_int_equal(a->https.http_status, b->https.http_status);
	assert_string_equal(a->https.http_version, b->https.http_version);
	assert_string_equal(a->https.pop, b->https.pop);
	assert_string_equal(a->https.pop_source, b->https.pop_source);
	assert_string_equal(a->https.pop_ref, b->https.pop_ref);
	assert_string_equal(a->https.edge_cache, b->https.edge_cache);
	assert_string_equal(a->https.tls_issuer, b->https.tls_issuer);
}

/* --- the collector --- */

void account_begin(struct account *a, struct kit *kit, const char *name,
		   uint64_t limit)
{
	struct ep_err err = { 0 };

	memset(a, 0, sizeof(*a));
	a->limit = limit;
	a->size = 1u << 22;
	a->rows = calloc(a->size, 1);
	a->gaps = calloc(a->size, 1);
	assert_non_null(a->rows);
	assert_non_null(a->gaps);
	if (store_destination(kit->store, name, &a->destination, &err) != 0)
		fail_msg("%s", err.text);
}

void account_end(struct account *a)
{
	free(a->rows);
	free(a->gaps);
}

static void keep_gap(struct account *a, const struct record *r)
{
	assert_true(r->first <= r->last && r->last < a->size);
	a->missing += r->last - r->first + 1;
	for (uint64_t seq = r->first; seq <= r->last; seq++)
		a->gaps[seq]++;
}

static int keep_row(const struct record *record, void *arg)
{
	struct account *a = arg;

	if (a->in_batch == a->limit)
		return -E2BIG;
	a->in_batch++;
	assert_true(record->seq < a->size);
	a->count += a->rows[record->seq]++ == 0;
	if (a->min == 0 || record->seq < a->min)
		a->min = record->seq;
	if (record->seq > a->max)
		a->max = record->seq;
	if (record->type == ROW_GAP)
		keep_gap(a, record);
	if (record->type == ROW_SELF &&
	    strstr(record->body, "\"part\":\"gap\"") &&
	    strstr(record->body, "_elsewhere"))
		a->selves++;
	return 0;
}

uint64_t account_batch(struct account *a, struct kit *kit)
{
	return account_batch_of(a, kit, STORE_FRESH);
}

uint64_t account_batch_of(struct account *a, struct kit *kit,
			  enum store_part part)
{
	struct store_batch batch = { .encoding = "ndjson" };
	struct ep_err err = { 0 };
	int64_t n;

	a->in_batch = 0;
	n = store_batch_collect_of(kit->store, a->destination, part, keep_row,
				   a, &batch);
	assert_true(n >= 0);
	if (n == 0)
		return 0;
	assert_int_equal(n, a->in_batch);
	batch.rows = (uint64_t)n;
	batch.body = strdup("{}\n");
	batch.body_len = 3;
	if (store_batch_freeze(kit->store, a->destination, &batch, &err) != 0)
		fail_msg("freeze: %s", err.text);
	if (store_batch_done(kit->store, a->destination, &batch, &err) != 0)
		fail_msg("done: %s", err.text);
	store_batch_finish(&batch);
	return (uint64_t)n;
}

void account_drain(struct account *a, struct kit *kit)
{
	while (account_batch(a, kit) > 0)
		;
}

void account_audit(const struct account *a)
{
	for (uint64_t seq = a->min; seq <= a->max; seq++)
		if (a->rows[seq] + a->gaps[seq] != 1)
			fail_msg("destination %d: %llu is there %u times and "
				 "declared missing %u times",
				 a->destination, (unsigned long long)seq,
				 a->rows[seq], a->gaps[seq]);
	assert_int_equal(a->count + a->missing, a->max - a->min + 1);
}
