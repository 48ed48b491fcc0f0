/* ClickHouse as what a report is read from: where it is, and who asks it. */
#ifndef REPORT_CLICKHOUSE_CLICKHOUSE_H
#define REPORT_CLICKHOUSE_CLICKHOUSE_H

#define CLICKHOUSE_DATABASE "edgeprobe" /* where none is named */

/* Borrowed as long as the source that was opened with them. */
struct clickhouse_options {
	/* http:// or https://, [USER@]HOST[:PORT] and no more than a slash
	 * behind it. A password does not belong there: others see it. */
	const char *url;
	const char *user; /* NULL: the URL's, or the server's default one */
	/* A file whose first line is the password. NULL: the environment's
	 * CLICKHOUSE_PASSWORD, or none. */
	const char *password_file;
	const char *ca_file;  /* PEM; NULL: the system's */
	const char *database; /* NULL: CLICKHOUSE_DATABASE */
};

struct ep_err;
struct report_options;
struct source;

/* ClickHouse over HTTP, with the tables of packaging/clickhouse; percentiles
 * are the engine's. */
int source_open_clickhouse(const struct report_options *o,
			   struct source **ret_source, struct ep_err *err);

#endif
