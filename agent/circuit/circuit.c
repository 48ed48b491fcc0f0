/* Happy path: the kernel's notice makes the socket readable; a moment later,
 * when what belongs together has changed, look() asks how all circuits are,
 * and tell() says what is new.
 *
 * What can fail: the socket or a look (said once; the next notice tries again,
 * and so does the timer); notices that come faster than they are read (the
 * kernel says so, which is as good as a notice); a line that flaps (told once
 * in five seconds, with a count). */
#include "circuit/circuit.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/units.h"
#include "circuit/changes.h"
#include "circuit/lines.h"
#include "circuit/netlink.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* From the first notice to the look, and from one look to the next. */
#define SETTLE_NS (200 * EP_NS_PER_MS)
#define APART_NS  EP_NS_PER_S

/* How often shares are compared with what was said, and a look is made where
 * no notices can be had. */
#define ROUND_NS (30 * EP_NS_PER_S)

#define BODY_MAX 1024

struct circuit {
	struct changes changes;
	struct meter_said said;
};

struct circuits {
	struct ep_scope scope;
	struct circuits_options options;
	uv_poll_t poll;
	uv_timer_t timer;
	int fd; /* -1: the kernel tells nothing */
	struct lines *lines;
	const char **sources; /* of each circuit; NULL: any way */
	struct circuit *circuits;
	size_t n;
	uint64_t looked_ns, look_ns; /* the last, the next; 0: none is due */
	bool failing;
};

struct meter *circuits_meters(const struct config *config)
{
	struct meter *meters = calloc(config->n_circuits + 1, sizeof(*meters));

	for (size_t i = 0; meters != NULL && i < config->n_circuits; i++)
		meter_init(&meters[i], config->circuits[i].budget,
			   ep_clock_mono_ns());
	return meters;
}

/* --- saying it --- */

static void add_text(struct buf *body, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_printf(body, ",\"%s\":", key);
	buf_json_text(body, value);
}

static void begin(struct buf *body, const char *event, const char *level,
		  const char *state, const struct config_circuit *c)
{
	buf_init(body, BODY_MAX);
	buf_printf(body, "\"event\":\"%s\",\"level\":\"%s\",\"state\":\"%s\"",
		   event, level, state);
	add_text(body, "circuit", c->name);
	add_text(body, "provider", c->provider);
}

static void put(const struct circuits *cs, struct buf *body)
{
	if (body->error == 0)
		cs->options.row(body->data, cs->options.arg);
	buf_finish(body);
}

static void put_change(const struct circuits *cs, size_t i, unsigned n)
{
	const struct line *line = &cs->circuits[i].changes.now;
	bool up = line->lack == LINE_WHOLE;
	struct buf body;

	begin(&body, "circuit_changed", up ? "info" : "warning",
	      up ? "up" : "down", &cs->options.config->circuits[i]);
	add_text(&body, "reason", line_lack_name(line->lack));
	add_text(&body, "interface", line->interface);
	add_text(&body, "addresses", line->addresses);
	buf_printf(&body, ",\"changes\":%u", n);
	put(cs, &body);
}

static void log_line(const struct config_circuit *c, const struct line *line,
		     unsigned n)
{
	const char *interface = line->interface[0] ? line->interface : "none";
	const char *addresses = line->addresses[0] ? line->addresses : "none";

	if (line->lack == LINE_WHOLE)
		log_info("circuit",
			 "circuit=\"%s\" state=up interface=%s addresses=%s "
			 "changes=%u",
			 c->name, interface, addresses, n);
	else
		log_warn("circuit",
			 "circuit=\"%s\" state=down reason=%s interface=%s "
			 "addresses=%s changes=%u",
			 c->name, line_lack_name(line->lack), interface,
			 addresses, n);
}

static void log_share(const struct config_circuit *c, const struct meter *m)
{
	struct buf budget;

	buf_init(&budget, 64);
	unit_print_size(&budget, c->budget);
	log_info("circuit", "circuit=\"%s\" budget=%s share=%.3f spent=%lld",
		 c->name, budget.data, meter_share(m), (long long)m->spent);
	buf_finish(&budget);
}

static void put_share(const struct circuits *cs, size_t i)
{
	const struct meter *m = &cs->options.meters[i];
	double share = meter_share(m);
	struct buf body;

	begin(&body, "circuit_thinned", "info", share < 1 ? "thinned" : "whole",
	      &cs->options.config->circuits[i]);
	buf_printf(&body,
		   ",\"share\":%.3f,\"budget_bytes\":%llu,"
		   "\"spent_bytes\":%lld",
		   share, (unsigned long long)m->budget, (long long)m->spent);
	put(cs, &body);
}

static void tell_share(struct circuits *cs, size_t i, uint64_t now_ns)
{
	const struct meter *m = &cs->options.meters[i];
	struct meter_said *said = &cs->circuits[i].said;
	double before = said->share;

	if (!meter_has_news(m, said, now_ns))
		return;
	log_share(&cs->options.config->circuits[i], m);
	if (said->share < 1 || before > 0)
		put_share(cs, i);
}

static void tell(struct circuits *cs, uint64_t now_ns)
{
	unsigned n;

	for (size_t i = 0; i < cs->n; i++) {
		struct changes *changes = &cs->circuits[i].changes;

		tell_share(cs, i, now_ns);
		if (!changes_tell(changes, now_ns, &n))
			continue;
		log_line(&cs->options.config->circuits[i], &changes->now, n);
		put_change(cs, i, n);
	}
}

/* --- looking --- */

/* How it is at the start is no change; a row says so if it is down. */
static void greet(const struct circuits *cs, size_t i)
{
	const struct line *line = &cs->circuits[i].changes.now;

	log_line(&cs->options.config->circuits[i], line, 0);
	if (line->lack != LINE_WHOLE)
		put_change(cs, i, 0);
}

static bool take_line(struct circuits *cs, size_t i)
{
	struct changes *changes = &cs->circuits[i].changes;
	struct line line;

	lines_look(cs->lines, cs->sources[i], &line);
	switch (changes_see(changes, &line)) {
	case CHANGES_FIRST:
		greet(cs, i);
		return false;
	case CHANGES_MORE:
		return changes->now.lack == LINE_WHOLE;
	case CHANGES_NONE:
		break;
	}
	return false;
}

static void say_failure(struct circuits *cs, int r)
{
	if (r < 0 && !cs->failing)
		log_warn("circuit", "watch=failed reason=\"%s\" next=retry",
			 uv_strerror(r));
	if (r == 0 && cs->failing)
		log_info("circuit", "watch=ok again=yes");
	cs->failing = r < 0;
}

static void look(struct circuits *cs, uint64_t now_ns)
{
	int r = netlink_look(cs->lines, cs->sources, cs->n);
	bool moved = false;

	cs->looked_ns = now_ns;
	cs->look_ns = 0;
	say_failure(cs, r);
	for (size_t i = 0; r == 0 && i < cs->n; i++)
		if (cs->sources[i] != NULL)
			moved |= take_line(cs, i);
	lines_clear(cs->lines);
	if (moved)
		cs->options.moved(cs->options.arg);
}

/* --- the loop --- */

static void on_timer(uv_timer_t *timer);

static void arm(struct circuits *cs, uint64_t now_ns)
{
	uint64_t due_ns = now_ns + ROUND_NS, wait_ns = 0;

	if (cs->look_ns != 0 && cs->look_ns < due_ns)
		due_ns = cs->look_ns;
	for (size_t i = 0; i < cs->n; i++)
		if (changes_due_ns(&cs->circuits[i].changes) < due_ns)
			due_ns = changes_due_ns(&cs->circuits[i].changes);
	if (due_ns > now_ns)
		wait_ns = due_ns - now_ns;
	uv_update_time(cs->timer.loop);
	uv_timer_start(&cs->timer, on_timer, wait_ns / EP_NS_PER_MS + 1, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct circuits *cs = container_of(timer, struct circuits, timer);
	uint64_t now_ns = ep_clock_mono_ns();
	bool blind = cs->fd < 0 || cs->failing;

	if ((cs->look_ns != 0 && cs->look_ns <= now_ns) ||
	    (blind && now_ns - cs->looked_ns >= ROUND_NS))
		look(cs, now_ns);
	tell(cs, now_ns);
	arm(cs, now_ns);
}

static void on_notice(uv_poll_t *poll, int status, int events)
{
	struct circuits *cs = container_of(poll, struct circuits, poll);
	uint64_t now_ns = ep_clock_mono_ns();

	bool changed = netlink_changed(cs->fd);

	(void)events;
	if (status < 0) /* libuv stops at ENOBUFS, which was read just now */
		uv_poll_start(poll, UV_READABLE, on_notice);
	if (!changed || cs->look_ns != 0)
		return;
	cs->look_ns = now_ns + SETTLE_NS;
	if (cs->look_ns < cs->looked_ns + APART_NS)
		cs->look_ns = cs->looked_ns + APART_NS;
	arm(cs, now_ns);
}

static void subscribe(struct circuits *cs, uv_loop_t *loop)
{
	int r = netlink_subscribe();

	cs->fd = r;
	if (r >= 0)
		r = uv_poll_init(loop, &cs->poll, cs->fd);
	if (r < 0) {
		if (cs->fd >= 0)
			close(cs->fd);
		cs->fd = -1;
		log_warn("circuit", "watch=none reason=\"%s\" next=ask",
			 uv_strerror(r));
		return;
	}
	ep_scope_adopt(&cs->scope, (uv_handle_t *)&cs->poll);
	uv_poll_start(&cs->poll, UV_READABLE, on_notice);
}

void circuits_facts(const struct circuits *cs, size_t i,
		    struct circuit_facts *ret_facts)
{
	const struct changes *changes = &cs->circuits[i].changes;

	*ret_facts = (struct circuit_facts){
		.watched = changes->seen,
		.up = changes->now.lack == LINE_WHOLE,
		.reason = line_lack_name(changes->now.lack),
		.interface = changes->now.interface,
		.addresses = changes->now.addresses,
		.share = meter_share(&cs->options.meters[i]),
	};
}

static void free_circuits(struct ep_scope *scope)
{
	struct circuits *cs = container_of(scope, struct circuits, scope);

	if (cs->fd >= 0)
		close(cs->fd);
	lines_destroy(cs->lines);
	free(cs->sources);
	free(cs->circuits);
	free(cs);
}

int circuits_open(uv_loop_t *loop, const struct circuits_options *options,
		  struct circuits **ret_circuits, struct ep_err *err)
{
	struct circuits *cs = calloc(1, sizeof(*cs));
	const struct config *config = options->config;
	uint64_t now_ns = ep_clock_mono_ns();

	if (cs == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	cs->options = *options;
	cs->fd = -1;
	cs->n = config->n_circuits;
	cs->lines = lines_create();
	cs->sources = calloc(cs->n + 1, sizeof(*cs->sources));
	cs->circuits = calloc(cs->n + 1, sizeof(*cs->circuits));
	ep_scope_init(&cs->scope);
	if (cs->lines == NULL || cs->sources == NULL || cs->circuits == NULL) {
		ep_scope_end(&cs->scope, free_circuits);
		return ep_err_set(err, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < cs->n; i++)
		cs->sources[i] = config->circuits[i].source;
	uv_timer_init(loop, &cs->timer);
	ep_scope_adopt(&cs->scope, (uv_handle_t *)&cs->timer);
	*ret_circuits = cs;
	if (cs->n == 0)
		return 0; /* nothing to watch */
	subscribe(cs, loop);
	look(cs, now_ns);
	tell(cs, now_ns);
	arm(cs, now_ns);
	return 0;
}

void circuits_close(struct circuits *circuits)
{
	if (circuits == NULL)
		return;
	if (circuits->fd >= 0)
		ep_scope_shut(&circuits->scope, (uv_handle_t *)&circuits->poll);
	ep_scope_shut(&circuits->scope, (uv_handle_t *)&circuits->timer);
	ep_scope_end(&circuits->scope, free_circuits);
}
