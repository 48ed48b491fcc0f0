/* ICMP as bytes: what we send, and whether we see through what comes back. */
#include "core/icmp_wire.h"
#include "lib/seeds.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct icmp_request request4 = {
	.family = 4,
	.id = 0x1234,
	.seq = 0x0102,
	.checksum = 0xbeef,
	.magic = 0xa1b2c3d4,
	.slot = 0x00050102,
	.nonce = UINT64_C(0x1122334455667788),
	.payload = 56,
};

static uint16_t sum(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i < n; i++)
		s += (uint32_t)p[i] << (i % 2 == 0 ? 8 : 0);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* --- out --- */

static void checksum_is_the_wanted_one_whatever_is_inside(void **state)
{
	static const size_t sizes[] = { 24, 25, 56, 57, 1471, 1472 };
	static const uint16_t wanted[] = { 1, 0x1234, 0xfffe, 0x8000 };
	uint8_t buf[ICMP_WIRE_MAX];
	struct icmp_request r = request4;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		size_t n;

		r.checksum = wanted[i % 4];
		r.payload = sizes[i % 6];
		r.nonce = r.nonce * UINT64_C(6364136223846793005) + 1;
		r.slot = (uint32_t)(r.nonce >> 40);
		r.seq = (uint16_t)r.slot;
		n = icmp_wire_request(&r, buf, sizeof(buf));
		assert_int_equal(n, 8 + r.payload);
		assert_int_equal(sum(buf, n), 0xffff);
		assert_int_equal(buf[2] << 8 | buf[3], r.checksum);
	}
}

static void ipv6_leaves_the_checksum_to_the_kernel_but_balances(void **state)
{
	uint8_t a[ICMP_WIRE_MAX], b[ICMP_WIRE_MAX];
	struct icmp_request r = request4;
	size_t n;

	(void)state;
	r.family = 6;
	n = icmp_wire_request(&r, a, sizeof(a));
	r.seq++;
	r.slot += 77;
	r.nonce ^= UINT64_C(0xdeadbeefcafe0001);
	assert_int_equal(icmp_wire_request(&r, b, sizeof(b)), n);
	assert_int_equal(a[0], 128);
	assert_int_equal(a[2] | a[3] | b[2] | b[3], 0);
	assert_int_equal(sum(a, n), sum(b, n));
}

static void a_size_out_of_bounds_is_refused(void **state)
{
	uint8_t buf[ICMP_WIRE_MAX];
	struct icmp_request r = request4;

	(void)state;
	r.payload = ICMP_WIRE_PAYLOAD_MIN - 1;
	assert_int_equal(icmp_wire_request(&r, buf, sizeof(buf)), 0);
	r.payload = ICMP_WIRE_PAYLOAD_MAX + 1;
	assert_int_equal(icmp_wire_request(&r, buf, sizeof(buf)), 0);
	r.payload = SIZE_MAX - 4;
	assert_int_equal(icmp_wire_request(&r, buf, sizeof(buf)), 0);
	r.payload = 56;
	assert_int_equal(icmp_wire_request(&r, buf, 63), 0);
	assert_int_equal(icmp_wire_request(&r, buf, 64), 64);
}

/* --- in --- */

/* A packet that a test builds up; `icmp` is where ICMP begins. */
struct packet {
	uint8_t bytes[512];
	size_t size, icmp;
};

static void fix4(struct packet *p)
{
	uint16_t c;

	p->bytes[2] = (uint8_t)(p->size >> 8);
	p->bytes[3] = (uint8_t)p->size;
	p->bytes[p->icmp + 2] = p->bytes[p->icmp + 3] = 0;
	c = (uint16_t)~sum(p->bytes + p->icmp, p->size - p->icmp);
	p->bytes[p->icmp + 2] = (uint8_t)(c >> 8);
	p->bytes[p->icmp + 3] = (uint8_t)c;
}

static void put_ip4(uint8_t *p, size_t total, const uint8_t *from,
		    const uint8_t *to)
{
	memset(p, 0, 20);
	p[0] = 0x45;
	p[2] = (uint8_t)(total >> 8);
	p[3] = (uint8_t)total;
	p[8] = 57;
	p[9] = 1;
	memcpy(p + 12, from, 4);
	memcpy(p + 16, to, 4);
}

static const uint8_t us[4] = { 10, 0, 0, 1 };
static const uint8_t them[4] = { 192, 0, 2, 9 };
static const uint8_t router[4] = { 198, 51, 100, 3 };

static struct packet reply4(void)
{
	struct packet p = { .icmp = 20 };

	p.size = 20 + icmp_wire_request(&request4, p.bytes + 20, 400);
	put_ip4(p.bytes, p.size, them, us);
	p.bytes[20] = 0;
	fix4(&p);
	return p;
}

/* `quoted` bytes of what we sent, behind its IP header. */
static struct packet error4(uint8_t type, uint8_t code, size_t quoted)
{
	struct packet p = { .icmp = 20, .size = 20 + 8 + 20 + quoted };
	uint8_t ours[ICMP_WIRE_MAX];

	icmp_wire_request(&request4, ours, sizeof(ours));
	put_ip4(p.bytes, p.size, router, us);
	p.bytes[20] = type;
	p.bytes[21] = code;
	put_ip4(p.bytes + 28, 84, us, them);
	memcpy(p.bytes + 48, ours, quoted);
	fix4(&p);
	return p;
}

static struct packet error6(uint8_t type, uint8_t code, size_t quoted)
{
	struct packet p = { .icmp = 0, .size = 8 + 40 + quoted };
	struct icmp_request r = request4;
	uint8_t ours[ICMP_WIRE_MAX];

	r.family = 6;
	icmp_wire_request(&r, ours, sizeof(ours));
	p.bytes[0] = type;
	p.bytes[1] = code;
	p.bytes[8] = 0x60;
	p.bytes[8 + 6] = 58;
	p.bytes[8 + 8] = 0xfd;
	p.bytes[8 + 8 + 15] = 1;
	p.bytes[8 + 24] = 0xfd;
	p.bytes[8 + 24 + 15] = 2;
	memcpy(p.bytes + 48, ours, quoted);
	return p;
}

static void assert_signed(const struct icmp_seen *seen)
{
	assert_true(seen->has_nonce);
	assert_int_equal(seen->magic, request4.magic);
	assert_int_equal(seen->slot, request4.slot);
	assert_true(seen->nonce == request4.nonce);
}

static void a_reply_is_recognised(void **state)
{
	struct packet p = reply4();
	struct icmp_seen seen;

	(void)state;
	icmp_wire_parse_packet(p.bytes, p.size, &seen);
	assert_int_equal(seen.what, ICMP_REPLY);
	assert_int_equal(seen.id, 0x1234);
	assert_int_equal(seen.seq, 0x0102);
	assert_int_equal(seen.ttl, 57);
	assert_int_equal(seen.source.family, 4);
	assert_memory_equal(seen.source.bytes, them, 4);
	assert_signed(&seen);

	icmp_wire_parse(4, p.bytes + 20, p.size - 20, &seen);
	assert_int_equal(seen.what, ICMP_REPLY);
	assert_signed(&seen);
	p.bytes[20] = 129;
	icmp_wire_parse(6, p.bytes + 20, p.size - 20, &seen);
	assert_int_equal(seen.what, ICMP_REPLY);
	assert_signed(&seen);
}

static void ip_options_are_stepped_over(void **state)
{
	struct packet p = reply4();
	struct icmp_seen seen;

	(void)state;
	memmove(p.bytes + 32, p.bytes + 20, p.size - 20);
	memset(p.bytes + 20, 1, 12);
	p.bytes[0] = 0x48;
	p.size += 12;
	p.icmp = 32;
	fix4(&p);
	icmp_wire_parse_packet(p.bytes, p.size, &seen);
	assert_int_equal(seen.what, ICMP_REPLY);
	assert_signed(&seen);
}

/* Each spoils a good reply at one byte; it must not be taken. */
static void a_spoilt_reply_is_nobodys(void **state)
{
	static const struct {
		size_t at;
		uint8_t with;
		int fix; /* set the checksum right again */
	} rows[] = {
		{ 0, 0x65, 0 },  { 0, 0x44, 0 }, { 0, 0x4f, 0 },
		{ 2, 0xff, 0 },  { 9, 6, 0 },    { 20, 8, 1 },
		{ 20, 14, 1 },   { 21, 1, 1 },   { 30, 0x5a, 0 },
		{ 22, 0xff, 0 }, { 40, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p = reply4();
		struct icmp_seen seen;

		p.bytes[rows[i].at] = rows[i].with;
		if (rows[i].fix)
			fix4(&p);
		icmp_wire_parse_packet(p.bytes, p.size, &seen);
		assert_int_equal(seen.what, ICMP_OTHER);
	}
}

static void a_reply_cut_anywhere_is_nobodys(void **state)
{
	struct packet p = reply4();
	struct icmp_seen seen;

	(void)state;
	for (size_t n = 0; n < p.size; n++) {
		uint8_t *exact = malloc(n + 1); /* the sanitizer sees n + 1 */

		assert_non_null(exact);
		memcpy(exact, p.bytes, n);
		icmp_wire_parse_packet(exact, n, &seen);
		assert_int_equal(seen.what, ICMP_OTHER);
		free(exact);
	}
	icmp_wire_parse(4, p.bytes + 20, 23, &seen);
	assert_int_equal(seen.what, ICMP_OTHER);
	icmp_wire_parse(4, p.bytes + 20, 24, &seen);
	assert_int_equal(seen.what, ICMP_REPLY);
}

struct error_row {
	uint8_t type, code;
	enum ep_reason reason;
};

static void errors_of_ipv4_have_their_reason(void **state)
{
	static const struct error_row rows[] = {
		{ 3, 0, EP_REASON_NET_UNREACHABLE },
		{ 3, 1, EP_REASON_HOST_UNREACHABLE },
		{ 3, 2, EP_REASON_PROTOCOL_UNREACHABLE },
		{ 3, 3, EP_REASON_PORT_UNREACHABLE },
		{ 3, 4, EP_REASON_PACKET_TOO_BIG },
		{ 3, 6, EP_REASON_NET_UNREACHABLE },
		{ 3, 7, EP_REASON_HOST_UNREACHABLE },
		{ 3, 9, EP_REASON_ADMIN_PROHIBITED },
		{ 3, 10, EP_REASON_ADMIN_PROHIBITED },
		{ 3, 13, EP_REASON_ADMIN_PROHIBITED },
		{ 3, 200, EP_REASON_HOST_UNREACHABLE },
		{ 11, 0, EP_REASON_TIME_EXCEEDED },
		{ 11, 1, EP_REASON_TIME_EXCEEDED },
		{ 12, 0, EP_REASON_PARAMETER_PROBLEM },
	};
	struct icmp_seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p = error4(rows[i].type, rows[i].code, 64);

		icmp_wire_parse_packet(p.bytes, p.size, &seen);
		assert_int_equal(seen.what, ICMP_ERROR);
		assert_int_equal(seen.reason, rows[i].reason);
		assert_signed(&seen);
		assert_memory_equal(seen.source.bytes, router, 4);
		assert_memory_equal(seen.asked.bytes, them, 4);
		assert_memory_equal(seen.asked_by.bytes, us, 4);
	}
}

static void errors_of_ipv6_have_their_reason(void **state)
{
	static const struct error_row rows[] = {
		{ 1, 0, EP_REASON_NET_UNREACHABLE },
		{ 1, 1, EP_REASON_ADMIN_PROHIBITED },
		{ 1, 2, EP_REASON_NET_UNREACHABLE },
		{ 1, 3, EP_REASON_HOST_UNREACHABLE },
		{ 1, 4, EP_REASON_PORT_UNREACHABLE },
		{ 1, 5, EP_REASON_ADMIN_PROHIBITED },
		{ 1, 6, EP_REASON_NET_UNREACHABLE },
		{ 2, 0, EP_REASON_PACKET_TOO_BIG },
		{ 3, 0, EP_REASON_TIME_EXCEEDED },
		{ 4, 1, EP_REASON_PARAMETER_PROBLEM },
	};
	struct icmp_seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p = error6(rows[i].type, rows[i].code, 64);

		icmp_wire_parse(6, p.bytes, p.size, &seen);
		assert_int_equal(seen.what, ICMP_ERROR);
		assert_int_equal(seen.reason, rows[i].reason);
		assert_signed(&seen);
		assert_int_equal(seen.asked.family, 6);
		assert_int_equal(seen.asked.bytes[15], 2);
		assert_int_equal(seen.asked_by.bytes[15], 1);
	}
}

static void a_router_that_quotes_eight_bytes_gives_id_and_seq(void **state)
{
	struct icmp_seen seen;

	(void)state;
	for (size_t quoted = 0; quoted <= 64; quoted++) {
		struct packet p = error4(11, 0, quoted);
		struct packet p6 = error6(3, 0, quoted);

		icmp_wire_parse_packet(p.bytes, p.size, &seen);
		assert_int_equal(seen.what,
				 quoted < 8 ? ICMP_OTHER : ICMP_ERROR);
		assert_int_equal(seen.has_nonce, quoted >= 24);
		assert_int_equal(seen.seq, quoted < 8 ? 0 : 0x0102);
		icmp_wire_parse(6, p6.bytes, p6.size, &seen);
		assert_int_equal(seen.what,
				 quoted < 8 ? ICMP_OTHER : ICMP_ERROR);
		assert_int_equal(seen.has_nonce, quoted >= 24);
	}
}

static void an_error_about_something_else_is_nobodys(void **state)
{
	static const struct {
		size_t at;
		uint8_t with;
	} rows[] = {
		{ 28, 0x65 },  { 28, 0x44 }, { 28, 0x4f }, { 28 + 7, 1 },
		{ 28 + 9, 6 }, { 48, 0 },    { 49, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p = error4(3, 1, 64);
		struct icmp_seen seen;

		p.bytes[rows[i].at] = rows[i].with;
		fix4(&p);
		icmp_wire_parse_packet(p.bytes, p.size, &seen);
		assert_int_equal(seen.what, ICMP_OTHER);
	}
}

static void the_error_queue_gives_the_quote_alone(void **state)
{
	uint8_t ours[ICMP_WIRE_MAX];
	struct icmp_seen seen;
	size_t n = icmp_wire_request(&request4, ours, sizeof(ours));

	(void)state;
	icmp_wire_parse_quote(4, 3, 13, ours, n, &seen);
	assert_int_equal(seen.what, ICMP_ERROR);
	assert_int_equal(seen.reason, EP_REASON_ADMIN_PROHIBITED);
	assert_signed(&seen);
	icmp_wire_parse_quote(4, 5, 1, ours, n, &seen); /* a redirect */
	assert_int_equal(seen.what, ICMP_OTHER);
	icmp_wire_parse_quote(6, 1, 0, ours, n, &seen); /* type 8 is not ours */
	assert_int_equal(seen.what, ICMP_OTHER);
	icmp_wire_parse_quote(4, 3, 13, ours, 7, &seen);
	assert_int_equal(seen.what, ICMP_OTHER);
}

/* --- the fuzzer's seeds --- */

static void seeds_of_the_fuzzer(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 8);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_is_the_wanted_one_whatever_is_inside),
		cmocka_unit_test(
			ipv6_leaves_the_checksum_to_the_kernel_but_balances),
		cmocka_unit_test(a_size_out_of_bounds_is_refused),
		cmocka_unit_test(a_reply_is_recognised),
		cmocka_unit_test(ip_options_are_stepped_over),
		cmocka_unit_test(a_spoilt_reply_is_nobodys),
		cmocka_unit_test(a_reply_cut_anywhere_is_nobodys),
		cmocka_unit_test(errors_of_ipv4_have_their_reason),
		cmocka_unit_test(errors_of_ipv6_have_their_reason),
		cmocka_unit_test(
			a_router_that_quotes_eight_bytes_gives_id_and_seq),
		cmocka_unit_test(an_error_about_something_else_is_nobodys),
		cmocka_unit_test(the_error_queue_gives_the_quote_alone),
		cmocka_unit_test(seeds_of_the_fuzzer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
