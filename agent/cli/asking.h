/* Commands that ask the running agent, or its store where none runs. */
#ifndef CLI_ASKING_H
#define CLI_ASKING_H

#include "base/buf.h"
#include "base/json.h"
#include "cli/cli.h"
#include <stdbool.h>

/* Of each such command's options. */
#define ASKING_CONFIG                                                          \
	{                                                                      \
		.name = "config", .letter = 'c', .type = CLI_TEXT,             \
		.value = "FILE",                                               \
		.help = "the agent's configuration, which says where it "      \
			"listens"                                              \
	}
#define ASKING_JSON                                                            \
	{                                                                      \
		.name = "json", .help = "print one JSON object a line"         \
	}
#define ASKING_DESTINATION                                                     \
	{                                                                      \
		.name = "destination", .letter = 'd', .type = CLI_TEXT,        \
		.value = "NAME", .help = "only of this destination"            \
	}

/* Who may answer when no agent runs. */
enum asking_else {
	ASKING_NOBODY,
	ASKING_READER, /* the store is read */
	ASKING_WRITER, /* the store is opened for writing, under its lock */
};

/* A line of the answer, as text (with an end) and parsed. */
typedef void (*asking_line)(const char *text, const struct json *line,
			    void *arg);

/* Begin a request for `ask`, with --destination if that was given
 * (`of_one`: the command has it); members may follow. */
void asking_begin(struct buf *ret_request, const struct cli_args *args,
		  const char *ask, bool of_one);

/* Ask it, and free it. Whatever is not CLI_OK was said. */
enum cli_exit asking_end(const struct cli_args *args, struct buf *request,
			 enum asking_else otherwise, asking_line line,
			 void *arg);

/* A store that nobody but its agent writes, opened to be read; *ret_store is
 * the caller's. */
struct store;
enum cli_exit asking_open_store(const struct cli_args *args,
				struct store **ret_store);

/* --- what lines hold --- */

const char *asking_text(const struct json *line, const char *key); /* or "" */
double asking_number(const struct json *line, const char *key);    /* or 0 */
bool asking_is(const struct json *line, const char *key); /* true there */
bool asking_has(const struct json *line, const char *key);

/* To stdout: "0.4 s", "3 min 10 s", "5 h 2 min", "3 d 4 h"; "12.3 MiB". */
void asking_print_time(double us);
void asking_print_bytes(double bytes);

#endif
