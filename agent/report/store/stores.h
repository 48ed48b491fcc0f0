/* Local stores as what a report is read from. */
#ifndef REPORT_STORE_STORES_H
#define REPORT_STORE_STORES_H

#include "report/model/source.h"

/* One or several local stores; reads them whole, which is when errors show.
 * -ENODATA: nothing in the window; `err` says what there is. What `before` and
 * the model need is collected only where `o` asks for it. */
int source_open_stores(const struct report_options *o,
		       struct source **ret_source, struct ep_err *err);

#endif
