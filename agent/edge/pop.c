/* The codes that edge locations call themselves, and where those are.
 *
 * Microsoft's list of Front Door edge locations by abbreviation (June 2023, with
 * two spellings of later copies), and three that answers have and it does not:
 * BY of Front Door nodes, CDG and LYH of Exchange's front doors. Coordinates are
 * those of the city, two decimals. The codes are Microsoft's, not IATA's: SAN is
 * San Antonio. Several may be of one city. */
#include "edge/pop.h"
#include <string.h>

/* Sorted by code. */
static const struct edge_pop pops[] = {
	{ "AKL", "Auckland", "New Zealand", -36.85, 174.76 },
	{ "AM", "Amsterdam", "Netherlands", 52.37, 4.90 },
	{ "AMS", "Amsterdam", "Netherlands", 52.37, 4.90 },
	{ "ASH", "Ashburn", "United States", 39.04, -77.49 },
	{ "ATA", "Atlanta", "United States", 33.75, -84.39 },
	{ "ATH", "Athens", "Greece", 37.98, 23.73 },
	{ "ATL", "Atlanta", "United States", 33.75, -84.39 },
	{ "BCN", "Barcelona", "Spain", 41.39, 2.17 },
	{ "BER", "Berlin", "Germany", 52.52, 13.40 },
	{ "BKK", "Bangkok", "Thailand", 13.76, 100.50 },
	{ "BL", "Ashburn", "United States", 39.04, -77.49 },
	{ "BN", "Boydton", "United States", 36.67, -78.39 },
	{ "BNA", "Nashville", "United States", 36.16, -86.78 },
	{ "BNE", "Brisbane", "Australia", -27.47, 153.03 },
	{ "BOG", "Bogota", "Colombia", 4.71, -74.07 },
	{ "BOM", "Mumbai", "India", 19.08, 72.88 },
	{ "BOS", "Boston", "United States", 42.36, -71.06 },
	{ "BRU", "Brussels", "Belgium", 50.85, 4.35 },
	{ "BUD", "Budapest", "Hungary", 47.50, 19.04 },
	{ "BUE", "Buenos Aires", "Argentina", -34.60, -58.38 },
	{ "BUH", "Bucharest", "Romania", 44.43, 26.10 },
	{ "BY", "San Francisco Bay Area", "United States", 37.40, -122.00 },
	{ "CAI", "Cairo", "Egypt", 30.04, 31.24 },
	{ "CDG", "Paris", "France", 48.86, 2.35 },
	{ "CH", "Chicago", "United States", 41.88, -87.63 },
	{ "CHG", "Chicago", "United States", 41.88, -87.63 },
	{ "CHI", "Chicago", "United States", 41.88, -87.63 },
	{ "CLT", "Charlotte", "United States", 35.23, -80.84 },
	{ "CO", "Quincy", "United States", 47.23, -119.85 },
	{ "CPH", "Copenhagen", "Denmark", 55.68, 12.57 },
	{ "CPQ", "Campinas", "Brazil", -22.91, -47.06 },
	{ "CPT", "Cape Town", "South Africa", -33.92, 18.42 },
	{ "CVG", "Cincinnati", "United States", 39.10, -84.51 },
	{ "CYS", "Cheyenne", "United States", 41.14, -104.82 },
	{ "DB", "Dublin", "Ireland", 53.35, -6.26 },
	{ "DEL", "New Delhi", "India", 28.61, 77.21 },
	{ "DEN", "Denver", "United States", 39.74, -104.99 },
	{ "DFW", "Dallas", "United States", 32.78, -96.80 },
	{ "DM", "Des Moines", "United States", 41.59, -93.62 },
	{ "DOH", "Doha", "Qatar", 25.29, 51.53 },
	{ "DTT", "Detroit", "United States", 42.33, -83.05 },
	{ "DUB", "Dublin", "Ireland", 53.35, -6.26 },
	{ "DUS", "Duesseldorf", "Germany", 51.23, 6.77 },
	{ "DXB", "Dubai", "United Arab Emirates", 25.20, 55.27 },
	{ "EWR", "Newark", "United States", 40.74, -74.17 },
	{ "FRA", "Frankfurt", "Germany", 50.11, 8.68 },
	{ "GRU", "Sao Paulo", "Brazil", -23.55, -46.63 },
	{ "GVA", "Geneva", "Switzerland", 46.20, 6.14 },
	{ "GVX", "Sandviken", "Sweden", 60.62, 16.77 },
	{ "HEL", "Helsinki", "Finland", 60.17, 24.94 },
	{ "HK", "Hong Kong", "Hong Kong SAR", 22.32, 114.17 },
	{ "HKB", "Hong Kong", "Hong Kong SAR", 22.32, 114.17 },
	{ "HKG", "Chai Wan", "Hong Kong SAR", 22.26, 114.24 },
	{ "HNL", "Honolulu", "United States", 21.31, -157.86 },
	{ "HOU", "Houston", "United States", 29.76, -95.37 },
	{ "HYD", "Hyderabad", "India", 17.39, 78.49 },
	{ "IST", "Istanbul", "Turkiye", 41.01, 28.98 },
	{ "JAX", "Jacksonville", "United States", 30.33, -81.66 },
	{ "JKT", "Jakarta", "Indonesia", -6.21, 106.85 },
	{ "JNB", "Johannesburg", "South Africa", -26.20, 28.05 },
	{ "KUL", "Kuala Lumpur", "Malaysia", 3.14, 101.69 },
	{ "LAD", "Luanda", "Angola", -8.84, 13.23 },
	{ "LAS", "Las Vegas", "United States", 36.17, -115.14 },
	{ "LAX", "Los Angeles", "United States", 34.05, -118.24 },
	{ "LIS", "Lisbon", "Portugal", 38.72, -9.14 },
	{ "LON", "London", "United Kingdom", 51.51, -0.13 },
	{ "LOS", "Lagos", "Nigeria", 6.52, 3.38 },
	{ "LTS", "London", "United Kingdom", 51.51, -0.13 },
	{ "LYH", "Boydton", "United States", 36.67, -78.39 },
	{ "MAA", "Chennai", "India", 13.08, 80.27 },
	{ "MAD", "Madrid", "Spain", 40.42, -3.70 },
	{ "MAN", "Manchester", "United Kingdom", 53.48, -2.24 },
	{ "MEL", "Melbourne", "Australia", -37.81, 144.96 },
	{ "MEM", "Memphis", "United States", 35.15, -90.05 },
	{ "MEX", "Queretaro", "Mexico", 20.59, -100.39 },
	{ "MIA", "Miami", "United States", 25.76, -80.19 },
	{ "MIL", "Milan", "Italy", 45.46, 9.19 },
	{ "MNL", "Manila", "Philippines", 14.60, 120.98 },
	{ "MNZ", "Manassas", "United States", 38.75, -77.48 },
	{ "MRS", "Marseille", "France", 43.30, 5.37 },
	{ "MSP", "Minneapolis", "United States", 44.98, -93.27 },
	{ "MUC", "Munich", "Germany", 48.14, 11.58 },
	{ "NBO", "Nairobi", "Kenya", -1.29, 36.82 },
	{ "NYC", "New York", "United States", 40.71, -74.01 },
	{ "OSA", "Osaka", "Japan", 34.69, 135.50 },
	{ "OSL", "Oslo", "Norway", 59.91, 10.75 },
	{ "PAO", "Palo Alto", "United States", 37.44, -122.14 },
	{ "PAR", "Paris", "France", 48.86, 2.35 },
	{ "PDX", "Portland", "United States", 45.52, -122.68 },
	{ "PER", "Perth", "Australia", -31.95, 115.86 },
	{ "PHL", "Philadelphia", "United States", 39.95, -75.17 },
	{ "PHX", "Phoenix", "United States", 33.45, -112.07 },
	{ "PNQ", "Pune", "India", 18.52, 73.86 },
	{ "PRA", "Saint Denis", "France", 48.94, 2.36 },
	{ "PRG", "Prague", "Czech Republic", 50.08, 14.44 },
	{ "PUS", "Busan", "South Korea", 35.18, 129.08 },
	{ "RBA", "Rabat", "Morocco", 34.02, -6.84 },
	{ "RIO", "Rio de Janeiro", "Brazil", -22.91, -43.17 },
	{ "ROM", "Rome", "Italy", 41.90, 12.50 },
	{ "SAN", "San Antonio", "United States", 29.42, -98.49 },
	{ "SAO", "Sao Paulo", "Brazil", -23.55, -46.63 },
	{ "SCL", "Santiago", "Chile", -33.45, -70.67 },
	{ "SEL", "Seoul", "South Korea", 37.57, 126.98 },
	{ "SG", "Singapore", "Singapore", 1.35, 103.82 },
	{ "SGE", "Singapore", "Singapore", 1.35, 103.82 },
	{ "SGN", "Ho Chi Minh City", "Vietnam", 10.82, 106.63 },
	{ "SIN", "Singapore", "Singapore", 1.35, 103.82 },
	{ "SJC", "San Jose", "United States", 37.34, -121.89 },
	{ "SLA", "Seoul", "South Korea", 37.57, 126.98 },
	{ "SLC", "Salt Lake City", "United States", 40.76, -111.89 },
	{ "SN", "San Antonio", "United States", 29.42, -98.49 },
	{ "SOF", "Sofia", "Bulgaria", 42.70, 23.32 },
	{ "STB", "Seattle", "United States", 47.61, -122.33 },
	{ "STO", "Bromma", "Sweden", 59.34, 17.94 },
	{ "SVG", "Stavanger", "Norway", 58.97, 5.73 },
	{ "SYD", "Sydney", "Australia", -33.87, 151.21 },
	{ "TEB", "Secaucus", "United States", 40.79, -74.06 },
	{ "TLV", "Tel Aviv", "Israel", 32.09, 34.78 },
	{ "TPE", "Taipei", "Taiwan", 25.03, 121.57 },
	{ "TYA", "Tokyo", "Japan", 35.68, 139.69 },
	{ "TYB", "Tokyo", "Japan", 35.68, 139.69 },
	{ "TYO", "Tokyo", "Japan", 35.68, 139.69 },
	{ "VIE", "Vienna", "Austria", 48.21, 16.37 },
	{ "WAW", "Warsaw", "Poland", 52.23, 21.01 },
	{ "WST", "Seattle", "United States", 47.61, -122.33 },
	{ "YMQ", "Montreal", "Canada", 45.50, -73.57 },
	{ "YQB", "Quebec City", "Canada", 46.81, -71.21 },
	{ "YTO", "Toronto", "Canada", 43.65, -79.38 },
	{ "YVR", "Vancouver", "Canada", 49.28, -123.12 },
	{ "ZAG", "Zagreb", "Croatia", 45.81, 15.98 },
	{ "ZRH", "Zurich", "Switzerland", 47.38, 8.54 },
};

#define COUNT (sizeof(pops) / sizeof(pops[0]))

static const struct edge_pop *find(const char *code, size_t n)
{
	size_t from = 0, to = COUNT;

	while (from < to) {
		size_t at = (from + to) / 2;
		int order = strncmp(pops[at].code, code, n);

		if (order == 0)
			order = pops[at].code[n] != '\0';
		if (order == 0)
			return &pops[at];
		if (order < 0)
			from = at + 1;
		else
			to = at;
	}
	return NULL;
}

const struct edge_pop *edge_pop_find(const char *code)
{
	size_t n = strlen(code);
	const struct edge_pop *pop = n > 0 ? find(code, n) : NULL;

	/* "BY1": the first of several in one place. */
	while (pop == NULL && n > 2 && code[n - 1] >= '0' && code[n - 1] <= '9')
		pop = find(code, --n);
	return pop;
}

const struct edge_pop *edge_pops(size_t *ret_n)
{
	*ret_n = COUNT;
	return pops;
}
