/* What the configuration says of the site and its circuits, and what was
 * learnt of them, as rows of the agent about itself: so that whoever reads
 * the rows needs no configuration. Pure, told the time. The members are
 * described in delivery/README.md. */
#ifndef AGENT_FACTS_H
#define AGENT_FACTS_H

#include "config/config.h"
#include "edge/asn.h"
#include "edgeprobe/address.h"
#include <stddef.h>
#include <stdint.h>

struct facts;

/* Said again after that; so long after the row before when something is known
 * for the first time; and not more often than this when it changes. */
#define FACTS_EVERY_NS UINT64_C(86400000000000)
#define FACTS_SOON_NS  UINT64_C(5000000000)
#define FACTS_PAUSE_NS UINT64_C(60000000000)

/* The body of a row of type `self` (struct record); until it returns. */
typedef void (*facts_cb)(const char *body, void *arg);

/* `config` is borrowed. NULL: out of memory. */
struct facts *facts_create(const struct config *config, facts_cb cb, void *arg);
void facts_destroy(struct facts *facts);

enum facts_what {
	FACTS_EGRESS,   /* the public address that traffic has outside */
	FACTS_RESOLVER, /* the name server that asks the world for us */
	FACTS_WHATS
};

/* Where one of these is, as far as it is known. */
struct facts_where {
	struct ep_address address;
	const char *place; /* copied; NULL: not known */
	double km;         /* from the site; NAN: not known */
};

/* Of circuit `i` of the configuration; config.n_circuits stands for no
 * circuit. What is the same as before changes nothing. */
void facts_learn(struct facts *facts, size_t i, enum facts_what what,
		 const struct facts_where *where);

/* Where that circuit's traffic comes from, until the next facts_learn(); NULL:
 * not known. */
const struct ep_address *facts_egress(const struct facts *facts, size_t i);

/* Whose network that address is in (a number that is known; copied); forgotten
 * when it is another one. What is the same as before changes nothing. */
void facts_belongs(struct facts *facts, size_t i, const struct edge_asn *asn);

/* About once a second: says what is due. */
void facts_tick(struct facts *facts, uint64_t now_ns);

/* The store is a new one: all of them at the next tick. */
void facts_again(struct facts *facts);

#endif
