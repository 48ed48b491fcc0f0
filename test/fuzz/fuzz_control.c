/* libFuzzer: any bytes as a request over the control socket, as a line and
 * against a table of every kind of word. Built with -Dfuzz=true;
 * test/long/fuzz.sh runs it from seeds/control. test_control replays the
 * seeds. */
#include "control/request.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct control_word words[] = {
	{ "plain", 0 },
	{ "one", CONTROL_DESTINATION },
	{ "since", CONTROL_DESTINATION | CONTROL_SINCE },
	{ "ids", CONTROL_DESTINATION | CONTROL_IDS },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

/* What must hold of whatever was taken. */
static void check(const struct control_request *q)
{
	assert(q->word >= words && q->word < words + WORDS);
	assert(q->n_ids <= CONTROL_IDS_MAX);
	assert(q->since_ns == 0 || (q->word->takes & CONTROL_SINCE));
	assert(q->n_ids == 0 || (q->word->takes & CONTROL_IDS));
	assert(!q->all || (q->word->takes & CONTROL_IDS));
	if (q->destination != NULL) {
		assert(q->word->takes & CONTROL_DESTINATION);
		assert(q->destination[0] != '\0');
		assert(strlen(q->destination) <= 64);
	}
	for (size_t i = 0; i < q->n_ids; i++)
		assert(q->ids[i] <= UINT64_C(1) << 53);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Without a NUL behind it, so that reading beyond it shows. */
	char *line = malloc(size);
	struct control_request request;
	struct ep_err err = { 0 };
	int r;

	if (line == NULL || size > CONTROL_LINE_MAX) {
		free(line);
		return 0;
	}
	if (size > 0)
		memcpy(line, data, size);
	r = control_request_parse(line, size, words, WORDS, &request, &err);
	assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	assert((r == 0) == (err.text[0] == '\0'));
	if (r == 0) {
		check(&request);
		control_request_finish(&request);
	}
	free(line);
	return 0;
}
