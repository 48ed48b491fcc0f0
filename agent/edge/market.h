/* Coarser and finer words for where and what: the market of a country, the
 * service behind a host. Plain tables. */
#ifndef EDGE_MARKET_H
#define EDGE_MARKET_H

#include <stddef.h>

/* Of a country by its ISO 3166 code, any case: "Europe", "North America", ...;
 * static. "" if it is none. */
const char *edge_market(const char *country);

/* All markets and the codes of each, separated by spaces: for a query that has
 * to know them. NULL from the end on. */
const char *edge_market_name(size_t i);
const char *edge_market_countries(size_t i);

/* The Microsoft service that a host belongs to, by its name: "Exchange",
 * "SharePoint", "Teams", "Entra", "Front Door", "Azure", "Microsoft 365";
 * static. "" if it is not known as Microsoft's. */
const char *edge_service(const char *host);

/* The suffixes that edge_service() goes by, the first that fits; a leading dot
 * stands for any name below. NULL from the end on. */
const char *edge_service_suffix(size_t i, const char **ret_service);

#endif
