/* Secrets in files: read whole, bounded, and forgotten without a trace. */
#ifndef DELIVERY_SECRET_H
#define DELIVERY_SECRET_H

#include <stddef.h>

#define SECRET_FILE_MAX 65536 /* bytes; a key with its certificates has room */

/* `text` is malloc(3)ed and ends in a NUL that `len` does not count; zero: there
 * is none. */
struct secret {
	char *text;
	size_t len;
};

/* Read a regular file of 1 to `max` bytes. 0; -EINVAL: it is none; or what the
 * file says. Does not wait for a writer, should it be a pipe. */
int secret_read(const char *path, size_t max, struct secret *ret_secret);
/* The same of an open file, which stays open. */
int secret_read_fd(int fd, size_t max, struct secret *ret_secret);

/* Drop the blanks and newlines that editors leave at the end. 0; -EINVAL:
 * nothing is left, or it is not one line of printable ASCII. */
int secret_trim(struct secret *secret);

/* Overwrites it, too; may be called twice. */
void secret_finish(struct secret *secret);

#endif
