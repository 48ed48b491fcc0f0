#include "config/value.h"
#include "base/units.h"
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MIN 100
#define STATUS_MAX 599

static bool within(const struct ep_opt *opt, double number)
{
	return number >= opt->min && number <= opt->max;
}

static int parse_bool(const struct ep_opt *opt, const struct json *value,
		      void *field)
{
	bool *to = field;

	(void)opt;
	return json_bool(value, to) ? 0 : -EINVAL;
}

static int parse_uint(const struct ep_opt *opt, const struct json *value,
		      void *field)
{
	uint64_t *to = field;
	double number;

	if (!json_number(value, &number) || !within(opt, number) ||
	    floor(number) < number)
		return -EINVAL;
	*to = (uint64_t)number;
	return 0;
}

static int parse_double(const struct ep_opt *opt, const struct json *value,
			void *field)
{
	double *to = field, number;

	if (!json_number(value, &number) || !within(opt, number))
		return -EINVAL;
	*to = number;
	return 0;
}

static int set_text(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static int parse_text(const struct ep_opt *opt, const struct json *value,
		      void *field)
{
	const char *text = json_text(value);

	if (!text || !within(opt, (double)strlen(text)))
		return -EINVAL;
	return set_text(field, text);
}

static int parse_duration(const struct ep_opt *opt, const struct json *value,
			  void *field)
{
	const char *text = json_text(value);
	uint64_t *to = field, ns = 0;

	if (!text || unit_parse_duration(text, &ns) < 0 ||
	    !within(opt, (double)ns))
		return -EINVAL;
	*to = ns;
	return 0;
}

static int parse_size(const struct ep_opt *opt, const struct json *value,
		      void *field)
{
	const char *text = json_text(value);
	uint64_t *to = field, bytes = 0;

	if (!text || unit_parse_size(text, &bytes) < 0 ||
	    !within(opt, (double)bytes))
		return -EINVAL;
	*to = bytes;
	return 0;
}

/* 4 or "4", 6 or "6", "both". */
static int parse_family(const struct ep_opt *opt, const struct json *value,
			void *field)
{
	static const struct {
		const char *text;
		uint64_t family;
	} families[] = { { "4", 4 }, { "6", 6 }, { "both", 46 } };
	const char *text = json_text(value);
	uint64_t *to = field;
	double number;

	(void)opt;
	if (!text && json_number(value, &number))
		text = number == 4 ? "4" : number == 6 ? "6" : NULL;
	for (size_t i = 0; text && i < 3; i++) {
		if (strcmp(families[i].text, text) == 0) {
			*to = families[i].family;
			return 0;
		}
	}
	return -EINVAL;
}

static int add_status(struct ep_statuses *to, const struct json *value)
{
	double number;

	if (!json_number(value, &number) || number < STATUS_MIN ||
	    number > STATUS_MAX || floor(number) < number ||
	    to->n == EP_STATUSES_MAX)
		return -EINVAL;
	to->status[to->n++] = (uint16_t)number;
	return 0;
}

/* A number, or a list of them; the empty list is any. */
static int parse_statuses(const struct ep_opt *opt, const struct json *value,
			  void *field)
{
	struct ep_statuses statuses = { .n = 0 }, *to = field;
	const struct json *v = value;
	int r = 0;

	(void)opt;
	if (json_type(value) != JSON_ARRAY)
		r = add_status(&statuses, value);
	else
		for (v = json_first(value); v && r == 0; v = json_next(v))
			r = add_status(&statuses, v);
	if (r == 0)
		*to = statuses;
	return r;
}

int value_parse(const struct ep_opt *opt, const struct json *value, void *field)
{
	static int (*const parsers[])(const struct ep_opt *,
				      const struct json *, void *) = {
		[EP_OPT_BOOL] = parse_bool,
		[EP_OPT_UINT] = parse_uint,
		[EP_OPT_DOUBLE] = parse_double,
		[EP_OPT_TEXT] = parse_text,
		[EP_OPT_DURATION] = parse_duration,
		[EP_OPT_SIZE] = parse_size,
		[EP_OPT_FAMILY] = parse_family,
		[EP_OPT_STATUSES] = parse_statuses,
	};

	return parsers[opt->type](opt, value, field);
}

/* The fallback is a row of our own: it is right, or a bug. */
static void set_number(uint64_t *to, const struct ep_opt *opt)
{
	int r = 0;

	*to = 0;
	if (opt->fallback && opt->type == EP_OPT_DURATION)
		r = unit_parse_duration(opt->fallback, to);
	else if (opt->fallback && opt->type == EP_OPT_SIZE)
		r = unit_parse_size(opt->fallback, to);
	else if (opt->fallback)
		*to = strtoull(opt->fallback, NULL, 10);
	assert(r == 0);
}

int value_default(const struct ep_opt *opt, void *field)
{
	switch (opt->type) {
	case EP_OPT_BOOL:
		*(bool *)field = opt->fallback && opt->fallback[0] == 't';
		break;
	case EP_OPT_UINT:
	case EP_OPT_DURATION:
	case EP_OPT_SIZE:
	case EP_OPT_FAMILY:
		set_number(field, opt);
		break;
	case EP_OPT_DOUBLE:
		*(double *)field = opt->fallback ? strtod(opt->fallback, NULL)
						 : (double)NAN;
		break;
	case EP_OPT_TEXT:
		return opt->fallback ? set_text(field, opt->fallback) : 0;
	case EP_OPT_STATUSES:
		((struct ep_statuses *)field)->n = 0;
		break;
	}
	return 0;
}

bool value_absent(const struct ep_opt *opt, const void *field)
{
	switch (opt->type) {
	case EP_OPT_BOOL:
		return false;
	case EP_OPT_UINT:
	case EP_OPT_DURATION:
	case EP_OPT_SIZE:
	case EP_OPT_FAMILY:
		return *(const uint64_t *)field == 0 && !opt->fallback;
	case EP_OPT_DOUBLE:
		return isnan(*(const double *)field);
	case EP_OPT_TEXT:
		return *(char *const *)field == NULL;
	case EP_OPT_STATUSES:
		return ((const struct ep_statuses *)field)->n == 0;
	}
	return true;
}

static void print_family(struct buf *out, uint64_t family)
{
	if (family == 46)
		buf_text(out, "\"both\"");
	else
		buf_uint(out, family);
}

static void print_statuses(struct buf *out, const struct ep_statuses *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		buf_text(out, i == 0 ? "[" : ", ");
		buf_uint(out, s->status[i]);
	}
	buf_text(out, s->n == 0 ? "[]" : "]");
}

void value_print(struct buf *out, const struct ep_opt *opt, const void *field)
{
	switch (opt->type) {
	case EP_OPT_BOOL:
		buf_text(out, *(const bool *)field ? "true" : "false");
		break;
	case EP_OPT_UINT:
		buf_uint(out, *(const uint64_t *)field);
		break;
	case EP_OPT_DOUBLE:
		buf_printf(out, "%.10g", *(const double *)field);
		break;
	case EP_OPT_TEXT:
		buf_json_text(out, *(char *const *)field);
		break;
	case EP_OPT_DURATION:
		buf_char(out, '"');
		unit_print_duration(out, *(const uint64_t *)field);
		buf_char(out, '"');
		break;
	case EP_OPT_SIZE:
		buf_char(out, '"');
		unit_print_size(out, *(const uint64_t *)field);
		buf_char(out, '"');
		break;
	case EP_OPT_FAMILY:
		print_family(out, *(const uint64_t *)field);
		break;
	case EP_OPT_STATUSES:
		print_statuses(out, field);
		break;
	}
}

void value_allowed(struct buf *out, const struct ep_opt *opt)
{
	switch (opt->type) {
	case EP_OPT_BOOL:
		buf_text(out, "true or false");
		break;
	case EP_OPT_UINT:
		buf_printf(out, "a whole number from %.0f to %.0f", opt->min,
			   opt->max);
		break;
	case EP_OPT_DOUBLE:
		buf_printf(out, "a number from %g to %g", opt->min, opt->max);
		break;
	case EP_OPT_TEXT:
		buf_printf(out, "a text of %.0f to %.0f bytes", opt->min,
			   opt->max);
		break;
	case EP_OPT_DURATION:
		buf_text(out, "a text such as \"10s\" (ms, s, m, h, d) from ");
		unit_print_duration(out, (uint64_t)opt->min);
		buf_text(out, " to ");
		unit_print_duration(out, (uint64_t)opt->max);
		break;
	case EP_OPT_SIZE:
		buf_text(out, "a text such as \"64MiB\" (B, KiB, MiB, GiB) "
			      "from ");
		unit_print_size(out, (uint64_t)opt->min);
		buf_text(out, " to ");
		unit_print_size(out, (uint64_t)opt->max);
		break;
	case EP_OPT_FAMILY:
		buf_text(out, "4, 6 or \"both\"");
		break;
	case EP_OPT_STATUSES:
		buf_printf(out,
			   "a status or a list of up to %d, each from "
			   "%d to %d",
			   EP_STATUSES_MAX, STATUS_MIN, STATUS_MAX);
		break;
	}
}
