#include "report/model/line.h"
#include <math.h>

const char *const line_phase_names[LINE_PHASES] = {
	"dns", "connect", "tls", "first_byte", "total", "srtt",
};

uint64_t line_sent(const struct line *line)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < EP_CANCELLED; i++)
		n += line->outcomes[i];
	return n;
}

uint64_t line_answered(const struct line *line)
{
	return line->outcomes[EP_REPLIED] + line->outcomes[EP_REFUSED];
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole == 0 ? (double)NAN : 100.0 * (double)part / (double)whole;
}

double line_loss_percent(const struct line *line)
{
	return percent(line->outcomes[EP_LOST],
		       line_sent(line) - line->outcomes[EP_FAILED]);
}

double line_availability_percent(const struct line *line)
{
	return percent(line_answered(line), line_sent(line));
}

static void clear_figures(struct figures *f)
{
	const double none = (double)NAN;

	*f = (struct figures){ 0,    none, none, none, none,
			       none, none, none, none, none };
}

void line_init(struct line *line)
{
	*line = (struct line){ .jitter = (double)NAN };
	for (unsigned i = 0; i < REPORT_KEYS_MAX; i++)
		line->keys[i] = "";
	clear_figures(&line->rtt);
	clear_figures(&line->loaded);
	for (unsigned p = 0; p < LINE_PHASES; p++)
		clear_figures(&line->phases[p]);
}
