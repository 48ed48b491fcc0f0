#include "base/buf.h"
#include "base/json.h"
#include "cli/commands.h"
#include "edgeprobe/engine.h"
#include <ares.h>
#include <curl/curl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <uv.h>
#include <zlib.h>

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
		{ "zlib", zlibVersion() },
	};
	const size_t n = sizeof parts / sizeof parts[0];

	if (cli_given(args, "json"))
		print_json(parts, n);
	else
		print_text(parts, n);
	return CLI_OK;
}

static const struct cli_option options[] = {
	{ .name = "json", .help = "as one JSON object" },
};

const struct cli_command cmd_version = {
	.name = "version",
	.summary = "The version of edgeprobe and of the libraries it runs with",
	.usage = "",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
