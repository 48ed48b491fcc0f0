/* Targets that come of a source: the endpoints of Microsoft 365, by the list
 * that is kept beside the store, or else by the one that is built in. */
#ifndef CONFIG_SOURCES_H
#define CONFIG_SOURCES_H

#include "config/config.h"
#include "edge/endpoints.h"
#include "edgeprobe/error.h"

#define SOURCES_MICROSOFT365 "microsoft365"
#define SOURCES_WORLDWIDE    "Worldwide"
#define SOURCES_MAX          64 /* items that have one */
#define SOURCES_TARGETS      50 /* of one, where nothing else is said */

/* Which list is used. */
struct sources_list {
	struct edge_endpoints endpoints; /* none: of an instance that no list
					  * is built in of */
	bool kept;                       /* it is ours, from a file */
};

/* The file of `name` beside the store: malloc(3)ed; NULL: no memory. */
char *sources_path(const char *store_path, const char *name);

/* Where the list of `instance` is kept: the same. */
char *sources_list_path(const char *store_path, const char *instance);

/* Never fails: what cannot be used is not used. 0, or with `err` (which may be
 * NULL) why the file that is there was passed over. */
int sources_list_open(const char *store_path, const char *instance,
		      struct sources_list *ret_list, struct ep_err *err);
void sources_list_close(struct sources_list *list);

/* Whether it is the service's, and of which cloud. */
bool sources_is_service(const struct config_target *source);
const char *sources_instance(const struct config_target *source);

/* Which hosts of a list the item asks for; borrowed from it. */
struct edge_selection sources_select(const struct config_target *source);

/* Whether a host can be a target. */
bool sources_can_measure(const char *host);

#endif
