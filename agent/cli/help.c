#include "cli/help.h"
#include "base/buf.h"
#include "cli/parse.h"
#include <string.h>

#define COLUMNS      80
#define OPTION_WIDTH 26 /* where the help of an option begins */

/* `text` from column `at` on, its lines broken between words and indented. */
static void wrap(FILE *out, const char *text, size_t at, size_t indent)
{
	while (*text) {
		size_t word = strcspn(text, " ");

		if (at > indent && at + 1 + word > COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fwrite(text, 1, word, out);
		at += word;
		text += word + strspn(text + word, " ");
	}
	fputc('\n', out);
}

/* "  -c, --count=N"; returns the column it ends in. */
static size_t print_name(FILE *out, const struct cli_option *o)
{
	int n;

	if (o->letter != 0)
		n = fprintf(out, "  -%c, --%s", o->letter, o->name);
	else
		n = fprintf(out, "      --%s", o->name);
	if (o->value)
		n += fprintf(out, "=%s", o->value);
	return n > 0 ? (size_t)n : 0;
}

static void print_option(FILE *out, const struct cli_option *o)
{
	struct buf text;
	size_t at = print_name(out, o);

	if (at + 2 > OPTION_WIDTH) {
		fputc('\n', out);
		at = 0;
	}
	fprintf(out, "%*s", (int)(OPTION_WIDTH - at), "");
	buf_init(&text, 4096);
	buf_text(&text, o->help);
	if (o->max > 0)
		buf_text(&text, "; ");
	cli_print_bounds(&text, o);
	if (o->fallback)
		buf_printf(&text, "; default: %s", o->fallback);
	if (o->repeats)
		buf_text(&text, "; can be repeated");
	wrap(out, text.data ? text.data : o->help, OPTION_WIDTH, OPTION_WIDTH);
	buf_finish(&text);
}

/* Each line of `text` is a paragraph; those that begin with a space are left
 * as they are. */
static void print_paragraphs(FILE *out, const char *text)
{
	char line[2048];

	while (*text) {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof line, "%.*s", (int)n, text);
		if (line[0] == ' ')
			fprintf(out, "%s\n", line);
		else
			wrap(out, line, 0, 0);
		text += n + (text[n] == '\n');
	}
}

void cli_print_help(FILE *out, const struct cli_command *c)
{
	fprintf(out, "Usage: edgeprobe %s [OPTION]...%s%s\n\n", c->name,
		c->usage[0] ? " " : "", c->usage);
	print_paragraphs(out, c->summary);
	fputs("\nOptions:\n", out);
	for (size_t i = 0; i < c->n_options; i++)
		print_option(out, &c->options[i]);
	print_option(out, &cli_help_option);
	if (!c->help)
		return;
	fputc('\n', out);
	print_paragraphs(out, c->help);
}

void cli_print_overview(FILE *out)
{
	size_t n;
	const struct cli_command *const *commands = cli_commands(&n);
	int width = 0;

	for (size_t i = 0; i < n; i++)
		if ((int)strlen(commands[i]->name) > width)
			width = (int)strlen(commands[i]->name);
	fputs("Usage: edgeprobe COMMAND [OPTION]... [ARGUMENT]...\n\n"
	      "Measures round trips to the Microsoft edge, keeps and reports "
	      "them.\n\n",
	      out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %-*s  %s\n", width, commands[i]->name,
			commands[i]->summary);
	fputs("\nedgeprobe help COMMAND tells more.\n", out);
}
