#include "cli/status_view.h"
#include "cli/asking.h"
#include <stdio.h>
#include <string.h>

static void begin(const char *what)
{
	printf("%-13s ", what);
}

static void print_count(double n, const char *what)
{
	printf("%.0f %s%s", n, what, n == 1 ? "" : "s");
}

static void print_agent(const struct json *line)
{
	begin("agent");
	printf("%s, version %s, up ", asking_text(line, "agent"),
	       asking_text(line, "version"));
	asking_print_time(asking_number(line, "uptime_us"));
	printf(", pid %.0f, epoch %s\n", asking_number(line, "pid"),
	       asking_text(line, "epoch"));
}

static void print_targets(const struct json *line)
{
	static const char *const keys[] = { "replied", "refused", "unreachable",
					    "lost",    "failed",  "waiting" };
	const char *comma = "";

	begin("targets");
	print_count(asking_number(line, "targets"), "target");
	printf(", %.0f measured: ", asking_number(line, "items"));
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		double n = asking_number(line, keys[i]);

		if (n > 0) {
			printf("%s%.0f %s", comma, n, keys[i]);
			comma = ", ";
		}
	}
	putchar('\n');
}

static void print_worst(const struct json *line)
{
	const char *circuit = asking_text(line, "circuit");

	begin("");
	printf("%s %s%s%s: %s", asking_text(line, "target"),
	       asking_text(line, "probe"), circuit[0] ? " over " : "", circuit,
	       asking_text(line, "outcome"));
	printf(" (%s), %.0f in a row, for ", asking_text(line, "reason"),
	       asking_number(line, "silent"));
	asking_print_time(asking_number(line, "for_us"));
	putchar('\n');
}

static void print_circuit(const struct json *line)
{
	double share = asking_number(line, "share");

	begin("circuit");
	printf("%s", asking_text(line, "circuit"));
	if (asking_has(line, "up"))
		printf(asking_is(line, "up") ? " up" : " down: %s",
		       asking_text(line, "reason"));
	if (asking_has(line, "interface"))
		printf(", %s %s", asking_text(line, "interface"),
		       asking_text(line, "addresses"));
	if (share < 1)
		printf(", thinned to %.0f %% by its budget", share * 100);
	putchar('\n');
}

static void print_cpu(const struct json *line)
{
	printf("CPU %.2f %%", 100 * asking_number(line, "cpu_us") /
				      asking_number(line, "period_us"));
}

static void print_thread(const struct json *line)
{
	begin(asking_text(line, "part"));
	printf("%.1f probes/s, late by %.3f ms (p99 of sends), %.3f ms "
	       "(loop), ",
	       asking_number(line, "probes") * 1e6 /
		       asking_number(line, "period_us"),
	       asking_number(line, "slip_p99_us") / 1e3,
	       asking_number(line, "lag_p99_us") / 1e3);
	print_cpu(line);
	putchar('\n');
}

static void print_keeping(const struct json *line)
{
	begin("keeping");
	printf("a commit takes %.1f ms (p99), ",
	       asking_number(line, "commit_p99_us") / 1e3);
	print_cpu(line);
	printf(", memory ");
	asking_print_bytes(asking_number(line, "rss_bytes"));
	putchar('\n');
}

static void print_store(const struct json *line)
{
	begin("store");
	print_count(asking_number(line, "rows"), "row");
	printf(", ");
	asking_print_bytes(asking_number(line, "bytes"));
	printf(" of at most ");
	asking_print_bytes(asking_number(line, "max_bytes"));
	if (asking_number(line, "sealed_rows") > 0)
		printf(", %.0f of the rows sealed",
		       asking_number(line, "sealed_rows"));
	printf(", %.0f wait for a commit", asking_number(line, "queued"));
	if (asking_has(line, "commit_age_us")) {
		printf(", the last was ");
		asking_print_time(asking_number(line, "commit_age_us"));
		printf(" ago");
	}
	putchar('\n');
	if (asking_is(line, "disk_full")) {
		begin("");
		puts("THE DISK IS FULL: new rows take the place of old ones");
	}
	if (asking_number(line, "evicted") > 0) {
		begin("");
		printf("%.0f rows were dropped undelivered for want of room\n",
		       asking_number(line, "evicted"));
	}
}

static void print_trouble(const struct json *line)
{
	begin("");
	printf("trouble: %s", asking_text(line, "trouble"));
	if (asking_has(line, "next_try_us")) {
		printf("; next try in ");
		asking_print_time(asking_number(line, "next_try_us"));
	}
	putchar('\n');
}

static void print_destination(const struct json *line)
{
	begin("destination");
	printf("%s: ", asking_text(line, "destination"));
	if (asking_has(line, "ack_age_us")) {
		printf("last acknowledgement ");
		asking_print_time(asking_number(line, "ack_age_us"));
		printf(" ago, ");
	} else {
		printf("no acknowledgement so far, ");
	}
	printf("backlog ");
	print_count(asking_number(line, "rows"), "row");
	if (asking_number(line, "rows") > 0) {
		printf(", the oldest ");
		asking_print_time(asking_number(line, "age_us"));
		printf(" old");
	}
	if (asking_is(line, "draining"))
		printf(", draining");
	if (asking_number(line, "quarantined") > 0)
		printf(", %.0f set aside", asking_number(line, "quarantined"));
	putchar('\n');
	if (asking_has(line, "trouble"))
		print_trouble(line);
}

static const struct {
	const char *part;
	void (*print)(const struct json *line);
} parts[] = {
	{ "agent", print_agent },
	{ "targets", print_targets },
	{ "worst", print_worst },
	{ "circuit", print_circuit },
	{ "packets", print_thread },
	{ "https", print_thread },
	{ "keeping", print_keeping },
	{ "store", print_store },
	{ "destination", print_destination },
};

void status_view_line(const struct json *line)
{
	const char *part = asking_text(line, "part");

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (strcmp(parts[i].part, part) == 0)
			parts[i].print(line);
}
