/* `edgeprobe probe`: measure now, with a line a reply and a summary.
 *
 * Happy path: operands become streams (one a kind), the schedule says when,
 * the engine measures, on_sample() prints; when every stream has its count the
 * session closes itself and the loop ends.
 *
 * What can fail: a kind has no permission (said once; the others go on); the
 * reader of our output has gone (we stop); Ctrl-C (the summary comes; a second
 * one ends at once). */
#include "cli/commands.h"
#include "cli/operand.h"
#include "cli/probe_view.h"
#include "delivery/row.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "schedule/schedule.h"
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define REMEMBERED 4096 /* a power of two: probes that a late reply can find */
#define ROW_MAX    16384

struct past {
	uint64_t id, number, seq;
	size_t stream;
};

struct session {
	struct ep_scope scope;
	uv_loop_t loop;
	uv_signal_t interrupt, term;
	struct ep_engine *engine;
	struct schedule *schedule;
	struct operand *operands;
	size_t n_operands;
	struct probe_stream *streams;
	size_t n_streams;
	struct past past[REMEMBERED];
	uint64_t count; /* of each stream; 0: no end */
	uint64_t seq;
	bool json, closing;
	char agent[65], epoch[17];
	struct buf row;
};

static void on_ended(struct ep_scope *scope)
{
	(void)scope;
}

static void finish(struct session *s)
{
	if (s->closing)
		return;
	s->closing = true;
	schedule_close(s->schedule, NULL, NULL);
	ep_engine_close(s->engine, NULL, NULL);
	ep_scope_shut(&s->scope, (uv_handle_t *)&s->interrupt);
	ep_scope_shut(&s->scope, (uv_handle_t *)&s->term);
	ep_scope_end(&s->scope, on_ended);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct session *s = container_of(handle->data, struct session, scope);

	if (s->closing)
		_exit(128 + number);
	finish(s);
}

/* --- output --- */

static void print_row(struct session *s, const struct probe_stream *stream,
		      struct record *record)
{
	const struct identity who = { s->agent, s->epoch };
	const struct series series = {
		.target = stream->label,
		.probe = stream->target.kind->name,
		.host = stream->target.host,
	};

	record->seq = ++s->seq;
	record->time_ns = record->sample.sent_ns;
	record->series = &series;
	buf_clear(&s->row);
	row_write(&s->row, &who, record);
	record->series = NULL; /* it ends here */
	buf_char(&s->row, '\n');
	fwrite(s->row.data, 1, s->row.len, stdout);
}

static void flush(struct session *s)
{
	if (fflush(stdout) != 0)
		finish(s); /* nobody reads any more */
}

static bool all_done(const struct session *s)
{
	for (size_t i = 0; i < s->n_streams; i++)
		if (s->count == 0 || s->streams[i].done < s->count)
			return false;
	return true;
}

static void on_sample(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct session *s = arg;
	struct probe_stream *stream =
		container_of((struct ep_target *)(uintptr_t)target,
			     struct probe_stream, target);
	struct past *past = &s->past[sample->id & (REMEMBERED - 1)];
	struct record record = { .type = ROW_SAMPLE, .sample = *sample };

	if (sample->outcome == EP_CANCELLED)
		return;
	probe_count(stream, &record.sample);
	if (s->json)
		print_row(s, stream, &record);
	else
		probe_show(stdout, stream, past->number, &record.sample);
	past->seq = s->seq;
	flush(s);
	if (all_done(s))
		finish(s);
}

static void on_late(const struct ep_sample *sample, void *arg)
{
	struct session *s = arg;
	const struct past *past = &s->past[sample->id & (REMEMBERED - 1)];
	struct probe_stream *stream = &s->streams[past->stream];
	struct record record = { .type = ROW_LATE, .sample = *sample };

	if (past->id != sample->id)
		return;
	stream->late += (sample->flags & EP_FLAG_DUPLICATE) == 0;
	record.of = past->seq;
	if (s->json)
		print_row(s, stream, &record);
	else
		probe_show_late(stdout, stream, past->number, sample);
	flush(s);
}

/* --- sending --- */

static void on_due(const struct plan_due *due, void *arg)
{
	struct session *s = arg;
	struct probe_stream *stream = &s->streams[due->item];
	struct ep_probe *probe;
	struct past *past;

	if (due->missed > 0) {
		stream->missed += due->missed;
		return;
	}
	if (s->count != 0 && stream->started == s->count)
		return;
	if (ep_probe_start(s->engine, &stream->target, due->due_ns, on_sample,
			   s, &probe) < 0) {
		fputs("edgeprobe probe: out of memory\n", stderr);
		finish(s);
		return;
	}
	past = &s->past[ep_probe_id(probe) & (REMEMBERED - 1)];
	past->id = ep_probe_id(probe);
	past->number = ++stream->started;
	past->stream = due->item;
}

/* Streams start one after the other, soon, and keep that distance. */
static struct plan *make_plan(const struct session *s, uint64_t interval_ns)
{
	uint64_t apart_ns = interval_ns / (s->n_streams + 1);
	uint64_t at_ns = ep_clock_mono_ns() + 20 * EP_NS_PER_MS;
	struct plan *plan = plan_create();

	if (apart_ns > 20 * EP_NS_PER_MS)
		apart_ns = 20 * EP_NS_PER_MS;
	for (size_t i = 0; plan != NULL && i < s->n_streams; i++) {
		struct plan_item item = {
			.interval_ns = interval_ns,
			.phase_ns = (at_ns + i * apart_ns) % interval_ns,
			.count = 1,
		};

		if (plan_add(plan, &item) < 0) {
			plan_destroy(plan);
			return NULL;
		}
	}
	return plan;
}

/* --- setting up --- */

static int add_stream(struct session *s, const struct cli_args *args,
		      const struct operand *o, const struct ep_kind *kind)
{
	struct probe_stream *grown = realloc(
		s->streams, (s->n_streams + 1) * sizeof(struct probe_stream));
	struct probe_stream *stream;

	if (grown == NULL)
		return -ENOMEM;
	s->streams = grown;
	stream = &grown[s->n_streams++];
	memset(stream, 0, sizeof(*stream));
	jitter_init(&stream->jitter);
	stream->label = o->text;
	stream->target.kind = kind;
	stream->target.host = o->host;
	stream->target.port = o->port;
	stream->target.path = o->path[0] == '\0' ? NULL : o->path;
	stream->target.timeout_ns = cli_number(args, "timeout");
	stream->target.source = cli_text(args, "source");
	stream->target.flow = plan_phase(o->text, UINT64_MAX);
	if (cli_given(args, "ipv4"))
		stream->target.family = 4;
	if (cli_given(args, "ipv6"))
		stream->target.family = 6;
	return 0;
}

static int add_operand(struct session *s, const struct cli_args *args,
		       const struct operand *o)
{
	const struct ep_kind *const *kinds;
	size_t n;
	int r = 0;

	if (o->kind != NULL)
		return add_stream(s, args, o, o->kind);
	kinds = ep_kinds(&n);
	for (size_t i = 0; i < n && r == 0; i++)
		if (!kinds[i]->asked_for)
			r = add_stream(s, args, o, kinds[i]);
	return r;
}

static void set_widths(struct session *s)
{
	unsigned label = 0, address = 0;

	for (size_t i = 0; i < s->n_streams; i++) {
		const struct probe_stream *p = &s->streams[i];
		unsigned n = (unsigned)strlen(p->target.host);
		unsigned wide = p->target.family == 6 ? 28 : 19;

		label = n > label ? n : label;
		address = wide > address ? wide : address;
	}
	for (size_t i = 0; i < s->n_streams; i++) {
		s->streams[i].label_width = label;
		s->streams[i].address_width = address;
	}
}

static enum cli_exit read_operands(struct session *s,
				   const struct cli_args *args)
{
	struct ep_err err = { 0 };

	s->operands = calloc(args->n_operands, sizeof(struct operand));
	if (s->operands == NULL)
		return cli_fail(args, -ENOMEM, "out of memory");
	for (size_t i = 0; i < args->n_operands; i++) {
		struct operand *o = &s->operands[i];

		if (operand_parse(args->operands[i], o, &err) < 0)
			return cli_usage_error(args, "%s", err.text);
		if (add_operand(s, args, o) < 0)
			return cli_fail(args, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < s->n_streams; i++)
		if (ep_target_check(&s->streams[i].target, &err) < 0)
			return cli_usage_error(args, "%s", err.text);
	set_widths(s);
	return CLI_OK;
}

/* Drop the streams whose kind this host does not let us measure. */
static enum cli_exit drop_unready(struct session *s,
				  const struct cli_args *args)
{
	const struct ep_kind *said = NULL;
	enum cli_exit code = CLI_OK;
	size_t kept = 0;

	for (size_t i = 0; i < s->n_streams; i++) {
		struct probe_stream *p = &s->streams[i];
		struct ep_err err = { 0 };
		int r = ep_engine_ready(s->engine, p->target.kind,
					p->target.family == 6 ? 6 : 4, &err);

		if (r == 0) {
			s->streams[kept++] = *p;
		} else if (p->target.kind != said) {
			code = cli_fail(args, r, "%s", err.text);
			said = p->target.kind;
		}
	}
	s->n_streams = kept;
	return kept == 0 ? code : CLI_OK;
}

static void name_session(struct session *s)
{
	uint64_t random = 0;

	if (gethostname(s->agent, sizeof(s->agent) - 1) < 0)
		snprintf(s->agent, sizeof(s->agent), "localhost");
	if (getrandom(&random, sizeof(random), 0) < 0)
		random = ep_clock_wall_ns();
	snprintf(s->epoch, sizeof(s->epoch), "%016llx",
		 (unsigned long long)random);
}

static void watch_signals(struct session *s)
{
	ep_scope_init(&s->scope);
	uv_signal_init(&s->loop, &s->interrupt);
	ep_scope_adopt(&s->scope, (uv_handle_t *)&s->interrupt);
	uv_signal_start(&s->interrupt, on_signal, SIGINT);
	uv_signal_init(&s->loop, &s->term);
	ep_scope_adopt(&s->scope, (uv_handle_t *)&s->term);
	uv_signal_start(&s->term, on_signal, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
}

static enum cli_exit measure(struct session *s, const struct cli_args *args)
{
	struct plan *plan = make_plan(s, cli_number(args, "interval"));
	int r = plan == NULL ? -ENOMEM
			     : schedule_open(&s->loop, plan, on_due, s,
					     &s->schedule);

	if (r < 0) {
		plan_destroy(plan);
		ep_engine_close(s->engine, NULL, NULL);
		uv_run(&s->loop, UV_RUN_DEFAULT);
		return cli_fail(args, r, "%s", uv_strerror(r));
	}
	watch_signals(s);
	schedule_start(s->schedule);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	if (!s->json)
		probe_summary(stdout, s->streams, s->n_streams);
	for (size_t i = 0; i < s->n_streams; i++)
		if (s->streams[i].replied > 0)
			return CLI_OK;
	return CLI_NOTHING;
}

static enum cli_exit with_engine(struct session *s, const struct cli_args *args)
{
	struct ep_engine_options options = {
		.ca_file = cli_text(args, "ca-file"),
	};
	struct ep_err err = { 0 };
	enum cli_exit code;
	int r = ep_engine_open(&s->loop, &options, &s->engine, &err);

	if (r < 0)
		return cli_fail(args, r, "%s", err.text);
	ep_engine_on_late(s->engine, on_late, s);
	code = drop_unready(s, args);
	if (code == CLI_OK)
		return measure(s, args);
	ep_engine_close(s->engine, NULL, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	return code;
}

static enum cli_exit with_loop(struct session *s, const struct cli_args *args)
{
	enum cli_exit code = read_operands(s, args);
	int r;

	if (code != CLI_OK)
		return code;
	r = uv_loop_init(&s->loop);
	if (r < 0)
		return cli_fail(args, r, "no event loop: %s", uv_strerror(r));
	name_session(s);
	code = with_engine(s, args);
	r = uv_loop_close(&s->loop);
	assert(r == 0);
	(void)r;
	return code;
}

static enum cli_exit run(const struct cli_args *args)
{
	struct session *s = calloc(1, sizeof(*s));
	enum cli_exit code;

	if (s == NULL)
		return cli_fail(args, -ENOMEM, "out of memory");
	if (cli_given(args, "ipv4") && cli_given(args, "ipv6")) {
		free(s);
		return cli_usage_error(args, "-4 and -6 exclude each other");
	}
	s->count = cli_given(args, "count") ? cli_number(args, "count") : 0;
	s->json = cli_given(args, "json");
	buf_init(&s->row, ROW_MAX);
	code = with_loop(s, args);
	for (size_t i = 0; i < s->n_streams; i++)
		stats_finish(&s->streams[i].rtt);
	buf_finish(&s->row);
	free(s->streams);
	free(s->operands);
	free(s);
	return code;
}

static const struct cli_option options[] = {
	{ .name = "count",
	  .letter = 'c',
	  .type = CLI_UINT,
	  .value = "N",
	  .min = 1,
	  .max = 1e9,
	  .help = "stop after N probes of each kind; without it, at Ctrl-C" },
	{ .name = "interval",
	  .letter = 'i',
	  .type = CLI_DURATION,
	  .value = "TIME",
	  .min = 10e6,
	  .max = 86400e9,
	  .fallback = "1s",
	  .help = "time between two probes of a kind" },
	{ .name = "timeout",
	  .letter = 'W',
	  .type = CLI_DURATION,
	  .value = "TIME",
	  .min = 10e6,
	  .max = 300e9,
	  .fallback = "3s",
	  .help = "silence after which a probe is lost" },
	{ .name = "source",
	  .letter = 'I',
	  .type = CLI_TEXT,
	  .value = "IF-or-IP",
	  .help = "leave by this interface, or from this address" },
	{ .name = "ca-file",
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "PEM bundle of trusted CAs instead of the system's" },
	{ .name = "ipv4", .letter = '4', .help = "IPv4 only" },
	{ .name = "ipv6", .letter = '6', .help = "IPv6 only" },
	{ .name = "json", .help = "a row a sample, as JSON lines" },
};

const struct cli_command cmd_probe = {
	.name = "probe",
	.summary = "Measure targets now: a line a reply, then a summary",
	.usage = "TARGET...",
	.help = "A TARGET is icmp://HOST, tcp://HOST[:PORT], "
		"https://HOST[:PORT][/PATH]\nor stun://HOST[:PORT]; a bare "
		"HOST means the first three. Ports default to\n443, of stun "
		"to 3478. An IPv6 address with a port goes in brackets. "
		"Round\ntrips are the network's: kernel stamps for icmp and "
		"stun, the kernel's\nhandshake time for tcp and https. An "
		"https line that says\n"
		"tls_issuer_unexpected or tcp_answered_nearby was answered by "
		"something between\nhere and the edge.\n\n"
		"Exit status 0 if any target replied, 1 if none did; a refusal "
		"is no "
		"reply.\n\n"
		"  edgeprobe probe outlook.office365.com\n"
		"  edgeprobe probe -c 10 tcp://teams.microsoft.com "
		"https://www.bing.com/",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.min_operands = 1,
	.max_operands = 1000,
	.run = run,
};
