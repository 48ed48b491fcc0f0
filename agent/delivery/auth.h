/* Where a token comes from that is not in a file: what may be configured. */
#ifndef DELIVERY_AUTH_H
#define DELIVERY_AUTH_H

#include "edgeprobe/error.h"
#include <stdbool.h>

#define AUTH_ENTRA     "entra"     /* client credentials of an application */
#define AUTH_AZURE_ARC "azure_arc" /* the machine's own, by its Arc agent */
#define AUTH_AZURE_VM  "azure_vm"  /* the machine's own, where it is a VM */

#define AUTH_SCOPE     "https://monitor.azure.com//.default"
#define AUTH_AUTHORITY "https://login.microsoftonline.com"

/* Texts are NULL where nothing is configured; whose they are is said where one
 * is held. */
struct auth_options {
	const char *type; /* NULL: there is no such source */
	const char *tenant, *client_id;
	const char *secret_file;          /* or else */
	const char *cert_file, *key_file; /* both */
	const char *scope;                /* NULL: AUTH_SCOPE */
	const char *authority;            /* NULL: AUTH_AUTHORITY */
};

bool auth_is(const struct auth_options *auth, const char *type);

/* 0, or -EINVAL and what is allowed. */
int auth_check(const struct auth_options *auth, struct ep_err *err);

/* A copy that owns its texts. 0 or -ENOMEM; auth_finish() frees either way. */
int auth_copy(const struct auth_options *from, struct auth_options *ret_auth);
void auth_finish(struct auth_options *auth);

#endif
