/* Events in words. */
#ifndef REPORT_GATHER_SAID_H
#define REPORT_GATHER_SAID_H

#include "base/buf.h"
#include "base/json.h"

/* One line for people of a row of type event, without when it was: forms say
 * that beside it. */
void said_event(struct buf *out, const struct json *row);

#endif
