#include "edge/pop.h"
#include <math.h>

#define EARTH_KM 6371.0088 /* mean radius, IUGG */
#define DEGREE   (3.14159265358979323846 / 180)

/* 299,792.458 km/s in vacuum; refractive index of the fibre G.652, 1550 nm. */
#define LIGHT_KM_S 299792.458
#define GLASS      1.4682

double edge_distance_km(struct edge_place a, struct edge_place b)
{
	double north = (b.latitude - a.latitude) * DEGREE;
	double east = (b.longitude - a.longitude) * DEGREE;
	double h = pow(sin(north / 2), 2) + cos(a.latitude * DEGREE) *
						    cos(b.latitude * DEGREE) *
						    pow(sin(east / 2), 2);

	return 2 * EARTH_KM * asin(sqrt(h > 1 ? 1 : h));
}

uint64_t edge_floor_ns(double km)
{
	return km > 0 ? (uint64_t)(2 * km * GLASS / LIGHT_KM_S * 1e9) : 0;
}

const struct edge_pop *edge_pop_nearest(struct edge_place place, double *ret_km)
{
	size_t n;
	const struct edge_pop *pops = edge_pops(&n), *nearest = NULL;
	double best = HUGE_VAL;

	for (size_t i = 0; i < n; i++) {
		double km = edge_distance_km(
			place, (struct edge_place){ pops[i].latitude,
						    pops[i].longitude });

		if (km < best) {
			best = km;
			nearest = &pops[i];
		}
	}
	*ret_km = best;
	return nearest;
}
