#include "lib/report_desk.h"
#include "report/store/stores.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int desk_set_up(void **state)
{
	struct desk *w = calloc(1, sizeof(*w));
	void *kit = NULL;

	assert_int_equal(kit_setup(&kit), 0);
	w->kit = kit;
	w->options.stores = w->stores;
	*state = w;
	return 0;
}

int desk_tear_down(void **state)
{
	struct desk *w = *state;
	void *kit = w->kit;

	if (w->source != NULL)
		w->source->ops->close(w->source);
	model_finish(&w->model);
	store_close(w->store);
	assert_int_equal(kit_teardown(&kit), 0);
	free(w);
	return 0;
}

/* --- stores --- */

const char *desk_name(struct desk *w, const char *name)
{
	size_t i = w->options.n_stores++;

	assert_true(i < DESK_PATHS);
	snprintf(w->paths[i], sizeof(w->paths[i]), "%s/%s", w->kit->dir, name);
	w->stores[i] = w->paths[i];
	return w->paths[i];
}

void desk_begin(struct desk *w, const char *name, const char *agent)
{
	struct store_options options = { .path = desk_name(w, name),
					 .agent = agent,
					 .max_bytes = 64u << 20 };
	struct ep_err err = { 0 };

	if (store_open(&options, &w->store, &err) < 0)
		fail_msg("%s", err.text);
}

void desk_end(struct desk *w)
{
	assert_int_equal(store_commit(w->store, NULL), 0);
	store_close(w->store);
	w->store = NULL;
}

uint32_t desk_series_at(struct desk *w, const char *site, const char *circuit,
			const char *target)
{
	struct series s = { .target = target,
			    .probe = "tcp",
			    .host = "outlook.office365.com",
			    .site = site,
			    .country = "de",
			    .circuit = circuit };
	uint32_t id;

	assert_int_equal(store_series(w->store, &s, &id, NULL), 0);
	return id;
}

uint32_t desk_series(struct desk *w)
{
	return desk_series_at(w, "Berlin", "fibre", "exchange");
}

void desk_add(struct desk *w, uint32_t id, uint64_t sent_ns, int64_t rtt_ns)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.sent_ns = sent_ns;
	s.rtt_ns = rtt_ns;
	if (rtt_ns < 0) {
		s.outcome = EP_LOST;
		s.reason = EP_REASON_TIMEOUT;
	}
	store_add_sample(w->store, id, &s);
}

void desk_fail(struct desk *w, uint32_t id, uint64_t sent_ns)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.sent_ns = sent_ns;
	s.outcome = EP_FAILED;
	s.reason = EP_REASON_DNS_TIMEOUT;
	store_add_sample(w->store, id, &s);
}

void desk_note(struct desk *w, enum row_type type, uint64_t time_ns,
	       const char *body)
{
	store_add_note(w->store, type, time_ns, body);
}

/* --- reading --- */

void desk_read(struct desk *w)
{
	struct ep_err err = { 0 };

	w->options.model = true;
	if (source_open_stores(&w->options, &w->source, &err) < 0)
		fail_msg("%s", err.text);
	model_init(&w->model);
	assert_int_equal(w->source->ops->model(w->source, &w->model, &err), 0);
}

struct lines desk_lines(struct desk *w, const char *keys, bool before)
{
	struct report_options by = { 0 };
	struct source_query query = { .by = by.by, .before = before };
	struct lines lines;

	assert_int_equal(report_parse_by(keys, &by, NULL), 0);
	query.n_by = by.n_by;
	assert_int_equal(w->source->ops->lines(w->source, &query,
					       w->model.arena, &lines, NULL),
			 0);
	return lines;
}

char *desk_written(struct desk *w, enum report_format format, int want)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct ep_err err = { 0 };

	w->options.format = format;
	assert_int_equal(report_write(&w->options, out, &err), want);
	fclose(out);
	if (want == 0)
		return text;
	free(text);
	return strdup(err.text);
}

void desk_has(const char *text, const char *part)
{
	const char *whole = text == NULL ? "" : text;

	if (strstr(whole, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, whole);
}

void desk_near(double a, double b, double by)
{
	if (!(fabs(a - b) <= by))
		fail_msg("%g is not %g", a, b);
}
