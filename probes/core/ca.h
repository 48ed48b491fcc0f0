/* Which bundle of certificate authorities to trust. */
#ifndef PROBES_CORE_CA_H
#define PROBES_CORE_CA_H

#include "edgeprobe/error.h"
#include <stddef.h>

/* The PEM bundle: `configured` if not NULL, else the environment's
 * SSL_CERT_FILE, else the first of the system's usual places that is readable.
 * One that was named and cannot be used is an error, never passed over.
 * 0; -ENOENT, -EACCES, -EISDIR, ... as the file says; -EINVAL: it holds no
 * certificate; -ENAMETOOLONG. `err` (which may be NULL) names the file. */
int ca_find(const char *configured, char *ret_path, size_t size,
	    struct ep_err *err);

/* The first of `n` paths that is readable; the last step of ca_find(). */
int ca_find_in(const char *const *paths, size_t n, char *ret_path, size_t size,
	       struct ep_err *err);

#endif
