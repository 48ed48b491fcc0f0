#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#define DAY_NS    86400e9
#define SHARE_ALL 4294967296.0

bool value_time(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e3 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	char *end;
	double v = strtod(text, &end);
	size_t i;

	if (end == text || !(v >= 0))
		return false;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		if (v * units[i].ns > DAY_NS)
			return false;
		*ret_ns = (uint64_t)(v * units[i].ns);
		return true;
	}
	return false;
}

bool value_share(const char *text, uint64_t *ret_share)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text)
		return false;
	if (strcmp(end, "%") == 0)
		v /= 100;
	else if (*end != '\0')
		return false;
	if (!(v >= 0 && v <= 1))
		return false;
	*ret_share = (uint64_t)(v * SHARE_ALL);
	return true;
}

bool value_count(const char *text, unsigned long most, uint64_t *ret_n)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end != '\0' || v > most)
		return false;
	*ret_n = v;
	return true;
}

bool value_addr(const char *text, struct packet_addr *ret_a)
{
	struct packet_addr a = { 0 };

	if (inet_pton(AF_INET, text, a.b) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, text, a.b) == 1)
		a.family = 6;
	else
		return false;
	*ret_a = a;
	return true;
}

bool value_addrs(char *text, unsigned most, struct packet_addr *ret_a,
		 unsigned *ret_n)
{
	char *rest = text, *word;
	unsigned n = 0;

	while ((word = strsep(&rest, ",")) != NULL) {
		if (n == most || !value_addr(word, &ret_a[n]))
			return false;
		n++;
	}
	*ret_n = n;
	return true;
}
