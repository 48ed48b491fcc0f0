#ifndef LAB_RULES_H
#define LAB_RULES_H

/* The rules file: which packets are held, lost, doubled, answered for. The
 * format is in README.md. Pure: told the time, reads only the file. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "packet.h"

#define RULES_MAX      256
#define RULES_HOPS_MAX 8

enum way {
	WAY_OUT, /* from the branch to the edge */
	WAY_IN,
	WAY_N,
};

/* What happens on one way. A share is a probability: of 2^32. */
struct leg {
	uint64_t delay_ns;
	uint64_t jitter_ns; /* up to this much more, evenly spread */
	uint64_t gap_ns;    /* by how much a reordered packet is held longer */
	uint64_t loss, duplicate, reorder, corrupt;
};

enum answer {
	ANSWER_NONE,
	ANSWER_REFUSED, /* RST to a SYN; everything else passes */
	ANSWER_NET_UNREACHABLE,
	ANSWER_HOST_UNREACHABLE,
	ANSWER_PORT_UNREACHABLE,
	ANSWER_PROHIBITED,
};

/* What all the rules together do to a packet. */
struct effect {
	struct leg leg[WAY_N];
	bool blackhole;
	bool drop_first_syn;
	enum answer answer;
	unsigned quote;                  /* see struct packet_error */
	struct packet_addr from4, from6; /* who sends `answer` */
	unsigned n_hops;
	struct packet_addr hops[RULES_HOPS_MAX];
};

struct rules;

/* NULL on failure, which is explained on `err` as FILE:LINE:COLUMN. */
struct rules *rules_load(const char *path, FILE *err);
void rules_destroy(struct rules *r);

/* `edge` is the address at the edge's end of the packet, `age_ns` the time
 * since the rules were loaded. */
void rules_apply(const struct rules *r, const struct packet_addr *edge,
		 uint8_t proto, uint64_t age_ns, struct effect *ret_e);

#endif
