#include "report/model/options.h"
#include <errno.h>
#include <string.h>

#define ALLOWED                                                                \
	"use market, country, metro, site, circuit, provider, connection, "    \
	"prefix, service, target, probe or pop, each once, separated by "      \
	"commas"

/* REPORT_KEYS_MAX: there is no such key. */
static enum report_key find(const char *word, size_t n)
{
	enum report_key key = 0;

	while (key < REPORT_KEYS_MAX && (strlen(key_name(key)) != n ||
					 memcmp(key_name(key), word, n) != 0))
		key++;
	return key;
}

static int add(struct report_options *options, const char *word, size_t n,
	       struct ep_err *err)
{
	enum report_key key = find(word, n);

	if (key == REPORT_KEYS_MAX)
		return ep_err_set(err, -EINVAL, "\"%.*s\" is no key; " ALLOWED,
				  (int)(n > 40 ? 40 : n), word);
	for (unsigned i = 0; i < options->n_by; i++)
		if (options->by[i] == key)
			return ep_err_set(err, -EINVAL,
					  "\"%s\" is there twice; " ALLOWED,
					  key_name(key));
	options->by[options->n_by++] = key;
	return 0;
}

int report_parse_by(const char *text, struct report_options *options,
		    struct ep_err *err)
{
	struct report_options parsed = *options;
	int r;

	parsed.n_by = 0;
	for (;;) {
		size_t n = strcspn(text, ",");

		r = add(&parsed, text, n, err);
		if (r < 0)
			return r;
		if (text[n] == '\0')
			break;
		text += n + 1;
	}
	*options = parsed;
	return 0;
}
