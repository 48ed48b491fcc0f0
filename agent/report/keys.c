#include "report/keys.h"
#include "edge/market.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[REPORT_SITE] = "site",
	[REPORT_COUNTRY] = "country",
	[REPORT_METRO] = "metro",
	[REPORT_CIRCUIT] = "circuit",
	[REPORT_PROVIDER] = "provider",
	[REPORT_PREFIX] = "prefix",
	[REPORT_TARGET] = "target",
	[REPORT_PROBE] = "probe",
	[REPORT_POP] = "pop",
	[REPORT_MARKET] = "market",
	[REPORT_CONNECTION] = "connection",
	[REPORT_SERVICE] = "service",
};

#define COUNT (sizeof(names) / sizeof(names[0]))

#define ALLOWED                                                                \
	"use market, country, metro, site, circuit, provider, connection, "    \
	"prefix, service, target, probe or pop, each once, separated by "      \
	"commas"

const char *key_name(enum report_key key)
{
	return names[key];
}

const char *key_text(enum report_key key, const struct series *series)
{
	const char *text = NULL;

	switch (key) {
	case REPORT_SITE:
		text = series->site;
		break;
	case REPORT_COUNTRY:
		text = series->country;
		break;
	case REPORT_METRO:
		text = series->metro;
		break;
	case REPORT_CIRCUIT:
		text = series->circuit;
		break;
	case REPORT_PROVIDER:
		text = series->provider;
		break;
	case REPORT_PREFIX:
		text = series->prefix;
		break;
	case REPORT_TARGET:
		text = series->target;
		break;
	case REPORT_PROBE:
		text = series->probe;
		break;
	case REPORT_MARKET:
		text = edge_market(series->country == NULL ? ""
							   : series->country);
		break;
	case REPORT_SERVICE:
		text = edge_service(series->host == NULL ? "" : series->host);
		break;
	case REPORT_CONNECTION: /* rows of samples do not carry it */
	case REPORT_POP:
		break;
	}
	return text == NULL ? "" : text;
}

static int find(const char *word, size_t n)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strlen(names[i]) == n && memcmp(names[i], word, n) == 0)
			return (int)i;
	return -1;
}

static int add(struct report_options *options, const char *word, size_t n,
	       struct ep_err *err)
{
	int key = find(word, n);

	if (key < 0)
		return ep_err_set(err, -EINVAL, "\"%.*s\" is no key; " ALLOWED,
				  (int)(n > 40 ? 40 : n), word);
	for (unsigned i = 0; i < options->n_by; i++)
		if (options->by[i] == (enum report_key)key)
			return ep_err_set(err, -EINVAL,
					  "\"%s\" is there twice; " ALLOWED,
					  names[key]);
	options->by[options->n_by++] = (enum report_key)key;
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
