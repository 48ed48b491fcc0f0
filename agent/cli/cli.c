#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/parse.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t index_of(const struct cli_args *args, const char *name)
{
	size_t i = 0;

	while (i < args->command->n_options &&
	       strcmp(args->command->options[i].name, name) != 0)
		i++;
	assert(i < args->command->n_options);
	return i;
}

static const struct cli_value *value_of(const struct cli_args *args,
					const char *name)
{
	return &args->values[index_of(args, name)];
}

bool cli_given(const struct cli_args *args, const char *name)
{
	return value_of(args, name)->given;
}

const char *cli_text(const struct cli_args *args, const char *name)
{
	return value_of(args, name)->text;
}

const char *cli_text_at(const struct cli_args *args, const char *name, size_t i)
{
	size_t option = index_of(args, name);

	for (size_t k = 0; k < args->n_repeats; k++)
		if (args->repeats[k].option == option && i-- == 0)
			return args->repeats[k].text;
	return NULL;
}

uint64_t cli_number(const struct cli_args *args, const char *name)
{
	return value_of(args, name)->number;
}

__attribute__((format(printf, 2, 0))) static void
complain(const struct cli_command *command, const char *format, va_list rest)
{
	fflush(stdout); /* what was printed comes first */
	fprintf(stderr, "edgeprobe %s: ", command->name);
	vfprintf(stderr, format, rest);
	fputc('\n', stderr);
}

enum cli_exit cli_usage_error(const struct cli_args *args, const char *format,
			      ...)
{
	va_list rest;

	va_start(rest, format);
	complain(args->command, format, rest);
	va_end(rest);
	fprintf(stderr, "Try: edgeprobe help %s\n", args->command->name);
	return CLI_USAGE;
}

enum cli_exit cli_fail(const struct cli_args *args, int code,
		       const char *format, ...)
{
	va_list rest;

	va_start(rest, format);
	complain(args->command, format, rest);
	va_end(rest);
	return cli_exit_of(code);
}

enum cli_exit cli_exit_of(int code)
{
	switch (-code) {
	case 0:
		return CLI_OK;
	case EACCES:
	case EPERM:
		return CLI_PERMISSION;
	case EAGAIN:
	case EBUSY:
		return CLI_TEMPORARY;
	case ENODATA:
		return CLI_NOTHING;
	case EIO:
	case EILSEQ:
	case EISDIR:
	case EFBIG:
	case EDQUOT:
	case ENOENT:
	case ENOSPC:
	case ENOTDIR:
	case ENOTSUP:
	case EPIPE:
	case EROFS:
		return CLI_IO;
	}
	return CLI_INTERNAL;
}

static enum cli_exit run(const struct cli_command *command, int argc,
			 char **argv)
{
	struct cli_args args;
	struct ep_err err = { 0 };

	switch (cli_parse(command, argc, argv, &args, &err)) {
	case CLI_PARSED:
		return command->run(&args);
	case CLI_PARSED_HELP:
		cli_print_help(stdout, command);
		return CLI_OK;
	case CLI_PARSED_WRONG:
		break;
	}
	return cli_usage_error(&args, "%s", err.text);
}

static enum cli_exit unknown(const char *name)
{
	const char *near = cli_nearest(name);

	fprintf(stderr, "edgeprobe: unknown command \"%.60s\"", name);
	if (near)
		fprintf(stderr, "; did you mean %s?", near);
	fputs("\nTry: edgeprobe help\n", stderr);
	return CLI_USAGE;
}

/* The two options that stand where a command is expected. */
static const char *command_name(const char *first)
{
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
		return "help";
	if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0)
		return "version";
	return first;
}

static enum cli_exit dispatch(int argc, char **argv)
{
	const struct cli_command *command;

	if (argc < 2) {
		cli_print_overview(stderr);
		return CLI_USAGE;
	}
	command = cli_find(command_name(argv[1]));
	if (command)
		return run(command, argc - 1, argv + 1);
	if (argv[1][0] != '-')
		return unknown(argv[1]);
	fprintf(stderr,
		"edgeprobe: unknown option %.60s: a command comes first\n"
		"Try: edgeprobe help\n",
		argv[1]);
	return CLI_USAGE;
}

/* A standard descriptor that the caller closed must not become our database's.
 * Opened the wrong way round, so that using it is still an error. */
static void hold_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null",
			 fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			abort();
}

static bool reader_is_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* Output that did not arrive whole is a failure, even if all else went well;
 * a reader who has seen enough (head) needs no message about it. */
static enum cli_exit flush(enum cli_exit code)
{
	bool gone = reader_is_gone();

	errno = 0;
	if (!ferror(stdout) && fflush(stdout) == 0)
		return code;
	if (!gone && errno != EPIPE)
		fprintf(stderr, "edgeprobe: writing to stdout: %s\n",
			errno ? strerror(errno) : "failed");
	return CLI_IO;
}

int cli_main(int argc, char **argv)
{
	hold_descriptors();
	signal(SIGPIPE, SIG_IGN);
	return (int)flush(dispatch(argc, argv));
}
