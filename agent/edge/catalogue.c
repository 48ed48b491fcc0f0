/* Hosts and ports are those of Microsoft's "Office 365 URLs and IP address
 * ranges" (the entry's number is given), which firewalls let through, and of
 * Azure Internet Analyzer's documentation. None of them needs an account: any
 * HTTP answer is a reply. ICMP may go unanswered at some; that is for the
 * report to show, hence it is asked wherever an answer is possible. */
#include "edge/catalogue.h"

#include <string.h>

static const struct edge_target catalogue[] = {
	/* Entry 1. Anonymous, /owa/service.svc answers 401 at the front door
	 * itself, with the headers that name the PoP; "/" would redirect. */
	{ .name = "exchange",
	  .phrase = "Exchange Online",
	  .host = "outlook.office365.com",
	  .path = "/owa/service.svc",
	  .probes = { "tcp", "https", "icmp" } },
	/* Entry 31: the name that Microsoft's own connectivity test falls back
	 * to when it does not know the tenant's. */
	{ .name = "sharepoint",
	  .phrase = "SharePoint Online",
	  .host = "microsoft.sharepoint.com",
	  .probes = { "tcp", "https", "icmp" } },
	/* Entry 12: pages and signalling. */
	{ .name = "teams",
	  .phrase = "Teams",
	  .host = "teams.microsoft.com",
	  .probes = { "tcp", "https", "icmp" } },
	/* Entry 11: calls and meetings. The relays speak UDP first and no HTTP;
	 * where a firewall lets no UDP through to port 3478, their silence is
	 * what its owner wants to know. */
	{ .name = "teams-media",
	  .phrase = "Teams' media relays",
	  .host = "world.tr.teams.microsoft.com",
	  .probes = { "stun" } },
	/* Entry 56: every sign-in to Microsoft 365 and Azure. */
	{ .name = "entra",
	  .phrase = "Entra sign-in",
	  .host = "login.microsoftonline.com",
	  .probes = { "tcp", "https", "icmp" } },
	/* The one-pixel object that Internet Analyzer measured, documented as
	 * the default of each preconfigured endpoint. */
	{ .name = "front-door",
	  .phrase = "Azure Front Door",
	  .host = "fpc.msedge.net",
	  .path = "/apc/trans.gif",
	  .probes = { "tcp", "https", "icmp" } },
};

const struct edge_target *edge_catalogue(size_t *ret_n)
{
	*ret_n = sizeof catalogue / sizeof catalogue[0];
	return catalogue;
}

/* One host each: entry 11's relays by the name in Microsoft's pages on split
 * tunnels, and two of the above. Each is named by its word. */
static const struct edge_target groups[] = {
	{ .name = "teams-media",
	  .phrase = "Teams' media relays",
	  .host = "world.tr.teams.microsoft.com",
	  .probes = { "stun" } },
	{ .name = "front-door",
	  .phrase = "Azure Front Door",
	  .host = "fpc.msedge.net",
	  .path = "/apc/trans.gif",
	  .probes = { "tcp", "https", "icmp" } },
	{ .name = "entra",
	  .phrase = "Entra sign-in",
	  .host = "login.microsoftonline.com",
	  .probes = { "tcp", "https", "icmp" } },
};

const struct edge_target *edge_group(const char *word)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strcmp(groups[i].name, word) == 0)
			return &groups[i];
	return NULL;
}
