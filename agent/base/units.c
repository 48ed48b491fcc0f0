#include "base/units.h"
#include "edgeprobe/clock.h"
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Ascending: the printers look for the largest that divides. */
static const struct unit durations[] = {
	{ "ms", EP_NS_PER_MS },       { "s", EP_NS_PER_S },
	{ "m", 60 * EP_NS_PER_S },    { "h", 3600 * EP_NS_PER_S },
	{ "d", 86400 * EP_NS_PER_S },
};
static const struct unit sizes[] = {
	{ "B", 1 },
	{ "KiB", UINT64_C(1) << 10 },
	{ "MiB", UINT64_C(1) << 20 },
	{ "GiB", UINT64_C(1) << 30 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Digits at `*text`, which moves on. */
static int parse_whole(const char **text, uint64_t *ret_value)
{
	const char *p = *text;
	uint64_t value = 0;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -ERANGE;
	*text = p;
	*ret_value = value;
	return 0;
}

/* A point and up to `max` digits at `*text`, or nothing: the fraction in units
 * of 10^-max. */
static int parse_fraction(const char **text, unsigned max, uint64_t *ret_value)
{
	const char *p = *text;
	uint64_t value = 0;
	unsigned n = 0;

	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			return -EINVAL;
		for (; isdigit((unsigned char)*p) && n < max; p++, n++)
			value = value * 10 + (uint64_t)(*p - '0');
	}
	for (; n < max; n++)
		value *= 10;
	*text = p;
	*ret_value = value;
	return 0;
}

static const struct unit *find(const char *name, const struct unit *units,
			       size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

static int parse_unit(const char *text, const struct unit *units, size_t n,
		      uint64_t *ret_value)
{
	uint64_t whole = 0, milli = 0, value;
	const struct unit *unit;
	int r;

	r = parse_whole(&text, &whole);
	if (r == 0)
		r = parse_fraction(&text, 3, &milli);
	if (r < 0)
		return r;
	unit = find(text, units, n);
	if (!unit || milli * unit->factor % 1000 != 0)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, unit->factor, &value) ||
	    __builtin_add_overflow(value, milli * unit->factor / 1000, &value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int unit_parse_duration(const char *text, uint64_t *ret_ns)
{
	return parse_unit(text, durations, COUNT(durations), ret_ns);
}

int unit_parse_size(const char *text, uint64_t *ret_bytes)
{
	return parse_unit(text, sizes, COUNT(sizes), ret_bytes);
}

/* Exactly `digits` digits and then `after` (0: whatever). */
static bool take_field(const char **text, int digits, char after, int *ret)
{
	const char *p = *text;
	int value = 0;

	for (int i = 0; i < digits; i++, p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		value = value * 10 + (*p - '0');
	}
	if (after != '\0' && *p++ != after)
		return false;
	*text = p;
	*ret = value;
	return true;
}

/* "Z", "+01:00" or nothing, which means local time. */
static int parse_zone(const char *text, bool *ret_local, int *ret_offset_s)
{
	int hours, minutes, sign;

	*ret_local = *text == '\0';
	*ret_offset_s = 0;
	if (*text == '\0' || strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return 0;
	if (*text != '+' && *text != '-')
		return -EINVAL;
	sign = *text++ == '-' ? -1 : 1;
	if (!take_field(&text, 2, ':', &hours) ||
	    !take_field(&text, 2, '\0', &minutes) || *text != '\0' ||
	    hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_offset_s = sign * (hours * 3600 + minutes * 60);
	return 0;
}

/* Seconds since 1970 of a calendar time that exists. */
static int moment_of(const struct tm *tm, bool local, int offset_s,
		     uint64_t *ret_s)
{
	struct tm copy = *tm;
	time_t s = timegm(&copy);

	if (copy.tm_mday != tm->tm_mday || copy.tm_mon != tm->tm_mon)
		return -EINVAL; /* no such day */
	if (local) {
		copy = *tm;
		copy.tm_isdst = -1;
		s = mktime(&copy);
	}
	s -= offset_s;
	if (s < 0)
		return -ERANGE;
	*ret_s = (uint64_t)s;
	return 0;
}

/* "T08:30", " 08:30:15.25" or nothing; without a time there is no zone. */
static int parse_clock(const char **text, struct tm *tm, uint64_t *ret_ns)
{
	const char *p = *text;

	*ret_ns = 0;
	if (*p == '\0')
		return 0;
	if (*p != 'T' && *p != 't' && *p != ' ')
		return -EINVAL;
	p++;
	if (!take_field(&p, 2, ':', &tm->tm_hour) ||
	    !take_field(&p, 2, '\0', &tm->tm_min))
		return -EINVAL;
	if (*p == ':') {
		p++;
		if (!take_field(&p, 2, '\0', &tm->tm_sec) ||
		    parse_fraction(&p, 9, ret_ns) < 0)
			return -EINVAL;
	}
	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
		return -EINVAL;
	*text = p;
	return 0;
}

static int parse_calendar(const char *text, uint64_t *ret_ns)
{
	struct tm tm = { 0 };
	uint64_t fraction_ns, s;
	int r, offset_s;
	bool local;

	if (!take_field(&text, 4, '-', &tm.tm_year) ||
	    !take_field(&text, 2, '-', &tm.tm_mon) ||
	    !take_field(&text, 2, '\0', &tm.tm_mday))
		return -EINVAL;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	r = parse_clock(&text, &tm, &fraction_ns);
	if (r == 0)
		r = parse_zone(text, &local, &offset_s);
	if (r == 0)
		r = moment_of(&tm, local, offset_s, &s);
	if (r < 0)
		return r;
	if (s > UINT64_MAX / EP_NS_PER_S - 1)
		return -ERANGE;
	*ret_ns = s * EP_NS_PER_S + fraction_ns;
	return 0;
}

static int parse_epoch(const char *text, uint64_t *ret_ns)
{
	uint64_t s = 0, fraction_ns = 0;
	int r;

	r = parse_whole(&text, &s);
	if (r == 0)
		r = parse_fraction(&text, 9, &fraction_ns);
	if (r < 0 || *text != '\0')
		return r < 0 ? r : -EINVAL;
	if (s > UINT64_MAX / EP_NS_PER_S - 1)
		return -ERANGE;
	*ret_ns = s * EP_NS_PER_S + fraction_ns;
	return 0;
}

int unit_parse_time(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	uint64_t ago_ns;
	int r;

	if (strcmp(text, "now") == 0) {
		*ret_ns = now_ns;
		return 0;
	}
	if (strlen(text) > 4 && text[4] == '-')
		return parse_calendar(text, ret_ns);
	r = parse_epoch(text, ret_ns);
	if (r != -EINVAL)
		return r;
	r = unit_parse_duration(text, &ago_ns);
	if (r < 0)
		return r;
	if (ago_ns > now_ns)
		return -ERANGE;
	*ret_ns = now_ns - ago_ns;
	return 0;
}

static void print_unit(struct buf *out, uint64_t value,
		       const struct unit *units, size_t n)
{
	while (n > 1 && (value == 0 || value % units[n - 1].factor != 0))
		n--;
	buf_uint(out, value / units[n - 1].factor);
	if (value % units[n - 1].factor != 0)
		buf_printf(out, ".%03u",
			   (unsigned)(value % units[n - 1].factor /
				      (units[n - 1].factor / 1000)));
	buf_text(out, units[n - 1].name);
}

void unit_print_duration(struct buf *out, uint64_t ns)
{
	print_unit(out, ns, durations, COUNT(durations));
}

void unit_print_size(struct buf *out, uint64_t bytes)
{
	print_unit(out, bytes, sizes, COUNT(sizes));
}
