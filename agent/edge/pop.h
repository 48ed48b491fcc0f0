/* Edge locations (PoPs) by the codes that answers name, how far they are, and
 * what light needs for that. A plain table and pure functions. */
#ifndef EDGE_POP_H
#define EDGE_POP_H

#include <stddef.h>
#include <stdint.h>

struct edge_pop {
	const char *code; /* as in rows: "AMS", "BL" */
	const char *city, *country;
	double latitude, longitude; /* degrees; of the city */
};

/* By a code; a digit behind one that is known is left out ("BY1"). NULL: not
 * known. */
const struct edge_pop *edge_pop_find(const char *code);

/* All, sorted by code. */
const struct edge_pop *edge_pops(size_t *ret_n);

/* A place, degrees; NAN where it is not known. */
struct edge_place {
	double latitude, longitude;
};

/* Along the great circle, kilometres; NAN if one of them is not known. */
double edge_distance_km(struct edge_place a, struct edge_place b);

/* The shortest round trip over so many kilometres of fibre: no cable is shorter
 * than the great circle, and light in glass takes 4.9 us a kilometre. */
uint64_t edge_floor_ns(double km);

/* The PoP that is nearest to a place, and how far that is; NULL if the place is
 * not known. */
const struct edge_pop *edge_pop_nearest(struct edge_place place,
					double *ret_km);

#endif
