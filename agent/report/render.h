/* The renderers: groups to text, JSON or CSV. */
#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include "base/buf.h"
#include "report/group.h"

void render_text(const struct groups *gs, struct buf *out);
void render_json(const struct groups *gs, struct buf *out);
void render_csv(const struct groups *gs, struct buf *out);

#endif
