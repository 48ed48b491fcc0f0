#include "edge/intercept.h"
#include "edge/market.h"
#include "edgeprobe/clock.h"
#include <string.h>
#include <strings.h>

/* A proxy that answers SYNs is in the branch or at the provider's, so that TLS
 * takes a multiple of what TCP does; by less than this it may be the server,
 * which has to sign something. */
#define NEARBY_TIMES 2
#define NEARBY_NS    (5 * (int64_t)EP_NS_PER_MS)

/* How far the PoP may be from the middle of its city, and the branch from where
 * it says it is, together. */
#define PLACES_KM 50

/* By the organisation that a certificate's issuer names: "Azure Certificate
 * Authority details" and "Microsoft 365 encryption chains" of Microsoft's
 * documentation. */
const char intercept_microsoft[] =
	"Microsoft Corporation,DigiCert,GlobalSign,Entrust,Baltimore";

/* Below Microsoft's suffixes, but the customer's machine and certificate. */
static const char *const customers[] = { ".cloudapp.azure.com" };

static bool ends_with(const char *host, const char *suffix)
{
	size_t n = strlen(host), tail = strlen(suffix);

	return n > tail && strcasecmp(host + n - tail, suffix) == 0;
}

static bool is_microsofts(const char *host)
{
	for (size_t i = 0; i < sizeof(customers) / sizeof(customers[0]); i++)
		if (ends_with(host, customers[i]))
			return false;
	return edge_service(host)[0] != '\0';
}

bool intercept_is_among(const char *issuer, const char *issuers)
{
	while (*issuers != '\0') {
		size_t n = strcspn(issuers, ",");

		if (n > 0 && strncasecmp(issuer, issuers, n) == 0)
			return true;
		issuers += n + (issuers[n] == ',');
	}
	return false;
}

/* NULL: any. */
static const char *issuers_of(const struct intercept_rule *rule)
{
	if (rule->issuers != NULL)
		return rule->issuers;
	return is_microsofts(rule->host) ? intercept_microsoft : NULL;
}

static bool is_foreign(const struct intercept_rule *rule,
		       const struct ep_https *https)
{
	const char *issuers = issuers_of(rule);

	return issuers != NULL && https->tls_issuer[0] != '\0' &&
	       !intercept_is_among(https->tls_issuer, issuers);
}

/* Elsewhere a server may be slow to sign each time. */
static bool is_edge(const struct intercept_rule *rule,
		    const struct ep_https *https)
{
	return https->pop_source[0] != '\0' || issuers_of(rule) != NULL;
}

/* Both figures, and nothing of our own in them. */
static bool is_comparable(const struct ep_sample *sample)
{
	return sample->rtt_ns >= 0 && sample->https.tls_first_byte_ns >= 0 &&
	       sample->retransmits <= 0 &&
	       (sample->flags &
		(EP_FLAG_STALLED | EP_FLAG_DRAINING | EP_FLAG_LOADED)) == 0;
}

static bool is_nearer(const struct ep_sample *sample)
{
	int64_t tls_ns = sample->https.tls_first_byte_ns;

	return tls_ns - sample->rtt_ns > NEARBY_NS &&
	       tls_ns > NEARBY_TIMES * sample->rtt_ns;
}

/* A server may be slow to sign once, or for a while: the least of several is
 * what counts, so all of them have to say it. */
static bool see_nearby(struct intercept *in, const struct ep_sample *sample)
{
	if (is_nearer(sample)) {
		in->direct = 0;
		if (in->near < INTERCEPT_NEARBY)
			in->near++;
		in->nearby |= in->near == INTERCEPT_NEARBY;
		return in->nearby;
	}
	in->near = 0;
	if (in->direct < INTERCEPT_DIRECT)
		in->direct++;
	in->nearby &= in->direct < INTERCEPT_DIRECT;
	return false;
}

/* The location that ended the connection: others may be behind it. */
static bool is_front(const char *pop_source)
{
	return strcmp(pop_source, "X-FEEFZInfo") != 0 &&
	       strcmp(pop_source, "Report-To") != 0;
}

static bool is_below_light(const struct intercept_rule *rule,
			   const struct ep_sample *sample)
{
	const struct edge_pop *pop = edge_pop_find(sample->https.pop);
	double km;

	if (pop == NULL || sample->rtt_ns < 0 ||
	    !is_front(sample->https.pop_source))
		return false;
	km = edge_distance_km(
		rule->site,
		(struct edge_place){ pop->latitude, pop->longitude });
	return km > PLACES_KM &&
	       (uint64_t)sample->rtt_ns + sample->uncertainty_ns <
		       edge_floor_ns(km - PLACES_KM);
}

unsigned intercept_see(struct intercept *in, const struct intercept_rule *rule,
		       const struct ep_sample *sample)
{
	unsigned flags = 0;

	if ((sample->flags & EP_FLAG_KEPT) != 0)
		return 0;
	if (is_foreign(rule, &sample->https))
		flags |= EP_FLAG_TLS_ISSUER;
	if (is_comparable(sample) && is_edge(rule, &sample->https) &&
	    see_nearby(in, sample))
		flags |= EP_FLAG_NEARBY;
	if (is_below_light(rule, sample))
		flags |= EP_FLAG_BELOW_LIGHT;
	return flags;
}
