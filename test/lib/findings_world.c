#include "lib/findings_world.h"
#include <stdlib.h>
#include <string.h>

int findings_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	report_model_init(&w->model);
	report_model_site(&w->model, "Utrecht", 52.09, 5.12);
	report_model_circuit(&w->model, 0, "fibre");
	report_model_series(&w->model, 0, "outlook", "tcp", "Exchange");
	w->site = &w->model.sites[0];
	w->site->metro = "Utrecht";
	w->site->country = "NL";
	w->line = &w->model.circuits[0];
	w->line->provider = "KPN";
	w->tcp = &w->model.series[0];
	report_model_answers(&w->tcp->now, 1000, 12);
	report_model_answers(&w->tcp->before, 1000, 12);
	w->run = (struct model_run){ "AMS", w->model.since_ns,
				     w->model.until_ns, 100, MODEL_PRIMARY };
	w->line->runs = &w->run;
	w->line->n_runs = 1;
	*state = w;
	return 0;
}

int findings_teardown(void **state)
{
	struct world *w = *state;

	report_model_finish(&w->model);
	free(w);
	return 0;
}

void findings_judge(struct world *w)
{
	struct ep_err err = { 0 };

	assert_int_equal(model_judge(&w->model, NULL, &err), 0);
}

void findings_expect_none(struct world *w)
{
	findings_judge(w);
	if (w->model.n_findings > 0)
		fail_msg("%s", w->model.findings[0].text);
}

const struct model_finding *findings_expect(struct world *w, const char *rule,
					    const char *level, const char *text)
{
	const struct model_finding *f;

	findings_judge(w);
	assert_int_equal(w->model.n_findings, 1);
	f = w->model.findings;
	assert_string_equal(f->text, text);
	assert_string_equal(f->rule, rule);
	assert_string_equal(f->level, level);
	assert_true(*f->source != '\0' && *f->help != '\0');
	assert_int_equal(f->site, 0);
	assert_int_equal(f->circuit, 0);
	return f;
}

struct model_event *findings_event(struct world *w, const char *name,
				   uint64_t since_ns)
{
	struct model_event *e = &w->model.events[w->model.n_events++];

	*e = (struct model_event){ .time_ns = since_ns,
				   .since_ns = since_ns,
				   .site = 0,
				   .circuit = 0,
				   .event = name,
				   .level = "warning",
				   .state = "open",
				   .target = "outlook",
				   .probe = "tcp",
				   .text = "" };
	return e;
}
