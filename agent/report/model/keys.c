#include "report/model/keys.h"
#include "edge/market.h"

static const char *const names[REPORT_KEYS_MAX] = {
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
