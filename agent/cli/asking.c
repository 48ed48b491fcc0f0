/* Happy path: the configuration says where the agent listens; it is asked, and
 * its lines are shown.
 *
 * What can fail: the configuration (said, unless it is only in its usual place
 * and not for our eyes: then the usual socket is tried); nobody listens (the
 * store is asked instead, by the very code that the agent answers with). */
#include "cli/asking.h"
#include "answers.h"
#include "base/buf.h"
#include "config/config.h"
#include "control/ask.h"
#include "edgeprobe/clock.h"
#include "store/store.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEMS_MAX 65536
#define PATIENCE_NS  (30 * EP_NS_PER_S)

struct asking {
	const struct cli_args *args;
	asking_line line;
	void *arg;
};

static int on_line(const char *text, size_t len, void *arg)
{
	struct asking *a = arg;
	struct json_doc *doc;
	struct json_fault fault;
	int r = json_parse(text, len, false, &doc, &fault);

	if (r < 0)
		return r;
	a->line(text, json_root(doc), a->arg);
	json_destroy(doc);
	return ferror(stdout) ? -EPIPE : 0;
}

/* --- the store itself --- */

static int take_lines(const struct buf *out, struct asking *a)
{
	const char *at = out->data;
	int r = out->error;

	for (size_t n = 0; r == 0 && at < out->data + out->len; at += n + 1) {
		const char *end = strchr(at, '\n');
		char *line;

		n = (size_t)(end - at);
		line = strndup(at, n);
		r = line ? on_line(line, n, a) : -ENOMEM;
		free(line);
	}
	return r;
}

static int ask_store(struct store *store, const char *request, struct asking *a,
		     struct ep_err *err)
{
	struct control_request q;
	struct control_answer answer = { .request = &q };
	struct buf out;
	size_t n;
	const struct control_word *words = answers_words(&n);
	int more, r = control_request_parse(request, strlen(request) - 1, words,
					    n, &q, err);

	if (r < 0)
		return r;
	buf_init(&out, CONTROL_PAGE_BYTES);
	answer.out = &out;
	do {
		buf_clear(&out);
		more = answers_of_store(store, &answer, err);
		r = more < 0 ? more : take_lines(&out, a);
	} while (r == 0 && more > 0);
	buf_finish(&out);
	control_request_finish(&q);
	return r;
}

static int ask_file(const struct config *config, const char *request,
		    enum asking_else otherwise, struct asking *a,
		    struct ep_err *err)
{
	struct store_options options = {
		.path = config->store_path,
		.agent = config->agent,
		.max_bytes = config->store_max_bytes,
		.read_only = otherwise == ASKING_READER,
	};
	struct store *store;
	int r = store_open(&options, &store, err);

	if (r < 0)
		return r;
	r = ask_store(store, request, a, err);
	store_close(store);
	return r;
}

/* --- the agent --- */

/* At the system's socket, too, where nothing said which one. */
static int ask_agent(const struct config *config, const char *request,
		     struct asking *a, struct ep_err *err)
{
	bool told = cli_given(a->args, "config") || config->control_asked;
	int r = control_ask(config->control_path, request, PATIENCE_NS, on_line,
			    a, err);

	if (told || r != -ECONNREFUSED ||
	    strcmp(config->control_path, CONFIG_CONTROL) == 0)
		return r;
	return control_ask(CONFIG_CONTROL, request, PATIENCE_NS, on_line, a,
			   err);
}

static enum cli_exit tell_failure(const struct asking *a, int r,
				  const struct ep_err *err)
{
	if (r == -EINVAL)
		return cli_usage_error(a->args, "%s", err->text);
	if (r == -EACCES)
		return cli_fail(a->args, r,
				"%s: only root, the agent's own user and the "
				"group that \"control\" names may ask",
				err->text);
	if (r == -EPIPE && ferror(stdout))
		return CLI_OK; /* the frame reports what stdout did not take */
	return cli_fail(a->args, r, "%s", err->text);
}

static enum cli_exit ask(const struct config *config, const char *request,
			 enum asking_else otherwise, struct asking *a)
{
	struct ep_err err = { 0 };
	int r = ask_agent(config, request, a, &err);

	if (r == -ECONNREFUSED && otherwise == ASKING_NOBODY) {
		cli_fail(a->args, r,
			 "no agent is running at %s: start it with "
			 "\"systemctl start edgeprobe\" or "
			 "\"edgeprobe run\"",
			 config->control_path);
		return CLI_NOT_RUNNING;
	}
	if (r == -ECONNREFUSED)
		r = ask_file(config, request, otherwise, a, &err);
	return r == 0 ? CLI_OK : tell_failure(a, r, &err);
}

/* Its file may be for the agent's eyes only. */
static int usual(struct config *config)
{
	memset(config, 0, sizeof(*config));
	config->store_path = config_default_store();
	if (config->store_path != NULL)
		config->control_path =
			config_default_control(config->store_path);
	return config->control_path != NULL ? 0 : -ENOMEM;
}

static int load(const struct cli_args *args, struct config *ret_config)
{
	const char *path = cli_text(args, "config");
	struct buf problems;
	int r;

	buf_init(&problems, PROBLEMS_MAX);
	r = config_load(path, ret_config, &problems);
	if (r < 0 && path == NULL)
		r = usual(ret_config);
	else if (r < 0)
		fputs(problems.data ? problems.data : "", stderr);
	buf_finish(&problems);
	return r;
}

void asking_begin(struct buf *ret_request, const struct cli_args *args,
		  const char *ask, bool of_one)
{
	buf_init(ret_request, CONTROL_LINE_MAX);
	buf_printf(ret_request, "{\"ask\":\"%s\"", ask);
	if (of_one && cli_given(args, "destination")) {
		buf_text(ret_request, ",\"destination\":");
		buf_json_text(ret_request, cli_text(args, "destination"));
	}
}

enum cli_exit asking_end(const struct cli_args *args, struct buf *request,
			 enum asking_else otherwise, asking_line line,
			 void *arg)
{
	struct asking a = { args, line, arg };
	struct config config;
	enum cli_exit code = CLI_CONFIG;

	buf_text(request, "}\n");
	if (request->error < 0) {
		code = cli_usage_error(args, "that is more than can be asked "
					     "at once");
	} else if (load(args, &config) == 0) {
		code = ask(&config, request->data, otherwise, &a);
		config_finish(&config);
	}
	buf_finish(request);
	return code;
}

enum cli_exit asking_open_store(const struct cli_args *args,
				struct store **ret_store)
{
	struct store_options options = { .read_only = true };
	struct config config;
	struct ep_err err = { 0 };
	enum cli_exit code = CLI_OK;
	int r;

	if (load(args, &config) < 0)
		return CLI_CONFIG;
	options.path = config.store_path;
	r = store_open(&options, ret_store, &err);
	if (r < 0)
		code = cli_fail(args, r, "%s", err.text);
	config_finish(&config);
	return code;
}

/* --- what lines hold --- */

const char *asking_text(const struct json *line, const char *key)
{
	const char *text = json_text(json_get(line, key));

	return text != NULL ? text : "";
}

double asking_number(const struct json *line, const char *key)
{
	double number = 0;

	json_number(json_get(line, key), &number);
	return number;
}

bool asking_is(const struct json *line, const char *key)
{
	bool yes = false;

	json_bool(json_get(line, key), &yes);
	return yes;
}

bool asking_has(const struct json *line, const char *key)
{
	return json_get(line, key) != NULL;
}

void asking_print_time(double us)
{
	static const struct {
		double us;
		const char *unit;
	} units[] = {
		{ 86400e6, "d" }, { 3600e6, "h" }, { 60e6, "min" }, { 1e6, "s" }
	};
	size_t i = 0;

	if (us < 10e6) {
		printf("%.1f s", us / 1e6);
		return;
	}
	while (us < units[i].us)
		i++;
	printf("%.0f %s", floor(us / units[i].us), units[i].unit);
	us = fmod(us, units[i].us);
	if (units[i].us > 1e6 && us >= units[i + 1].us)
		printf(" %.0f %s", floor(us / units[i + 1].us),
		       units[i + 1].unit);
}

void asking_print_bytes(double bytes)
{
	if (bytes < 1048576)
		printf("%.1f KiB", bytes / 1024);
	else if (bytes < 1073741824)
		printf("%.1f MiB", bytes / 1048576);
	else
		printf("%.2f GiB", bytes / 1073741824);
}
