#include "lib/post.h"

#include "delivery/deliver_i.h"
#include "delivery/framing.h"
#include "edgeprobe/clock.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_MS 20000

static const struct retry_options quick = {
	.floor_ns = 1 * EP_NS_PER_MS,
	.base_ns = 2 * EP_NS_PER_MS,
	.cap_ns = 10 * EP_NS_PER_MS,
	.after_max_ns = 30 * EP_NS_PER_MS,
};

static void must(int r, const struct ep_err *err)
{
	if (r >= 0)
		return;
	fprintf(stderr, "%s\n", err->text);
	abort();
}

static void open_store(struct post *p)
{
	struct store_options options = { .max_bytes = 64u << 20 };
	struct ep_err err = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s/store.db", p->dir);
	options.path = path;
	must(store_open(&options, &p->store, &err), &err);
}

void post_open(struct post *p)
{
	*p = (struct post){ .dir = "/tmp/edgeprobe-post-XXXXXX" };
	assert(mkdtemp(p->dir));
	assert(uv_loop_init(&p->loop) == 0);
	open_store(p);
	p->collector = collector_open(&p->loop);
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u/ingest",
		 collector_port(p->collector));
}

static int on_entry(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void post_close(struct post *p)
{
	if (p->deliver)
		post_stop(p, p->deliver);
	collector_close(p->collector);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert(uv_loop_close(&p->loop) == 0);
	store_close(p->store);
	nftw(p->dir, on_entry, 16, FTW_DEPTH | FTW_PHYS);
}

uint64_t post_add(struct post *p, unsigned n, const char *word)
{
	struct ep_err err = { 0 };
	uint64_t first = 0;
	char *body;

	assert(asprintf(&body, "\"event\":\"%s\"", word) > 0);
	for (unsigned i = 0; i < n; i++) {
		uint64_t seq = store_add_note(p->store, ROW_EVENT,
					      ep_clock_wall_ns(), body);

		first = first ? first : seq;
	}
	free(body);
	must(store_commit(p->store, &err), &err);
	if (p->deliver)
		deliver_poke(p->deliver);
	return first;
}

struct deliver *post_start(struct post *p,
			   const struct deliver_options *options)
{
	struct deliver_options o = { 0 };
	struct identity who = { "ams-01", store_epoch(p->store) };
	struct ep_err err = { 0 };
	struct deliver *d;

	if (options)
		o = *options;
	o.name = o.name ? o.name : "hq";
	o.url = o.url ? o.url : p->url;
	o.interval_ns = o.interval_ns ? o.interval_ns : EP_NS_PER_MS;
	o.timeout_ns = o.timeout_ns ? o.timeout_ns : 5 * EP_NS_PER_S;
	must(deliver_open(&p->loop, p->store, &who, &o, &d, &err), &err);
	deliver_tune(d, &quick);
	if (!p->deliver)
		p->deliver = d;
	return d;
}

static void on_closed(void *arg)
{
	*(bool *)arg = true;
}

void post_stop(struct post *p, struct deliver *deliver)
{
	p->closed = false;
	deliver_close(deliver, on_closed, &p->closed);
	assert(!p->closed);
	while (!p->closed)
		uv_run(&p->loop, UV_RUN_ONCE);
	if (deliver == p->deliver)
		p->deliver = NULL;
}

void post_restart(struct post *p, const struct deliver_options *options)
{
	post_stop(p, p->deliver);
	store_close(p->store);
	open_store(p);
	post_start(p, options);
}

static void on_deadline(uv_timer_t *timer)
{
	(void)timer;
	fprintf(stderr, "what was waited for did not happen\n");
	abort();
}

/* Before the loop would wait: what ran until then may have been enough. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct post *p = prepare->data;

	if (p->until(p))
		uv_stop(&p->loop);
}

void post_run(struct post *p, bool (*until)(struct post *p))
{
	uv_timer_t deadline;
	uv_prepare_t prepare;

	p->until = until;
	prepare.data = p;
	uv_timer_init(&p->loop, &deadline);
	uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0);
	uv_prepare_init(&p->loop, &prepare);
	uv_prepare_start(&prepare, on_prepare);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&deadline, NULL);
	uv_close((uv_handle_t *)&prepare, NULL);
	uv_run(&p->loop, UV_RUN_NOWAIT);
}

uint64_t post_backlog(const struct deliver *deliver)
{
	struct deliver_facts facts;

	deliver_facts(deliver, &facts);
	return facts.backlog_rows;
}

static bool is_empty(struct post *p)
{
	return post_backlog(p->deliver) == 0;
}

void post_run_empty(struct post *p)
{
	post_run(p, is_empty);
}

char *post_plain(const struct collector_request *request)
{
	char encoding[32];
	struct buf plain;

	collector_field(request, "Content-Encoding", encoding,
			sizeof(encoding));
	buf_init(&plain, 64u << 20);
	if (strcmp(encoding, "gzip") == 0)
		assert(framing_gunzip(request->body, request->len, &plain) ==
		       0);
	else
		buf_add(&plain, request->body, request->len);
	buf_char(&plain, '\0');
	assert(!plain.error);
	return plain.data;
}

static void count_body(const char *body, struct post_tally *tally)
{
	static const char key[] = ",\"seq\":";

	for (const char *at = strstr(body, key); at; at = strstr(at, key)) {
		unsigned long seq = strtoul(at += strlen(key), NULL, 10);

		assert(seq > 0 && seq < POST_SEQ_MAX);
		if (tally->times[seq]++ == 0)
			tally->rows++;
		if (tally->times[seq] > tally->most)
			tally->most = tally->times[seq];
	}
}

void post_count(const struct collector *c, struct post_tally *ret_tally)
{
	*ret_tally = (struct post_tally){ 0 };
	for (unsigned i = 0; i < collector_requests(c); i++) {
		const struct collector_request *r = collector_request(c, i);
		char *body;

		if (!r->said_yes)
			continue;
		body = post_plain(r);
		count_body(body, ret_tally);
		free(body);
	}
}
