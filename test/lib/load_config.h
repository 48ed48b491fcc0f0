/* A configuration from texts, without files. */
#ifndef LIB_LOAD_CONFIG_H
#define LIB_LOAD_CONFIG_H

#include "base/buf.h"
#include "config/config.h"
#include <stddef.h>

/* `texts` as the files a.json, b.json, ... of the folder /etc/x. `problems` is
 * initialised here. */
int load_config(const char *const *texts, size_t n, struct config *ret_config,
		struct buf *problems);

#endif
