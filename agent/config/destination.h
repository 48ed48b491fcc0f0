/* A destination, as the files say it. Part of config.h, which owns it. */
#ifndef CONFIG_DESTINATION_H
#define CONFIG_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>

/* NULL where nothing is given. */
struct config_auth {
	char *type, *tenant, *client_id;
	char *secret_file, *cert_file, *key_file;
	char *scope, *authority;
};

struct config_destination {
	char *name, *url, *encoding, *token_file, *ca_file, *proxy;
	bool gzip;
	uint64_t batch_rows, batch_bytes, interval_ns, timeout_ns;
	uint64_t backlog_rate, backlog_bandwidth; /* a second */
	uint64_t dscp;
	struct config_auth auth;
	char *cert_file, *key_file, *key_password_file;
	char *proxy_user, *proxy_password_file, *proxy_auth, *proxy_ca_file;
	char *no_proxy;     /* comma-separated */
	char *circuit;      /* its name; NULL: by the routing table */
	const char *source; /* of that circuit; borrowed from there */
};

#endif
