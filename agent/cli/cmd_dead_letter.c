/* `edgeprobe dead-letter`: what a collector refused for what it holds. */
#include "base/buf.h"
#include "cli/asking.h"
#include "cli/commands.h"
#include "delivery/framing.h"
#include "store/dead.h"
#include "store/store.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PLAIN_MAX ((size_t)256 << 20)

/* What is printed, and whether all went well. */
struct view {
	bool json;
	const char *deed; /* "retried" */
	unsigned letters, failed;
};

/* --- list --- */

static void print_letter(const struct json *line)
{
	printf("%.0f  %s  %s  rows %.0f to %.0f (%.0f)  %s%s  ",
	       asking_number(line, "id"), asking_text(line, "time"),
	       asking_text(line, "destination"), asking_number(line, "first"),
	       asking_number(line, "last"), asking_number(line, "rows"),
	       asking_text(line, "encoding"),
	       asking_is(line, "gzip") ? " gzip" : "");
	asking_print_bytes(asking_number(line, "bytes"));
	printf("  %s\n", asking_text(line, "answer"));
}

static void on_letter(const char *text, const struct json *line, void *arg)
{
	struct view *v = arg;

	v->letters++;
	if (v->json)
		puts(text);
	else
		print_letter(line);
}

static enum cli_exit list(const struct cli_args *args)
{
	struct view v = { .json = cli_given(args, "json") };
	struct buf request;
	enum cli_exit code;

	if (cli_given(args, "all") || args->n_operands > 1)
		return cli_usage_error(args, "list takes no letters");
	asking_begin(&request, args, "dead-letter list", true);
	code = asking_end(args, &request, ASKING_READER, on_letter, &v);
	if (code == CLI_OK && v.letters == 0 && !v.json)
		puts("no dead letters");
	return code;
}

/* --- retry, drop --- */

static void on_decided(const char *text, const struct json *line, void *arg)
{
	struct view *v = arg;

	v->letters++;
	v->failed += !asking_is(line, "done");
	if (v->json)
		puts(text);
	else if (!asking_is(line, "done"))
		fprintf(stderr, "edgeprobe dead-letter: %s\n",
			asking_text(line, "why"));
}

static bool is_id(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!isdigit((unsigned char)*c))
			return false;
	return *text != '\0' && strlen(text) < 16;
}

static void put_letters(const struct cli_args *args, struct buf *request)
{
	if (cli_given(args, "all")) {
		buf_text(request, ",\"all\":true");
		return;
	}
	for (size_t i = 1; i < args->n_operands; i++)
		buf_printf(request, "%s%s", i == 1 ? ",\"ids\":[" : ",",
			   args->operands[i]);
	buf_char(request, ']');
}

static enum cli_exit decide(const struct cli_args *args, const char *ask,
			    const char *deed)
{
	struct view v = { .json = cli_given(args, "json"), .deed = deed };
	struct buf request;
	enum cli_exit code;

	if (cli_given(args, "all") == (args->n_operands > 1))
		return cli_usage_error(args, "%s needs letters or --all",
				       args->operands[0]);
	for (size_t i = 1; i < args->n_operands; i++)
		if (!is_id(args->operands[i]))
			return cli_usage_error(args,
					       "\"%.60s\": the number of a "
					       "letter expected, see list",
					       args->operands[i]);
	if (!cli_given(args, "all") && cli_given(args, "destination"))
		return cli_usage_error(args, "--destination goes with --all");
	asking_begin(&request, args, ask, true);
	put_letters(args, &request);
	code = asking_end(args, &request, ASKING_WRITER, on_decided, &v);
	if (code == CLI_OK && !v.json)
		printf("%u %s\n", v.letters - v.failed, v.deed);
	return code == CLI_OK && v.failed > 0 ? CLI_NOTHING : code;
}

static enum cli_exit retry(const struct cli_args *args)
{
	return decide(args, "dead-letter retry", "will be sent again");
}

static enum cli_exit drop(const struct cli_args *args)
{
	return decide(args, "dead-letter drop", "dropped");
}

/* --- show --- */

static int print_body(const struct store_batch *batch)
{
	struct buf plain;
	int r = 0;

	buf_init(&plain, PLAIN_MAX);
	if (batch->gzip)
		r = framing_gunzip(batch->body, batch->body_len, &plain);
	else
		buf_add(&plain, batch->body, batch->body_len);
	if (r == 0)
		r = plain.error;
	if (r == 0)
		fwrite(plain.data, 1, plain.len, stdout);
	buf_finish(&plain);
	return r;
}

static int show_one(struct store *store, const char *id)
{
	struct store_batch batch;
	uint64_t number = 0;
	int r;

	for (const char *c = id; *c; c++)
		number = number * 10 + (uint64_t)(*c - '0');
	r = store_dead_read(store, number, &batch);
	if (r < 0)
		return r;
	r = print_body(&batch);
	store_batch_finish(&batch);
	return r;
}

static enum cli_exit show(const struct cli_args *args)
{
	struct store *store;
	enum cli_exit code;
	int r;

	if (args->n_operands != 2 || !is_id(args->operands[1]))
		return cli_usage_error(args,
				       "show needs the number of one letter");
	code = asking_open_store(args, &store);
	if (code != CLI_OK)
		return code;
	r = show_one(store, args->operands[1]);
	store_close(store);
	if (r == -ENOENT)
		return cli_fail(args, -ENODATA, "there is no letter %s",
				args->operands[1]);
	return r < 0 ? cli_fail(args, r, "letter %s: %s", args->operands[1],
				strerror(-r))
		     : CLI_OK;
}

static const struct {
	const char *name;
	enum cli_exit (*run)(const struct cli_args *args);
} deeds[] = {
	{ "list", list },
	{ "show", show },
	{ "retry", retry },
	{ "drop", drop },
};

static enum cli_exit run(const struct cli_args *args)
{
	for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
		if (strcmp(deeds[i].name, args->operands[0]) == 0)
			return deeds[i].run(args);
	return cli_usage_error(args,
			       "\"%.60s\": list, show, retry or drop expected",
			       args->operands[0]);
}

static const struct cli_option options[] = {
	ASKING_CONFIG,
	ASKING_JSON,
	ASKING_DESTINATION,
	{ .name = "all",
	  .letter = 'a',
	  .help = "retry, drop: all letters, or all of --destination" },
};

const struct cli_command cmd_dead_letter = {
	.name = "dead-letter",
	.summary = "What a collector refused for what it holds",
	.usage = "list|show|retry|drop [LETTER...]",
	.help = "A batch or row that a collector will not have, although it "
		"takes others, is set\naside, and its rows are declared to be "
		"missing. show prints what was to be sent;\nretry sends it "
		"again, byte for byte, once the collector is mended; drop "
		"forgets\nit. Works with the agent and without. Exits with 1 "
		"if there is no such letter.",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.min_operands = 1,
	.max_operands = 257,
	.run = run,
};
