/* Markets are those by which Azure Peering Service lists its partners (Europe,
 * North America, Asia, Africa, Oceania), with the Middle East and South America
 * told apart. */
#include "edge/market.h"
#include <string.h>
#include <strings.h>

static const struct {
	const char *name, *countries;
} markets[] = {
	{ "Africa",
	  "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ "
	  "GW IO KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SH "
	  "SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW" },
	{ "Asia",
	  "AF AM AZ BD BN BT CN GE HK ID IN JP KG KH KP KR KZ LA LK MM MN MO "
	  "MV MY NP PH PK SG TH TJ TL TM TW UZ VN" },
	{ "Europe",
	  "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR "
	  "HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS "
	  "RU SE SI SJ SK SM TR UA UK VA XK" },
	{ "Middle East", "AE BH IL IQ IR JO KW LB OM PS QA SA SY YE" },
	{ "North America",
	  "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM "
	  "KN KY LC MF MQ MS MX NI PA PM PR SV SX TC TT US VC VG VI" },
	{ "Oceania",
	  "AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB "
	  "TK TO TV UM VU WF WS" },
	{ "South America", "AR BO BR CL CO EC FK GF GS GY PE PY SR UY VE" },
};

#define MARKETS (sizeof(markets) / sizeof(markets[0]))

/* Microsoft's "Office 365 URLs and IP address ranges" (2025-04) and Front
 * Door's documentation. */
static const struct {
	const char *suffix, *service;
} services[] = {
	{ "outlook.office.com", "Exchange" },
	{ "outlook.office365.com", "Exchange" },
	{ "outlook.cloud.microsoft", "Exchange" },
	{ "outlook.live.com", "Exchange" },
	{ ".outlook.com", "Exchange" },
	{ ".protection.outlook.com", "Exchange" },
	{ "partner.outlook.cn", "Exchange" },
	{ ".sharepoint.com", "SharePoint" },
	{ ".sharepoint.cn", "SharePoint" },
	{ ".sharepoint.us", "SharePoint" },
	{ ".sharepoint-mil.us", "SharePoint" },
	{ "teams.microsoft.com", "Teams" },
	{ ".teams.microsoft.com", "Teams" },
	{ "teams.cloud.microsoft", "Teams" },
	{ ".teams.microsoft.us", "Teams" },
	{ ".lync.com", "Teams" },
	{ ".skype.com", "Teams" },
	{ "login.microsoftonline.com", "Entra" },
	{ "login.microsoft.com", "Entra" },
	{ "login.windows.net", "Entra" },
	{ ".microsoftonline.com", "Entra" },
	{ ".microsoftonline.us", "Entra" },
	{ ".msauth.net", "Entra" },
	{ ".msftauth.net", "Entra" },
	{ "graph.microsoft.com", "Microsoft 365" },
	{ ".azurefd.net", "Front Door" },
	{ ".azureedge.net", "Front Door" },
	{ ".msedge.net", "Front Door" },
	{ ".azure.com", "Azure" },
	{ ".windows.net", "Azure" },
	{ ".azurewebsites.net", "Azure" },
	{ ".office.com", "Microsoft 365" },
	{ ".office.net", "Microsoft 365" },
	{ ".office365.com", "Microsoft 365" },
	{ ".cloud.microsoft", "Microsoft 365" },
	{ ".static.microsoft", "Microsoft 365" },
	{ ".usercontent.microsoft", "Microsoft 365" },
	{ ".microsoft.com", "Microsoft 365" },
	{ ".bing.com", "Microsoft 365" },
	{ ".yammer.com", "Microsoft 365" },
};

#define SERVICES (sizeof(services) / sizeof(services[0]))

static int is_of(const char *country, const char *countries)
{
	for (; *countries != '\0'; countries += countries[2] == ' ' ? 3 : 2)
		if (strncasecmp(country, countries, 2) == 0)
			return 1;
	return 0;
}

const char *edge_market(const char *country)
{
	if (strlen(country) != 2)
		return "";
	for (size_t i = 0; i < MARKETS; i++)
		if (is_of(country, markets[i].countries))
			return markets[i].name;
	return "";
}

const char *edge_market_name(size_t i)
{
	return i < MARKETS ? markets[i].name : NULL;
}

const char *edge_market_countries(size_t i)
{
	return i < MARKETS ? markets[i].countries : NULL;
}

static int fits(const char *host, size_t n, const char *suffix)
{
	size_t tail = strlen(suffix);

	if (suffix[0] != '.')
		return n == tail && strncasecmp(host, suffix, n) == 0;
	return n > tail && strncasecmp(&host[n - tail], suffix, tail) == 0;
}

const char *edge_service(const char *host)
{
	size_t n = strlen(host);

	if (n > 0 && host[n - 1] == '.') /* a name that is complete */
		n--;
	for (size_t i = 0; i < SERVICES; i++)
		if (fits(host, n, services[i].suffix))
			return services[i].service;
	return "";
}

const char *edge_service_suffix(size_t i, const char **ret_service)
{
	if (i >= SERVICES)
		return NULL;
	*ret_service = services[i].service;
	return services[i].suffix;
}
