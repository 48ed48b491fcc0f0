/* Which hosts of the endpoints are worth measuring.
 *
 * A name as it stands is measured. Of a wildcard there is no name: where
 * Microsoft's own documents or tools say one, it is in the table below; where it
 * is the tenant's, its name makes it; else it is left out. Records without names
 * whose ports are those of media relays stand for Teams' relays, whose names are
 * in Microsoft's pages on split tunnels. */
#include "edge/endpoints.h"
#include "edgeprobe/target.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TENANT_MAX 63
#define WHY_MAX    160

/* `host`: "%s" is the tenant. Without a tenant the second is taken, if any. */
static const struct wildcard {
	const char *url, *host, *otherwise;
} wildcards[] = {
	/* Microsoft's connectivity test falls back to this one. */
	{ "*.sharepoint.com", "%s.sharepoint.com", "microsoft.sharepoint.com" },
	{ "*.sharepoint.com", "%s-my.sharepoint.com",
	  "microsoft-my.sharepoint.com" },
	{ "*.outlook.com", "autodiscover-s.outlook.com",
	  "autodiscover-s.outlook.com" },
	{ "*.teams.microsoft.com", "teams.microsoft.com",
	  "teams.microsoft.com" },
	{ "*.cloud.microsoft", "outlook.cloud.microsoft",
	  "outlook.cloud.microsoft" },
	{ "*.cloud.microsoft", "teams.cloud.microsoft",
	  "teams.cloud.microsoft" },
	{ "*.msftauth.net", "aadcdn.msftauth.net", "aadcdn.msftauth.net" },
	{ "*.msauth.net", "aadcdn.msauth.net", "aadcdn.msauth.net" },
};

static const char *const categories[] = { "Optimize", "Allow", "Default" };

#define RELAY "world.tr.teams.microsoft.com"

struct choosing {
	const struct edge_selection *selection;
	edge_choice_cb cb;
	void *arg;
	char **taken;
	size_t n, left;
	int result;
};

/* Of a comma-separated list; NULL has all. */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; at != NULL && *at != '\0';) {
		size_t length = strcspn(at, ",");

		if (length == n && strncasecmp(at, word, n) == 0)
			return true;
		at += length + (at[length] == ',');
	}
	return list == NULL;
}

static bool is_taken(const struct choosing *c, const char *host)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcasecmp(c->taken[i], host) == 0)
			return true;
	return false;
}

static int remember(struct choosing *c, const char *host)
{
	char **taken = realloc(c->taken, (c->n + 1) * sizeof(char *));

	if (taken == NULL)
		return -ENOMEM;
	c->taken = taken;
	taken[c->n] = strdup(host);
	if (taken[c->n] == NULL)
		return -ENOMEM;
	c->n++;
	return 0;
}

static void offer(struct choosing *c, const struct edge_choice *choice)
{
	if (c->result != 0 || is_taken(c, choice->host))
		return;
	if (c->n >= c->selection->max) {
		c->left++;
		return;
	}
	c->result = remember(c, choice->host);
	if (c->result == 0)
		c->result = c->cb(choice, c->arg);
}

static void offer_host(struct choosing *c, const struct edge_endpoint *e,
		       const char *host, const char *instead_of)
{
	char why[WHY_MAX];
	struct edge_choice choice = { .host = host, .why = why };

	snprintf(why, sizeof(why), "entry %u, %s, %s%s%.80s", e->id, e->area,
		 categories[e->category], instead_of ? ", for " : "",
		 instead_of ? instead_of : "");
	choice.probes[0] = "tcp";
	choice.probes[1] = "https";
	choice.probes[2] = "icmp";
	offer(c, &choice);
}

static void offer_wildcard(struct choosing *c, const struct edge_endpoint *e,
			   const char *url)
{
	const char *tenant = c->selection->tenant;
	char host[EP_HOST_MAX + 1];

	for (size_t i = 0; i < sizeof(wildcards) / sizeof(wildcards[0]); i++) {
		const struct wildcard *w = &wildcards[i];
		const char *percent = strstr(w->host, "%s");

		if (strcasecmp(w->url, url) != 0)
			continue;
		if (percent != NULL && tenant != NULL)
			snprintf(host, sizeof(host), "%.*s%.*s%s",
				 (int)(percent - w->host), w->host, TENANT_MAX,
				 tenant, percent + 2);
		else
			snprintf(host, sizeof(host), "%s",
				 percent != NULL ? w->otherwise : w->host);
		offer_host(c, e, host, url);
	}
}

static void offer_relay(struct choosing *c, const struct edge_endpoint *e)
{
	char why[WHY_MAX];
	struct edge_choice choice = { .host = RELAY,
				      .probes = { "stun" },
				      .why = why };

	snprintf(why, sizeof(why), "entry %u, %s, media relays", e->id,
		 e->area);
	offer(c, &choice);
}

static void offer_endpoint(struct choosing *c, const struct edge_endpoint *e)
{
	if (e->n_urls == 0 && e->udp3478)
		offer_relay(c, e);
	for (size_t i = 0; e->tcp443 && i < e->n_urls; i++)
		if (strchr(e->urls[i], '*') != NULL)
			offer_wildcard(c, e, e->urls[i]);
		else
			offer_host(c, e, e->urls[i], NULL);
}

static bool is_selected(const struct edge_selection *selection,
			const struct edge_endpoint *e)
{
	return has_word(selection->areas, e->area) &&
	       has_word(selection->categories, categories[e->category]);
}

int edge_choose(const struct edge_endpoints *endpoints,
		const struct edge_selection *selection, edge_choice_cb cb,
		void *arg, size_t *ret_left)
{
	struct choosing c = { .selection = selection, .cb = cb, .arg = arg };

	for (unsigned category = 0; category < 3; category++)
		for (size_t i = 0; i < endpoints->n; i++) {
			const struct edge_endpoint *e = &endpoints->list[i];

			if (e->category == category &&
			    is_selected(selection, e))
				offer_endpoint(&c, e);
		}
	for (size_t i = 0; i < c.n; i++)
		free(c.taken[i]);
	free(c.taken);
	if (ret_left != NULL)
		*ret_left = c.left;
	return c.result;
}

/* --- what of it leads to no host --- */

static bool is_known(const char *url)
{
	for (size_t i = 0; i < sizeof(wildcards) / sizeof(wildcards[0]); i++)
		if (strcasecmp(wildcards[i].url, url) == 0)
			return true;
	return false;
}

/* Among the first `n` of the selected records, or the first `urls` of the one
 * behind them. */
static bool was_there(const struct edge_endpoints *endpoints,
		      const struct edge_selection *selection, size_t n,
		      size_t urls)
{
	const char *url = endpoints->list[n].urls[urls];

	for (size_t i = 0; i <= n; i++) {
		const struct edge_endpoint *e = &endpoints->list[i];
		size_t end = i < n ? e->n_urls : urls;

		if (!e->tcp443 || !is_selected(selection, e))
			continue;
		for (size_t j = 0; j < end; j++)
			if (strcasecmp(e->urls[j], url) == 0)
				return true;
	}
	return false;
}

void edge_left_out(const struct edge_endpoints *endpoints,
		   const struct edge_selection *selection,
		   void (*cb)(const char *url, void *arg), void *arg)
{
	for (size_t i = 0; i < endpoints->n; i++) {
		const struct edge_endpoint *e = &endpoints->list[i];

		if (!e->tcp443 || !is_selected(selection, e))
			continue;
		for (size_t j = 0; j < e->n_urls; j++)
			if (strchr(e->urls[j], '*') != NULL &&
			    !is_known(e->urls[j]) &&
			    !was_there(endpoints, selection, i, j))
				cb(e->urls[j], arg);
	}
}

/* --- what is known without asking --- */

static char *exchange[] = { (char[]){ "outlook.office365.com" },
			    (char[]){ "outlook.office.com" },
			    (char[]){ "outlook.cloud.microsoft" } };
static char *sharepoint[] = { (char[]){ "*.sharepoint.com" } };

static struct edge_endpoint optimize[] = {
	{ .id = 1,
	  .area = (char[]){ "Exchange" },
	  .required = true,
	  .urls = exchange,
	  .n_urls = 3,
	  .tcp443 = true },
	{ .id = 31,
	  .area = (char[]){ "SharePoint" },
	  .required = true,
	  .urls = sharepoint,
	  .n_urls = 1,
	  .tcp443 = true },
	{ .id = 11,
	  .area = (char[]){ "Skype" },
	  .required = true,
	  .udp3478 = true },
};

const struct edge_endpoints *edge_endpoints_built_in(void)
{
	static const struct edge_endpoints built_in = { "2023073100", optimize,
							3 };

	return &built_in;
}
