/* `edgeprobe status` as Prometheus' text exposition: metrics come in groups,
 * so that all lines are kept until the last. */
#ifndef CLI_STATUS_METRICS_H
#define CLI_STATUS_METRICS_H

#include "base/json.h"
#include <stddef.h>

#define STATUS_LINES_MAX 256

/* Zero-initialise. */
struct status_metrics {
	struct json_doc *lines[STATUS_LINES_MAX];
	size_t n;
};

/* An asking_line; `arg` is a struct status_metrics. */
void status_metrics_add(const char *text, const struct json *line, void *arg);
void status_metrics_print(const struct status_metrics *metrics);
void status_metrics_finish(struct status_metrics *metrics);

#endif
