/* `edgeprobe store`: is a store whole, what can be read of it, and get that out
 * of a damaged one. The agent does the last by itself; this is for a file that
 * comes from elsewhere, or to see what it would do. */
#include "base/buf.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/rows_out.h"
#include "cli/store_path.h"
#include "store/salvage.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 4300
/* What is salvaged by hand is not cut to the agent's bound. */
#define MAX_BYTES ((uint64_t)1 << 40)

/* --- check --- */

static void print_check(const char *path, const struct store_check_result *c)
{
	printf("%s: %s%s%s\n", path, c->whole ? "whole" : "damaged",
	       c->trouble[0] ? ": " : "", c->trouble);
	printf("  epoch %s, schema %d\n", c->epoch[0] ? c->epoch : "unknown",
	       c->schema);
	printf("  %" PRIu64 " rows can be read, %" PRIu64 " to %" PRIu64
	       "; %" PRIu64 " numbers are missing\n",
	       c->rows, c->first, c->last, c->missing);
	if (c->log_frames > 0)
		printf("  log: %" PRIu64 " of %" PRIu64 " pages can be read\n",
		       c->log_good, c->log_frames);
}

static void print_json(const char *path, const struct store_check_result *c)
{
	struct buf b;

	buf_init(&b, 16384);
	buf_text(&b, "{\"store\":");
	buf_json_text(&b, path);
	buf_printf(&b,
		   ",\"whole\":%s,\"trouble\":", c->whole ? "true" : "false");
	buf_json_text(&b, c->trouble);
	buf_printf(&b,
		   ",\"epoch\":\"%s\",\"schema\":%d,\"rows\":%" PRIu64
		   ",\"first\":%" PRIu64 ",\"last\":%" PRIu64
		   ",\"missing\":%" PRIu64 ",\"log_pages\":%" PRIu64
		   ",\"log_pages_read\":%" PRIu64 "}",
		   c->epoch, c->schema, c->rows, c->first, c->last, c->missing,
		   c->log_frames, c->log_good);
	if (b.error == 0)
		puts(b.data);
	buf_finish(&b);
}

static enum cli_exit look(const struct cli_args *args, const char *path,
			  struct store_check_result *ret_result)
{
	struct ep_err err = { 0 };
	int r = access(path, R_OK) < 0
			? ep_err_set(&err, -errno, "%s: %s", path,
				     strerror(errno))
			: store_check(path, NULL, ret_result, &err);

	return r < 0 ? cli_fail(args, r, "%s", err.text) : CLI_OK;
}

static enum cli_exit check(const struct cli_args *args, const char *path)
{
	struct store_check_result c = { 0 };
	enum cli_exit code = look(args, path, &c);

	if (code != CLI_OK)
		return code;
	if (cli_given(args, "json"))
		print_json(path, &c);
	else
		print_check(path, &c);
	return c.whole ? CLI_OK : CLI_NOTHING;
}

/* --- export --- */

static enum cli_exit export(const struct cli_args *args, const char *path) {
	struct store_options options = { .path = path,
					 .read_only = true,
					 .forgiving = true };
	struct ep_err err = { 0 };
	struct store * store;
	struct rows_out out;
	struct identity who;
	int r = store_open(&options, &store, &err);

	if (r < 0) return cli_fail(args, r, "%s", err.text);
	if (store_notice(store)[0] != '\0')
		log_warn("store", "%s", store_notice(store));
	who = (struct identity){ store_agent(store), store_epoch(store) };
	rows_out_init(&out, &who);
	r = store_scan_damaged(store, rows_out_put, &out);
	rows_out_finish(&out);
	store_close(store);
	if (r == 0 ||
	    ferror(stdout)) return CLI_OK; /* the frame reports what stdout did not take */
	return cli_fail(args, r, "%s: %s", path, strerror(-r));
}

/* --- repair --- */

/* Where it is set aside to, and what comes of it. */
struct plan {
	char damaged[PATH_BYTES], making[PATH_BYTES], salvaged[PATH_BYTES];
	bool aside; /* it is set aside already */
};

static void make_plan(const char *path, struct plan *p)
{
	const char *word = strstr(path, ".damaged-");
	int len = word != NULL ? (int)(word - path) : (int)strlen(path);
	time_t now = time(NULL);
	char stamp[40];
	struct tm tm;

	p->aside = word != NULL;
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	if (p->aside)
		snprintf(stamp, sizeof(stamp), "%s",
			 word + strlen(".damaged-"));
	snprintf(p->damaged, sizeof(p->damaged), "%.*s.damaged-%s", len, path,
		 stamp);
	snprintf(p->making, sizeof(p->making), "%.*s.salvaging-%s", len, path,
		 stamp);
	snprintf(p->salvaged, sizeof(p->salvaged), "%.*s.salvaged-%s", len,
		 path, stamp);
}

static void say_plan(const char *path, const struct plan *p,
		     const struct store_check_result *c)
{
	print_check(path, c);
	printf("with --apply:\n");
	if (!p->aside)
		printf("  1. %s is renamed to %s\n", path, p->damaged);
	printf("  %d. what can be read becomes %s, the rest is declared "
	       "there\n"
	       "  %d. %s is removed\n"
	       "The agent does so by itself when it starts; it delivers what "
	       "was salvaged.\n",
	       p->aside ? 1 : 2, p->salvaged, p->aside ? 2 : 3, p->damaged);
}

static int apply(const char *path, const struct plan *p, struct ep_err *err)
{
	struct store_salvage_options options = { .from = p->damaged,
						 .to = p->making,
						 .epoch = "",
						 .agent = "",
						 .max_bytes = MAX_BYTES };
	struct store_salvage_result result;
	int r = p->aside ? 0 : store_rename(path, p->damaged);

	if (r < 0)
		return ep_err_set(err, r, "%s: cannot be renamed: %s", path,
				  strerror(-r));
	r = store_salvage(&options, &result, err);
	if (r < 0)
		return r;
	r = store_keep_salvaged(p->making, p->salvaged, p->damaged);
	if (r < 0)
		return ep_err_set(err, r, "%s: %s", p->salvaged, strerror(-r));
	printf("%s: %" PRIu64 " rows, %" PRIu64 " numbers declared missing\n",
	       p->salvaged, result.rows, result.declared);
	return 0;
}

static enum cli_exit held(const struct cli_args *args, const char *path)
{
	struct store_check_result c = { 0 };
	struct ep_err err = { 0 };
	enum cli_exit code = look(args, path, &c);
	struct plan plan;

	if (code != CLI_OK)
		return code;
	make_plan(path, &plan);
	if (c.whole && !plan.aside) {
		print_check(path, &c);
		printf("nothing to repair\n");
		return CLI_OK;
	}
	if (!cli_given(args, "apply")) {
		say_plan(path, &plan, &c);
		return CLI_OK;
	}
	if (apply(path, &plan, &err) < 0)
		return cli_fail(args, err.code, "%s", err.text);
	return CLI_OK;
}

static enum cli_exit repair(const struct cli_args *args, const char *path)
{
	struct ep_err err = { 0 };
	enum cli_exit code;
	int fd = -1;

	if (access(path, R_OK) < 0)
		return cli_fail(args, -errno, "%s: %s", path, strerror(errno));
	if (store_hold(path, &fd, &err) < 0)
		return cli_fail(args, err.code, "%s", err.text);
	code = held(args, path);
	close(fd);
	return code;
}

/* --- which --- */

static const struct {
	const char *name;
	enum cli_exit (*run)(const struct cli_args *args, const char *path);
} deeds[] = {
	{ "check", check },
	{ "export", export },
	{ "repair", repair },
};

#define N_DEEDS (sizeof(deeds) / sizeof(deeds[0]))

static enum cli_exit run(const struct cli_args *args)
{
	enum cli_exit code;
	char *path;
	size_t i = 0;

	while (i < N_DEEDS && strcmp(deeds[i].name, args->operands[0]) != 0)
		i++;
	if (i == N_DEEDS)
		return cli_usage_error(args,
				       "\"%.60s\" is none of check, export, "
				       "repair",
				       args->operands[0]);
	if (cli_given(args, "apply") && deeds[i].run != repair)
		return cli_usage_error(args, "--apply is for repair");
	if (cli_given(args, "json") && deeds[i].run != check)
		return cli_usage_error(args, "--json is for check");
	code = cli_store_path(args, &path);
	if (code != CLI_OK)
		return code;
	code = deeds[i].run(args, path);
	free(path);
	return code;
}

static const struct cli_option options[] = {
	{ .name = "store",
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "the file; without it, the configured store" },
	{ .name = "json", .help = "check: print a JSON object, on one line" },
	{ .name = "apply", .help = "repair: do it; without it, say what" },
};

const struct cli_command cmd_store = {
	.name = "store",
	.summary = "Check a store, or get out of a damaged one what can be "
		   "read",
	.usage = "check|export|repair",
	.help = "check reads everything and changes nothing, also while the "
		"agent runs. It says\nwhat is damaged, and how many rows can "
		"be read. Exits with 1 if there is damage.\n\nexport prints "
		"every row that can be read as NDJSON: also of a file that is "
		"damaged,\nthat was set aside, or that a newer edgeprobe has "
		"written.\n\nrepair sets a damaged store aside, makes a "
		"store of what can be read, and declares\nthe rest in it; "
		"the agent delivers it. It only says so, unless told to "
		"--apply. A\nrunning agent does all that by itself: then it "
		"refuses.\n\n"
		"  edgeprobe store check\n"
		"  edgeprobe store repair --store "
		"store.db.damaged-20260131T083000Z --apply",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
