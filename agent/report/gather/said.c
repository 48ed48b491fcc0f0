#include "report/gather/said.h"
#include <math.h>
#include <string.h>

static const char *text_in(const struct json *row, const char *key)
{
	const char *text = json_text(json_get(row, key));

	return text == NULL ? "" : text;
}

static double number_in(const struct json *row, const char *key)
{
	double number = (double)NAN;

	json_number(json_get(row, key), &number);
	return number;
}

/* "41", "9.4": as many digits as one can tell apart. */
static void put_ms(struct buf *out, const struct json *row, const char *key)
{
	double ms = number_in(row, key) / 1000;

	if (isnan(ms))
		buf_text(out, "?");
	else
		buf_printf(out, "%.*f", ms < 9.95 ? 1 : 0, ms);
}

/* "exchange by tcp over fibre: " */
static void put_subject(struct buf *out, const struct json *row)
{
	const char *circuit = text_in(row, "circuit");
	const char *probe = text_in(row, "probe");

	buf_text(out, text_in(row, "target"));
	if (*probe != '\0')
		buf_printf(out, " by %s", probe);
	if (*circuit != '\0')
		buf_printf(out, " over %s", circuit);
	buf_text(out, ": ");
}

static void say_degraded(struct buf *out, const struct json *row)
{
	put_subject(out, row);
	put_ms(out, row, "rtt_us");
	buf_text(out, " ms instead of ");
	put_ms(out, row, "baseline_us");
}

static void say_improved(struct buf *out, const struct json *row)
{
	put_subject(out, row);
	buf_text(out, "down to ");
	put_ms(out, row, "rtt_us");
	buf_text(out, " ms from ");
	put_ms(out, row, "baseline_us");
}

static void say_loss(struct buf *out, const struct json *row)
{
	put_subject(out, row);
	buf_printf(out, "%.1f %% lost", number_in(row, "loss_percent"));
}

static void say_outage(struct buf *out, const struct json *row)
{
	put_subject(out, row);
	buf_text(out, "no answer");
}

/* "London (LON, 360 km away)", "XYZ" */
static void put_pop(struct buf *out, const struct json *row, const char *code,
		    const char *city, const char *km)
{
	const char *name = text_in(row, city);
	double far = number_in(row, km);

	if (*name == '\0') {
		buf_text(out, text_in(row, code));
		return;
	}
	buf_printf(out, "%s (%s", name, text_in(row, code));
	if (!isnan(far))
		buf_printf(out, ", %.0f km away", far);
	buf_char(out, ')');
}

static void say_pop(struct buf *out, const struct json *row)
{
	put_subject(out, row);
	buf_text(out, "answered from ");
	put_pop(out, row, "to_pop", "to_city", "to_km");
	if (*text_in(row, "from_pop") != '\0') {
		buf_text(out, " instead of ");
		put_pop(out, row, "from_pop", "from_city", "from_km");
	}
	if (strncmp(text_in(row, "expected"), "un", 2) == 0)
		buf_printf(out, ", which is %s", text_in(row, "expected"));
}

static void say_interception(struct buf *out, const struct json *row)
{
	const char *text = text_in(row, "text");

	put_subject(out, row);
	if (*text != '\0')
		buf_text(out, text);
	else
		buf_text(out, "nothing answers in the edge's place any more");
}

static void say_circuit(struct buf *out, const struct json *row)
{
	const char *reason = text_in(row, "reason");

	buf_printf(out, "circuit %s is %s", text_in(row, "circuit"),
		   text_in(row, "state"));
	if (*reason != '\0' && strcmp(text_in(row, "state"), "up") != 0)
		buf_printf(out, ": %s", reason);
}

static void say_thinned(struct buf *out, const struct json *row)
{
	double share = number_in(row, "share");

	buf_printf(out, "circuit %s: ", text_in(row, "circuit"));
	if (share < 1)
		buf_printf(out,
			   "%.0f %% of the probes are sent, to keep its "
			   "budget of bytes",
			   share * 100);
	else
		buf_text(out, "all probes are sent again");
}

static void say_addresses(struct buf *out, const struct json *row)
{
	const char *circuit = text_in(row, "circuit");

	buf_printf(out, "%s has other addresses", text_in(row, "host"));
	if (*circuit != '\0')
		buf_printf(out, " over %s", circuit);
}

static void say_targets(struct buf *out, const struct json *row)
{
	(void)row;
	buf_text(out, "other hosts are measured, as Microsoft lists them");
}

/* An event of a newer agent: its word. */
static void say_other(struct buf *out, const struct json *row)
{
	const char *circuit = text_in(row, "circuit");

	if (*text_in(row, "target") != '\0')
		put_subject(out, row);
	else if (*circuit != '\0')
		buf_printf(out, "%s: ", circuit);
	for (const char *c = text_in(row, "event"); *c != '\0'; c++)
		buf_char(out, *c == '_' ? ' ' : *c);
}

static const struct {
	const char *event;
	void (*say)(struct buf *out, const struct json *row);
} sayings[] = {
	{ "latency_degraded", say_degraded },
	{ "latency_improved", say_improved },
	{ "loss_degraded", say_loss },
	{ "unreachable", say_outage },
	{ "pop_changed", say_pop },
	{ "interception", say_interception },
	{ "circuit_changed", say_circuit },
	{ "circuit_thinned", say_thinned },
	{ "addresses_changed", say_addresses },
	{ "targets_changed", say_targets },
};

void said_event(struct buf *out, const struct json *row)
{
	const char *event = text_in(row, "event");

	for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++)
		if (strcmp(sayings[i].event, event) == 0) {
			sayings[i].say(out, row);
			return;
		}
	say_other(out, row);
}
