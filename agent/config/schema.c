#include "config/schema.h"
#include "config/checks.h"
#include "config/value.h"
#include "edge/asn.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/sample.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MS         ((double)EP_NS_PER_MS)
#define S          ((double)EP_NS_PER_S)
#define MIB        1048576.0
#define LABEL_MAX  64
#define PLACE_MAX  128
#define FILE_MAX   4095
#define SOCKET_MAX 107 /* as the kernel takes it */

#define SITE(field)    offsetof(struct config_site, field)
#define CIRCUIT(field) offsetof(struct config_circuit, field)
#define TARGET(field)  offsetof(struct config_target, field)
#define TOP(field)     offsetof(struct schema_top, config.field)

static const struct schema_key site_keys[] = {
	{ .opt = { "name", EP_OPT_TEXT, SITE(name), 1, PLACE_MAX, NULL,
		   "what the branch is called" },
	  .check = check_label },
	{ .opt = { "country", EP_OPT_TEXT, SITE(country), 1, LABEL_MAX, NULL,
		   "where it is, such as \"NL\"" },
	  .check = check_label },
	{ .opt = { "metro", EP_OPT_TEXT, SITE(metro), 1, PLACE_MAX, NULL,
		   "the city that its internet lines end in" },
	  .check = check_label },
	{ .opt = { "latitude", EP_OPT_DOUBLE, SITE(latitude), -90, 90, NULL,
		   "degrees, north is positive" } },
	{ .opt = { "longitude", EP_OPT_DOUBLE, SITE(longitude), -180, 180, NULL,
		   "degrees, east is positive" } },
	{ .opt = { "expected_pops", EP_OPT_TEXT, SITE(expected_pops), 1,
		   LABEL_MAX, NULL,
		   "edge locations that it should land on, such as \"AMS\"; by "
		   "default those that have been usual" },
	  .shape = SCHEMA_POPS },
};
static const struct schema_object site = { "the site", site_keys,
					   COUNT(site_keys),
					   sizeof(struct config_site) };

static const struct schema_key circuit_keys[] = {
	{ .opt = { "name", EP_OPT_TEXT, CIRCUIT(name), 1, LABEL_MAX, NULL,
		   "what the internet line is called" },
	  .check = check_label,
	  .required = true },
	{ .opt = { "provider", EP_OPT_TEXT, CIRCUIT(provider), 1, PLACE_MAX,
		   NULL, "who provides it" },
	  .check = check_label },
	{ .opt = { "source", EP_OPT_TEXT, CIRCUIT(source), 1, EP_HOST_MAX, NULL,
		   "interface or address of this machine to leave by" },
	  .check = check_source },
	{ .opt = { "prefix", EP_OPT_TEXT, CIRCUIT(prefix), 1, LABEL_MAX, NULL,
		   "prefix registered for it" },
	  .check = check_prefix },
	{ .opt = { "connection", EP_OPT_TEXT, CIRCUIT(connection), 1, PLACE_MAX,
		   NULL, "Peering Service connection, as registered" },
	  .check = check_label },
	{ .opt = { "primary_location", EP_OPT_TEXT, CIRCUIT(primary_location),
		   1, PLACE_MAX, NULL,
		   "primary peering location, as registered" },
	  .check = check_label },
	{ .opt = { "backup_location", EP_OPT_TEXT, CIRCUIT(backup_location), 1,
		   PLACE_MAX, NULL, "backup peering location, as registered" },
	  .check = check_label },
	{ .opt = { "dns", EP_OPT_TEXT, CIRCUIT(dns), 1, LABEL_MAX, NULL,
		   "name servers to ask over this circuit" },
	  .shape = SCHEMA_TEXTS,
	  .check = check_server },
	{ .opt = { "budget", EP_OPT_SIZE, CIRCUIT(budget), 65536,
		   1024 * 1024 * MIB, NULL,
		   "bytes a day that probes may take of a metered line" } },
};
const struct schema_object schema_circuit = { "this circuit", circuit_keys,
					      COUNT(circuit_keys),
					      sizeof(struct config_circuit) };

/* The first are not in `defaults`. */
#define TARGET_ONLY 8
static const struct schema_key target_keys[] = {
	{ .opt = { "name", EP_OPT_TEXT, TARGET(name), 1, LABEL_MAX, NULL,
		   "what it is called in rows and reports; by default the "
		   "host; of a source: what the names of its hosts begin "
		   "with" },
	  .check = check_label },
	{ .opt = { "host", EP_OPT_TEXT, TARGET(host), 1, EP_HOST_MAX, NULL,
		   "name or address to measure; gateway: the router; required "
		   "unless there is a source" },
	  .check = check_host },
	{ .opt = { "source", EP_OPT_TEXT, TARGET(source), 1, LABEL_MAX, NULL,
		   "instead of a host: microsoft365, teams-media, front-door "
		   "or "
		   "entra" },
	  .check = check_target_source },
	{ .opt = { "instance", EP_OPT_TEXT, TARGET(instance), 1, LABEL_MAX,
		   NULL,
		   "microsoft365: the cloud; by default Worldwide, which has "
		   "GCC, too" },
	  .check = check_instance },
	{ .opt = { "service_areas", EP_OPT_TEXT, TARGET(areas), 1, LABEL_MAX,
		   NULL, "microsoft365: of which services; by default all" },
	  .shape = SCHEMA_TEXTS,
	  .check = check_area },
	{ .opt = { "categories", EP_OPT_TEXT, TARGET(categories), 1, LABEL_MAX,
		   NULL, "microsoft365: which endpoints; by default Optimize" },
	  .shape = SCHEMA_TEXTS,
	  .check = check_category },
	{ .opt = { "tenant", EP_OPT_TEXT, TARGET(tenant), 1, 63, NULL,
		   "microsoft365: NAME of NAME.sharepoint.com; by default "
		   "Microsoft's own" },
	  .check = check_tenant },
	{ .opt = { "max_targets", EP_OPT_UINT, TARGET(max_targets), 1, 1000,
		   NULL,
		   "microsoft365: never more hosts than that; by default "
		   "50" } },
	{ .opt = { "probes", EP_OPT_TEXT, TARGET(probes), 1, LABEL_MAX, NULL,
		   "kinds of probes; by default all but stun" },
	  .shape = SCHEMA_PROBES },
	{ .opt = { "circuits", EP_OPT_TEXT, TARGET(circuits), 1, LABEL_MAX,
		   NULL,
		   "circuits to measure over; by default all, of an empty list "
		   "the routing table decides" },
	  .shape = SCHEMA_NAMES },
	{ .opt = { "interval", EP_OPT_DURATION, TARGET(interval_ns), 100 * MS,
		   86400 * S, "10s", "time from one round to the next" } },
	{ .opt = { "timeout", EP_OPT_DURATION, TARGET(timeout_ns), 10 * MS,
		   300 * S, "3s",
		   "silence after which a probe is lost; may exceed the "
		   "interval" } },
	{ .opt = { "count", EP_OPT_UINT, TARGET(count), 1, 1000, "1",
		   "probes of each kind in a round" } },
	{ .opt = { "spacing", EP_OPT_DURATION, TARGET(spacing_ns), 5 * MS,
		   60 * S, NULL,
		   "time from one probe of a round to the next; by default "
		   "even, at most 100ms" } },
	{ .opt = { "schedule", EP_OPT_TEXT, TARGET(schedule), 1, LABEL_MAX,
		   CONFIG_PERIODIC,
		   "rounds come evenly (periodic) or at random (poisson)" },
	  .check = check_schedule },
	{ .opt = { "addresses", EP_OPT_TEXT, TARGET(addresses), 1, LABEL_MAX,
		   CONFIG_ONE,
		   "of a name with several: the first (one), always the same "
		   "(stable) or each (all)" },
	  .check = check_addresses },
	{ .opt = { "fresh_flow", EP_OPT_UINT, TARGET(fresh_flow), 0, 1000000,
		   "0",
		   "every so many probes one with new ids or ports; 0: "
		   "none" } },
	{ .opt = { "kept", EP_OPT_BOOL, TARGET(kept), 0, 0, "false",
		   "https: measure over a kept connection, too" } },
	{ .opt = { "port", EP_OPT_UINT, TARGET(port), 1, 65535, NULL,
		   "port of tcp and https probes; by default 443" } },
	{ .opt = { "family", EP_OPT_FAMILY, TARGET(family), 0, 0, NULL,
		   "address family; by default that of the first address "
		   "that the name gives" } },
	{ .opt = { "path", EP_OPT_TEXT, TARGET(path), 0, 0, NULL, NULL },
	  .check = check_path,
	  .of_kind = true },
	{ .opt = { "expect_status", EP_OPT_STATUSES, TARGET(expect_status), 0,
		   0, NULL, NULL },
	  .of_kind = true },
	{ .opt = { "expect_issuer", EP_OPT_TEXT, TARGET(expect_issuer), 1,
		   EP_TLS_ISSUER_MAX - 1, NULL,
		   "https: how the names of authorities begin that may sign; "
		   "by default, of Microsoft's hosts, those of Microsoft" },
	  .shape = SCHEMA_TEXTS,
	  .check = check_issuer },
	{ .opt = { "size", EP_OPT_UINT, TARGET(size), 0, 0, NULL, NULL },
	  .of_kind = true },
	{ .opt = { "dont_fragment", EP_OPT_BOOL, TARGET(dont_fragment), 0, 0,
		   NULL, NULL },
	  .of_kind = true },
	{ .opt = { "ttl", EP_OPT_UINT, TARGET(ttl), 0, 0, NULL, NULL },
	  .of_kind = true },
	{ .opt = { "dscp", EP_OPT_UINT, TARGET(dscp), 0, 0, NULL, NULL },
	  .of_kind = true },
};
const struct schema_object schema_target = { "this target", target_keys,
					     COUNT(target_keys),
					     sizeof(struct config_target) };
const struct schema_object schema_defaults = { "the defaults",
					       target_keys + TARGET_ONLY,
					       COUNT(target_keys) - TARGET_ONLY,
					       sizeof(struct config_target) };

static const struct schema_key dns_keys[] = {
	{ .opt = { "servers", EP_OPT_TEXT, TOP(dns_servers), 1, LABEL_MAX, NULL,
		   "name servers; by default those of resolv.conf" },
	  .shape = SCHEMA_TEXTS,
	  .check = check_server },
	{ .opt = { "timeout", EP_OPT_DURATION, TOP(dns_timeout_ns), 100 * MS,
		   60 * S, "5s",
		   "silence of all servers after which a look-up failed" } },
	{ .opt = { "whoami", EP_OPT_TEXT, TOP(dns_whoami), 1, EP_HOST_MAX, NULL,
		   "a name whose address is that of the server which asked for "
		   "it; asked hourly, to know where each circuit's is" },
	  .check = check_host },
	{ .opt = { "origin", EP_OPT_TEXT, TOP(dns_origin), 1, EDGE_ASN_ZONE_MAX,
		   NULL,
		   "a zone that tells in TXT whose network an address is in, "
		   "as "
		   "asn.cymru.com does; asked daily for each circuit's" },
	  .check = check_host },
};
static const struct schema_object dns = { "the object \"dns\"", dns_keys,
					  COUNT(dns_keys), 0 };

static const struct schema_key tls_keys[] = {
	{ .opt = { "ca_file", EP_OPT_TEXT, TOP(ca_file), 1, FILE_MAX, NULL,
		   "certificates to trust; by default those of SSL_CERT_FILE, "
		   "else the system's" },
	  .file = true },
};
static const struct schema_object tls = { "the object \"tls\"", tls_keys,
					  COUNT(tls_keys), 0 };

static const struct schema_key store_keys[] = {
	{ .opt = { "path", EP_OPT_TEXT, TOP(store_path), 1, FILE_MAX, NULL,
		   "file of the store; by default store.db in the state "
		   "directory" },
	  .file = true },
	{ .opt = { "max_size", EP_OPT_SIZE, TOP(store_max_bytes), 16 * MIB,
		   1024 * 1024 * MIB, "1GiB",
		   "most space that the store may take" } },
	{ .opt = { "commit_interval", EP_OPT_DURATION, TOP(store_commit_ns),
		   1 * S, 10 * S, "1s",
		   "time from one commit to the disk to the next: what a "
		   "power cut may cost; longer wears flash less" } },
};
static const struct schema_object store = { "the store", store_keys,
					    COUNT(store_keys), 0 };

static const struct schema_key events_keys[] = {
	{ .opt = { "latency_step", EP_OPT_DURATION, TOP(events.step_ns), 1 * MS,
		   10 * S, "5ms", "a rise of round trips that is an event" } },
	{ .opt = { "latency_percent", EP_OPT_DOUBLE, TOP(events.step_percent),
		   1, 1000, "20",
		   "and by how much of what is normal here it has to be" } },
	{ .opt = { "loss_percent", EP_OPT_DOUBLE, TOP(events.loss_percent),
		   0.01, 100, "1", "probes without an answer that are one" } },
	{ .opt = { "outage", EP_OPT_UINT, TOP(events.outage), 2, 1000, "5",
		   "so many without an answer in a row are one" } },
	{ .opt = { "lasting", EP_OPT_DURATION, TOP(events.lasting_ns), 600 * S,
		   30 * 86400 * S, "1d",
		   "a level that stays for so long is normal" } },
};
static const struct schema_object events = { "the object \"events\"",
					     events_keys, COUNT(events_keys),
					     0 };

static const struct schema_key privacy_keys[] = {
	{ .opt = { "truncate_addresses", EP_OPT_BOOL, TOP(truncate_addresses),
		   0, 0, "false",
		   "of the branch's own addresses only /24 or /48 is "
		   "delivered" } },
};
static const struct schema_object privacy = { "the object \"privacy\"",
					      privacy_keys, COUNT(privacy_keys),
					      0 };

static const struct schema_key control_keys[] = {
	{ .opt = { "path", EP_OPT_TEXT, TOP(control_path), 1, SOCKET_MAX, NULL,
		   "socket that edgeprobe status and others ask at; by default "
		   "/run/edgeprobe/control.sock, of another store than the "
		   "usual one beside it" },
	  .file = true },
	{ .opt = { "group", EP_OPT_TEXT, TOP(control_group), 1, LABEL_MAX, NULL,
		   "group of this machine whose members may ask; by default "
		   "only root and the agent's own user" },
	  .check = check_label },
};
static const struct schema_object control = { "the object \"control\"",
					      control_keys, COUNT(control_keys),
					      0 };

static const struct schema_key polling_keys[] = {
	{ .opt = { "url", EP_OPT_TEXT, TOP(polling.url), 1, FILE_MAX, NULL,
		   "where the lists are asked for; by default "
		   "https://endpoints.office.com" },
	  .check = check_mirror },
	{ .opt = { "proxy", EP_OPT_TEXT, TOP(polling.proxy), 1, EP_HOST_MAX,
		   NULL, "proxy to ask by; by default none" },
	  .check = check_proxy,
	  .url = true },
	{ .opt = { "ca_file", EP_OPT_TEXT, TOP(polling.ca_file), 1, FILE_MAX,
		   NULL,
		   "certificates to trust there; by default those of \"tls\"" },
	  .file = true },
	{ .opt = { "interval", EP_OPT_DURATION, TOP(polling.interval_ns), 1 * S,
		   30 * 86400 * S, "1h",
		   "time from one look at the version to the next; at the "
		   "service itself never less than 1h" } },
};
static const struct schema_object polling = { "the object \"microsoft365\"",
					      polling_keys, COUNT(polling_keys),
					      0 };

static const struct schema_key load_keys[] = {
	{ .opt = { "url", EP_OPT_TEXT, TOP(load.url), 1, FILE_MAX, NULL,
		   "what to download, of 10 MiB or more; without it nothing is"
		   " downloaded" },
	  .check = check_download },
	{ .opt = { "interval", EP_OPT_DURATION, TOP(load.interval_ns), 10 * S,
		   30 * 86400 * S, "24h",
		   "time from one test of all circuits to the next" } },
	{ .opt = { "duration", EP_OPT_DURATION, TOP(load.duration_ns), 1 * S,
		   60 * S, "10s", "how long a circuit is filled" } },
	{ .opt = { "max_size", EP_OPT_SIZE, TOP(load.max_size), 65536,
		   64 * 1024 * MIB, "256MiB",
		   "bytes after which a test ends earlier" } },
};
static const struct schema_object load = { "the object \"load_test\"",
					   load_keys, COUNT(load_keys), 0 };

/* An object of keys that belong to the struct above it. */
#define SAME 0
static const struct schema_key top_keys[] = {
	{ .opt = { "agent", EP_OPT_TEXT, TOP(agent), 1, LABEL_MAX, NULL,
		   "name of this agent in every row; by default the host's" },
	  .check = check_agent },
	{ .opt = { .name = "site",
		   .offset = TOP(site),
		   .help = "where the branch is" },
	  .shape = SCHEMA_OBJECT,
	  .object = &site },
	{ .opt = { .name = "circuits",
		   .max = 64,
		   .help = "internet lines of the branch" },
	  .shape = SCHEMA_OBJECTS,
	  .object = &schema_circuit,
	  .list = SCHEMA_CIRCUITS },
	{ .opt = { .name = "places",
		   .max = 1000,
		   .help = "where the enterprise's own public addresses are, "
			   "such as egresses and name servers at its hubs" },
	  .shape = SCHEMA_OBJECTS,
	  .object = &schema_hub,
	  .list = SCHEMA_HUBS },
	{ .opt = { .name = "defaults",
		   .offset = offsetof(struct schema_top, defaults),
		   .help = "keys of every target that does not say otherwise" },
	  .shape = SCHEMA_OBJECT,
	  .object = &schema_defaults },
	{ .opt = { .name = "targets",
		   .max = 25000,
		   .help = "what to measure; by default the built-in catalogue "
			   "of Microsoft's edge" },
	  .shape = SCHEMA_OBJECTS,
	  .object = &schema_target,
	  .list = SCHEMA_TARGETS },
	{ .opt = { .name = "dns", .offset = SAME, .help = "looking names up" },
	  .shape = SCHEMA_OBJECT,
	  .object = &dns },
	{ .opt = { .name = "tls",
		   .offset = SAME,
		   .help = "certificates of https probes and destinations" },
	  .shape = SCHEMA_OBJECT,
	  .object = &tls },
	{ .opt = { .name = "store", .offset = SAME, .help = "where rows stay" },
	  .shape = SCHEMA_OBJECT,
	  .object = &store },
	{ .opt = { .name = "events",
		   .offset = SAME,
		   .help = "from where on a change is told" },
	  .shape = SCHEMA_OBJECT,
	  .object = &events },
	{ .opt = { .name = "load_test",
		   .offset = SAME,
		   .help = "a download over each circuit without a budget, to "
			   "see what a full line does to round trips" },
	  .shape = SCHEMA_OBJECT,
	  .object = &load },
	{ .opt = { .name = "privacy",
		   .offset = SAME,
		   .help = "what leaves the branch" },
	  .shape = SCHEMA_OBJECT,
	  .object = &privacy },
	{ .opt = { .name = "control",
		   .offset = SAME,
		   .help = "asking the running agent" },
	  .shape = SCHEMA_OBJECT,
	  .object = &control },
	{ .opt = { .name = "microsoft365",
		   .offset = SAME,
		   .help = "asking for the endpoints of Microsoft 365, where a "
			   "target has them as its source" },
	  .shape = SCHEMA_OBJECT,
	  .object = &polling },
	{ .opt = { .name = "destinations",
		   .max = 16,
		   .help = "where rows go; by default they stay in the store" },
	  .shape = SCHEMA_OBJECTS,
	  .object = &schema_destination,
	  .list = SCHEMA_DESTINATIONS },
	{ .opt = { .name = "limits",
		   .offset = TOP(limits),
		   .help = "what figures of the report are held against" },
	  .shape = SCHEMA_OBJECT,
	  .object = &schema_limits,
	  .sparse = true },
};
const struct schema_object schema_top = { "the configuration", top_keys,
					  COUNT(top_keys),
					  sizeof(struct schema_top) };

/* The row of a kind that has an option of this name. */
static const struct ep_opt *kind_opt(const char *name)
{
	size_t n;
	const struct ep_kind *const *kinds = ep_kinds(&n);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < kinds[i]->n_opts; j++)
			if (strcmp(kinds[i]->opts[j].name, name) == 0)
				return &kinds[i]->opts[j];
	return NULL;
}

struct ep_opt schema_opt(const struct schema_key *key)
{
	struct ep_opt opt = key->opt;
	const struct ep_opt *row;

	if (!key->of_kind)
		return opt;
	row = kind_opt(opt.name);
	assert(row && row->type == opt.type);
	opt.min = row->min;
	opt.max = row->max;
	opt.fallback = row->fallback;
	opt.help = row->help;
	return opt;
}

const struct schema_key *schema_find(const struct schema_object *object,
				     const char *name)
{
	for (size_t i = 0; i < object->n_keys; i++)
		if (strcmp(object->keys[i].opt.name, name) == 0)
			return &object->keys[i];
	return NULL;
}

static void *field_of(const struct schema_key *key, void *base)
{
	return (char *)base + key->opt.offset;
}

int schema_init(const struct schema_object *object, void *base)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < object->n_keys; i++) {
		const struct schema_key *key = &object->keys[i];
		struct ep_opt opt = schema_opt(key);

		if (key->shape == SCHEMA_VALUE)
			r = value_default(&opt, field_of(key, base));
		else if (key->shape == SCHEMA_OBJECT)
			r = schema_init(key->object, field_of(key, base));
	}
	return r;
}

/* A text, or an array: one malloc(3)ed thing. */
static bool owns(const struct schema_key *key)
{
	if (key->shape == SCHEMA_VALUE)
		return key->opt.type == EP_OPT_TEXT;
	return key->shape == SCHEMA_TEXTS || key->shape == SCHEMA_PROBES ||
	       key->shape == SCHEMA_NAMES || key->shape == SCHEMA_POPS;
}

void schema_finish(const struct schema_object *object, void *base)
{
	for (size_t i = 0; i < object->n_keys; i++) {
		const struct schema_key *key = &object->keys[i];
		void **field = field_of(key, base);

		if (key->shape == SCHEMA_OBJECT)
			schema_finish(key->object, field);
		if (!owns(key))
			continue;
		free(*field);
		*field = NULL;
	}
}
