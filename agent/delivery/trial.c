/* Happy path: a batch of one row is made with an epoch of its own, handed to
 * the destination's outlet, and the loop runs until the verdict; then until the
 * outlet is closed.
 *
 * What can fail: whatever the outlet says is a verdict, even where there was no
 * attempt, because a file that cannot be read is what is to be found out. */
#include "delivery/trial.h"

#include "delivery/retry.h"
#include "edgeprobe/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define BODY_MAX   65536
#define TIMEOUT_NS (30 * EP_NS_PER_S)

struct trial {
	uv_loop_t loop;
	struct outlet *outlet;
	struct trial_result *result;
	bool closed;
};

static void on_verdict(const struct verdict *verdict, void *arg)
{
	struct trial *t = arg;

	t->result->verdict = *verdict;
	uv_stop(&t->loop);
}

static void on_closed(void *arg)
{
	struct trial *t = arg;

	t->closed = true;
}

/* --- the batch --- */

static int make_epoch(char epoch[17])
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		return -EIO;
	snprintf(epoch, 17, "%016llx", (unsigned long long)bits);
	return 0;
}

static int fill_frame(struct frame *frame, const struct identity *who,
		      const char *destination)
{
	struct record record = {
		.type = ROW_EVENT,
		.seq = 1,
		.time_ns = ep_clock_wall_ns(),
	};
	struct buf body;
	int r;

	buf_init(&body, 1024);
	buf_text(&body, "\"event\":\"test\",\"level\":\"info\","
			"\"state\":\"sent\",\"destination\":");
	buf_json_text(&body, destination);
	record.body = body.data;
	r = body.error ? body.error : frame_add(frame, who, &record);
	if (r == 0)
		r = frame_end(frame, who);
	buf_finish(&body);
	return r;
}

static int make_body(const struct deliver_options *o,
		     const struct identity *who, const struct framing *framing,
		     struct buf *out)
{
	struct frame frame;
	int r;

	frame_init(&frame, framing, 1, BODY_MAX);
	r = fill_frame(&frame, who, o->name);
	if (r == 0 && o->gzip) {
		r = framing_gzip(frame.body.data, frame.body.len, out);
	} else if (r == 0) {
		buf_add(out, frame.body.data, frame.body.len);
		r = out->error;
	}
	frame_finish(&frame);
	return r;
}

/* --- the attempt --- */

static uint64_t token_left_ns(const struct outlet *outlet)
{
	struct deliver_facts facts = { 0 };
	uint64_t now_ns = uv_hrtime();

	if (outlet->facts)
		outlet->facts(outlet, &facts);
	return facts.token_until_ns > now_ns ? facts.token_until_ns - now_ns
					     : 0;
}

static void attempt(struct trial *t, const struct parcel *parcel)
{
	struct verdict *v = &t->result->verdict;
	struct ep_err err = { 0 };

	t->outlet->cb = on_verdict;
	t->outlet->arg = t;
	if (t->outlet->send(t->outlet, parcel, &err) == 0) {
		uv_run(&t->loop, UV_RUN_DEFAULT);
	} else {
		v->class = ACK_ENDPOINT;
		v->after_ns = RETRY_NO_AFTER;
		snprintf(v->text, sizeof(v->text), "%.390s", err.text);
	}
	if (t->outlet->trace)
		t->outlet->trace(t->outlet, &t->result->trace);
	t->result->token_left_ns = token_left_ns(t->outlet);
}

static int open_outlet(struct trial *t, const struct deliver_options *o)
{
	return place_of(o->url) == PLACE_FILE
		       ? file_open(&t->loop, o, &t->outlet)
		       : http_open(&t->loop, o, &t->outlet);
}

static int with_loop(const struct deliver_options *o,
		     const struct parcel *parcel, struct trial_result *result)
{
	struct trial t = { .result = result };
	int r = uv_loop_init(&t.loop);

	if (r < 0)
		return r;
	r = open_outlet(&t, o);
	if (r == 0) {
		attempt(&t, parcel);
		t.outlet->close(t.outlet, on_closed, &t);
	}
	while (uv_run(&t.loop, UV_RUN_DEFAULT) != 0)
		continue;
	uv_loop_close(&t.loop);
	return r;
}

static int send_one(const struct deliver_options *o, const char *agent,
		    struct trial_result *result)
{
	const struct identity who = { agent, result->epoch };
	struct parcel parcel = {
		.framing = result->framing,
		.agent = agent,
		.epoch = result->epoch,
		.first = 1,
		.last = 1,
		.rows = 1,
		.gzip = o->gzip,
	};
	struct buf body;
	int r;

	buf_init(&body, BODY_MAX);
	r = make_body(o, &who, result->framing, &body);
	if (r == 0) {
		parcel.body = body.data;
		parcel.len = result->bytes = body.len;
		r = with_loop(o, &parcel, result);
	}
	buf_finish(&body);
	return r;
}

int trial_run(const struct deliver_options *options, const char *agent,
	      struct trial_result *ret_result, struct ep_err *err)
{
	struct deliver_options o = *options;
	int r = deliver_check(&o, err);

	if (r < 0)
		return r;
	if (o.timeout_ns == 0)
		o.timeout_ns = TIMEOUT_NS;
	*ret_result = (struct trial_result){ .framing = framing_of(o.encoding,
								   o.url) };
	r = make_epoch(ret_result->epoch);
	if (r == 0)
		r = send_one(&o, agent, ret_result);
	if (r < 0)
		return ep_err_set(err, r, "destination \"%s\": %s", o.name,
				  uv_strerror(r));
	return 0;
}
