/* The manual pages and the README say what the tables say: each key, bound and
 * default of the configuration, each command and option. What is missing is
 * printed as it has to stand there. */
#include "base/buf.h"
#include "cli/cli.h"
#include "cli/parse.h"
#include "config/schema.h"
#include "config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#ifndef SOURCE_DIR
#define SOURCE_DIR "." /* by hand, from the root of the checkout */
#endif

/* A document, and how many of the expected blocks it lacks. */
struct document {
	char text[262144];
	unsigned missing;
};

static struct document *read_document(const char *name)
{
	static struct document document;
	char path[1024];
	size_t n;
	FILE *f;

	memset(&document, 0, sizeof document);
	snprintf(path, sizeof path, "%s/%s", SOURCE_DIR, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(document.text, 1, sizeof document.text - 1, f);
	assert_true(n < sizeof document.text - 1);
	fclose(f);
	return &document;
}

static void expect(struct document *d, struct buf *block)
{
	assert_int_equal(block->error, 0);
	if (!strstr(d->text, block->data)) {
		printf("# missing:\n%s", block->data);
		d->missing++;
	}
	buf_finish(block);
}

/* What may be written for a key. */
static void print_allowed(struct buf *out, const struct schema_key *key)
{
	struct ep_opt opt = schema_opt(key);

	switch (key->shape) {
	case SCHEMA_VALUE:
		value_allowed(out, &opt);
		break;
	case SCHEMA_OBJECT:
		buf_text(out, "an object");
		break;
	case SCHEMA_OBJECTS:
		buf_printf(out, "a list of at most %.0f objects", opt.max);
		break;
	case SCHEMA_TEXTS:
	case SCHEMA_PROBES:
	case SCHEMA_NAMES:
	case SCHEMA_POPS:
		buf_text(out, "a list of texts");
		break;
	}
}

static void markdown_key(struct buf *out, const struct schema_key *key)
{
	struct ep_opt opt = schema_opt(key);

	buf_printf(out, "| `%s` | ", opt.name);
	print_allowed(out, key);
	buf_printf(out, " | %s | %s |\n",
		   key->required  ? "required"
		   : opt.fallback ? opt.fallback
				  : "",
		   opt.help);
}

/* Text of a manual page: a hyphen that is typed is a minus. */
static void roff(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '-')
			buf_char(out, '\\');
		buf_char(out, *text);
	}
}

static void man_key(struct buf *out, const struct schema_key *key)
{
	struct ep_opt opt = schema_opt(key);
	struct buf allowed;

	buf_init(&allowed, 1024);
	print_allowed(&allowed, key);
	buf_printf(out, ".TP\n.B %s\n", opt.name);
	roff(out, opt.help);
	buf_text(out, ";\n");
	roff(out, allowed.data);
	if (key->required)
		buf_text(out, ";\nrequired");
	if (opt.fallback)
		buf_text(out, ";\ndefault: ");
	roff(out, opt.fallback ? opt.fallback : "");
	buf_text(out, ".\n");
	buf_finish(&allowed);
}

static void expect_keys(struct document *d, const struct schema_object *object,
			void (*print)(struct buf *, const struct schema_key *))
{
	for (size_t i = 0; i < object->n_keys; i++) {
		const struct schema_key *key = &object->keys[i];
		struct buf block;

		buf_init(&block, 4096);
		print(&block, key);
		expect(d, &block);
		if (key->object && key->object != &schema_defaults)
			expect_keys(d, key->object, print);
	}
}

static void the_readme_has_every_key(void **state)
{
	struct document *d = read_document("agent/config/README.md");

	(void)state;
	expect_keys(d, &schema_top, markdown_key);
	assert_int_equal(d->missing, 0);
}

static void the_manual_has_every_key(void **state)
{
	struct document *d = read_document("packaging/man/edgeprobe.json.5");

	(void)state;
	expect_keys(d, &schema_top, man_key);
	assert_int_equal(d->missing, 0);
}

static void man_option(struct buf *out, const struct cli_option *o)
{
	struct buf bounds;

	buf_text(out, ".TP\n");
	if (o->letter != 0)
		buf_printf(out, "\\fB\\-%c\\fR, ", o->letter);
	buf_text(out, "\\fB\\-\\-");
	roff(out, o->name);
	buf_text(out, "\\fR");
	if (o->value) {
		buf_text(out, "=\\fI");
		roff(out, o->value);
		buf_text(out, "\\fR");
	}
	buf_char(out, '\n');
	roff(out, o->help);
	buf_init(&bounds, 128);
	cli_print_bounds(&bounds, o);
	if (bounds.len > 0)
		buf_printf(out, ";\n%s", bounds.data);
	if (o->fallback)
		buf_printf(out, ";\ndefault: %s", o->fallback);
	buf_text(out, ".\n");
	buf_finish(&bounds);
}

static void man_command(struct buf *out, const struct cli_command *c)
{
	buf_text(out, ".SS \"");
	roff(out, c->name);
	buf_text(out, c->n_options > 0 ? " [OPTION]..." : "");
	buf_text(out, c->usage[0] ? " " : "");
	roff(out, c->usage);
	buf_text(out, "\"\n");
	roff(out, c->summary);
	buf_text(out, ".\n");
}

static void the_manual_has_every_command_and_option(void **state)
{
	struct document *d = read_document("packaging/man/edgeprobe.8");
	size_t n;
	const struct cli_command *const *commands = cli_commands(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct buf block;

		buf_init(&block, 4096);
		man_command(&block, commands[i]);
		expect(d, &block);
		for (size_t j = 0; j < commands[i]->n_options; j++) {
			buf_init(&block, 4096);
			man_option(&block, &commands[i]->options[j]);
			expect(d, &block);
		}
	}
	assert_int_equal(d->missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_readme_has_every_key),
		cmocka_unit_test(the_manual_has_every_key),
		cmocka_unit_test(the_manual_has_every_command_and_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
