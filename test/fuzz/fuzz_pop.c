/* libFuzzer: any bytes as header lines, each ended by a newline.
 * Built with -Dfuzz=true; test/long/fuzz.sh runs it from seeds/pop.
 * test_pop replays the seeds. */
#include "core/pop.h"
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_code(const char *code, size_t n)
{
	assert(n == 0 || (n >= 2 && n <= 4));
	for (size_t i = 0; i < n; i++)
		assert((code[i] >= 'A' && code[i] <= 'Z') ||
		       (code[i] >= '0' && code[i] <= '9'));
}

static void check(const struct ep_https *https)
{
	size_t ref_n = strnlen(https->pop_ref, sizeof(https->pop_ref));
	size_t source_n = strnlen(https->pop_source, sizeof(https->pop_source));
	size_t code_n = strnlen(https->pop, sizeof(https->pop));
	size_t cache_n = strnlen(https->edge_cache, sizeof(https->edge_cache));

	assert(ref_n < sizeof(https->pop_ref));
	assert(source_n < sizeof(https->pop_source));
	assert(code_n < sizeof(https->pop));
	check_code(https->pop, code_n);
	for (size_t i = 0; i < ref_n; i++)
		assert(https->pop_ref[i] >= ' ' && https->pop_ref[i] <= '~');
	assert(cache_n < sizeof(https->edge_cache));
	for (size_t i = 0; i < cache_n; i++)
		assert(isalnum((unsigned char)https->edge_cache[i]) ||
		       https->edge_cache[i] == '_');
	assert((ref_n > 0) == (source_n > 0));
	assert(code_n == 0 || source_n > 0);
}

/* In memory of its own, so that reading past it is seen. */
static void note(struct ep_https *https, const uint8_t *line, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);

	assert(copy != NULL);
	memcpy(copy, line, n);
	pop_note(https, copy, n);
	check(https);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ep_https https;

	memset(&https, 0, sizeof(https));
	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end == NULL ? size : (size_t)(end - data) + 1;

		note(&https, data, n);
		data += n;
		size -= n;
	}
	return 0;
}
