/* Happy path: on_due() begins with the first circuit without a byte budget;
 * ask() asks for the object again and again over one connection until the time
 * or the bytes are over; end() says a row and goes on with the next circuit; in
 * the end on_due() is set for an interval later.
 *
 * What can fail: the way there, or the answer: that circuit's test ends at once,
 * its row says why. */
#include "load_test.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/request.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "edgeprobe/private/source.h"
#include "edgeprobe/private/trust.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS 10000L
#define BODY_MAX   1024
/* A smaller object, such as a login page, fills no line, and would be asked for
 * a thousand times. */
#define OBJECT_MIN 65536
/* What a download leaves in queues drains for so long at most. */
#define SETTLE_NS EP_NS_PER_S

struct load_test {
	struct ep_scope scope;
	uv_loop_t *loop;
	uv_timer_t due;
	struct load_test_options options;
	struct curl_loop *curl;
	struct curl_transfer transfer;
	CURL *easy;
	struct ep_trust *trust;
	size_t at;         /* circuit */
	uint64_t began_ns; /* monotonic; the first byte of the answer */
	uint64_t bytes;
	uint64_t requests; /* with all their bytes */
};

static void on_due(uv_timer_t *timer);

static const struct config_load *settings(const struct load_test *t)
{
	return &t->options.config->load;
}

static void arm(struct load_test *t, uint64_t after_ns)
{
	uv_update_time(t->loop);
	uv_timer_start(&t->due, on_due, after_ns / EP_NS_PER_MS, 0);
}

static const struct config_circuit *circuit_of(const struct load_test *t)
{
	const struct config *c = t->options.config;

	return t->at < c->n_circuits ? &c->circuits[t->at] : NULL;
}

static uint64_t left_ns(const struct load_test *t)
{
	uint64_t spent_ns = ep_clock_mono_ns() - t->began_ns;

	return t->began_ns == 0 ? settings(t)->duration_ns
	       : spent_ns < settings(t)->duration_ns
		       ? settings(t)->duration_ns - spent_ns
		       : 0;
}

static bool is_over(const struct load_test *t)
{
	return t->bytes >= settings(t)->max_size ||
	       (t->began_ns != 0 && left_ns(t) == 0);
}

/* --- one request --- */

/* Of what is no success nothing is a load. */
static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct load_test *t = arg;
	uint64_t wall_ns = ep_clock_wall_ns();

	(void)data;
	if (t->began_ns == 0) {
		t->began_ns = ep_clock_mono_ns();
		t->options.on_load(t->at, wall_ns, UINT64_MAX, t->options.arg);
	}
	t->bytes += size * n;
	return is_over(t) ? 0 : size * n;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
				    struct curl_sockaddr *to)
{
	const struct config_circuit *circuit = circuit_of(arg);
	int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (circuit == NULL ||
	    ep_source_bind(fd, to->family == AF_INET6 ? 6 : 4,
			   circuit->source) == 0)
		return fd;
	close(fd);
	return CURL_SOCKET_BAD;
}

#define SET(easy, option, value)                                               \
	do {                                                                   \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)         \
			return -ENOTSUP;                                       \
	} while (0)

/* Never by a proxy: it would be the proxy's line that is filled. How long it may
 * take depends on what came before (ask()). */
static int prepare(struct load_test *t)
{
	const struct request request = {
		.url = settings(t)->url,
		.connect_ms = CONNECT_MS,
		.on_body = on_body,
		.arg = t,
	};
	int r = request_set(t->easy, &request);

	if (r == 0)
		r = request_set_way(t->easy, NULL, t->trust);
	if (r < 0)
		return r;
	SET(t->easy, CURLOPT_FAILONERROR, 1L);
	SET(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(t->easy, CURLOPT_OPENSOCKETDATA, t);
	return 0;
}

/* A connection's set-up is no load, so the clock starts with the first byte:
 * the time that is left is of the answer, and the connect has its own. */
static int ask(struct load_test *t)
{
	uint64_t most_ms =
		left_ns(t) / EP_NS_PER_MS + (t->began_ns == 0 ? CONNECT_MS : 0);

	SET(t->easy, CURLOPT_TIMEOUT_MS, (long)(most_ms > 0 ? most_ms : 1));
	return curl_transfer_start(t->curl, &t->transfer);
}

/* The connection of another circuit is not to be used again. */
static int begin(struct load_test *t)
{
	int r;

	t->began_ns = t->bytes = t->requests = 0;
	curl_easy_cleanup(t->easy);
	t->easy = t->transfer.easy = curl_easy_init();
	if (t->easy == NULL)
		return -ENOMEM;
	r = prepare(t);
	if (r == 0)
		SET(t->easy, CURLOPT_FRESH_CONNECT, 1L);
	return r == 0 ? ask(t) : r;
}

/* --- what came of it --- */

static void say(struct load_test *t, uint64_t took_ns, const char *why)
{
	const struct config_circuit *circuit = circuit_of(t);
	const char *name = circuit == NULL ? "" : circuit->name;
	struct buf body;

	buf_init(&body, BODY_MAX);
	buf_text(&body, "\"part\":\"load\"");
	if (*name != '\0') {
		buf_text(&body, ",\"circuit\":");
		buf_json_text(&body, name);
	}
	buf_text(&body, ",\"period_us\":");
	buf_json_us(&body, (int64_t)took_ns);
	buf_printf(&body, ",\"bytes\":%llu", (unsigned long long)t->bytes);
	if (why != NULL) {
		buf_text(&body, ",\"failure\":");
		buf_json_text(&body, why);
	}
	if (body.error == 0)
		t->options.row(body.data, t->options.arg);
	buf_finish(&body);
	if (why == NULL)
		log_info("load", "circuit=\"%s\" bytes=%llu ms=%llu", name,
			 (unsigned long long)t->bytes,
			 (unsigned long long)(took_ns / EP_NS_PER_MS));
	else
		log_warn("load", "circuit=\"%s\" reason=\"%s\" next=later",
			 name, why);
}

/* The next circuit from `at` on, without a budget: its bytes are for probes. */
static bool go_on(struct load_test *t)
{
	const struct config *c = t->options.config;
	size_t n = c->n_circuits == 0 ? 1 : c->n_circuits;

	while (t->at < n) {
		const struct config_circuit *circuit = circuit_of(t);

		if ((circuit == NULL || circuit->budget == 0) && begin(t) == 0)
			return true;
		t->at++;
	}
	return false;
}

static void end(struct load_test *t, const char *why)
{
	uint64_t took_ns = 0;

	if (t->began_ns != 0) {
		uint64_t wall_ns = ep_clock_wall_ns();

		took_ns = ep_clock_mono_ns() - t->began_ns;
		t->options.on_load(t->at, wall_ns - took_ns,
				   wall_ns + SETTLE_NS, t->options.arg);
	}
	say(t, took_ns, why);
	t->at++;
	if (!go_on(t))
		arm(t, settings(t)->interval_ns);
}

static void on_done(struct curl_transfer *transfer, CURLcode result)
{
	struct load_test *t =
		container_of(transfer, struct load_test, transfer);
	bool over = is_over(t), small;

	t->requests += result == CURLE_OK;
	small = t->bytes < t->requests * OBJECT_MIN;
	if (!over && result == CURLE_OK && !small) {
		(void)curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 0L);
		if (ask(t) == 0)
			return;
	}
	/* Out of time is how it ends, once something came. */
	if (!small &&
	    (over || (result == CURLE_OPERATION_TIMEDOUT && t->bytes > 0)))
		end(t, NULL);
	else
		end(t, small ? "the object is smaller than 64 KiB"
			     : curl_easy_strerror(result));
}

static void on_due(uv_timer_t *timer)
{
	struct load_test *t = container_of(timer, struct load_test, due);

	t->at = 0;
	if (!go_on(t))
		arm(t, settings(t)->interval_ns);
}

/* --- opening and closing --- */

/* Not all branches at once. */
static uint64_t first_ns(const struct load_test *t)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t)uv_hrtime();
	return settings(t)->interval_ns / 1000 * (random % 1000);
}

int load_test_open(uv_loop_t *loop, const struct load_test_options *options,
		   struct load_test **ret_test, struct ep_err *err)
{
	struct load_test *t;
	int r;

	*ret_test = NULL;
	if (options->config->load.url == NULL)
		return 0;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	t->loop = loop;
	t->options = *options;
	t->transfer.done = on_done;
	ep_scope_init(&t->scope);
	uv_timer_init(loop, &t->due);
	ep_scope_adopt(&t->scope, (uv_handle_t *)&t->due);
	r = ep_trust_take(options->config->ca_file, &t->trust, err);
	if (r == 0) {
		r = curl_loop_open(loop, &t->curl);
		if (r < 0)
			ep_err_set(err, r, "no transfers");
	}
	if (r < 0) {
		load_test_close(t);
		return r;
	}
	arm(t, first_ns(t));
	*ret_test = t;
	return 0;
}

static void on_ended(struct ep_scope *scope)
{
	struct load_test *t = container_of(scope, struct load_test, scope);

	ep_trust_drop(t->trust);
	free(t);
}

static void on_curl_closed(void *arg)
{
	ep_scope_drop(arg);
}

void load_test_close(struct load_test *test)
{
	if (test == NULL)
		return;
	curl_transfer_cancel(&test->transfer);
	curl_easy_cleanup(test->easy);
	if (test->curl != NULL) {
		ep_scope_take(&test->scope);
		curl_loop_close(test->curl, on_curl_closed, &test->scope);
	}
	ep_scope_shut(&test->scope, (uv_handle_t *)&test->due);
	ep_scope_end(&test->scope, on_ended);
}
