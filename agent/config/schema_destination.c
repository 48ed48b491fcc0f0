/* The keys of a destination. */
#include "config/checks.h"
#include "config/schema.h"
#include "edgeprobe/clock.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MS        ((double)EP_NS_PER_MS)
#define S         ((double)EP_NS_PER_S)
#define MIB       1048576.0
#define LABEL_MAX 64
#define PLACE_MAX 128
#define FILE_MAX  4095
#define URL_MAX   2047

#define AUTH(field)        offsetof(struct config_auth, field)
#define DESTINATION(field) offsetof(struct config_destination, field)

static const struct schema_key auth_keys[] = {
	{ .opt = { "type", EP_OPT_TEXT, AUTH(type), 1, LABEL_MAX, NULL,
		   "who gives it: entra, azure_arc (the Arc agent of this "
		   "machine) or azure_vm" },
	  .check = check_auth_type,
	  .required = true },
	{ .opt = { "tenant", EP_OPT_TEXT, AUTH(tenant), 1, PLACE_MAX, NULL,
		   "entra: id or domain of the directory" },
	  .check = check_label },
	{ .opt = { "client_id", EP_OPT_TEXT, AUTH(client_id), 1, PLACE_MAX,
		   NULL,
		   "entra: id of the application; azure_vm: of a "
		   "user-assigned identity" },
	  .check = check_label },
	{ .opt = { "secret_file", EP_OPT_TEXT, AUTH(secret_file), 1, FILE_MAX,
		   NULL, "entra: file with the client secret" },
	  .file = true },
	{ .opt = { "cert_file", EP_OPT_TEXT, AUTH(cert_file), 1, FILE_MAX, NULL,
		   "entra, instead of a secret: certificate that is registered "
		   "there" },
	  .file = true },
	{ .opt = { "key_file", EP_OPT_TEXT, AUTH(key_file), 1, FILE_MAX, NULL,
		   "its private key, RSA without a password" },
	  .file = true },
	{ .opt = { "scope", EP_OPT_TEXT, AUTH(scope), 1, URL_MAX, NULL,
		   "what the token is for; by default Azure Monitor, "
		   "https://monitor.azure.com//.default" },
	  .check = check_label },
	{ .opt = { "authority", EP_OPT_TEXT, AUTH(authority), 1, URL_MAX, NULL,
		   "entra: the cloud; by default "
		   "https://login.microsoftonline.com" },
	  .check = check_authority },
};
static const struct schema_object auth = { "the object \"auth\"", auth_keys,
					   COUNT(auth_keys),
					   sizeof(struct config_auth) };

static const struct schema_key destination_keys[] = {
	{ .opt = { "name", EP_OPT_TEXT, DESTINATION(name), 1, LABEL_MAX, NULL,
		   "what it is called; the store counts by this name" },
	  .check = check_label,
	  .required = true },
	{ .opt = { "url", EP_OPT_TEXT, DESTINATION(url), 1, URL_MAX, NULL,
		   "where batches go: https://, http:// to this machine, or "
		   "file:///DIR/" },
	  .check = check_url,
	  .url = true,
	  .required = true },
	{ .opt = { "encoding", EP_OPT_TEXT, DESTINATION(encoding), 1, LABEL_MAX,
		   "ndjson",
		   "ndjson, json-array, otlp-json, otlp-logs, otlp-metrics, "
		   "elastic-bulk, splunk-hec or vm-import" },
	  .check = check_encoding },
	{ .opt = { "token_file", EP_OPT_TEXT, DESTINATION(token_file), 1,
		   FILE_MAX, NULL,
		   "file with the token that goes with each batch" },
	  .file = true },
	{ .opt = { .name = "auth",
		   .offset = DESTINATION(auth),
		   .help = "service that gives the token, instead of a file" },
	  .shape = SCHEMA_OBJECT,
	  .object = &auth,
	  .sparse = true },
	{ .opt = { "ca_file", EP_OPT_TEXT, DESTINATION(ca_file), 1, FILE_MAX,
		   NULL, "certificates to trust; by default tls.ca_file" },
	  .file = true },
	{ .opt = { "cert_file", EP_OPT_TEXT, DESTINATION(cert_file), 1,
		   FILE_MAX, NULL,
		   "certificate to show to the collector, with its chain" },
	  .file = true },
	{ .opt = { "key_file", EP_OPT_TEXT, DESTINATION(key_file), 1, FILE_MAX,
		   NULL, "its private key; not for everybody to read" },
	  .file = true },
	{ .opt = { "key_password_file", EP_OPT_TEXT,
		   DESTINATION(key_password_file), 1, FILE_MAX, NULL,
		   "file with the password of that key, if it has one" },
	  .file = true },
	{ .opt = { "proxy", EP_OPT_TEXT, DESTINATION(proxy), 1, URL_MAX, NULL,
		   "proxy on the way, such as \"http://192.0.2.3:3128\"" },
	  .check = check_proxy,
	  .url = true },
	{ .opt = { "proxy_user", EP_OPT_TEXT, DESTINATION(proxy_user), 1,
		   PLACE_MAX, NULL, "user that the proxy knows" },
	  .check = check_label },
	{ .opt = { "proxy_password_file", EP_OPT_TEXT,
		   DESTINATION(proxy_password_file), 1, FILE_MAX, NULL,
		   "file with that user's password" },
	  .file = true },
	{ .opt = { "proxy_auth", EP_OPT_TEXT, DESTINATION(proxy_auth), 1,
		   LABEL_MAX, NULL,
		   "how the user proves it: any (the best that the proxy "
		   "offers; the default), basic, digest or ntlm; negotiate: by "
		   "the host's Kerberos ticket, without user" },
	  .check = check_proxy_auth },
	{ .opt = { "proxy_ca_file", EP_OPT_TEXT, DESTINATION(proxy_ca_file), 1,
		   FILE_MAX, NULL,
		   "certificates to trust of an https:// proxy; by default "
		   "ca_file" },
	  .file = true },
	{ .opt = { "no_proxy", EP_OPT_TEXT, DESTINATION(no_proxy), 1, PLACE_MAX,
		   NULL,
		   "hosts to reach without the proxy: names with all below "
		   "them, addresses, prefixes, *" },
	  .shape = SCHEMA_TEXTS,
	  .check = check_bypass },
	{ .opt = { "circuit", EP_OPT_TEXT, DESTINATION(circuit), 1, LABEL_MAX,
		   NULL,
		   "circuit to deliver over, by its source; by default the "
		   "routing table decides" },
	  .check = check_label },
	{ .opt = { "gzip", EP_OPT_BOOL, DESTINATION(gzip), 0, 0, NULL,
		   "compress batches; by default true, of file: false" } },
	{ .opt = { "batch_rows", EP_OPT_UINT, DESTINATION(batch_rows), 1, 50000,
		   "5000", "most rows of a batch" } },
	{ .opt = { "batch_bytes", EP_OPT_SIZE, DESTINATION(batch_bytes), 4096,
		   16 * MIB, "900000B",
		   "most bytes of a batch, before compression" } },
	{ .opt = { "interval", EP_OPT_DURATION, DESTINATION(interval_ns),
		   100 * MS, 86400 * S, "10s",
		   "a batch that is not full waits this long" } },
	{ .opt = { "timeout", EP_OPT_DURATION, DESTINATION(timeout_ns), 1 * S,
		   300 * S, "30s", "time that one attempt may take" } },
	{ .opt = { "backlog_rate", EP_OPT_UINT, DESTINATION(backlog_rate), 0,
		   1000, "1",
		   "after an outage: most batches of the backlog a second; it "
		   "begins with a fiftieth of that; 0: as fast as it goes" } },
	{ .opt = { "backlog_bandwidth", EP_OPT_SIZE,
		   DESTINATION(backlog_bandwidth), 4096, 1024 * MIB, "256KiB",
		   "bytes a second that the backlog may take of the line" } },
	{ .opt = { "dscp", EP_OPT_UINT, DESTINATION(dscp), 0, 63, "0",
		   "DSCP of what is sent; with 0 the backlog goes as LE (1, "
		   "RFC 8622), which gives way to everything else" } },
};
const struct schema_object schema_destination = {
	"this destination", destination_keys, COUNT(destination_keys),
	sizeof(struct config_destination)
};
