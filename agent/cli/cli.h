/* The command line: a table of commands, each with a table of options. Parsing,
 * bounds, usage, help and the man page read the same rows. A new command is a
 * file cmd_NAME.c that ends in one constant, and a row in commands.c. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of the program; those from 64 are sysexits.h. */
enum cli_exit {
	CLI_OK = 0,
	CLI_NOTHING = 1,      /* no target replied; nothing to report */
	CLI_USAGE = 64,       /* the command line is wrong */
	CLI_NOT_RUNNING = 69, /* no agent to ask */
	CLI_INTERNAL = 70,
	CLI_IO = 74,        /* a file, the store or stdout */
	CLI_TEMPORARY = 75, /* try again later */
	CLI_PERMISSION = 77,
	CLI_CONFIG = 78,
};

/* How the argument of an option is written, and what the reader gets. */
enum cli_type {
	CLI_FLAG,     /* no argument */
	CLI_TEXT,     /* cli_text(); not empty */
	CLI_UINT,     /* cli_number(); bounds are numbers */
	CLI_DURATION, /* cli_number(): ns; "250ms" "10s"; bounds in ns */
	CLI_TIME,     /* cli_number(): ns since 1970; see unit_parse_time() */
};

struct cli_option {
	const char *name; /* long: "interval" */
	char letter;      /* short: 'i'; 0: none */
	enum cli_type type;
	const char *value;    /* of the argument, for help: "TIME" */
	double min, max;      /* CLI_UINT, CLI_DURATION: inclusive */
	const char *fallback; /* default as one would write it; NULL: none */
	const char *help;     /* half a sentence, no full stop */
	bool repeats;         /* CLI_TEXT: given several times, all count */
};

#define CLI_OPTIONS_MAX 24
#define CLI_REPEATS_MAX 256 /* of all options that repeat, together */

struct cli_value {
	bool given; /* by the user; a default is not */
	const char *text;
	uint64_t number;
};

/* What was typed after the command; borrowed from argv. */
struct cli_args {
	const struct cli_command *command;
	struct cli_value values[CLI_OPTIONS_MAX];
	struct cli_repeat {
		size_t option; /* its index */
		const char *text;
	} repeats[CLI_REPEATS_MAX];
	size_t n_repeats;
	char **operands; /* NULL at the end */
	size_t n_operands;
};

struct cli_command {
	const char *name;    /* "probe" */
	const char *summary; /* one line, no full stop */
	const char *usage;   /* operands: "TARGET..."; "" if none */
	const char *help;    /* paragraphs after the options; NULL: none */
	const struct cli_option *options;
	size_t n_options;
	size_t min_operands, max_operands;
	enum cli_exit (*run)(const struct cli_args *args);
};

/* Every command, in the order of the help. */
const struct cli_command *const *cli_commands(size_t *ret_n);
const struct cli_command *cli_find(const char *name); /* NULL: none */

/* The program: parse, run, and see that stdout took everything. */
int cli_main(int argc, char **argv);

/* Read an option by its name, which must be in the table. */
bool cli_given(const struct cli_args *args, const char *name);
const char *cli_text(const struct cli_args *args, const char *name);
/* The i-th of one that repeats, as they were typed; NULL: no more. */
const char *cli_text_at(const struct cli_args *args, const char *name,
			size_t i);
uint64_t cli_number(const struct cli_args *args, const char *name);

/* "edgeprobe COMMAND: ..." and where the help is, to stderr; CLI_USAGE. */
enum cli_exit cli_usage_error(const struct cli_args *args, const char *format,
			      ...) __attribute__((format(printf, 2, 3)));

/* "edgeprobe COMMAND: ..." to stderr; the exit code that belongs to `code`,
 * a negative errno. */
enum cli_exit cli_fail(const struct cli_args *args, int code,
		       const char *format, ...)
	__attribute__((format(printf, 3, 4)));
enum cli_exit cli_exit_of(int code);

#endif
