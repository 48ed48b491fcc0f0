/* What a token service says is read, and not believed. */
#include "delivery/token_answer.h"
#include "lib/seeds.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int read_answer(unsigned status, const char *body,
		       struct token_answer *a)
{
	return token_answer_read(status, body, strlen(body), a);
}

static void tokens_and_how_long_they_live(void **state)
{
	static const struct {
		const char *body;
		uint32_t life_s;
	} cases[] = {
		{ "{\"access_token\":\"a.b-c\",\"expires_in\":3599}", 3599 },
		{ "{\"access_token\":\"a.b-c\",\"expires_in\":\"86400\","
		  "\"token_type\":\"bearer\"}",
		  86400 },
		{ "{\"access_token\":\"a.b-c\"}", TOKEN_LIFE_S },
		{ "{\"access_token\":\"a.b-c\",\"expires_in\":0}", 1 },
		{ "{\"access_token\":\"a.b-c\",\"expires_in\":-9}", 1 },
		{ "{\"access_token\":\"a.b-c\",\"expires_in\":\"soon\"}",
		  TOKEN_LIFE_S },
		{ "{\"access_token\":\"a.b-c\",\"expires_in\":1e99}",
		  TOKEN_LIFE_MAX_S },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct token_answer a;

		assert_int_equal(read_answer(200, cases[i].body, &a), 0);
		assert_string_equal(a.token.text, "a.b-c");
		assert_int_equal(a.life_s, cases[i].life_s);
		secret_finish(&a.token);
	}
}

static void what_is_no_token(void **state)
{
	static const struct {
		unsigned status;
		const char *body;
	} cases[] = {
		{ 200, "" },
		{ 200, "<html>sign in</html>" },
		{ 200, "[]" },
		{ 200, "\"access_token\"" },
		{ 200, "{}" },
		{ 200, "{\"access_token\":\"\"}" },
		{ 200, "{\"access_token\":7}" },
		{ 200, "{\"Access_Token\":\"a\"}" },
		{ 200, "{\"access_token\":\"a b\"}" },
		{ 200, "{\"access_token\":\"a\\r\\nX: 1\"}" },
		{ 200, "{\"access_token\":\"a\\u00e9\"}" },
		{ 200, "{\"access_token\":\"a\",\"token_type\":\"pop\"}" },
		{ 200, "{\"access_token\":\"a\",\"token_type\":1}" },
		{ 201, "{\"access_token\":\"a\"}" },
		{ 400, "{\"access_token\":\"a\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct token_answer a;

		assert_int_equal(
			read_answer(cases[i].status, cases[i].body, &a),
			-EPROTO);
		assert_null(a.token.text);
	}
}

static void a_refusal_is_a_word_and_a_number(void **state)
{
	static const struct {
		const char *body, *error;
		unsigned long aadsts;
	} cases[] = {
		{ "{\"error\":\"invalid_client\",\"error_description\":"
		  "\"AADSTS7000215: of user@example.com\","
		  "\"error_codes\":[7000215,1]}",
		  "invalid_client", 7000215 },
		{ "{\"error\":\"invalid_request\"}", "invalid_request", 0 },
		{ "{\"error\":\"two words\",\"error_codes\":[]}", "", 0 },
		{ "{\"error\":\"a\\\"b\",\"error_codes\":[-1]}", "", 0 },
		{ "{\"error\":\"012345678901234567890123456789012345678901234"
		  "567\",\"error_codes\":[1e300]}",
		  "", 0 },
		{ "{\"error\":{},\"error_codes\":7}", "", 0 },
		{ "no JSON", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct token_answer a;

		assert_int_equal(read_answer(401, cases[i].body, &a), -EPROTO);
		assert_string_equal(a.error, cases[i].error);
		assert_int_equal(a.aadsts, cases[i].aadsts);
	}
}

static void a_body_that_is_too_long(void **state)
{
	size_t size = TOKEN_ANSWER_MAX + 1;
	char *body = malloc(size);
	struct token_answer a;

	(void)state;
	assert_non_null(body);
	memset(body, ' ', size);
	memcpy(body, "{\"access_token\":\"a\"}", 20);
	assert_int_equal(token_answer_read(200, body, size, &a), -EPROTO);
	assert_int_equal(token_answer_read(200, body, size - 1, &a), 0);
	secret_finish(&a.token);
	free(body);
}

#define REALM "Basic realm=/var/opt/azcmagent/tokens/"

static void a_challenge_names_a_key_of_the_agent(void **state)
{
	static const char *const good[] = {
		REALM "6b4a1f2e-0d51.key",
		"  basic REALM=/var/opt/azcmagent/tokens/6b4a1f2e-0d51.key",
	};
	static const char *const bad[] = {
		"",
		"Basic",
		"Basic realm=",
		"Bearer realm=/var/opt/azcmagent/tokens/a.key",
		"Basic realm=/etc/shadow.key",
		"Basic realm=/var/opt/azcmagent/tokens",
		"Basic realm=var/opt/azcmagent/tokens/a.key",
		REALM,
		REALM ".key",
		REALM "a.txt",
		REALM "a.key ",
		REALM "../tokens.key",
		REALM "../../../../etc/x.key",
		REALM "sub/a.key",
		REALM "a\nb.key",
		REALM "a.key, Digest",
	};
	char name[TOKEN_KEY_NAME];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(token_challenge_read(good[i], name));
		assert_string_equal(name, "6b4a1f2e-0d51.key");
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(token_challenge_read(bad[i], name));
}

static void a_challenge_with_a_long_name(void **state)
{
	char value[256] = REALM, name[TOKEN_KEY_NAME];
	size_t start = strlen(value);

	(void)state;
	memset(value + start, 'a', TOKEN_KEY_NAME);
	memcpy(value + start + TOKEN_KEY_NAME - 5, ".key", 5);
	assert_true(token_challenge_read(value, name));
	memcpy(value + start + TOKEN_KEY_NAME - 5, "a.key", 6);
	assert_false(token_challenge_read(value, name));
}

static void seeds_of_the_fuzzer(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_and_how_long_they_live),
		cmocka_unit_test(what_is_no_token),
		cmocka_unit_test(a_refusal_is_a_word_and_a_number),
		cmocka_unit_test(a_body_that_is_too_long),
		cmocka_unit_test(a_challenge_names_a_key_of_the_agent),
		cmocka_unit_test(a_challenge_with_a_long_name),
		cmocka_unit_test(seeds_of_the_fuzzer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
