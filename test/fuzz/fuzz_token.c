/* libFuzzer: first byte 'c': the rest is the value of a challenge's header;
 * else it is the hundreds of a status, and the rest the body of a token
 * service's answer. Built with -Dfuzz=true; test/long/fuzz.sh runs it from
 * seeds/token. test_token_answer replays the seeds. */
#include "delivery/token_answer.h"
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of its own, so that reading past it is seen. */
static char *copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	assert(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static void challenge(const char *value)
{
	char name[TOKEN_KEY_NAME];
	size_t len;

	if (!token_challenge_read(value, name))
		return;
	len = strnlen(name, sizeof(name));
	assert(len > strlen(TOKEN_KEY_SUFFIX) && len < sizeof(name));
	assert(!strchr(name, '/') && name[0] != '.');
	assert(strcmp(name + len - 4, TOKEN_KEY_SUFFIX) == 0);
}

static void answer(unsigned status, const char *body, size_t len)
{
	struct token_answer a;
	int r = token_answer_read(status, body, len, &a);

	assert(r == 0 || r == -EPROTO || r == -ENOMEM);
	assert((r == 0) == (a.token.text != NULL));
	assert(strnlen(a.error, sizeof(a.error)) < sizeof(a.error));
	for (const char *c = a.error; *c; c++)
		assert(*c > ' ' && *c <= '~' && *c != '"');
	if (r == 0) {
		assert(status == 200 && a.token.len > 0);
		assert(strlen(a.token.text) == a.token.len);
		assert(a.life_s >= 1 && a.life_s <= TOKEN_LIFE_MAX_S);
		for (size_t i = 0; i < a.token.len; i++)
			assert(a.token.text[i] > ' ' && a.token.text[i] <= '~');
	}
	secret_finish(&a.token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = copy(data + 1, size - 1);
	if (data[0] == 'c')
		challenge(text);
	else
		answer(data[0] == '2' ? 200 : 400, text, size - 1);
	free(text);
	return 0;
}
