#include "cli/status_metrics.h"
#include "cli/asking.h"
#include <stdio.h>
#include <string.h>

#define SECONDS 1e-6 /* microseconds into the unit that Prometheus wants */

/* `key` of each line of `part`. */
struct metric {
	const char *part, *key;
	const char *name; /* without "edgeprobe_" */
	double scale;
	const char *help;
};

static const struct metric metrics[] = {
	{ "agent", "uptime_us", "uptime_seconds", SECONDS,
	  "Since the agent started" },
	{ "targets", "targets", "targets", 1, "Targets configured" },
	{ "targets", "items", "items", 1,
	  "Targets by kind of probe, circuit and family" },
	{ "targets", "replied", "items_replied", 1,
	  "Items whose last probe was answered" },
	{ "targets", "refused", "items_refused", 1,
	  "Items whose last probe met a closed port" },
	{ "targets", "unreachable", "items_unreachable", 1,
	  "Items whose last probe met an ICMP error" },
	{ "targets", "lost", "items_lost", 1,
	  "Items whose last probe was lost" },
	{ "targets", "failed", "items_failed", 1,
	  "Items that could not be asked" },
	{ "circuit", "up", "circuit_up", 1, "1: the circuit can be used" },
	{ "circuit", "share", "circuit_share", 1,
	  "Share of its plan that the budget allows" },
	{ "packets", "lag_p99_us", "packets_lag_p99_seconds", SECONDS,
	  "How late the loop came, in the last minute" },
	{ "packets", "slip_p99_us", "packets_slip_p99_seconds", SECONDS,
	  "How late probes left, in the last minute" },
	{ "packets", "probes", "packets_probes_last_minute", 1,
	  "ICMP and TCP probes in the last minute" },
	{ "https", "lag_p99_us", "https_lag_p99_seconds", SECONDS,
	  "How late the loop came, in the last minute" },
	{ "https", "slip_p99_us", "https_slip_p99_seconds", SECONDS,
	  "How late probes left, in the last minute" },
	{ "https", "probes", "https_probes_last_minute", 1,
	  "HTTPS probes in the last minute" },
	{ "keeping", "commit_p99_us", "commit_p99_seconds", SECONDS,
	  "How long commits took, in the last minute" },
	{ "keeping", "rss_bytes", "resident_bytes", 1, "Memory" },
	{ "store", "rows", "store_rows", 1, "Rows kept" },
	{ "store", "bytes", "store_bytes", 1, "Size of the database" },
	{ "store", "max_bytes", "store_max_bytes", 1,
	  "Most that the store may take" },
	{ "store", "sealed_rows", "store_sealed_rows", 1,
	  "Rows packed into chunks" },
	{ "store", "queued", "store_queued_rows", 1,
	  "Rows that wait for a commit" },
	{ "store", "evicted", "store_evicted_rows", 1,
	  "Rows dropped undelivered for want of room, ever" },
	{ "store", "disk_full", "store_disk_full", 1, "1: the disk is full" },
	{ "store", "commit_age_us", "store_commit_age_seconds", SECONDS,
	  "Since the last commit" },
	{ "destination", "rows", "backlog_rows", 1,
	  "Rows that the destination has not got yet" },
	{ "destination", "draining", "draining", 1,
	  "1: a batch of the backlog is on its way" },
	{ "destination", "age_us", "backlog_age_seconds", SECONDS,
	  "Age of the oldest of them" },
	{ "destination", "ack_age_us", "ack_age_seconds", SECONDS,
	  "Since the last acknowledgement" },
	{ "destination", "batches", "acked_batches", 1,
	  "Batches acknowledged since the start" },
	{ "destination", "acked_rows", "acked_rows", 1, "Rows in them" },
	{ "destination", "refused", "refused_attempts", 1,
	  "Answers that were no acknowledgement, since the start" },
	{ "destination", "quarantined", "quarantined_rows", 1,
	  "Rows set aside as dead letters, since the start" },
	{ "destination", "rejected", "rejected_rows", 1,
	  "Rows that the collector left out, since the start" },
};

void status_metrics_add(const char *text, const struct json *line, void *arg)
{
	struct status_metrics *m = arg;
	struct json_fault fault;

	(void)line;
	if (m->n < STATUS_LINES_MAX &&
	    json_parse(text, strlen(text), false, &m->lines[m->n], &fault) == 0)
		m->n++;
}

void status_metrics_finish(struct status_metrics *m)
{
	for (size_t i = 0; i < m->n; i++)
		json_destroy(m->lines[i]);
}

static void print_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			putchar('\\');
		putchar(*text);
	}
}

/* A line that is about a part of many says of which by a key of that name. */
static void print_labels(const struct json *line)
{
	const char *part = asking_text(line, "part");
	const char *which = asking_text(line, part);

	if (which[0] == '\0')
		return;
	printf("{%s=\"", part);
	print_quoted(which);
	printf("\"}");
}

static void print_value(const struct metric *metric, const struct json *line)
{
	double value = asking_is(line, metric->key)
			       ? 1
			       : asking_number(line, metric->key);

	printf("edgeprobe_%s", metric->name);
	print_labels(line);
	printf(" %.9g\n", value * metric->scale);
}

static void print_metric(const struct metric *metric,
			 const struct status_metrics *m)
{
	bool headed = false;

	for (size_t i = 0; i < m->n; i++) {
		const struct json *line = json_root(m->lines[i]);

		if (strcmp(asking_text(line, "part"), metric->part) != 0 ||
		    !asking_has(line, metric->key))
			continue;
		if (!headed)
			printf("# HELP edgeprobe_%s %s\n"
			       "# TYPE edgeprobe_%s gauge\n",
			       metric->name, metric->help, metric->name);
		headed = true;
		print_value(metric, line);
	}
}

void status_metrics_print(const struct status_metrics *m)
{
	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
		print_metric(&metrics[i], m);
}
