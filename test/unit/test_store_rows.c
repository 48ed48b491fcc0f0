#include "lib/store_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEPT_MAX 64

/* Records of a scan, copied. */
struct kept {
	struct record records[KEPT_MAX];
	char bodies[KEPT_MAX][256];
	size_t n;
};

static int keep(const struct record *record, void *arg)
{
	struct kept *kept = arg;

	assert_true(kept->n < KEPT_MAX);
	kept->records[kept->n] = *record;
	if (record->body)
		snprintf(kept->bodies[kept->n], sizeof(kept->bodies[0]), "%s",
			 record->body);
	kept->n++;
	return 0;
}

static void scan(struct kit *kit, const struct store_range *range,
		 struct kept *kept)
{
	struct ep_err err = { 0 };

	kept->n = 0;
	if (store_scan(kit->store, range, keep, kept, &err) != 0)
		fail_msg("%s", err.text);
}

static const struct store_range everything = { .destination = -1 };

static struct ep_sample extreme(int64_t s64, uint64_t u64, uint8_t byte)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.sent_ns = u64;
	s.rtt_ns = s.dns_ns = s.slip_ns = s64;
	s.uncertainty_ns = u64;
	s.missed = (uint32_t)u64;
	s.port = (uint16_t)u64;
	s.outcome = s.reason = s.stamp = byte;
	s.flags = (uint16_t)(byte * 257);
	s.ttl = s.retransmits = (int16_t)s64;
	s.address.family = 6;
	memset(s.address.bytes, byte, sizeof(s.address.bytes));
	s.address.scope = (uint32_t)u64;
	s.https.connect_ns = s.https.tls_ns = s64;
	s.https.first_byte_ns = s.https.total_ns = s64;
	s.https.srtt_ns = s.https.min_rtt_ns = s64;
	s.https.tls_first_byte_ns = s64;
	if (byte)
		s.mapped = s.address; /* of no interface */
	s.mapped.scope = 0;
	s.mapped_port = byte ? (uint16_t)u64 : 0;
	s.https.tls_days_left = (int32_t)s64;
	s.https.http_status = (uint16_t)u64;
	return s;
}

static void fill_text(char *text, size_t size)
{
	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
}

static size_t make_samples(struct ep_sample *samples)
{
	size_t n = 0;

	ep_sample_init(&samples[n++]);
	samples[n++] = kit_sample(1);
	samples[n++] = kit_https(2);
	samples[n++] = extreme(INT64_MAX, UINT64_MAX, UINT8_MAX);
	samples[n++] = extreme(INT64_MIN, (uint64_t)INT64_MAX + 1, 1);
	samples[n++] = extreme(0, 0, 0);
	samples[n++] = extreme(-1, 1, 128);
	samples[n++] = extreme(-2, UINT32_MAX, 2);
	samples[n] = kit_https(3);
	fill_text(samples[n].https.http_version, EP_HTTP_VERSION_MAX);
	fill_text(samples[n].https.pop, EP_POP_MAX);
	fill_text(samples[n].https.pop_source, EP_POP_SOURCE_MAX);
	fill_text(samples[n].https.pop_ref, EP_POP_REF_MAX);
	fill_text(samples[n].https.edge_cache, EP_EDGE_CACHE_MAX);
	fill_text(samples[n].https.tls_issuer, EP_TLS_ISSUER_MAX);
	n++;
	/* One field of https alone must bring all of it back. */
	samples[n] = kit_sample(4);
	samples[n++].https.tls_days_left = -3;
	samples[n] = kit_sample(4);
	samples[n++].https.tls_first_byte_ns = 7;
	samples[n] = kit_sample(4);
	fill_text(samples[n++].https.edge_cache, 4);
	samples[n++] = kit_stun(1); /* nor does stun need any of https */
	samples[n] = kit_sample(5);
	samples[n++].sent_ns = 1767225600123456789u; /* below a microsecond */
	return n;
}

static void every_field_comes_back(void **state)
{
	struct kit *kit = *state;
	struct ep_sample samples[16];
	size_t n = make_samples(samples);
	struct kept kept;
	uint32_t series;

	kit_open(kit, 0);
	series = kit_series(kit, "exchange", "https");
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
			store_add_sample(kit->store, series, &samples[i]),
			i + 1);
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			kit_commit(kit);
		scan(kit, &everything, &kept);
		assert_int_equal(kept.n, n);
		for (size_t i = 0; i < n; i++) {
			const struct record *r = &kept.records[i];

			assert_int_equal(r->type, ROW_SAMPLE);
			assert_int_equal(r->seq, i + 1);
			assert_int_equal(r->time_ns, samples[i].sent_ns);
			kit_same_sample(&r->sample, &samples[i]);
		}
		kit_close(kit);
		kit_open(kit, 0);
	}
}

static void series_keep_null_and_empty_apart(void **state)
{
	static const struct series texts[] = {
		{ .target = "a", .probe = "tcp" },
		{ .target = "a", .probe = "tcp", .host = "" },
		{ .target = "a", .probe = "tcp", .site = "" },
		{ "t", "p", "h", "s", "c", "m", "ci", "pr", "pf" },
	};
	struct kit *kit = *state;
	struct ep_sample sample = kit_sample(1);
	struct kept kept;
	uint32_t ids[4], again;

	kit_open(kit, 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(
			store_series(kit->store, &texts[i], &ids[i], NULL), 0);
		assert_int_equal(ids[i], i + 1);
		store_add_sample(kit->store, ids[i], &sample);
	}
	kit_close(kit);
	kit_open(kit, 0);
	for (int i = 0; i < 4; i++) {
		store_series(kit->store, &texts[i], &again, NULL);
		assert_int_equal(again, ids[i]);
	}
	scan(kit, &everything, &kept);
	assert_int_equal(kept.n, 4);
	assert_null(kept.records[0].series->host);
	assert_string_equal(kept.records[1].series->host, "");
	assert_null(kept.records[1].series->site);
	assert_string_equal(kept.records[2].series->site, "");
	assert_string_equal(kept.records[3].series->target, "t");
	assert_string_equal(kept.records[3].series->probe, "p");
	assert_string_equal(kept.records[3].series->host, "h");
	assert_string_equal(kept.records[3].series->country, "c");
	assert_string_equal(kept.records[3].series->metro, "m");
	assert_string_equal(kept.records[3].series->circuit, "ci");
	assert_string_equal(kept.records[3].series->provider, "pr");
	assert_string_equal(kept.records[3].series->prefix, "pf");
}

static void rows_of_all_kinds_share_one_sequence(void **state)
{
	struct ep_sample sample = kit_https(9);
	struct kit *kit = *state;
	struct kept kept;
	uint32_t series;

	kit_open(kit, 0);
	series = kit_series(kit, "exchange", "https");
	assert_int_equal(store_last_seq(kit->store), 0);
	store_add_note(kit->store, ROW_BOOT, 7, "\"version\":\"1\"");
	store_add_sample(kit->store, series, &sample);
	assert_int_equal(store_add_overflow(kit->store, 0), 2);
	assert_int_equal(store_add_overflow(kit->store, 10), 13);
	assert_int_equal(store_add_late(kit->store, series, &sample, 2), 14);
	store_add_note(kit->store, ROW_CLOCK, 8, "\"step_us\":-3");
	assert_int_equal(store_add_note(kit->store, ROW_EVENT, 9, ""), 16);
	kit_close(kit);
	kit_open(kit, 0);
	assert_int_equal(store_last_seq(kit->store), 16);
	scan(kit, &everything, &kept);
	assert_int_equal(kept.n, 6);
	assert_int_equal(kept.records[0].type, ROW_BOOT);
	assert_int_equal(kept.records[0].time_ns, 7);
	assert_string_equal(kept.bodies[0], "\"version\":\"1\"");
	assert_int_equal(kept.records[2].type, ROW_GAP);
	assert_int_equal(kept.records[2].seq, 13);
	assert_int_equal(kept.records[2].first, 3);
	assert_int_equal(kept.records[2].last, 12);
	assert_int_equal(kept.records[2].reason, GAP_OVERFLOW);
	assert_int_equal(kept.records[3].type, ROW_LATE);
	assert_int_equal(kept.records[3].of, 2);
	kit_same_sample(&kept.records[3].sample, &sample);
	assert_int_equal(kept.records[5].type, ROW_EVENT);

	scan(kit,
	     &(struct store_range){ .destination = -1,
				    .types = 1u << ROW_LATE | 1u << ROW_BOOT },
	     &kept);
	assert_int_equal(kept.n, 2);
	scan(kit,
	     &(struct store_range){
		     .destination = -1, .first_seq = 2, .last_seq = 14 },
	     &kept);
	assert_int_equal(kept.n, 3);
	scan(kit,
	     &(struct store_range){
		     .destination = -1, .since_ns = 8, .until_ns = 9 },
	     &kept);
	assert_int_equal(kept.n, 1);
	assert_int_equal(kept.records[0].type, ROW_CLOCK);
}

static void numbers_go_on_after_a_restart(void **state)
{
	struct kit *kit = *state;
	char epoch[32];

	kit_open(kit, 0);
	snprintf(epoch, sizeof(epoch), "%s", store_epoch(kit->store));
	assert_int_equal(strlen(epoch), 16);
	for (uint64_t i = 1; i <= 30; i++) {
		assert_int_equal(store_last_seq(kit->store), i - 1);
		kit_add(kit, kit_series(kit, "a", "tcp"), i);
		if (i % 3 == 0)
			kit_commit(kit);
		if (i % 5 == 0) {
			kit_close(kit);
			kit_open(kit, 0);
		}
		assert_string_equal(store_epoch(kit->store), epoch);
	}
}

/* --- lean --- */

struct sums {
	uint64_t rows, late, https, seq_sum, first, last;
	int64_t rtt_sum, tls_sum;
	const struct series *series;
	char pop[EP_POP_MAX];
	struct store *store;
};

static int sum_row(const struct scan_row *row, void *arg)
{
	struct sums *sums = arg;

	if (sums->rows++ == 0)
		sums->first = row->seq;
	sums->last = row->seq;
	sums->seq_sum += row->seq;
	sums->late += row->late;
	sums->rtt_sum += row->rtt_ns;
	sums->series = store_series_text(sums->store, row->series);
	if (row->https) {
		sums->https++;
		sums->tls_sum += row->https->tls_ns;
		snprintf(sums->pop, sizeof(sums->pop), "%s",
			 store_word(sums->store, row->https->pop));
	}
	return 0;
}

static struct sums sum(struct store *store, const struct store_range *range)
{
	struct sums sums = { .store = store };
	struct ep_err err = { 0 };

	if (store_scan_rows(store, range, sum_row, &sums, &err) != 0)
		fail_msg("%s", err.text);
	return sums;
}

#define MANY 20000

static void lean_rows_are_the_same_rows(void **state)
{
	struct kit *kit = *state;
	uint32_t tcp, https;
	int64_t rtt = 0, tls = 0;
	struct sums sums;

	kit_open(kit, 0);
	tcp = kit_series(kit, "a", "tcp");
	https = kit_series(kit, "b", "https");
	for (uint64_t i = 1; i <= MANY; i++) {
		struct ep_sample s = i % 3 ? kit_sample(i) : kit_https(i);

		if (i % 1000 == 0)
			store_add_late(kit->store, https, &s, i - 1);
		else
			store_add_sample(kit->store, i % 3 ? tcp : https, &s);
		rtt += s.rtt_ns;
		tls += i % 3 ? 0 : s.https.tls_ns;
	}
	kit_commit(kit);
	sums = sum(kit->store, &everything);
	assert_int_equal(sums.rows, MANY);
	assert_int_equal(sums.seq_sum, (uint64_t)MANY * (MANY + 1) / 2);
	assert_int_equal(sums.late, MANY / 1000);
	assert_int_equal(sums.https, MANY / 3);
	assert_int_equal(sums.rtt_sum, rtt);
	assert_int_equal(sums.tls_sum, tls);
	assert_string_equal(sums.pop, "AMS");
	assert_string_equal(sums.series->target, "b");
	assert_int_equal(store_series_last(kit->store), 2);
}

/* Spans that are passed over, or not, must not change what is found. */
static void a_window_finds_its_rows_over_restarts(void **state)
{
	struct kit *kit = *state;
	struct store_range range = { .destination = -1 };
	struct sums sums;

	for (uint64_t i = 1; i <= MANY; i++) {
		if (i % 7000 == 1) {
			kit_close(kit);
			kit_open(kit, 0);
		}
		kit_add(kit, kit_series(kit, "a", "tcp"), i);
	}
	kit_commit(kit);
	for (uint64_t from = 1; from + 99 <= MANY; from += 3333) {
		range.since_ns = kit_sample(from).sent_ns;
		range.until_ns = kit_sample(from + 100).sent_ns;
		sums = sum(kit->store, &range);
		assert_int_equal(sums.first, from);
		assert_int_equal(sums.last, from + 99);
		assert_int_equal(sums.rows, 100);
	}
	range.since_ns = 0;
	range.until_ns = kit_sample(1).sent_ns;
	assert_int_equal(sum(kit->store, &range).rows, 0);
	range.since_ns = kit_sample(MANY).sent_ns;
	range.until_ns = 0;
	assert_int_equal(sum(kit->store, &range).rows, 1);
}

static int stop_at_third(const struct scan_row *row, void *arg)
{
	(void)arg;
	return row->seq == 3 ? 42 : 0;
}

static int stop_record(const struct record *record, void *arg)
{
	(void)arg;
	return record->seq == 3 ? -E2BIG : 0;
}

static void a_callback_stops_a_scan(void **state)
{
	struct kit *kit = *state;
	struct ep_err err = { 0 };

	kit_open(kit, 0);
	for (uint64_t i = 1; i <= 9; i++)
		kit_add(kit, kit_series(kit, "a", "tcp"), i);
	kit_commit(kit);
	assert_int_equal(store_scan_rows(kit->store, &everything, stop_at_third,
					 NULL, &err),
			 42);
	assert_int_equal(
		store_scan(kit->store, &everything, stop_record, NULL, &err),
		-E2BIG);
	/* And nothing is left open behind it. */
	kit_add(kit, kit_series(kit, "a", "tcp"), 10);
	kit_commit(kit);
}

static void a_body_beyond_the_bound_says_its_length(void **state)
{
	struct kit *kit = *state;
	char *body = calloc(1, 100001);
	struct kept kept;

	memset(body, 'x', 100000);
	kit_open(kit, 0);
	store_add_note(kit->store, ROW_SELF, 1, body);
	kit_commit(kit);
	scan(kit, &everything, &kept);
	assert_string_equal(kept.bodies[0], "\"body_bytes\":100000");
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(every_field_comes_back),
		KIT_TEST(series_keep_null_and_empty_apart),
		KIT_TEST(rows_of_all_kinds_share_one_sequence),
		KIT_TEST(numbers_go_on_after_a_restart),
		KIT_TEST(lean_rows_are_the_same_rows),
		KIT_TEST(a_window_finds_its_rows_over_restarts),
		KIT_TEST(a_callback_stops_a_scan),
		KIT_TEST(a_body_beyond_the_bound_says_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
