/* A batch while it grows. */
#include "delivery/framing.h"

#include "delivery/metrics.h"

#include <errno.h>
#include <string.h>

void frame_init(struct frame *frame, const struct framing *framing,
		uint64_t max_rows, size_t max_bytes)
{
	*frame = (struct frame){
		.framing = framing,
		.max_rows = max_rows,
		.max_bytes = max_bytes,
	};
	buf_init(&frame->body, max_bytes + FRAME_ROW_MAX);
	privacy_init(&frame->privacy);
}

void frame_finish(struct frame *frame)
{
	metrics_destroy(frame->metrics);
	buf_finish(&frame->body);
	privacy_finish(&frame->privacy);
}

static void cut(struct buf *b, size_t len)
{
	b->error = 0;
	if (b->len == len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

static int add_text(struct frame *frame, const struct identity *who,
		    const struct record *record)
{
	const struct framing *framing = frame->framing;
	struct buf *body = &frame->body;
	size_t len = body->len;
	int r;

	if (frame->rows == 0) {
		if (framing->begin)
			framing->begin(body, who);
		buf_text(body, framing->before);
	} else {
		buf_text(body, framing->separator);
	}
	framing->row(body, who, record);
	r = body->error;
	if (!r && frame->rows > 0 &&
	    body->len + strlen(framing->end) > frame->max_bytes)
		r = -E2BIG;
	if (r < 0)
		cut(body, len);
	return r;
}

/* A first row is taken whatever it brings. */
static int add_figures(struct frame *frame, const struct record *record)
{
	if (!frame->metrics)
		frame->metrics = metrics_create();
	if (!frame->metrics)
		return -ENOMEM;
	return metrics_add(frame->metrics, record,
			   frame->rows > 0 ? frame->max_bytes : SIZE_MAX);
}

/* Too far from one of those that are there. */
static bool is_apart(const struct frame *frame, uint64_t time_ns)
{
	uint64_t span_ns = frame->framing->span_ns;

	if (span_ns == 0 || frame->rows == 0)
		return false;
	return time_ns > frame->first_ns + span_ns ||
	       time_ns + span_ns < frame->last_ns;
}

static void count(struct frame *frame, uint64_t time_ns)
{
	if (frame->rows++ == 0)
		frame->first_ns = frame->last_ns = time_ns;
	else if (time_ns < frame->first_ns)
		frame->first_ns = time_ns;
	else if (time_ns > frame->last_ns)
		frame->last_ns = time_ns;
}

int frame_add(struct frame *frame, const struct identity *who,
	      const struct record *record)
{
	uint64_t time_ns = record->time_ns;
	bool figures = !frame->framing->row;
	int r;

	frame->full = frame->full || frame->rows == frame->max_rows ||
		      is_apart(frame, time_ns);
	if (frame->full)
		return -E2BIG;
	if (figures && frame->open_minute > 0 &&
	    metrics_minute(time_ns) == frame->open_minute)
		return -E2BIG;
	if (frame->truncate_addresses)
		record = privacy_cut(&frame->privacy, record);
	if (!record)
		return -ENOMEM;
	r = figures ? add_figures(frame, record) : add_text(frame, who, record);
	frame->full = r == -E2BIG;
	if (r == 0)
		count(frame, time_ns);
	return r;
}

int frame_end(struct frame *frame, const struct identity *who)
{
	if (frame->framing->row)
		buf_text(&frame->body, frame->framing->end);
	else if (frame->metrics)
		metrics_write(frame->metrics, who, &frame->body);
	return frame->body.error;
}
