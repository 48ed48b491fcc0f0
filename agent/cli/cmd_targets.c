/* `edgeprobe targets`: what will be probed, where that comes from, and why. */
#include "base/buf.h"
#include "cli/commands.h"
#include "config/config.h"
#include "config/sources.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include <stdio.h>

#define PROBLEMS_MAX 65536
#define LINE_MAX_LEN 65536

/* What there is to say, and how. */
struct saying {
	const struct config *config;
	bool json;
	struct buf line;
	struct sources_list *lists; /* of each source */
};

/* --- parts of a line --- */

static void add_words(struct buf *out, bool json, const char *word, size_t i)
{
	buf_text(out, i == 0 ? "" : json ? ", " : ",");
	if (json)
		buf_json_text(out, word);
	else
		buf_text(out, word);
}

static void add_probes(struct saying *s, const struct config_target *t)
{
	for (size_t i = 0; i < t->n_probes; i++)
		add_words(&s->line, s->json, t->probes[i]->name, i);
}

static void add_circuits(struct saying *s, const struct config_target *t)
{
	for (size_t i = 0; i < t->n_circuits; i++)
		add_words(&s->line, s->json,
			  s->config->circuits[t->circuits[i]].name, i);
	if (t->n_circuits == 0 && !s->json)
		buf_text(&s->line, "-");
}

static const struct config_sourced *sourced(const struct config *c, size_t i)
{
	size_t first = c->n_targets - c->n_sourced;

	return i < first ? NULL : &c->sourced[i - first];
}

/* Which list the hosts of the source are of. */
static const char *list_of(const struct saying *s, size_t source)
{
	if (!sources_is_service(&s->config->sources[source]))
		return "built in";
	if (s->lists[source].kept)
		return "kept";
	return s->lists[source].endpoints.n > 0 ? "built in" : "none yet";
}

static void member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ", \"%s\": ", name);
	buf_json_text(out, text);
}

/* --- a target --- */

static const char *why_of(const struct config *c, size_t i)
{
	if (sourced(c, i))
		return sourced(c, i)->why;
	return c->built_in_targets ? "no targets are configured"
				   : "it is configured";
}

static void say_origin(struct saying *s, size_t i)
{
	const struct config *c = s->config;
	const struct config_sourced *from = sourced(c, i);
	const char *place = c->places[i];

	if (s->json) {
		member(&s->line, "from", *place ? place : "built in");
		if (from) {
			member(&s->line, "source",
			       c->sources[from->source].source);
			member(&s->line, "list", list_of(s, from->source));
			member(&s->line, "version",
			       s->lists[from->source].endpoints.version);
		}
		member(&s->line, "why", why_of(c, i));
		return;
	}
	buf_printf(&s->line, "  from %s", *place ? place : "the catalogue");
	if (from)
		buf_printf(
			&s->line, ", %s %s%s", c->sources[from->source].source,
			list_of(s, from->source),
			*s->lists[from->source].endpoints.version ? " " : "");
	if (from)
		buf_text(&s->line, s->lists[from->source].endpoints.version);
	buf_printf(&s->line, ": %s", why_of(c, i));
}

static void say_target(struct saying *s, size_t i)
{
	const struct config_target *t = &s->config->targets[i];
	double interval_s = (double)t->interval_ns / (double)EP_NS_PER_S;

	buf_clear(&s->line);
	buf_text(&s->line, s->json ? "{\"type\": \"target\", \"name\": " : "");
	if (s->json) {
		buf_json_text(&s->line, t->name);
		member(&s->line, "host", t->host);
		buf_text(&s->line, ", \"probes\": [");
		add_probes(s, t);
		buf_text(&s->line, "], \"circuits\": [");
		add_circuits(s, t);
		buf_printf(&s->line, "], \"interval_s\": %.9g", interval_s);
		say_origin(s, i);
		buf_char(&s->line, '}');
	} else {
		buf_printf(&s->line, "%s  %s  ", t->name, t->host);
		add_probes(s, t);
		buf_text(&s->line, "  ");
		add_circuits(s, t);
		buf_printf(&s->line, "  every %.9gs\n", interval_s);
		say_origin(s, i);
	}
	puts(s->line.data);
}

/* --- a source --- */

static void on_left_out(const char *url, void *arg)
{
	struct saying *s = arg;

	if (s->json)
		add_words(&s->line, true, url,
			  s->line.data[s->line.len - 1] != '[');
	else
		buf_printf(&s->line, "\n  left out %s: no host of it is known",
			   url);
}

static int pass(const struct edge_choice *choice, void *arg)
{
	(void)choice;
	(void)arg;
	return 0;
}

static void say_source(struct saying *s, size_t i)
{
	const struct config_target *source = &s->config->sources[i];
	const char *place = s->config->places[s->config->n_targets + i];
	const struct edge_endpoints *list = &s->lists[i].endpoints;
	struct edge_selection selection = sources_select(source);
	size_t beyond = 0;

	(void)edge_choose(list, &selection, pass, NULL, &beyond);
	buf_clear(&s->line);
	if (s->json) {
		buf_text(&s->line, "{\"type\": \"source\", \"name\": ");
		buf_json_text(&s->line, source->name);
		member(&s->line, "instance", sources_instance(source));
		member(&s->line, "from", place);
		member(&s->line, "list", list_of(s, i));
		member(&s->line, "version", list->version);
		buf_printf(&s->line, ", \"beyond_bound\": %zu, \"left_out\": [",
			   beyond);
		edge_left_out(list, &selection, on_left_out, s);
		buf_text(&s->line, "]}");
	} else {
		buf_printf(&s->line,
			   "%s: %s, list %s%s%s, from %s\n"
			   "  %zu beyond the bound of %zu",
			   source->name, sources_instance(source),
			   list_of(s, i), *list->version ? " " : "",
			   list->version, place, beyond, selection.max);
		edge_left_out(list, &selection, on_left_out, s);
	}
	puts(s->line.data);
}

/* --- all of it --- */

static void open_lists(struct saying *s)
{
	const struct config *c = s->config;

	for (size_t i = 0; i < c->n_sources; i++)
		if (sources_is_service(&c->sources[i]))
			(void)sources_list_open(
				c->store_path, sources_instance(&c->sources[i]),
				&s->lists[i], NULL);
}

static void say_all(struct saying *s)
{
	const struct config *c = s->config;

	open_lists(s);
	for (size_t i = 0; i < c->n_targets; i++)
		say_target(s, i);
	for (size_t i = 0; i < c->n_sources; i++)
		if (sources_is_service(&c->sources[i]))
			say_source(s, i);
	for (size_t i = 0; i < c->n_sources; i++)
		sources_list_close(&s->lists[i]);
}

static enum cli_exit run(const struct cli_args *args)
{
	struct sources_list lists[SOURCES_MAX] = { 0 };
	struct config config;
	struct saying saying = { .config = &config,
				 .json = cli_given(args, "json"),
				 .lists = lists };
	struct buf problems;
	int r;

	buf_init(&problems, PROBLEMS_MAX);
	r = config_load_places(cli_text(args, "config"), &config, &problems);
	if (problems.len > 0)
		fputs(problems.data, stderr);
	buf_finish(&problems);
	if (r < 0)
		return CLI_CONFIG;
	buf_init(&saying.line, LINE_MAX_LEN);
	say_all(&saying);
	buf_finish(&saying.line);
	config_finish(&config);
	return CLI_OK;
}

static const struct cli_option options[] = {
	{ .name = "config",
	  .letter = 'c',
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "read this instead of " CONFIG_PATH },
	{ .name = "json",
	  .letter = 'j',
	  .help = "one JSON object a line, of type target or source" },
};

const struct cli_command cmd_targets = {
	.name = "targets",
	.summary = "What will be probed, from where it comes, and why",
	.usage = "",
	.help = "Each target with its host, probes, circuits and interval; of "
		"a source such as\nmicrosoft365 also which list it is of, what "
		"is left out of that, and how many\nhosts are beyond the "
		"bound. A running agent goes by the list that was there at "
		"its\nstart.",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
