/* What one store says beside its samples: facts of its site, events. */
#ifndef REPORT_STORE_NOTES_H
#define REPORT_STORE_NOTES_H

#include "report/gather/places.h"
#include "report/gather/story.h"
#include "store/store.h"

/* Facts are told once a day: so much earlier than a window they are looked
 * for. */
#define NOTES_BEFORE_NS (UINT64_C(25) * 3600 * 1000000000)

/* Read `range` (its types are set here). `site`: what the site is called where
 * rows do not say it, a kept text. 0 or a negative errno with `err`. */
int notes_read(struct store *store, const struct store_range *range,
	       const char *site, struct places *places, struct story *story,
	       struct ep_err *err);

#endif
