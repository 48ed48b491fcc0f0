/* Measures one target once with nothing but libedgeprobe.
 *
 *     measure tcp 127.0.0.1 443
 *
 * The shape of every user of the library: an engine on a libuv loop, a target
 * that outlives its probe, a callback that gets the sample, and a close that
 * lets the loop run out. */
#include "edgeprobe/engine.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/probe.h"
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 64 };

struct measurement {
	struct ep_engine *engine;
	int exit_code; /* 0 when the target answered */
};

static void print(const struct ep_target *target,
		  const struct ep_sample *sample)
{
	printf("%s %s %s", target->kind->name, target->host,
	       ep_outcome_name(sample->outcome));
	if (sample->reason != EP_REASON_NONE)
		printf(" (%s)", ep_reason_meaning(sample->reason));
	if (sample->rtt_ns != EP_ABSENT)
		printf(" in %.1f us, stamps: %s", (double)sample->rtt_ns / 1e3,
		       ep_stamp_name(sample->stamp));
	putchar('\n');
}

/* The answer: once a probe, from the loop. The sample is only lent. */
static void on_sample(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct measurement *m = arg;

	print(target, sample);
	m->exit_code =
		sample->outcome == EP_REPLIED ? EXIT_SUCCESS : EXIT_FAILURE;
	ep_engine_close(m->engine, NULL, NULL); /* the loop runs out */
}

/* 0 when `text` is no port. */
static uint16_t parse_port(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	return *end || port > UINT16_MAX ? 0 : (uint16_t)port;
}

static int measure(uv_loop_t *loop, const struct ep_target *target)
{
	struct measurement m = { .exit_code = EXIT_FAILURE };
	struct ep_err err = { 0 };
	int r;

	r = ep_target_check(target, &err);
	if (r == 0)
		r = ep_engine_open(loop, &(struct ep_engine_options){ 0 },
				   &m.engine, &err);
	if (r < 0) {
		fprintf(stderr, "measure: %s\n", err.text);
		return EXIT_USAGE;
	}
	r = ep_probe_start(m.engine, target, 0, on_sample, &m, NULL);
	if (r < 0) {
		fprintf(stderr, "measure: %s\n", uv_strerror(r));
		ep_engine_close(m.engine, NULL, NULL);
	}
	uv_run(loop, UV_RUN_DEFAULT);
	return m.exit_code;
}

static int usage(void)
{
	fprintf(stderr, "usage: measure icmp|tcp|https HOST [PORT]\n"
			"PORT is 1 to 65535; icmp has none\n");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct ep_target target = { .timeout_ns = EP_TIMEOUT_DEFAULT_NS };
	uv_loop_t loop;
	int exit_code;

	if (argc < 3 || argc > 4)
		return usage();
	target.kind = ep_kind_find(argv[1]);
	target.host = argv[2];
	if (argc == 4)
		target.port = parse_port(argv[3]);
	if (!target.kind || (argc == 4 && target.port == 0))
		return usage();
	if (uv_loop_init(&loop) < 0)
		return EXIT_FAILURE;
	exit_code = measure(&loop, &target);
	return uv_loop_close(&loop) == 0 ? exit_code : EXIT_FAILURE;
}
