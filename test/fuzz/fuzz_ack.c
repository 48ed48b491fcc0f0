/* libFuzzer: any bytes as a collector's answer. The first line is the status,
 * then a line each for media type, Retry-After and Date; the rest is the body.
 * Built with -Dfuzz=true; test/long/fuzz.sh runs it from seeds/ack.
 * test_ack replays the seeds. */
#include "delivery/ack.h"
#include "delivery/retry.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text up to the next newline, which becomes its end. */
static char *line(char **at)
{
	char *start = *at, *end = strchr(start, '\n');

	if (end) {
		*end = '\0';
		*at = end + 1;
	} else {
		*at = start + strlen(start);
	}
	return start;
}

/* What must hold whatever was sent. */
static void check(const struct answer *a, uint64_t after_ns)
{
	struct ack_parts parts;
	enum ack_class class = ack_classify(a, &parts);

	assert(ack_class_name(class));
	assert(parts.n_runs <= ACK_RUNS_MAX);
	assert(parts.n_runs == 0 || class == ACK_BAD_DATA);
	assert(parts.rejected == 0 || class == ACK_DONE);
	if (class == ACK_DONE) {
		assert(a->status >= 200 && a->status <= 204);
		assert(a->status == 204 || a->body_len == 0 ||
		       a->body[0] != '<');
	}
	assert(after_ns == RETRY_NO_AFTER ||
	       after_ns <= UINT64_C(1000000000) * 1000000000);
	assert(retry_wait_ns(&retry_defaults, 3, after_ns, after_ns) <=
	       2 * retry_defaults.after_max_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *at = text, *body;
	const char *type, *after, *date;
	struct answer a = { .failure = ACK_ANSWERED, .rows = 3 };

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	a.status = (unsigned)strtoul(line(&at), NULL, 10) % 1000;
	type = line(&at);
	after = line(&at);
	date = line(&at);
	a.content_type = *type ? type : NULL;
	/* Without a NUL behind it, so that reading beyond it shows. */
	a.body_len = size - (size_t)(at - text);
	body = malloc(a.body_len);
	if (body && a.body_len > 0)
		memcpy(body, at, a.body_len);
	a.body = body;
	for (unsigned i = 0; body && i < 8; i++) {
		a.engine = (enum ack_engine)(i / 2);
		a.body_cut = i % 2;
		check(&a, retry_after_ns(after, *date ? date : NULL));
	}
	free(body);
	free(text);
	return 0;
}
