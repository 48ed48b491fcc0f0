/* STUN Binding on the wire: RFC 5769's sample messages, and what is none. */
#include "core/stun_wire.h"
#include "lib/seeds.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLOT  UINT32_C(0xb7e7a701)
#define NONCE UINT64_C(0xbc34d686fa87dfae)

/* Software, XOR-mapped address, message integrity, fingerprint. */
static const char sample4[] =
	"0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f72"
	"20002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06b"
	"e7d780280004c07d4c96";
static const char sample6[] =
	"010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f72"
	"20002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be6"
	"7bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

static size_t bytes_of(const char *hex, uint8_t *ret, size_t size)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= size);
	for (size_t i = 0; i < n; i++) {
		char digits[] = { hex[2 * i], hex[2 * i + 1], '\0' };

		ret[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static struct stun_seen parse(const char *hex)
{
	uint8_t bytes[2 * STUN_ANSWER_MAX];
	struct stun_seen seen;

	stun_wire_parse(bytes, bytes_of(hex, bytes, sizeof(bytes)), &seen);
	return seen;
}

static void expect(const char *hex, const char *mapped, uint16_t port)
{
	struct stun_seen seen = parse(hex);
	char text[EP_ADDRESS_TEXT_MAX];

	assert_int_equal(seen.what, STUN_SUCCESS);
	assert_int_equal(seen.slot, SLOT);
	assert_true(seen.nonce == NONCE);
	assert_string_equal(ep_address_format(&seen.mapped, text, sizeof(text)),
			    mapped);
	assert_int_equal(seen.mapped_port, port);
}

static void sample_responses_say_where_we_come_from(void **state)
{
	(void)state;
	expect(sample4, "192.0.2.1", 32853);
	expect(sample6, "2001:db8:1234:5678:11:2233:4455:6677", 32853);
}

#define HEAD(length) "0101" length "2112a442b7e7a701bc34d686fa87dfae"

static void an_old_server_says_it_plainly(void **state)
{
	(void)state;
	expect(HEAD("000c") "0001000800018055c0000201", "192.0.2.1", 32853);
	/* both: the one that no middle box rewrites counts, whatever the order */
	expect(HEAD("0018") "00010008000100070a000001"
			    "002000080001a147e112a643",
	       "192.0.2.1", 32853);
	expect(HEAD("0018") "002000080001a147e112a643"
			    "00010008000100070a000001",
	       "192.0.2.1", 32853);
	expect(HEAD("0000"), "", 0);
}

static void a_refusal_is_an_answer(void **state)
{
	struct stun_seen seen = parse("011100102112a442b7e7a701bc34d686fa87dfae"
				      "0009000c00000401556e617574682e20");

	(void)state;
	assert_int_equal(seen.what, STUN_REFUSAL);
	assert_int_equal(seen.error, 401);
	assert_true(seen.nonce == NONCE);
}

static void what_is_no_answer_is_none(void **state)
{
	static const char *const bad[] = {
		"",
		"01",
		/* a byte short, a byte long, a length that lies */
		"010100002112a442b7e7a701bc34d686fa87df",
		"010100002112a442b7e7a701bc34d686fa87dfae00",
		HEAD("0004"),
		/* another cookie; a request; an indication; another method */
		"010100002112a443b7e7a701bc34d686fa87dfae",
		"000100002112a442b7e7a701bc34d686fa87dfae",
		"001100002112a442b7e7a701bc34d686fa87dfae",
		"010300002112a442b7e7a701bc34d686fa87dfae",
		/* attributes that reach beyond the end */
		HEAD("0008") "0020000800010000",
		HEAD("0006") "000100028000",
		HEAD("0002") "0001",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i]).what, STUN_OTHER);
}

/* Each byte of a message is covered by its fingerprint. */
static void a_changed_byte_is_noticed(void **state)
{
	uint8_t bytes[256];
	size_t n = bytes_of(sample4, bytes, sizeof(bytes));
	struct stun_seen seen;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 0x10;
		stun_wire_parse(bytes, n, &seen);
		/* the attribute's own type: there is no fingerprint then */
		if (i != n - 8 && i != n - 7)
			assert_int_equal(seen.what, STUN_OTHER);
		bytes[i] ^= 0x10;
	}
	stun_wire_parse(bytes, n, &seen);
	assert_int_equal(seen.what, STUN_SUCCESS);
}

static void addresses_of_no_family_are_none(void **state)
{
	(void)state;
	expect(HEAD("000c") "002000080003a147e112a643", "", 0);
	expect(HEAD("000c") "002000080002a147e112a643", "", 0); /* too short */
	expect(HEAD("0004") "00200000", "", 0);
}

static void a_request_is_known_again_in_a_quote(void **state)
{
	uint8_t bytes[STUN_REQUEST_BYTES];
	uint32_t slot = 0;
	uint64_t nonce = 0;

	(void)state;
	stun_wire_request(SLOT, NONCE, bytes);
	assert_memory_equal(bytes, "\0\1\0\0\x21\x12\xa4\x42", 8);
	assert_int_equal(stun_wire_quoted(bytes, sizeof(bytes), &slot, &nonce),
			 1);
	assert_int_equal(slot, SLOT);
	assert_true(nonce == NONCE);
	assert_int_equal(
		stun_wire_quoted(bytes, sizeof(bytes) - 1, &slot, &nonce), 0);
	bytes[4] ^= 1;
	assert_int_equal(stun_wire_quoted(bytes, sizeof(bytes), &slot, &nonce),
			 0);
}

static void the_seeds_of_the_fuzzer_pass(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_responses_say_where_we_come_from),
		cmocka_unit_test(an_old_server_says_it_plainly),
		cmocka_unit_test(a_refusal_is_an_answer),
		cmocka_unit_test(what_is_no_answer_is_none),
		cmocka_unit_test(a_changed_byte_is_noticed),
		cmocka_unit_test(addresses_of_no_family_are_none),
		cmocka_unit_test(a_request_is_known_again_in_a_quote),
		cmocka_unit_test(the_seeds_of_the_fuzzer_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
