/* Stores with samples and notes, and what a report makes of them. */
#ifndef LIB_REPORT_DESK_H
#define LIB_REPORT_DESK_H

#include "lib/store_kit.h"
#include "report/model/model.h"
#include "report/model/source.h"
#include "report/report.h"

#define MS   1000000
#define S    UINT64_C(1000000000)
#define MIN  (60 * S)
#define HOUR (60 * MIN)
#define T0   (UINT64_C(1790000000) * S)

#define DESK_PATHS 4

struct desk {
	struct kit *kit;
	char paths[DESK_PATHS][128];
	const char *stores[DESK_PATHS];
	struct store *store; /* under way */
	struct report_options options;
	struct source *source;
	struct model model;
};

/* For cmocka: `*state` is a struct desk. */
int desk_set_up(void **state);
int desk_tear_down(void **state);

#define DESK_TEST(f)                                                           \
	cmocka_unit_test_setup_teardown(f, desk_set_up, desk_tear_down)

/* One more store to be read, by its name in the desk's directory. */
const char *desk_name(struct desk *w, const char *name);
/* The same, made, until desk_end(). */
void desk_begin(struct desk *w, const char *name, const char *agent);
void desk_end(struct desk *w);

/* By tcp to Exchange in Germany; the usual one is "exchange" over "fibre" in
 * "Berlin". */
uint32_t desk_series_at(struct desk *w, const char *site, const char *circuit,
			const char *target);
uint32_t desk_series(struct desk *w);

/* A round trip, or -1: lost; one that could not be asked. */
void desk_add(struct desk *w, uint32_t id, uint64_t sent_ns, int64_t rtt_ns);
void desk_fail(struct desk *w, uint32_t id, uint64_t sent_ns);
void desk_note(struct desk *w, enum row_type type, uint64_t time_ns,
	       const char *body);

/* Fill source and model. */
void desk_read(struct desk *w);
struct lines desk_lines(struct desk *w, const char *keys, bool before);
/* The report, or what `want` is about; free it. */
char *desk_written(struct desk *w, enum report_format format, int want);

void desk_has(const char *text, const char *part);
void desk_near(double a, double b, double by);

#endif
