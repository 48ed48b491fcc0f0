/* `edgeprobe status` for people. */
#ifndef CLI_STATUS_VIEW_H
#define CLI_STATUS_VIEW_H

#include "base/json.h"

/* Print what one line of the answer says; a part that is not known here is left
 * out. */
void status_view_line(const struct json *line);

#endif
