#include "cli/probe_view.h"
#include "edgeprobe/kind.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Above this a figure that is not the kernel's says so in its line. */
#define DOUBT_NS 100000

static bool is_https(const struct probe_stream *s)
{
	return strcmp(s->target.kind->name, "https") == 0;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

/* Where we are is not known here. */
static void see_between(struct probe_stream *s, struct ep_sample *sample)
{
	const struct intercept_rule rule = {
		.host = s->target.host,
		.site = { (double)NAN, (double)NAN },
	};

	if (is_https(s))
		sample->flags |=
			(uint16_t)intercept_see(&s->intercept, &rule, sample);
}

void probe_count(struct probe_stream *s, struct ep_sample *sample)
{
	see_between(s, sample);
	s->done++;
	switch ((enum ep_outcome)sample->outcome) {
	case EP_REPLIED:
		s->replied++;
		break;
	case EP_REFUSED:
		s->refused++;
		break;
	case EP_UNREACHABLE:
		s->unreachable++;
		break;
	case EP_LOST:
		s->lost++;
		break;
	case EP_FAILED:
		s->failed++;
		break;
	case EP_CANCELLED:
		return;
	}
	if (sample->outcome <= EP_REFUSED && sample->rtt_ns >= 0) {
		stats_add(&s->rtt, (uint64_t)sample->rtt_ns);
		jitter_add(&s->jitter, (uint64_t)sample->rtt_ns);
	} else {
		jitter_break(&s->jitter);
	}
}

static void note_address(struct probe_stream *s, const struct ep_sample *sample)
{
	char text[EP_ADDRESS_TEXT_MAX];

	if (sample->address.family == 0)
		return;
	ep_address_format(&sample->address, text, sizeof(text));
	if (sample->port == 0)
		snprintf(s->address, sizeof(s->address), "%s", text);
	else if (sample->address.family == 6)
		snprintf(s->address, sizeof(s->address), "[%s]:%u", text,
			 sample->port);
	else
		snprintf(s->address, sizeof(s->address), "%s:%u", text,
			 sample->port);
}

static void show_phase(FILE *out, const char *name, int64_t ns)
{
	if (ns >= 0)
		fprintf(out, "  %s %.3f", name, ms((uint64_t)ns));
}

static void show_https(FILE *out, const struct ep_https *h)
{
	show_phase(out, "tls", h->tls_ns);
	show_phase(out, "first byte", h->first_byte_ns);
	show_phase(out, "total", h->total_ns);
	if (h->http_status != 0)
		fprintf(out, "  status %u", h->http_status);
	if (h->pop[0] != '\0')
		fprintf(out, "  pop %s", h->pop);
}

/* What stands between us and the edge, in the words of the row. */
static void show_between(FILE *out, const struct ep_sample *sample)
{
	if (sample->flags & EP_FLAG_TLS_ISSUER)
		fprintf(out, "  tls_issuer_unexpected (%s)",
			sample->https.tls_issuer);
	if (sample->flags & EP_FLAG_NEARBY)
		fprintf(out, "  tcp_answered_nearby (TLS after %.3f ms)",
			ms((uint64_t)sample->https.tls_first_byte_ns));
}

static void show_trust(FILE *out, const struct ep_sample *sample)
{
	if (sample->uncertainty_ns >= DOUBT_NS)
		fprintf(out, "  +-%.3f ms (%s clock)",
			ms(sample->uncertainty_ns),
			ep_stamp_name(sample->stamp));
}

static void show_answer(FILE *out, const struct ep_sample *sample,
			const char *word)
{
	if (sample->rtt_ns >= 0)
		fprintf(out, "%9.3f ms", ms((uint64_t)sample->rtt_ns));
	else
		fprintf(out, "%9s   ", "-");
	fputs(word, out);
	if (sample->rtt_ns >= 0)
		show_trust(out, sample);
	if (sample->ttl >= 0)
		fprintf(out, "  ttl %d", sample->ttl);
	if (sample->retransmits > 0)
		fprintf(out, "  %d SYN sent again", sample->retransmits);
	show_phase(out, "dns", sample->dns_ns);
}

static void show_head(FILE *out, const struct probe_stream *s, uint64_t number)
{
	fprintf(out, "%-5s  %-*s  %-*s  #%-4llu", s->target.kind->name,
		(int)s->label_width, s->target.host, (int)s->address_width,
		s->address, (unsigned long long)number);
}

void probe_show(FILE *out, struct probe_stream *s, uint64_t number,
		const struct ep_sample *sample)
{
	note_address(s, sample);
	show_head(out, s, number);
	if (sample->outcome == EP_REPLIED)
		show_answer(out, sample, "");
	else if (sample->outcome == EP_REFUSED)
		show_answer(out, sample, "  refused");
	else
		fprintf(out, "  %s: %s (%s)", ep_outcome_name(sample->outcome),
			ep_reason_meaning(sample->reason),
			ep_reason_name(sample->reason));
	if (is_https(s)) {
		show_https(out, &sample->https);
		show_between(out, sample);
	}
	fputc('\n', out);
}

void probe_show_late(FILE *out, const struct probe_stream *s, uint64_t number,
		     const struct ep_sample *sample)
{
	show_head(out, s, number);
	fprintf(out, "%9.3f ms  %s\n", ms((uint64_t)sample->rtt_ns),
		sample->flags & EP_FLAG_DUPLICATE
			? "came again (duplicate)"
			: "late: it had been counted lost");
}

static double loss(const struct probe_stream *s)
{
	uint64_t asked = s->done - s->failed;

	return asked == 0 ? 0 : 100.0 * (double)s->lost / (double)asked;
}

static void summary_row(FILE *out, const struct probe_stream *s)
{
	fprintf(out, "%-5s  %-*s  %5llu %8llu %6llu %6.1f%%",
		s->target.kind->name, (int)s->label_width, s->target.host,
		(unsigned long long)s->done,
		(unsigned long long)(s->replied + s->refused),
		(unsigned long long)(s->failed + s->unreachable), loss(s));
	if (s->rtt.n > 0)
		fprintf(out, " %8.3f %8.3f %8.3f %8.3f %8.3f",
			ms(s->rtt.min_ns), ms(stats_percentile(&s->rtt, 0.5)),
			ms(stats_percentile(&s->rtt, 0.9)), ms(s->rtt.max_ns),
			jitter_mean_ns(&s->jitter) / 1e6);
	if (s->missed > 0)
		fprintf(out, "  %llu not sent", (unsigned long long)s->missed);
	if (s->late > 0)
		fprintf(out, "  %llu late", (unsigned long long)s->late);
	fputc('\n', out);
}

void probe_summary(FILE *out, const struct probe_stream *streams, size_t n)
{
	unsigned width = n == 0 ? 0 : streams[0].label_width;

	fprintf(out, "\n%-5s  %-*s  %5s %8s %6s %7s %8s %8s %8s %8s %8s\n",
		"probe", (int)width, "host", "sent", "answered", "failed",
		"loss", "min", "p50", "p90", "max", "jitter");
	for (size_t i = 0; i < n; i++)
		summary_row(out, &streams[i]);
	fputs("Round trips in milliseconds; jitter is the mean absolute "
	      "difference of consecutive ones.\n",
	      out);
}
