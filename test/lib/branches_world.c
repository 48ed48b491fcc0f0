#include "lib/branches.h"
#include <stddef.h>

#define FIBRE(who, net, pop_, primary, backup, ms)                             \
	{                                                                      \
		.circuit = "fibre", .provider = who,                           \
		.prefix = "203.0.113." net "/28", .egress = "203.0.113." net,  \
		.connection = who " peering", .primary_location = primary,     \
		.backup_location = backup, .pop = pop_, .access_ms = ms,       \
	}

#define MOBILE(who, net, pop_, ms)                                             \
	{                                                                      \
		.circuit = "lte", .provider = who,                             \
		.prefix = "198.51.100." net "/28",                             \
		.egress = "198.51.100." net, .pop = pop_, .access_ms = ms,     \
	}

const struct branch branches[] = {
	{ "Amsterdam office",
	  "NL",
	  "Amsterdam",
	  52.37,
	  4.90,
	  { FIBRE("KPN", "16", "AMS", "Amsterdam", "London", 2.1),
	    MOBILE("Vodafone", "16", "AMS", 14) } },
	{ "Amsterdam warehouse",
	  "NL",
	  "Amsterdam",
	  52.31,
	  4.76,
	  { FIBRE("Ziggo", "32", "AMS", "Amsterdam", "Frankfurt", 5.2),
	    MOBILE("Vodafone", "32", "AMS", 14.5) } },
	{ "Milan office",
	  "IT",
	  "Milan",
	  45.46,
	  9.19,
	  { FIBRE("TIM", "48", "MIL", "Milan", "Frankfurt", 2.4),
	    MOBILE("WindTre", "48", "MIL", 11) } },
	{ "Madrid office",
	  "ES",
	  "Madrid",
	  40.42,
	  -3.70,
	  { FIBRE("Telefonica", "64", "LON", "Madrid", "Paris", 2.2),
	    MOBILE("Orange", "64", "MAD", 13) } },
	{ "Warsaw office",
	  "PL",
	  "Warsaw",
	  52.23,
	  21.01,
	  { FIBRE("Orange Polska", "80", "WAW", "Warsaw", "Berlin", 2.8),
	    MOBILE("Play", "80", "WAW", 15) } },
	{ "London office",
	  "GB",
	  "London",
	  51.51,
	  -0.13,
	  { FIBRE("Colt", "96", "LON", "London", "Amsterdam", 1.8),
	    MOBILE("EE", "96", "LON", 12) } },
	{ "Berlin office",
	  "DE",
	  "Berlin",
	  52.52,
	  13.40,
	  { FIBRE("DE-CIX", "112", "BER", "Berlin", "Frankfurt", 2.0),
	    MOBILE("O2", "112", "BER", 15) } },
	{ "New York office",
	  "US",
	  "New York",
	  40.71,
	  -74.01,
	  { FIBRE("Lumen", "128", "NYC", "New York", "Chicago", 1.9),
	    MOBILE("Verizon", "128", "NYC", 16) } },
	{ "Singapore office",
	  "SG",
	  "Singapore",
	  1.35,
	  103.82,
	  { FIBRE("Singtel", "144", "SIN", "Singapore", "Hong Kong", 1.6),
	    MOBILE("StarHub", "144", "SIN", 13) } },
	{ "Tokyo office",
	  "JP",
	  "Tokyo",
	  35.68,
	  139.69,
	  { FIBRE("IIJ", "160", "TYO", "Tokyo", "Osaka", 1.5),
	    MOBILE("SoftBank", "160", "TYO", 14) } },
	{ .name = NULL },
};

const struct branch_target branch_targets[] = {
	{ "exchange",
	  "outlook.office365.com",
	  "52.96.0.10",
	  0,
	  { "tcp", "https", "icmp" } },
	{ "sharepoint",
	  "contoso.sharepoint.com",
	  "13.107.136.10",
	  0.3,
	  { "tcp", "https", "icmp" } },
	{ "teams",
	  "teams.microsoft.com",
	  "52.123.128.14",
	  0.2,
	  { "tcp", "https", "icmp" } },
	{ "teams-media",
	  "world.tr.teams.microsoft.com",
	  "52.115.0.10",
	  0.4,
	  { "stun" } },
	{ "front-door",
	  "contoso.azurefd.net",
	  "13.107.246.10",
	  0.1,
	  { "tcp", "https", "icmp" } },
	{ .name = NULL },
};

const struct trouble branch_troubles[] = {
	/* The worst: the fibre has entered at Frankfurt, its backup location,
	 * for six and a half hours, and takes a detour; the mobile line still
	 * enters at Milan. */
	{ "Milan office", 0, 6.5, 0, "FRA", 18, 0, false },
	/* A short failover that ended. */
	{ "Berlin office", 0, 11, 9, "FRA", 1, 0, false },
	/* Loss on the mobile line, which ended. */
	{ "Warsaw office", 1, 20, 14, NULL, 0, 0.03, false },
	/* Nothing answers for a quarter of an hour. */
	{ "London office", 0, 5.25, 5, NULL, 0, 0, true },
	/* The agent's host is switched off. */
	{ "New York office", BRANCH_LINES, 12, 10, NULL, 0, 0, true },
	{ .site = NULL },
};
