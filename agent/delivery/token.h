/* A token in a file that others replace while we run. It may say its own scheme
 * ("Basic dXNlcjpwYXNz"); one that does not has the destination's. */
#ifndef DELIVERY_TOKEN_H
#define DELIVERY_TOKEN_H

#include <sys/stat.h>

#define TOKEN_MAX 16384 /* bytes of the file */

/* Zero-initialise and set `path` and `scheme` (borrowed). */
struct token {
	const char *path;
	const char *scheme; /* where the file names none: "Bearer" */
	struct stat seen;   /* of the file when it was read */
	char *header;       /* "Authorization: SCHEME TOKEN"; NULL: not read */
};

/* Read the file if it is not the one that was read last. 1: the token is a
 * new one; 0: the same; or a negative errno and no header: -EINVAL for what is
 * no token (empty, too long, more than one line, another scheme). */
int token_refresh(struct token *token);

/* Forgets the secret. */
void token_finish(struct token *token);

#endif
