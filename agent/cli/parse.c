/* getopt_long(3) driven by the table. Long options are told from short ones by
 * their value: LONG_BASE and up, so that a message can repeat what was typed. */
#include "cli/parse.h"
#include "base/buf.h"
#include "base/suggest.h"
#include "base/units.h"
#include "edgeprobe/clock.h"
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define LONG_BASE 256
#define ROWS_MAX  (CLI_OPTIONS_MAX + 1)

const struct cli_option cli_help_option = { .name = "help",
					    .letter = 'h',
					    .help = "print this text" };

/* The tables in the shape that getopt_long() wants. */
struct tables {
	struct option longs[ROWS_MAX + 1];
	char shorts[2 * ROWS_MAX + 2];
};

/* The last row is --help. */
static const struct cli_option *row(const struct cli_command *command, size_t i)
{
	return i < command->n_options ? &command->options[i] : &cli_help_option;
}

static void make_tables(const struct cli_command *command, struct tables *t)
{
	size_t n = 0;

	memset(t, 0, sizeof *t);
	t->shorts[n++] = ':'; /* tell a missing argument from unknown */
	for (size_t i = 0; i <= command->n_options; i++) {
		const struct cli_option *o = row(command, i);
		bool takes = o->type != CLI_FLAG;

		t->longs[i] = (struct option){
			.name = o->name,
			.has_arg = takes ? required_argument : no_argument,
			.val = LONG_BASE + (int)i,
		};
		if (o->letter == 0)
			continue;
		t->shorts[n++] = o->letter;
		if (takes)
			t->shorts[n++] = ':';
	}
}

static size_t index_of(const struct cli_command *command, int value)
{
	size_t i = 0;

	if (value >= LONG_BASE)
		return (size_t)(value - LONG_BASE);
	while (row(command, i)->letter != value)
		i++;
	return i;
}

static int parse_uint(const char *text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (*text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *text - '0', &number))
			return -ERANGE;
	}
	*ret_number = number;
	return 0;
}

static int parse_number(const struct cli_option *o, const char *text,
			uint64_t *ret_number)
{
	uint64_t number = 0;
	int r = 0;

	switch (o->type) {
	case CLI_FLAG:
	case CLI_TEXT:
		return *text == '\0' && o->type == CLI_TEXT ? -EINVAL : 0;
	case CLI_UINT:
		r = parse_uint(text, &number);
		break;
	case CLI_DURATION:
		r = unit_parse_duration(text, &number);
		break;
	case CLI_TIME:
		r = unit_parse_time(text, ep_clock_wall_ns(), &number);
		break;
	}
	if (r < 0)
		return r;
	if (o->max > 0 && ((double)number < o->min || (double)number > o->max))
		return -ERANGE;
	*ret_number = number;
	return 0;
}

void cli_print_bounds(struct buf *out, const struct cli_option *o)
{
	if (o->max <= 0)
		return;
	buf_text(out, "from ");
	if (o->type == CLI_DURATION)
		unit_print_duration(out, (uint64_t)o->min);
	else
		buf_uint(out, (uint64_t)o->min);
	buf_text(out, " to ");
	if (o->type == CLI_DURATION)
		unit_print_duration(out, (uint64_t)o->max);
	else
		buf_uint(out, (uint64_t)o->max);
}

static const char *allowed(enum cli_type type)
{
	switch (type) {
	case CLI_FLAG:
		return "nothing";
	case CLI_TEXT:
		return "a text that is not empty";
	case CLI_UINT:
		return "a whole number";
	case CLI_DURATION:
		return UNIT_DURATION_ALLOWED;
	case CLI_TIME:
		return UNIT_TIME_ALLOWED;
	}
	return "";
}

static int set(const struct cli_option *o, const char *text,
	       struct cli_value *value, struct ep_err *err)
{
	struct buf bounds;
	int r = parse_number(o, text, &value->number);

	value->text = text;
	if (r == 0)
		return 0;
	buf_init(&bounds, 128);
	cli_print_bounds(&bounds, o);
	ep_err_set(err, -EINVAL, "--%s \"%.60s\": %s%s%s expected", o->name,
		   text, allowed(o->type), bounds.len > 0 ? ", " : "",
		   bounds.len > 0 ? bounds.data : "");
	buf_finish(&bounds);
	return -EINVAL;
}

static int unknown(const struct cli_command *command, const char *typed,
		   struct ep_err *err)
{
	char word[32];
	struct suggest s = { .typed = word };

	if (optopt >= LONG_BASE)
		return ep_err_set(
			err, -EINVAL, "--%s takes no value",
			row(command, index_of(command, optopt))->name);
	if (optopt != 0)
		return ep_err_set(err, -EINVAL, "unknown option -%c",
				  isprint(optopt) ? optopt : '?');
	typed += strspn(typed, "-");
	snprintf(word, sizeof word, "%.*s", (int)strcspn(typed, "="), typed);
	for (size_t i = 0; i <= command->n_options; i++)
		suggest_offer(&s, row(command, i)->name);
	return ep_err_set(err, -EINVAL, "unknown option --%.60s%s%s%s", typed,
			  s.best ? "; did you mean --" : "",
			  s.best ? s.best : "", s.best ? "?" : "");
}

static int missing(const struct cli_command *command, struct ep_err *err)
{
	const struct cli_option *o = row(command, index_of(command, optopt));

	return ep_err_set(err, -EINVAL, "--%s needs a value: %s, %s", o->name,
			  o->value, allowed(o->type));
}

static int repeat(struct cli_args *args, size_t i, const char *text,
		  struct ep_err *err)
{
	if (!row(args->command, i)->repeats)
		return 0;
	if (args->n_repeats == CLI_REPEATS_MAX)
		return ep_err_set(err, -E2BIG,
				  "--%s is there more than %d times",
				  row(args->command, i)->name, CLI_REPEATS_MAX);
	args->repeats[args->n_repeats++] = (struct cli_repeat){ i, text };
	return 0;
}

/* An option of `args`; 1: it was --help. */
static int take(struct cli_args *args, int found, char **argv,
		struct ep_err *err)
{
	const struct cli_command *command = args->command;
	struct cli_value *value;
	size_t i;
	int r;

	if (found == '?')
		return unknown(command, argv[optind - 1], err);
	if (found == ':')
		return missing(command, err);
	i = index_of(command, found);
	if (i == command->n_options)
		return 1;
	value = &args->values[i];
	value->given = true;
	r = set(row(command, i), optarg ? optarg : "", value, err);
	return r < 0 ? r : repeat(args, i, value->text, err);
}

static int check_operands(const struct cli_args *args, struct ep_err *err)
{
	const struct cli_command *command = args->command;

	if (args->n_operands < command->min_operands)
		return ep_err_set(err, -EINVAL, "needs %s", command->usage);
	if (args->n_operands > command->max_operands)
		return ep_err_set(err, -EINVAL, "\"%.60s\" is unexpected: %s",
				  args->operands[command->max_operands],
				  command->max_operands > 0
					  ? command->usage
					  : "only options are taken");
	return 0;
}

static void set_fallbacks(struct cli_args *args)
{
	const struct cli_command *command = args->command;

	for (size_t i = 0; i < command->n_options; i++) {
		const struct cli_option *o = &command->options[i];
		int r = 0;

		if (o->fallback)
			r = set(o, o->fallback, &args->values[i], NULL);
		assert(r == 0);
	}
}

enum cli_parsed cli_parse(const struct cli_command *command, int argc,
			  char **argv, struct cli_args *ret_args,
			  struct ep_err *err)
{
	struct tables tables;
	int found, r = 0;

	assert(command->n_options <= CLI_OPTIONS_MAX);
	make_tables(command, &tables);
	memset(ret_args, 0, sizeof *ret_args);
	ret_args->command = command;
	set_fallbacks(ret_args);
	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while (r == 0) {
		optopt = 0;
		found = getopt_long(argc, argv, tables.shorts, tables.longs,
				    NULL);
		if (found == -1)
			break;
		r = take(ret_args, found, argv, err);
	}
	if (r > 0)
		return CLI_PARSED_HELP;
	ret_args->operands = argv + optind;
	ret_args->n_operands = (size_t)(argc - optind);
	if (r == 0)
		r = check_operands(ret_args, err);
	return r == 0 ? CLI_PARSED : CLI_PARSED_WRONG;
}
