/* The configuration as a plain struct: what the files say, defaults applied.
 * Everything is owned by the struct and freed by config_finish(). */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/buf.h"
#include "config/destination.h"
#include "config/limits.h"
#include "config/target.h"
#include "edge/place.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_PATH    "/etc/edgeprobe/edgeprobe.json"
#define CONFIG_DROP_IN "/etc/edgeprobe/conf.d"

struct config_site {
	char *name, *country, *metro;
	double latitude, longitude; /* NAN where not given */
	/* Codes of the table of edge/pop.h, each once; own array. */
	const char **expected_pops;
	size_t n_expected_pops; /* 0: what is usual is learned */
};

struct config_circuit {
	char *name, *provider, *source, *prefix;
	char *connection, *primary_location, *backup_location;
	char *dns;       /* name servers of this circuit, comma-separated */
	uint64_t budget; /* bytes a day that probes may take; 0: no bound */
};

/* Asking for the lists of Microsoft 365. */
struct config_polling {
	char *url, *proxy, *ca_file; /* NULL: the service, none, that of tls */
	uint64_t interval_ns;
};

/* Filling a circuit with a download, to see what that does to round trips. */
struct config_load {
	char *url; /* NULL: it is not done */
	uint64_t interval_ns, duration_ns, max_size;
};

/* From where on a change is an event. */
struct config_events {
	uint64_t step_ns;    /* a rise of round trips by so much */
	double step_percent; /* and by this share of what is normal */
	double loss_percent; /* a share of probes without an answer */
	uint64_t outage;     /* so many in a row */
	uint64_t lasting_ns; /* a level that stays so long is normal */
};

struct config {
	char *agent;
	struct config_site site;
	struct config_events events;
	struct config_limits limits;
	struct config_load load;
	struct config_circuit *circuits;
	size_t n_circuits;
	struct edge_hub *hubs; /* the list "places" */
	size_t n_hubs;
	struct config_target *targets;
	size_t n_targets;
	/* Items with a source, whose hosts are the last `n_sourced` targets. */
	struct config_target *sources;
	size_t n_sources;
	struct config_sourced *sourced;
	size_t n_sourced;
	char **places; /* of each target, then of each source, "FILE:LINE", or
			* "": built in; then a NULL. NULL: nobody asked */
	struct config_polling polling;
	bool built_in_targets; /* none configured: the Microsoft catalogue */
	char *dns_servers;     /* comma-separated; NULL: resolv.conf */
	uint64_t dns_timeout_ns;
	char *dns_whoami; /* a name; NULL: nothing is asked */
	char *dns_origin; /* a zone; NULL: nothing is asked */
	char *ca_file;    /* NULL: SSL_CERT_FILE, else the system's */
	char *store_path;
	uint64_t store_max_bytes;
	uint64_t store_commit_ns; /* from one commit to the next */
	bool truncate_addresses;  /* the branch's own, in what is delivered */
	struct config_destination *destinations;
	size_t n_destinations;
	char *control_path;  /* of the socket that answers questions */
	char *control_group; /* whose members may ask; NULL: nobody */
	bool control_asked;  /* the path is the user's own */
};

/* Read `path`; CONFIG_PATH (NULL means it, too) is followed by the drop-ins,
 * *.json in order of their names, and may be missing when it was not asked for
 * by name. 0, or on failure every problem, one a line, in `problems`:
 * "FILE:LINE:COLUMN: what is wrong, what is allowed"; `*ret_config` is
 * untouched. -EINVAL for content, else the errno of the file. */
int config_load(const char *path, struct config *ret_config,
		struct buf *problems);
void config_finish(struct config *config);

/* The same with `places`; lines only for the first CONFIG_LINES of them, since
 * finding one walks the file. */
#define CONFIG_LINES 1000
int config_load_places(const char *path, struct config *ret_config,
		       struct buf *problems);

/* The effective configuration as JSON, readable by config_load(), secrets
 * masked. */
void config_print(const struct config *config, struct buf *out);

/* Where the store is when nothing says it: malloc(3)ed; NULL: no memory. */
char *config_default_store(void);

/* Where the agent of the store at `store_path` listens when nothing says it:
 * malloc(3)ed; NULL: no memory. That of the system's or the user's own store in
 * the runtime directory, any other beside its store. */
#define CONFIG_CONTROL "/run/edgeprobe/control.sock"
char *config_default_control(const char *store_path);

#endif
