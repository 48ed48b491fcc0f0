#include "events/figure.h"
#include <stdlib.h>
#include <string.h>

/* Of a float's bits the upper 20 without the sign, counted from 2^-12 on: five
 * bits of exponent, eleven of what follows the one. */
#define DROPPED 12
#define BASE    ((uint32_t)(127 - 12) << 11)

uint16_t figure_of_ms(double ms)
{
	float value = (float)ms;
	uint32_t bits;

	if (!(value > 0))
		return 0;
	memcpy(&bits, &value, sizeof(bits));
	bits = (bits + (1U << (DROPPED - 1))) >> DROPPED;
	if (bits < BASE)
		return 0;
	return bits - BASE > UINT16_MAX ? UINT16_MAX : (uint16_t)(bits - BASE);
}

double figure_ms(uint16_t figure)
{
	uint32_t bits = (figure + BASE) << DROPPED;
	float value;

	memcpy(&value, &bits, sizeof(value));
	return (double)value;
}

static int compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

uint16_t figure_median(uint16_t *figures, unsigned n)
{
	qsort(figures, n, sizeof(figures[0]), compare);
	return figures[n / 2];
}
