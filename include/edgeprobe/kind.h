/* The table that a probe kind implements: one file, one constant. A kind owns
 * no timer, queue, resolver, log line or JSON key: the engine looks the name
 * up, keeps the deadline and calls back; the kind sends and recognises. */
#ifndef EDGEPROBE_KIND_H
#define EDGEPROBE_KIND_H

#include "edgeprobe/error.h"
#include "edgeprobe/option.h"
#include "edgeprobe/probe.h"
#include "edgeprobe/watch.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ep_kind {
	const char *name;   /* in rows and configuration: "icmp" */
	const char *phrase; /* for people: "ICMP echo" */
	uint16_t port;      /* default; 0: the kind has no ports */
	bool asked_for;     /* measured where it is named, not by default */
	size_t size;        /* of its state in each probe, zeroed */
	size_t shared_size; /* of its state in each engine, zeroed */
	const struct ep_opt *opts; /* fields of struct ep_target it reads */
	size_t n_opts;
	bool converses; /* a probe takes turns of ours. If we stood still
			 * meanwhile, sample->https.total_ns must show that
			 * this is not in its figures */

	/* Once an engine, before the first probe of the kind. Opens nothing
	 * that may lack permission: that is `ready`. 0 or negative errno. */
	int (*open)(struct ep_engine *engine, void *shared);
	/* Undo `open` and `ready`; every probe is closed. May be NULL. */
	void (*shut)(struct ep_engine *engine, void *shared);
	/* Open what `family` needs, if it is not. Called before `start`, too. 0,
	 * or negative errno with the remedy in `err` (which may be NULL). */
	int (*ready)(struct ep_engine *engine, void *shared, int family,
		     struct ep_err *err);
	/* Send to ep_probe_address(). Owes exactly one ep_probe_settle(), also
	 * inside. Negative errno: nothing was sent, and nothing is owed. */
	int (*start)(struct ep_probe *probe);
	/* Look for what the kernel already holds: a deadline has come, and only
	 * our reading may be late; or probes are dense. May be NULL. */
	void (*drain)(struct ep_engine *engine, void *shared);
	/* Probes have become dense, or sparse again. While they are dense,
	 * `drain` is called every few milliseconds, and the kind should watch
	 * only what must not be seen late: CPU is wake-ups. May be NULL; a kind
	 * that has it leaves sample.https alone. */
	void (*pace)(struct ep_engine *engine, void *shared, bool dense);
	/* Packets that the kernel had no room for, so far. May be NULL. */
	uint64_t (*drops)(const void *shared);
	/* What the loss at the deadline is called; NULL: EP_REASON_TIMEOUT.
	 * EP_REASON_UNMEASURED and EP_REASON_NO_SOURCE make it EP_FAILED. */
	enum ep_reason (*overdue)(struct ep_probe *probe);
	/* The probe is settled: let go of its descriptors. May be NULL. */
	void (*close)(struct ep_probe *probe);
};

/* The table of kinds, in the order in which people see them. */
const struct ep_kind *const *ep_kinds(size_t *ret_n);
const struct ep_kind *ep_kind_find(const char *name); /* NULL: none */

/* --- for kinds only: what a probe in flight knows --- */

void *ep_probe_state(struct ep_probe *probe);  /* `size` bytes */
void *ep_probe_shared(struct ep_probe *probe); /* `shared_size` bytes */
struct ep_engine *ep_probe_engine(struct ep_probe *probe);
const struct ep_target *ep_probe_target(const struct ep_probe *probe);
const struct ep_address *ep_probe_address(const struct ep_probe *probe);
uint16_t ep_probe_port(const struct ep_probe *probe); /* default applied */
uint64_t ep_probe_timeout_ns(const struct ep_probe *probe);

/* The sample being filled. The engine has set id, address, port, dns_ns; the
 * kind sets the rest but outcome, reason and slip_ns. */
struct ep_sample *ep_probe_sample(struct ep_probe *probe);

/* The packet leaves now: labels the sample, computes its slip, and starts the
 * timeout. Call it right before the system call that sends, or, with the clocks
 * as they were then, after it. */
void ep_probe_sent(struct ep_probe *probe);
void ep_probe_sent_at(struct ep_probe *probe, uint64_t mono_ns,
		      uint64_t wall_ns);

/* The outcome. A second call is ignored. The callback follows from the loop;
 * `probe` may be gone when this returns, unless inside `start`. */
void ep_probe_settle(struct ep_probe *probe, enum ep_outcome outcome,
		     enum ep_reason reason);

/* Tell the engine's owner about a reply after the answer (see ep_late_cb). */
void ep_engine_late(struct ep_engine *engine, const struct ep_sample *sample);

/* Whether probes are dense: see `pace`. What the engine was opened with,
 * defaults applied; lives as long as it. */
bool ep_engine_dense(const struct ep_engine *engine);
const struct ep_engine_options *
ep_engine_options(const struct ep_engine *engine);

/* The loop that the engine runs on; the scope (private/scope.h) that the
 * handles of engine and kinds live in, and are shut through. */
struct ep_scope;
uv_loop_t *ep_engine_loop(const struct ep_engine *engine);
struct ep_scope *ep_engine_scope(struct ep_engine *engine);

#ifdef __cplusplus
}
#endif

#endif
