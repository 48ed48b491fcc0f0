#include "cli/trial_view.h"

#include "base/buf.h"
#include "delivery/retry.h"
#include "edgeprobe/clock.h"
#include <string.h>

#define JSON_MAX 16384
#define URL_MAX  2048
#define DAY_S    86400

/* What the agent does after such an answer. */
static const char *const follows[] = {
	[ACK_DONE] = "acknowledged: the agent goes on with the next batch",
	[ACK_BUSY] = "busy: the agent keeps everything and sends the same "
		     "again later",
	[ACK_UNSURE] = "unsure: the agent sends the same again later; the "
		       "fifth time it takes the batch for bad",
	[ACK_TOO_LARGE] = "too large: the agent cuts the batch in two, and "
			  "makes smaller ones from then on",
	[ACK_BAD_DATA] = "bad data: the agent sets the batch aside, and if "
			 "others pass it finds the row that is bad",
	[ACK_ENDPOINT] = "not acknowledged: the agent keeps everything and "
			 "tries again later",
};

/* Where the fault has no name, because it passes or is not of the way. */
static const struct {
	unsigned status;
	const char *help;
} by_status[] = {
	{ 400, "the collector does not like what it reads: check encoding, and "
	       "that it knows all keys of a row" },
	{ 408, "the collector was too slow: try again" },
	{ 413, "even a single event is too large there: check the collector's "
	       "limit" },
	{ 415, "the collector wants another content type: check encoding, and "
	       "that it takes gzip (or set gzip to false)" },
	{ 422, "the collector reads it and refuses what it says: check "
	       "encoding" },
	{ 429, "the collector is throttling: nothing is wrong, or its limit is "
	       "too low" },
	{ 500, "the collector failed: its own log says why" },
	{ 502, "what stands before the collector does not reach it" },
	{ 503, "the collector is busy or down: try again" },
	{ 504, "what stands before the collector waited in vain for it" },
};

/* What is said of a token that was not given; the first that is found. */
static const struct {
	const char *words, *help;
} by_token[] = {
	{ " aadsts=7000215",
	  "Entra does not take the secret: renew it, and put "
	  "its value, not its id, into secret_file" },
	{ " aadsts=7000222", "the secret has expired: make a new one" },
	{ " aadsts=700016",
	  "the tenant knows no such application: check tenant "
	  "and client_id" },
	{ " aadsts=900", "there is no such tenant: check tenant" },
	{ " aadsts=700024", "Entra finds our time wrong: set this clock" },
	{ " aadsts=700027", "Entra does not know the certificate: register "
			    "cert_file with the application" },
	{ " code=invalid_client", "Entra does not take the secret or the "
				  "certificate: renew it, check client_id" },
	{ " code=invalid_scope", "check scope" },
	{ " secret_file=", "check that secret_file is there, one line, and "
			   "readable for the agent" },
	{ " cert_file=", "check cert_file" },
	{ " key_file=", "check key_file" },
	{ " file=", "who asks the Arc agent has to be in the group himds" },
	{ "azure_arc failed=", "the Arc agent does not answer: is this machine "
			       "connected (azcmagent show)?" },
	{ "azure_vm failed=", "no metadata service: is this a machine in "
			      "Azure?" },
	{ " failed=", "the token service cannot be reached: check authority, "
		      "proxy, and ca_file, which counts for both" },
	{ "error=token", "the token service gave none" },
};

static const char *help_of_token(const char *text)
{
	for (size_t i = 0; i < sizeof(by_token) / sizeof(by_token[0]); i++)
		if (strstr(text, by_token[i].words))
			return by_token[i].help;
	return NULL;
}

static const char *help_of(const struct trial_result *r)
{
	const struct trace *t = &r->trace;

	if (r->verdict.class == ACK_DONE)
		return NULL;
	if (strncmp(r->verdict.text, "error=token ", 12) == 0)
		return help_of_token(r->verdict.text);
	if (t->help && *t->help)
		return t->help;
	for (size_t i = 0; i < sizeof(by_status) / sizeof(by_status[0]); i++)
		if (t->status == by_status[i].status)
			return by_status[i].help;
	return NULL;
}

/* Without what may be a secret: user and password, parameters. */
static const char *plain_url(const char *url, char *ret, size_t size)
{
	const char *host = strstr(url, "://"), *at;
	size_t n;

	host = host ? host + 3 : url;
	at = memchr(host, '@', strcspn(host, "/?#"));
	n = (size_t)(host - url);
	host = at ? at + 1 : host;
	snprintf(ret, size, "%.*s%.*s", (int)n, url, (int)strcspn(host, "?#"),
		 host);
	return ret;
}

static int64_t days_left(const struct trace *t)
{
	int64_t now_s = (int64_t)(ep_clock_wall_ns() / EP_NS_PER_S);
	int64_t left_s = t->expires_s - now_s;

	return left_s >= 0 ? left_s / DAY_S : -1 - (-left_s - 1) / DAY_S;
}

static double ms(uint64_t ns)
{
	return (double)ns / (double)EP_NS_PER_MS;
}

/* --- for people --- */

static void line(FILE *out, const char *name)
{
	fprintf(out, "  %-10s ", name);
}

static void print_way(FILE *out, const struct deliver_options *o,
		      const struct trace *t)
{
	char url[URL_MAX];

	if (t->proxied) {
		line(out, "proxy");
		fprintf(out, "%s", plain_url(o->proxy, url, sizeof(url)));
		if (t->tunnel)
			fprintf(out, ", which answered %u", t->tunnel);
		fputc('\n', out);
	}
	if (!t->address[0])
		return;
	line(out, "connected");
	fprintf(out, "%s port %u%s after %.1f ms (name %.1f ms)\n", t->address,
		t->port, t->proxied ? ", the proxy," : "", ms(t->connect_ns),
		ms(t->name_ns));
}

static void print_tls(FILE *out, const struct trace *t)
{
	if (!t->tls && !t->issuer[0])
		return;
	line(out, "tls");
	if (t->tls)
		fprintf(out, "%s after %.1f ms", t->tls, ms(t->tls_ns));
	else
		fputs("no handshake", out);
	fprintf(out, ", certificate by \"%s\"", t->issuer);
	if (t->expires_s)
		fprintf(out, ", %lld days left", (long long)days_left(t));
	fputc('\n', out);
}

static void print_token(FILE *out, const struct deliver_options *o,
			const struct trial_result *r)
{
	if (!o->auth.type && !o->token_file)
		return;
	line(out, "token");
	if (!o->auth.type)
		fprintf(out, "of %s\n", o->token_file);
	else if (r->token_left_ns)
		fprintf(out, "given by %s, for %llu min\n", o->auth.type,
			(unsigned long long)(r->token_left_ns /
					     (60 * EP_NS_PER_S)));
	else
		fprintf(out, "none, of %s\n", o->auth.type);
}

/* The verdict's words, without the fault and its help: they have a place of
 * their own. */
static const char *answer_of(const struct trial_result *r,
			     char ret[VERDICT_TEXT_MAX])
{
	char *end;

	snprintf(ret, VERDICT_TEXT_MAX, "%s", r->verdict.text);
	end = strstr(ret, " fault=");
	if (end)
		*end = '\0';
	return ret;
}

static void print_answer(FILE *out, const struct trial_result *r)
{
	const char *help = help_of(r);
	char text[VERDICT_TEXT_MAX];

	line(out, "answer");
	fprintf(out, "%s\n", *answer_of(r, text) ? text : "written and synced");
	line(out, "means");
	fprintf(out, "%s\n", follows[r->verdict.class]);
	if (r->verdict.after_ns != RETRY_NO_AFTER) {
		line(out, "asks");
		fprintf(out, "to be left alone for %llu s\n",
			(unsigned long long)(r->verdict.after_ns /
					     EP_NS_PER_S));
	}
	if (r->trace.fault) {
		line(out, "fault");
		fprintf(out, "%s\n", r->trace.fault);
	}
	if (help) {
		line(out, "try");
		fprintf(out, "%s\n", help);
	}
}

void trial_print(FILE *out, const struct deliver_options *o, const char *agent,
		 const struct trial_result *r)
{
	char url[URL_MAX];

	fprintf(out, "%s: %s\n", o->name, plain_url(o->url, url, sizeof(url)));
	print_way(out, o, &r->trace);
	print_tls(out, &r->trace);
	print_token(out, o, r);
	line(out, "batch");
	fprintf(out, "one event of %s, epoch %s, %zu bytes, %s%s\n", agent,
		r->epoch, r->bytes, r->framing->name, o->gzip ? ", gzip" : "");
	if (r->trace.path[0]) {
		line(out, "file");
		fprintf(out, "%s (may be removed)\n", r->trace.path);
	}
	print_answer(out, r);
}

/* --- for programs --- */

static void add_text(struct buf *b, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(b, ",\"%s\":", key);
	buf_json_text(b, value);
}

static void add_number(struct buf *b, const char *key, uint64_t value)
{
	if (value > 0)
		buf_printf(b, ",\"%s\":%llu", key, (unsigned long long)value);
}

static void add_us(struct buf *b, const char *key, uint64_t ns)
{
	if (ns == 0)
		return;
	buf_printf(b, ",\"%s\":", key);
	buf_json_us(b, (int64_t)ns);
}

static void add_trace(struct buf *b, const struct trace *t)
{
	add_text(b, "address", t->address);
	add_number(b, "port", t->port);
	add_number(b, "proxy_status", t->tunnel);
	add_text(b, "tls", t->tls);
	add_text(b, "tls_issuer", t->issuer);
	if (t->expires_s)
		buf_printf(b, ",\"tls_days_left\":%lld",
			   (long long)days_left(t));
	add_us(b, "name_us", t->name_ns);
	add_us(b, "connect_us", t->connect_ns);
	add_us(b, "tls_us", t->tls_ns);
	add_us(b, "total_us", t->total_ns);
	add_text(b, "file", t->path);
	add_number(b, "status", t->status);
}

void trial_print_json(FILE *out, const struct deliver_options *o,
		      const char *agent, const struct trial_result *r)
{
	char url[URL_MAX], text[VERDICT_TEXT_MAX];
	struct buf b;

	buf_init(&b, JSON_MAX);
	buf_text(&b, "{\"destination\":");
	buf_json_text(&b, o->name);
	add_text(&b, "url", plain_url(o->url, url, sizeof(url)));
	add_text(&b, "encoding", r->framing->name);
	add_text(&b, "agent", agent);
	add_text(&b, "epoch", r->epoch);
	add_number(&b, "bytes", r->bytes);
	if (r->trace.proxied)
		add_text(&b, "proxy", plain_url(o->proxy, url, sizeof(url)));
	add_trace(&b, &r->trace);
	add_number(&b, "token_left_s", r->token_left_ns / EP_NS_PER_S);
	buf_printf(&b, ",\"acknowledged\":%s",
		   r->verdict.class == ACK_DONE ? "true" : "false");
	add_text(&b, "class", ack_class_name(r->verdict.class));
	add_text(&b, "answer", answer_of(r, text));
	if (r->verdict.after_ns != RETRY_NO_AFTER)
		buf_printf(&b, ",\"retry_after_s\":%llu",
			   (unsigned long long)(r->verdict.after_ns /
						EP_NS_PER_S));
	add_text(&b, "fault", r->trace.fault);
	add_text(&b, "help", help_of(r));
	buf_text(&b, "}\n");
	if (b.error == 0)
		fwrite(b.data, 1, b.len, out);
	buf_finish(&b);
}
