#include "base/buf.h"
#include "base/json.h"
#include "cli/commands.h"
#include "edgeprobe/engine.h"
#include "report/web/web.h"
#include <ares.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <uv.h>
#include <zlib.h>

#define LICENCES_BYTES_MAX (1u << 20)

struct part {
	const char *name, *version;
};

static void print_text(const struct part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s %s\n", parts[i].name, parts[i].version);
}

static void print_json(const struct part *parts, size_t n)
{
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < n; i++) {
		buf_char(&out, i == 0 ? '{' : ',');
		buf_json_text(&out, parts[i].name);
		buf_char(&out, ':');
		buf_json_text(&out, parts[i].version);
	}
	printf("%s}\n", out.data ? out.data : "{");
	buf_finish(&out);
}

/* --- licences --- */

static const char *version_of(const struct web_part *part)
{
	return part->version[0] == '\0' ? EDGEPROBE_VERSION : part->version;
}

static void print_licences(const struct part *parts, size_t n)
{
	for (size_t i = 0; i < web.n_parts; i++)
		printf("%s %s, %s\n\n%s\n", web.parts[i].name,
		       version_of(&web.parts[i]), web.parts[i].licence,
		       web.parts[i].text);
	printf("Libraries of this system, under licences of their own:\n\n");
	print_text(parts, n);
}

static void print_member(struct buf *out, const char *name, const char *text)
{
	if (out->data[out->len - 1] != '{')
		buf_char(out, ',');
	buf_json_text(out, name);
	buf_char(out, ':');
	buf_json_text(out, text);
}

static void print_licences_json(const struct part *parts, size_t n)
{
	struct buf out;

	buf_init(&out, LICENCES_BYTES_MAX);
	for (size_t i = 0; i < web.n_parts; i++) {
		buf_char(&out, '{');
		print_member(&out, "name", web.parts[i].name);
		print_member(&out, "version", version_of(&web.parts[i]));
		print_member(&out, "licence", web.parts[i].licence);
		print_member(&out, "text", web.parts[i].text);
		buf_text(&out, "}\n");
	}
	for (size_t i = 0; i < n; i++) {
		buf_char(&out, '{');
		print_member(&out, "name", parts[i].name);
		print_member(&out, "version", parts[i].version);
		buf_text(&out, "}\n");
	}
	printf("%s", out.data);
	buf_finish(&out);
}

#define OWN 2 /* edgeprobe and libedgeprobe */

static void print(const struct cli_args *args, const struct part *parts,
		  size_t n)
{
	bool json = cli_given(args, "json");

	if (cli_given(args, "licences"))
		(json ? print_licences_json : print_licences)(parts + OWN,
							      n - OWN);
	else
		(json ? print_json : print_text)(parts, n);
}

static enum cli_exit run(const struct cli_args *args)
{
	const struct part parts[] = {
		{ "edgeprobe", EDGEPROBE_VERSION },
		{ "libedgeprobe", ep_version() },
		{ "libuv", uv_version_string() },
		{ "c-ares", ares_version(NULL) },
		{ "libcurl", curl_version_info(CURLVERSION_NOW)->version },
		{ "sqlite", sqlite3_libversion() },
		{ "cjson", json_library_version() },
		{ "openssl", OpenSSL_version(OPENSSL_VERSION_STRING) },
		{ "zlib", zlibVersion() },
	};

	print(args, parts, sizeof parts / sizeof parts[0]);
	return CLI_OK;
}

static const struct cli_option options[] = {
	{ .name = "licences",
	  .help = "also the licences of what is part of the program" },
	{ .name = "json",
	  .help = "as one JSON object; licences as one a line" },
};

const struct cli_command cmd_version = {
	.name = "version",
	.summary = "The version of edgeprobe and of the libraries it runs with",
	.usage = "",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
