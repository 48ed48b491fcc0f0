/* Happy path: on_due() asks for the version of the first cloud; if it is another
 * one than that of the list which is kept, for the list; take_list() parses it,
 * writes it and tells what changes; then the next cloud, and in the end on_due()
 * is set for an interval later.
 *
 * What can fail: the way there, an answer that is none, the disk: the list that
 * was there stays, a line a day says so, and it is tried again after the
 * interval. 429: not before an hour has passed. */
#include "endpoints_watch.h"
#include "base/log.h"
#include "base/request.h"
#include "config/sources.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "edgeprobe/private/trust.h"
#include "endpoints_keep.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#define SERVICE     "https://endpoints.office.com"
#define HOUR_NS     (3600 * EP_NS_PER_S)
#define DAY_NS      (24 * HOUR_NS)
#define FIRST_NS    (60 * EP_NS_PER_S)
#define TIMEOUT_MS  60000L
#define CONNECT_MS  10000L
#define CLOUDS_MAX  4
#define CHANGES_MAX 16384

enum asking { ASK_VERSION, ASK_LIST };

struct endpoints_watch {
	struct ep_scope scope;
	uv_loop_t *loop;
	uv_timer_t due;
	struct endpoints_watch_options options;
	struct curl_loop *curl;
	struct curl_transfer transfer;
	CURL *easy;
	struct ep_trust *trust;
	const char *clouds[CLOUDS_MAX];
	unsigned n_clouds, at;
	enum asking asking;
	char version[EDGE_VERSION_MAX];
	char id[ENDPOINTS_ID];
	struct buf body;
	uint64_t said_ns; /* the last line about a failure; 0: none */
	uint64_t wait_ns; /* until the next round, at least */
};

static void on_due(uv_timer_t *timer);

static uint64_t interval_of(const struct endpoints_watch *w)
{
	const struct config_polling *p = &w->options.config->polling;

	return p->url == NULL && p->interval_ns < HOUR_NS ? HOUR_NS
							  : p->interval_ns;
}

static void arm(struct endpoints_watch *w, uint64_t after_ns)
{
	uv_update_time(w->loop);
	uv_timer_start(&w->due, on_due, after_ns / EP_NS_PER_MS, 0);
}

/* --- one question --- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct endpoints_watch *w = arg;

	buf_add(&w->body, data, size * n);
	return w->body.error != 0 ? 0 : size * n;
}

static int set_request(struct endpoints_watch *w, const char *url)
{
	const struct request request = {
		.url = url,
		.connect_ms = CONNECT_MS,
		.whole_ms = TIMEOUT_MS,
		.on_body = on_body,
		.arg = w,
	};
	int r = request_set(w->easy, &request);

	if (r == 0)
		r = request_set_way(w->easy, w->options.config->polling.proxy,
				    w->trust);
	if (r < 0)
		return r;
	if (curl_easy_setopt(w->easy, CURLOPT_FORBID_REUSE, 1L) != CURLE_OK ||
	    curl_easy_setopt(w->easy, CURLOPT_MAXFILESIZE_LARGE,
			     (curl_off_t)EDGE_ANSWER_MAX) != CURLE_OK)
		return -ENOTSUP;
	return 0;
}

static int ask(struct endpoints_watch *w, enum asking what)
{
	const char *url = w->options.config->polling.url;
	char text[4608];
	int r;

	snprintf(text, sizeof(text), "%s/%s/%s?ClientRequestId=%s",
		 url != NULL ? url : SERVICE,
		 what == ASK_VERSION ? "version" : "endpoints",
		 w->clouds[w->at], w->id);
	w->asking = what;
	curl_easy_cleanup(w->easy);
	w->easy = w->transfer.easy = curl_easy_init();
	if (w->easy == NULL)
		return -ENOMEM;
	buf_clear(&w->body);
	r = set_request(w, text);
	return r == 0 ? curl_transfer_start(w->curl, &w->transfer) : r;
}

/* --- what comes back --- */

/* A line a day. */
static void complain(struct endpoints_watch *w, const char *why)
{
	uint64_t now_ns = ep_clock_mono_ns();
	char text[160];

	if (w->said_ns != 0 && now_ns - w->said_ns < DAY_NS)
		return;
	w->said_ns = now_ns;
	snprintf(text, sizeof(text), "%.150s", why);
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"')
			*c = '\'';
	log_warn("endpoints", "instance=%s reason=\"%s\" next=keep_the_list",
		 w->clouds[w->at], text);
}

/* Against the list that was used until now. */
static int compare(const struct endpoints_watch *w,
		   const struct edge_endpoints *now, struct buf *out)
{
	const struct config *c = w->options.config;
	struct sources_list before;
	int r;

	(void)sources_list_open(c->store_path, w->clouds[w->at], &before, NULL);
	r = endpoints_changes(c, w->clouds[w->at], &before.endpoints, now,
			      w->version, out);
	sources_list_close(&before);
	return r;
}

static void tell(const struct endpoints_watch *w, const struct buf *changes)
{
	bool other = changes->len > 0 && changes->error == 0;

	log_info("endpoints", "instance=%s version=%s kept=yes targets=%s",
		 w->clouds[w->at], w->version, other ? "changed" : "same");
	if (!other)
		return;
	w->options.row(changes->data, w->options.arg);
	w->options.moved(w->options.arg);
}

static int take_list(struct endpoints_watch *w, struct ep_err *err)
{
	struct edge_endpoints now = { "", NULL, 0 };
	struct buf changes;
	int r = edge_endpoints_parse(w->body.data, w->body.len, &now, err);

	if (r < 0)
		return r;
	buf_init(&changes, CHANGES_MAX);
	r = compare(w, &now, &changes);
	edge_endpoints_finish(&now);
	if (r < 0)
		ep_err_set(err, r, "out of memory");
	else
		r = endpoints_keep(w->options.config->store_path,
				   w->clouds[w->at], w->version, &w->body, err);
	if (r == 0)
		tell(w, &changes);
	buf_finish(&changes);
	return r;
}

/* 1: there is another list. */
static int take_version(struct endpoints_watch *w, struct ep_err *err)
{
	struct sources_list list;
	bool same;
	int r = edge_version_parse(w->body.data, w->body.len, w->clouds[w->at],
				   w->version, err);

	if (r < 0)
		return r;
	(void)sources_list_open(w->options.config->store_path, w->clouds[w->at],
				&list, NULL);
	same = list.kept && strcmp(list.endpoints.version, w->version) == 0;
	sources_list_close(&list);
	return same ? 0 : 1;
}

static int take(struct endpoints_watch *w, CURLcode result, struct ep_err *err)
{
	long status = 0;

	if (w->body.error != 0)
		return ep_err_set(err, -EINVAL, "the answer is too long");
	if (result != CURLE_OK)
		return ep_err_set(err, -EIO, "%s", curl_easy_strerror(result));
	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 429 && w->wait_ns < HOUR_NS)
		w->wait_ns = HOUR_NS;
	if (status != 200 || w->body.len == 0)
		return ep_err_set(err, -EPROTO, "status %ld", status);
	return w->asking == ASK_VERSION ? take_version(w, err)
					: take_list(w, err);
}

static void go_on(struct endpoints_watch *w)
{
	int r = 0;

	if (++w->at < w->n_clouds)
		r = ask(w, ASK_VERSION);
	if (w->at == w->n_clouds || r < 0)
		arm(w, w->wait_ns);
}

static void on_done(struct curl_transfer *transfer, CURLcode result)
{
	struct endpoints_watch *w =
		container_of(transfer, struct endpoints_watch, transfer);
	struct ep_err err = { 0 };
	int r = take(w, result, &err);

	if (r > 0) {
		r = ask(w, ASK_LIST);
		if (r == 0)
			return;
	}
	if (r < 0)
		complain(w, err.code != 0 ? err.text : "it cannot be asked");
	go_on(w);
}

static void on_due(uv_timer_t *timer)
{
	struct endpoints_watch *w =
		container_of(timer, struct endpoints_watch, due);

	w->wait_ns = interval_of(w);
	w->at = 0;
	if (ask(w, ASK_VERSION) < 0)
		arm(w, w->wait_ns);
}

/* --- opening and closing --- */

static void add_cloud(struct endpoints_watch *w, const char *cloud)
{
	for (unsigned i = 0; i < w->n_clouds; i++)
		if (strcmp(w->clouds[i], cloud) == 0)
			return;
	w->clouds[w->n_clouds++] = cloud;
}

static void find_clouds(struct endpoints_watch *w)
{
	const struct config *c = w->options.config;

	for (size_t i = 0; i < c->n_sources; i++)
		if (sources_is_service(&c->sources[i]))
			add_cloud(w, sources_instance(&c->sources[i]));
}

/* How much of the interval is left since the youngest list was written: who is
 * started again and again does not ask each time. */
static uint64_t left_ns(const struct endpoints_watch *w)
{
	uint64_t left = 0;

	for (unsigned i = 0; i < w->n_clouds; i++) {
		char *path = sources_list_path(w->options.config->store_path,
					       w->clouds[i]);
		int64_t age_s;
		struct stat st;

		if (path != NULL && stat(path, &st) == 0) {
			age_s = time(NULL) - st.st_mtime;
			if (age_s >= 0 && (uint64_t)age_s * EP_NS_PER_S <
						  interval_of(w) - left)
				left = interval_of(w) -
				       (uint64_t)age_s * EP_NS_PER_S;
		}
		free(path);
	}
	return left;
}

/* Not all branches at once after a power cut. */
static uint64_t first_ns(const struct endpoints_watch *w)
{
	uint64_t most_ns =
		interval_of(w) < FIRST_NS ? interval_of(w) : FIRST_NS;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t)uv_hrtime();
	return left_ns(w) + most_ns / 1000 * (random % 1000);
}

static int prepare(struct endpoints_watch *w, struct ep_err *err)
{
	const struct config *c = w->options.config;
	const char *ca_file =
		c->polling.ca_file != NULL ? c->polling.ca_file : c->ca_file;
	int r = endpoints_id(c->store_path, w->id, err);

	if (r == 0)
		r = ep_trust_take(ca_file, &w->trust, err);
	if (r == 0) {
		r = curl_loop_open(w->loop, &w->curl);
		if (r < 0)
			ep_err_set(err, r, "no transfers");
	}
	return r;
}

int endpoints_watch_open(uv_loop_t *loop,
			 const struct endpoints_watch_options *options,
			 struct endpoints_watch **ret_watch, struct ep_err *err)
{
	struct endpoints_watch *w = calloc(1, sizeof(*w));
	int r;

	*ret_watch = NULL;
	if (w == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	w->loop = loop;
	w->options = *options;
	w->transfer.done = on_done;
	find_clouds(w);
	if (w->n_clouds == 0) {
		free(w);
		return 0;
	}
	buf_init(&w->body, EDGE_ANSWER_MAX);
	ep_scope_init(&w->scope);
	uv_timer_init(loop, &w->due);
	ep_scope_adopt(&w->scope, (uv_handle_t *)&w->due);
	r = prepare(w, err);
	if (r < 0) {
		endpoints_watch_close(w);
		return r;
	}
	arm(w, first_ns(w));
	*ret_watch = w;
	return 0;
}

static void on_ended(struct ep_scope *scope)
{
	struct endpoints_watch *w =
		container_of(scope, struct endpoints_watch, scope);

	ep_trust_drop(w->trust);
	buf_finish(&w->body);
	free(w);
}

static void on_curl_closed(void *arg)
{
	ep_scope_drop(arg);
}

void endpoints_watch_close(struct endpoints_watch *watch)
{
	if (watch == NULL)
		return;
	curl_transfer_cancel(&watch->transfer);
	curl_easy_cleanup(watch->easy);
	if (watch->curl != NULL) {
		ep_scope_take(&watch->scope);
		curl_loop_close(watch->curl, on_curl_closed, &watch->scope);
	}
	ep_scope_shut(&watch->scope, (uv_handle_t *)&watch->due);
	ep_scope_end(&watch->scope, on_ended);
}
