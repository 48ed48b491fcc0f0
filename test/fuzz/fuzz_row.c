/* libFuzzer: any bytes as rows. Whatever a sample, a name or a configured text
 * is, each encoding makes strict JSON of it, and a batch comes apart again
 * where it should. Built with -Dfuzz=true; test/long/fuzz.sh runs it from
 * seeds/row. test_row replays the seeds. */
#include "delivery/framing.h"
#include "delivery/metrics.h"
#include "lib/framed.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROWS     5
#define TEXT_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of the input. When there is no more, zeros. */
struct input {
	const uint8_t *at;
	size_t left;
};

static void take(struct input *in, void *to, size_t len)
{
	size_t n = len < in->left ? len : in->left;

	memset(to, 0, len);
	if (n > 0)
		memcpy(to, in->at, n);
	in->at += n;
	in->left -= n;
}

static uint64_t number(struct input *in)
{
	uint64_t n;

	take(in, &n, sizeof(n));
	return n;
}

static const char *text(struct input *in, char *to)
{
	uint8_t len;

	take(in, &len, 1);
	take(in, to, len % TEXT_MAX);
	to[len % TEXT_MAX] = '\0';
	return len ? to : NULL;
}

/* Texts of one record. */
struct texts {
	char agent[TEXT_MAX], of[9][TEXT_MAX];
};

static void any_series(struct input *in, struct texts *t, struct series *s)
{
	*s = (struct series){
		.target = text(in, t->of[0]),
		.host = text(in, t->of[1]),
		.site = text(in, t->of[2]),
		.country = text(in, t->of[3]),
		.metro = text(in, t->of[4]),
		.circuit = text(in, t->of[5]),
		.provider = text(in, t->of[6]),
		.prefix = text(in, t->of[7]),
		.probe = number(in) % 2 ? "https" : "tcp",
	};
}

static void any_sample(struct input *in, struct ep_sample *s)
{
	static const uint8_t families[] = { 0, 4, 6 };

	take(in, s, sizeof(*s));
	s->address.family = families[s->address.family % 3];
	s->mapped.family = families[s->mapped.family % 3];
	s->https.http_version[EP_HTTP_VERSION_MAX - 1] = '\0';
	s->https.pop[EP_POP_MAX - 1] = '\0';
	s->https.pop_source[EP_POP_SOURCE_MAX - 1] = '\0';
	s->https.pop_ref[EP_POP_REF_MAX - 1] = '\0';
	s->https.tls_issuer[EP_TLS_ISSUER_MAX - 1] = '\0';
}

/* Bodies are ours, not the network's. */
static const char *const bodies[] = {
	NULL,
	"",
	"\"step_us\":-3000000.25,\"suspended_us\":7",
	"\"version\":\"0.1.0\",\"reason\":\"start\"",
	"\"a\":1e6,\"b\":true,\"c\":null,\"d\":-0.5,\"e\":9007199254740991",
	"\"event\":\"},{\\\"seq\\\":9,\",\"n\":{\"a\":[]},\"level\":\"w\"",
};

static void any_record(struct input *in, struct texts *t, struct series *s,
		       struct record *r)
{
	*r = (struct record){ .type = (enum row_type)(number(in) % 7) };
	r->time_ns = number(in);
	r->of = number(in);
	r->first = number(in);
	r->last = number(in);
	r->reason = (enum gap_reason)(number(in) % 4);
	r->body = bodies[number(in) % (sizeof(bodies) / sizeof(bodies[0]))];
	any_series(in, t, s);
	any_sample(in, &r->sample);
	if (r->type <= ROW_LATE)
		r->series = s;
}

/* Rows that were put into `frame`. */
static uint64_t fill(struct input in, struct frame *frame)
{
	struct texts t;
	struct identity who = { text(&in, t.agent), "0123456789abcdef" };
	uint64_t n = 0;
	int r = 0;

	who.agent = who.agent ? who.agent : "a";
	while (r == 0 && n < ROWS) {
		struct series series;
		struct record record;

		any_record(&in, &t, &series, &record);
		record.seq = n + 1;
		r = frame_add(frame, &who, &record);
		assert(r == 0 || (r == -E2BIG && frame->full));
		n += r == 0;
	}
	assert(n > 0 && frame_end(frame, &who) == 0);
	return n;
}

static void check_halves(const struct frame *frame, uint64_t rows)
{
	struct buf halves[2];
	uint64_t seq = 0;

	buf_init(&halves[0], 1 << 24);
	buf_init(&halves[1], 1 << 24);
	assert(framing_split(frame->framing, frame->body.data, frame->body.len,
			     rows / 2, halves, &seq) == 0);
	assert(seq == rows / 2 + 1);
	for (int i = 0; i < 2; i++)
		assert(framed_strictly(frame->framing, halves[i].data,
				       halves[i].len));
	buf_finish(&halves[0]);
	buf_finish(&halves[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < FRAMED_NAMES; i++) {
		struct frame frame;
		uint64_t rows;

		frame_init(&frame, framing_find(framed_names[i]), 100, 100000);
		rows = fill((struct input){ data, size }, &frame);
		if (frame.framing->row)
			assert(rows == 1 || frame.body.len <= 100000);
		assert(framed_strictly(frame.framing, frame.body.data,
				       frame.body.len));
		if (frame.framing->row && rows > 1)
			check_halves(&frame, rows);
		frame_finish(&frame);
	}
	return 0;
}
