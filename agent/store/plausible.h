/* Can a row that came out of a damaged file be true? SQLite has no checksums:
 * what it hands out may be any bytes. Pure. */
#ifndef STORE_PLAUSIBLE_H
#define STORE_PLAUSIBLE_H

#include "base/record.h"
#include <sqlite3.h>
#include <stdbool.h>

/* A time that a row may be of. */
bool plausible_time(uint64_t ns);
/* Sixteen hex digits. */
bool plausible_epoch(const char *text);
/* What the row of a table says, its columns from 1 on (wreck.h). */
bool plausible_sample(sqlite3_stmt *row);
bool plausible_note(sqlite3_stmt *row);
bool plausible_gap(sqlite3_stmt *row);
/* The same of what was made of it. */
bool plausible_record(const struct record *record);

#endif
