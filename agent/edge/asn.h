/* Which network (autonomous system) an address is in, by what services say that
 * answer over DNS as Team Cymru's does: the names to ask, and what the texts
 * mean, of which nothing is believed. Pure. */
#ifndef EDGE_ASN_H
#define EDGE_ASN_H

#include "edgeprobe/address.h"
#include <stddef.h>
#include <stdint.h>

/* Bytes of a network's name, and of a name to ask, each with its NUL. */
#define EDGE_ASN_NAME_MAX     65
#define EDGE_ASN_QUESTION_MAX 256
/* The longest zone for which every question is a name of the DNS. */
#define EDGE_ASN_ZONE_MAX 180

struct edge_asn {
	uint32_t number;              /* 0: not known */
	char name[EDGE_ASN_NAME_MAX]; /* "": not known; UTF-8 without control
				       * characters */
};

/* What to ask for the number of the network that `address` (not empty) is in.
 * Returns `ret_name`. */
char *edge_asn_ask_origin(const struct ep_address *address, const char *zone,
			  char ret_name[EDGE_ASN_QUESTION_MAX]);

/* What to ask for the name of a network. Returns `ret_name`. */
char *edge_asn_ask_name(uint32_t number, const char *zone,
			char ret_name[EDGE_ASN_QUESTION_MAX]);

/* The number in an answer to the first, "ASN[ ASN...] | prefix | ..." in each
 * line: the first one of the longest prefix. 0: there is none. */
uint32_t edge_asn_origin(const char *text);

/* The name in an answer to the second, "ASN | CC | registry | date | name", of
 * `number`: the first 64 bytes of it. 0, or -EINVAL and `ret_name` untouched. */
int edge_asn_name(const char *text, uint32_t number,
		  char ret_name[EDGE_ASN_NAME_MAX]);

#endif
