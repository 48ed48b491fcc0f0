/* A document inside the page: deflated by zlib, in base64. */
#ifndef REPORT_HTML_PACK_H
#define REPORT_HTML_PACK_H

#include "base/buf.h"
#include <stddef.h>

/* Append. 0, -ENOMEM, or -E2BIG: more than 1 GiB. */
int html_pack(const char *data, size_t len, struct buf *out);

#endif
