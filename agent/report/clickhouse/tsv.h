/* A line of ClickHouse's TabSeparated, field after field. Pure; defensive: what
 * is not as asked for makes the line bad, and everything after that is 0 or
 * "". */
#ifndef REPORT_CLICKHOUSE_TSV_H
#define REPORT_CLICKHOUSE_TSV_H

#include <stdbool.h>
#include <stdint.h>

struct tsv {
	char *next; /* NULL: no field is left */
	bool bad;
};

void tsv_init(struct tsv *t, char *line); /* written to */

/* Unescaped in place, valid as long as the line. NULL is "". */
char *tsv_text(struct tsv *t);
uint64_t tsv_uint(struct tsv *t);
/* NULL and "nan" are NAN; infinite is fine. */
double tsv_double(struct tsv *t);

/* Every field was read, and as it should be. */
bool tsv_done(const struct tsv *t);

/* A tuple of two arrays of numbers of the same length, as sumMap() gives:
 * "([1,2],[30,40])". */
struct tsv_map {
	char *keys, *values;
	bool bad;
};

struct tsv_map tsv_map(struct tsv *t);
/* False: that was all, or map->bad is set. */
bool tsv_map_next(struct tsv_map *map, uint64_t *ret_key, uint64_t *ret_value);

#endif
