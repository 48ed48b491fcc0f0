/* Threads: the caller's keeps (keeping.c), and two measure: one for packets,
 * whose loop does nothing slow, and one for HTTPS, whose cryptography would be
 * other probes' latency.
 *
 * Start: store and destinations, then the measuring threads. Stop, in reverse:
 * measuring ends and is joined, what the rings hold is committed, destinations
 * close, the store closes, and no handle is left on any loop. */
#include "app.h"
#include "answers.h"
#include "base/log.h"
#include "base/path.h"
#include "circuit/circuit.h"
#include "control/control.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "endpoints_watch.h"
#include "event_watch.h"
#include "keeping.h"
#include "load_test.h"
#include "measuring.h"
#include "provider.h"
#include "whoami.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* How long a bounded run waits for its destinations at the end. */
#define FLUSH_NS (5 * EP_NS_PER_S)

enum { PACKETS, HTTPS, THREADS };

struct app {
	struct ep_scope scope;
	uv_loop_t loop;
	uv_signal_t term, interrupt, hangup;
	uv_timer_t duration;
	const struct config *config;
	uint64_t flush_ns;
	struct items items[THREADS];
	struct measuring *measuring[THREADS];
	struct keeping *keeping;
	struct meter *meters; /* of each circuit */
	struct circuits *circuits;
	struct endpoints_watch *endpoints;
	struct load_test *load_test;
	struct whoami *whoami;
	struct provider *provider;
	struct control *control;
	struct status_of status;
	bool stopping, again;
	int result;
};

static int is_https(const struct ep_kind *kind)
{
	return strcmp(kind->name, "https") == 0;
}

static int is_packet(const struct ep_kind *kind)
{
	return !is_https(kind);
}

static void on_ended(struct ep_scope *scope)
{
	(void)scope;
}

static void stop_measuring(struct app *app)
{
	for (int i = 0; i < THREADS; i++)
		if (app->measuring[i] != NULL)
			measuring_stop(app->measuring[i]);
	for (int i = 0; i < THREADS; i++)
		if (app->measuring[i] != NULL)
			measuring_join(app->measuring[i]);
}

static void stop_provider(struct app *app)
{
	struct keeping_view view;

	if (app->provider == NULL)
		return;
	keeping_look(app->keeping, &view);
	event_watch_ask(view.watch, NULL);
	provider_close(app->provider);
}

static void stop(struct app *app)
{
	if (app->stopping)
		return;
	app->stopping = true;
	control_close(app->control);
	endpoints_watch_close(app->endpoints);
	load_test_close(app->load_test);
	whoami_close(app->whoami);
	stop_provider(app);
	circuits_close(app->circuits);
	stop_measuring(app);
	keeping_close(app->keeping, app->flush_ns, &app->result);
	ep_scope_shut(&app->scope, (uv_handle_t *)&app->duration);
	uv_unref((uv_handle_t *)&app->term);
	uv_unref((uv_handle_t *)&app->interrupt);
	uv_unref((uv_handle_t *)&app->hangup);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct app *app = container_of(handle->data, struct app, scope);

	if (app->stopping && !app->again)
		_exit(128 + number);
	log_info("app", "signal=%d next=stop", number);
	app->flush_ns = 0; /* never wait for the network */
	app->again = false;
	stop(app);
}

static void on_duration(uv_timer_t *timer)
{
	stop(container_of(timer->data, struct app, scope));
}

/* A probe in flight is a descriptor: take what the system allows. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void watch(struct app *app, uv_signal_t *handle, int number)
{
	uv_signal_init(&app->loop, handle);
	ep_scope_adopt(&app->scope, (uv_handle_t *)handle);
	uv_signal_start(handle, on_signal, number);
}

/* From one run to the next a signal waits until somebody hears it. */
static void hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(how, &set, NULL);
}

static void watch_signals(struct app *app)
{
	signal(SIGPIPE, SIG_IGN);
	watch(app, &app->term, SIGTERM);
	watch(app, &app->interrupt, SIGINT);
	watch(app, &app->hangup, SIGHUP);
	hold_signals(SIG_UNBLOCK);
}

static int start_thread(struct app *app, int which, const char *name,
			struct ep_err *err)
{
	const struct config *c = app->config;
	struct measuring_options options = {
		.name = name,
		.items = &app->items[which],
		.meters = app->meters,
		.engine = { .dns_servers = c->dns_servers,
			    .dns_timeout_ns = c->dns_timeout_ns,
			    .ca_file = c->ca_file },
		.https = which == HTTPS,
		.elsewhere = which == HTTPS ? &app->items[PACKETS] : NULL,
		.wake = keeping_wake,
		.arg = app->keeping,
	};
	int r;

	if (app->items[which].n == 0)
		return 0;
	r = measuring_start(&options, &app->measuring[which], err);
	if (r < 0)
		return r;
	return keeping_attach(app->keeping, app->measuring[which],
			      &app->items[which], err);
}

static void on_event(const char *body, void *arg)
{
	keeping_note(((struct app *)arg)->keeping, ROW_EVENT, body);
}

static void on_moved(void *arg)
{
	struct app *app = arg;

	for (int i = 0; i < THREADS; i++)
		if (app->measuring[i] != NULL)
			measuring_flush_names(app->measuring[i]);
}

/* All threads have said what they plan. */
static int watch_circuits(struct app *app, struct ep_err *err)
{
	struct circuits_options options = {
		.config = app->config,
		.meters = app->meters,
		.row = on_event,
		.moved = on_moved,
		.arg = app,
	};

	return circuits_open(&app->loop, &options, &app->circuits, err);
}

/* Once a month or so: to stop and to start again takes part of a second, and
 * whoever measures, counts or watches needs to know nothing of it. */
static void on_targets(void *arg)
{
	struct app *app = arg;

	log_info("app", "targets=changed next=start_again");
	hold_signals(SIG_BLOCK);
	app->again = true;
	app->flush_ns = 0;
	uv_timer_start(&app->duration, on_duration, 0, 0);
}

/* To measure by the list that is there matters more than a newer one. */
static void watch_endpoints(struct app *app)
{
	struct endpoints_watch_options options = { app->config, on_event,
						   on_targets, app };
	struct ep_err err = { 0 };

	if (endpoints_watch_open(&app->loop, &options, &app->endpoints, &err) <
	    0)
		log_warn("endpoints", "open=failed reason=\"%s\" next=unasked",
			 err.text);
}

static void on_self(const char *body, void *arg)
{
	struct app *app = arg;

	keeping_note(app->keeping, ROW_SELF, body);
}

static void on_load(size_t i, uint64_t since_ns, uint64_t until_ns, void *arg)
{
	struct app *app = arg;
	struct keeping_view view;

	keeping_look(app->keeping, &view);
	event_watch_load(view.watch, i, since_ns, until_ns);
}

/* As little a reason not to measure as that. */
static void test_load(struct app *app)
{
	struct load_test_options options = { app->config, on_load, on_self,
					     app };
	struct ep_err err = { 0 };

	if (load_test_open(&app->loop, &options, &app->load_test, &err) < 0)
		log_warn("load", "open=failed reason=\"%s\" next=untested",
			 err.text);
}

static void on_resolver(size_t i, const struct ep_address *address, void *arg)
{
	struct app *app = arg;
	struct keeping_view view;

	keeping_look(app->keeping, &view);
	event_watch_resolver(view.watch, i, address);
}

static void ask_whoami(struct app *app)
{
	struct ep_err err = { 0 };

	if (whoami_open(&app->loop, app->config, on_resolver, app, &app->whoami,
			&err) < 0)
		log_warn("whoami", "open=failed reason=\"%s\" next=unasked",
			 err.text);
}

static void ask_provider(struct app *app)
{
	struct keeping_view view;
	struct ep_err err = { 0 };

	if (provider_open(&app->loop, app->config, &app->provider, &err) < 0)
		log_warn("provider", "open=failed reason=\"%s\" next=unasked",
			 err.text);
	keeping_look(app->keeping, &view);
	event_watch_ask(view.watch, app->provider);
}

static int open_control(struct app *app, struct ep_err *err)
{
	const struct config *c = app->config;
	struct control_options options = {
		.path = c->control_path,
		.group = c->control_group,
		.say = answers_say,
		.arg = &app->status,
	};
	int r;

	options.words = answers_words(&options.n_words);
	app->status = (struct status_of){ c, app->keeping, app->circuits,
					  ep_clock_mono_ns() };
	r = path_make_parents(options.path, err);
	if (r == 0)
		r = control_open(&app->loop, &options, &app->control, err);
	if (r == 0 || c->control_asked)
		return r;
	/* To measure matters more than to be asked. */
	log_warn("control", "open=failed reason=\"%s\" next=unasked",
		 err->text);
	return 0;
}

static int start(struct app *app, struct ep_err *err)
{
	int r = items_init(&app->items[PACKETS], app->config, is_packet);

	if (r == 0)
		r = items_init(&app->items[HTTPS], app->config, is_https);
	app->meters = circuits_meters(app->config);
	if (r < 0 || app->meters == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	r = keeping_open(&app->loop, app->config, &app->keeping, err);
	if (r < 0)
		return r;
	r = start_thread(app, PACKETS, "ep-packets", err);
	if (r == 0)
		r = start_thread(app, HTTPS, "ep-https", err);
	if (r == 0) {
		keeping_start(app->keeping);
		r = watch_circuits(app, err);
	}
	if (r == 0) {
		watch_endpoints(app);
		test_load(app);
		ask_whoami(app);
		ask_provider(app);
		r = open_control(app, err);
	}
	if (r < 0)
		stop(app);
	return r;
}

static void say_start(const struct app *app)
{
	const struct config *c = app->config;

	log_info("app",
		 "version=%s agent=%s targets=%zu catalogue=%s "
		 "probes_per_s=%.2f destinations=%zu store=%s",
		 ep_version(), c->agent, c->n_targets,
		 c->built_in_targets ? "built-in" : "configured",
		 items_rate(&app->items[PACKETS]) +
			 items_rate(&app->items[HTTPS]),
		 c->n_destinations, c->store_path);
}

static void close_loop(struct app *app)
{
	int r;

	ep_scope_shut(&app->scope, (uv_handle_t *)&app->duration);
	ep_scope_shut(&app->scope, (uv_handle_t *)&app->term);
	ep_scope_shut(&app->scope, (uv_handle_t *)&app->interrupt);
	ep_scope_shut(&app->scope, (uv_handle_t *)&app->hangup);
	ep_scope_end(&app->scope, on_ended);
	uv_run(&app->loop, UV_RUN_DEFAULT);
	r = uv_loop_close(&app->loop);
	assert(r == 0);
	(void)r;
}

static void free_app(struct app *app)
{
	for (int i = 0; i < THREADS; i++) {
		measuring_destroy(app->measuring[i]);
		items_finish(&app->items[i]);
	}
	free(app->meters);
	free(app);
}

static int init(struct app *app, struct ep_err *err)
{
	int r = uv_loop_init(&app->loop);

	if (r < 0)
		return ep_err_set(err, r, "no event loop: %s", uv_strerror(r));
	ep_scope_init(&app->scope);
	uv_timer_init(&app->loop, &app->duration);
	ep_scope_adopt(&app->scope, (uv_handle_t *)&app->duration);
	watch_signals(app);
	return 0;
}

int app_run(const struct config *config, uint64_t duration_ns,
	    struct ep_err *err)
{
	struct app *app = calloc(1, sizeof(*app));
	int r;

	if (app == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	r = init(app, err);
	if (r < 0) {
		free(app);
		return r;
	}
	app->config = config;
	raise_descriptors();
	r = start(app, err);
	if (r == 0) {
		say_start(app);
		if (duration_ns > 0) {
			app->flush_ns = FLUSH_NS;
			uv_timer_start(&app->duration, on_duration,
				       duration_ns / EP_NS_PER_MS, 0);
		}
		uv_run(&app->loop, UV_RUN_DEFAULT);
		r = app->result == 0 && app->again ? APP_AGAIN : app->result;
		if (r < 0)
			ep_err_set(err, r,
				   "the last samples could not be stored; "
				   "the log says why");
	}
	close_loop(app);
	free_app(app);
	if (r != APP_AGAIN)
		hold_signals(SIG_UNBLOCK);
	return r;
}
