/* Happy path: provider_of() asks for the number of an address it has not seen
 * for a day; on_origin() asks for that number's name; on_name() keeps both.
 *
 * What can fail: nobody answers, or something else: the log says so once a day,
 * what was known stays, and the next try is a day later. */
#include "provider.h"
#include "asking.h"
#include "base/log.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS UINT64_C(86400000000000)
#define SPARE  16 /* addresses beside those that circuits have now */

struct known {
	struct provider *provider;
	struct ep_address address; /* family 0: free */
	size_t circuit;            /* that it is asked for over */
	uint64_t asked_ns;
	bool asking;
	uint32_t number; /* whose name is asked for */
	struct edge_asn asn;
};

struct provider {
	const struct config *config;
	struct asking *asking;
	bool said; /* that something failed */
	uint64_t said_ns;
	size_t n;
	struct known known[];
};

/* --- answers --- */

static void fail(struct known *k, const char *name, const char *reason)
{
	struct provider *p = k->provider;

	k->asking = false;
	if (p->said && k->asked_ns - p->said_ns < DAY_NS)
		return;
	p->said = true;
	p->said_ns = k->asked_ns;
	log_info("provider", "answer=none name=%s reason=\"%s\"", name, reason);
}

static void keep(struct known *k, const char *name)
{
	k->asking = false;
	if (name == NULL && k->asn.number == k->number)
		return;
	k->asn.number = k->number;
	memset(k->asn.name, 0, sizeof(k->asn.name));
	if (name != NULL)
		memcpy(k->asn.name, name, strlen(name));
}

static void on_name(const struct asking_answer *answer, void *arg)
{
	struct known *k = arg;
	char question[EDGE_ASN_QUESTION_MAX], name[EDGE_ASN_NAME_MAX];

	if (edge_asn_name(answer->text, k->number, name) == 0) {
		keep(k, name);
		return;
	}
	keep(k, NULL);
	fail(k,
	     edge_asn_ask_name(k->number, k->provider->config->dns_origin,
			       question),
	     answer->reason ? answer->reason : "no name in the answer");
}

static void ask(struct known *k, const char *question, asking_cb cb)
{
	int r = asking_ask(k->provider->asking, k->circuit, ASKING_TEXT,
			   question, cb, k);

	if (r < 0)
		fail(k, question,
		     r == -ENOMEM ? "out of memory" : "no such servers");
}

static void on_origin(const struct asking_answer *answer, void *arg)
{
	struct known *k = arg;
	const char *zone = k->provider->config->dns_origin;
	char question[EDGE_ASN_QUESTION_MAX];

	k->number = edge_asn_origin(answer->text);
	if (k->number != 0) {
		ask(k, edge_asn_ask_name(k->number, zone, question), on_name);
		return;
	}
	fail(k, edge_asn_ask_origin(&k->address, zone, question),
	     answer->reason ? answer->reason : "no number in the answer");
}

/* --- addresses --- */

/* The one that was asked for longest ago makes room. NULL: all are under way. */
static struct known *add(struct provider *p, const struct ep_address *address)
{
	struct known *oldest = NULL;

	for (size_t i = 0; i < p->n; i++) {
		struct known *k = &p->known[i];

		if (k->asking)
			continue;
		if (k->address.family == 0) {
			oldest = k;
			break;
		}
		if (oldest == NULL || k->asked_ns < oldest->asked_ns)
			oldest = k;
	}
	if (oldest != NULL)
		*oldest = (struct known){ .provider = p, .address = *address };
	return oldest;
}

static struct known *find(struct provider *p, const struct ep_address *address)
{
	for (size_t i = 0; i < p->n; i++)
		if (ep_address_equal(&p->known[i].address, address))
			return &p->known[i];
	return NULL;
}

static void begin(struct known *k, size_t i, uint64_t now_ns)
{
	char question[EDGE_ASN_QUESTION_MAX];

	k->circuit = i;
	k->asked_ns = now_ns;
	k->asking = true;
	ask(k,
	    edge_asn_ask_origin(&k->address, k->provider->config->dns_origin,
				question),
	    on_origin);
}

const struct edge_asn *provider_of(struct provider *provider, size_t i,
				   const struct ep_address *address,
				   uint64_t now_ns)
{
	struct known *k = find(provider, address);

	if (k == NULL) {
		k = add(provider, address);
		if (k == NULL)
			return NULL;
		begin(k, i, now_ns);
	} else if (!k->asking && now_ns - k->asked_ns >= DAY_NS) {
		begin(k, i, now_ns);
	}
	return k->asn.number ? &k->asn : NULL;
}

/* --- life --- */

int provider_open(uv_loop_t *loop, const struct config *config,
		  struct provider **ret_provider, struct ep_err *err)
{
	size_t n = config->n_circuits + 1 + SPARE;
	struct provider *p;
	int r;

	*ret_provider = NULL;
	if (config->dns_origin == NULL)
		return 0;
	p = calloc(1, sizeof(*p) + n * sizeof(p->known[0]));
	if (p == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	p->config = config;
	p->n = n;
	r = asking_open(loop, config, &p->asking, err);
	if (r == 0)
		*ret_provider = p;
	else
		free(p);
	return r;
}

void provider_close(struct provider *provider)
{
	if (provider == NULL)
		return;
	asking_close(provider->asking);
	free(provider);
}
