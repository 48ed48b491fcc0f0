/* A row as lines that VictoriaMetrics imports (/api/v1/import): one for each of
 * its figures. Pure. Which there are is in README.md. */
#ifndef DELIVERY_VM_IMPORT_H
#define DELIVERY_VM_IMPORT_H

#include "base/buf.h"
#include "base/record.h"

/* At least one line, a newline between two; each has the row's `seq` beside
 * what is imported, by which they are found together again. */
void vm_import_row(struct buf *out, const struct identity *who,
		   const struct record *record);

#endif
