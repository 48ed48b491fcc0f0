/* The report as a page: whole, strict, and nobody's names are markup. */
#include "base/json.h"
#include "edge/judge.h"
#include "lib/model_kit.h"
#include "lib/strict_json.h"
#include "report/html/cells.h"
#include "report/html/html.h"
#include "report/judging/rules.h"
#include "report/web/web.h"
#include <errno.h>
#include <math.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define PAGE_MAX (16u << 20)
#define MADE_NS  (UINT64_C(1790100000) * 1000000000)
#define SMALL    ((struct model_kit){ 2, 2, 1, 6, UINT64_C(300) * 1000000000 })

struct world {
	struct model model;
	struct buf page;
	char *data; /* the document of the page */
	size_t data_len;
	struct json_doc *doc;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct model_kit kit = SMALL;

	assert_non_null(w);
	buf_init(&w->page, PAGE_MAX);
	assert_int_equal(model_kit(&w->model, &kit), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	json_destroy(w->doc);
	free(w->data);
	buf_finish(&w->page);
	model_finish(&w->model);
	free(w);
	return 0;
}

/* False, and the test is over, where the build has no page. */
static bool render(struct world *w, const char *title)
{
	struct render_html_options o = { .title = title, .made_ns = MADE_NS };
	int r = render_html(&w->model, &o, &w->page);

	if (render_html_missing() != NULL) {
		assert_int_equal(r, -ENOTSUP);
		assert_int_equal(w->page.len, 0);
		assert_int_not_equal(render_html_missing()[0], '\0');
		return false;
	}
	assert_int_equal(r, 0);
	return true;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

/* What stands between the first `begin` and `end` behind it; to be freed. */
static char *between(const char *text, const char *begin, const char *end)
{
	const char *from = strstr(text, begin), *to;

	assert_non_null(from);
	from += strlen(begin);
	to = strstr(from, end);
	assert_non_null(to);
	return strndup(from, (size_t)(to - from));
}

static void inflate_data(struct world *w)
{
	char *text = between(w->page.data, "id=\"data\">", "</script>");
	size_t len = strlen(text);
	unsigned char *packed = malloc(len + 1);
	uLongf size = PAGE_MAX;
	int n = EVP_DecodeBlock(packed, (const unsigned char *)text, (int)len);

	assert_true(n > 0);
	w->data = malloc(size);
	assert_non_null(w->data);
	assert_int_equal(uncompress((Bytef *)w->data, &size, packed, (uLong)n),
			 Z_OK);
	w->data_len = size;
	free(packed);
	free(text);
}

static const struct json *document(struct world *w)
{
	struct json_fault fault;

	inflate_data(w);
	assert_true(strict_json(w->data, w->data_len));
	assert_int_equal(
		json_parse(w->data, w->data_len, false, &w->doc, &fault), 0);
	return json_root(w->doc);
}

static const struct json *at(const struct json *array, unsigned i)
{
	const struct json *value = json_first(array);

	while (i-- > 0)
		value = json_next(value);
	assert_non_null(value);
	return value;
}

static double number(const struct json *object, const char *key)
{
	double value = (double)NAN;

	assert_true(json_number(json_get(object, key), &value));
	return value;
}

/* --- names --- */

static void hostile_names_stay_text(void **state)
{
	static const char name[] =
		"</script><script>alert(1)</script><!--\"' onclick=x & "
		"\xe2\x80\xae\xff\x01<b>";
	struct world *w = *state;

	w->model.sites[0].name = name;
	w->model.circuits[0].name = w->model.circuits[0].provider = name;
	w->model.circuits[0].runs[0].pop = name;
	w->model.series[0].target = w->model.series[0].host = name;
	w->model.source = w->model.agents = name;
	w->model.now[MODEL_BY_PROVIDER].at[0].keys[0] = name;
	w->model.events[0].text = w->model.events[0].event = name;
	if (w->model.n_findings > 0)
		w->model.findings[0].text = w->model.findings[0].level = name;
	if (!render(w, name))
		return;
	assert_null(strstr(w->page.data, "alert(1)</"));
	assert_null(strstr(w->page.data, "<b>"));
	assert_null(strstr(w->page.data, "&lt;!--\""));
	assert_null(strstr(w->page.data, "' onclick"));
	assert_null(strchr(w->page.data, '\x01'));
	assert_null(strchr(w->page.data, '\xff'));
	assert_int_equal(count(w->page.data, "<script"), 3);
	assert_int_equal(count(w->page.data, "</script"), 3);
	assert_non_null(
		strstr(w->page.data, "&lt;/script&gt;&lt;script&gt;alert(1)"));
	assert_string_equal(
		json_text(json_get(at(json_get(document(w), "sites"), 0),
				   "name")),
		"</script><script>alert(1)</script><!--\"' "
		"onclick=x & \xe2\x80\xae\xef\xbf\xbd\x01<b>");
}

/* --- policy --- */

static void assert_named(const char *policy, const char *text)
{
	unsigned char digest[32], encoded[64];
	char *named;

	assert_int_equal(EVP_Digest(text, strlen(text), digest, NULL,
				    EVP_sha256(), NULL),
			 1);
	EVP_EncodeBlock(encoded, digest, sizeof(digest));
	named = malloc(100);
	snprintf(named, 100, "'sha256-%s'", (const char *)encoded);
	assert_non_null(strstr(policy, named));
	free(named);
}

static void policy_names_what_stands_there(void **state)
{
	struct world *w = *state;
	char *policy, *style, *script;

	if (!render(w, NULL))
		return;
	policy = between(w->page.data, "Content-Security-Policy\" content=\"",
			 "\">");
	style = between(w->page.data, "<style>", "</style>");
	script = between(w->page.data, "<script>", "</script>");
	assert_named(strstr(policy, "style-src"), style);
	assert_named(strstr(policy, "script-src"), script);
	assert_int_equal(strncmp(policy, "default-src 'none'; ", 20), 0);
	assert_null(strstr(policy, "unsafe"));
	assert_null(strstr(policy, "http"));
	free(script);
	free(style);
	free(policy);
}

/* --- the document --- */

static void data_says_what_the_model_says(void **state)
{
	struct world *w = *state;
	const struct json *root, *site, *series, *now;

	w->model.series[0].now.rtt.p50 = 4612345.6;
	w->model.series[0].now.jitter = (double)NAN;
	w->model.series[0].now.loaded =
		(struct figures){ .n = 9, .p50 = 80e6, .p90 = 95.5e6 };
	w->model.series[0].n_nearby = 7;
	w->model.sites[0].latitude = (double)NAN;
	w->model.events[0].circuit = MODEL_NONE;
	if (!render(w, "a title"))
		return;
	root = document(w);
	assert_string_equal(json_text(json_get(root, "title")), "a title");
	assert_float_equal(number(root, "bucket"), 300, 0);
	assert_float_equal(number(root, "made"), 1790100000, 0);
	site = at(json_get(root, "sites"), 0);
	assert_null(json_get(site, "lat"));
	assert_non_null(json_get(site, "lon"));
	assert_string_equal(json_text(at(json_get(site, "expected_pops"), 0)),
			    "AMS");
	series = at(json_get(root, "series"), 0);
	now = json_get(series, "now");
	assert_float_equal(number(now, "p50"), 4.612, 0);
	assert_null(json_get(now, "jitter"));
	assert_float_equal(number(series, "nearby"), 7, 0);
	assert_null(json_get(series, "strange_issuer"));
	assert_non_null(strstr(w->data, "\"loaded\":[80,95.5]"));
	assert_null(json_get(now, "pops"));
	assert_null(json_get(series, "worst_loss"));
	assert_null(json_get(at(json_get(root, "events"), 0), "circuit"));
	assert_non_null(json_get(at(json_get(root, "events"), 1), "circuit"));
}

static void nothing_before_is_absent(void **state)
{
	struct world *w = *state;
	const struct json *series;

	line_init(&w->model.series[0].before);
	if (!render(w, NULL))
		return;
	series = at(json_get(document(w), "series"), 0);
	assert_null(json_get(series, "before"));
	assert_non_null(json_get(json_next(series), "before"));
}

static double decoded(const struct json *list, unsigned n)
{
	double code = 0, step;
	const struct json *value = json_first(list);

	for (unsigned i = 0; i <= n; i++, value = json_next(value)) {
		assert_true(json_number(value, &step));
		code += step;
	}
	return code == 0 ? (double)NAN : exp2((code - 1) / 128);
}

static void cells_come_back_within_a_third_of_a_percent(void **state)
{
	struct world *w = *state;
	struct model_cell *cells = w->model.series[0].cells;
	const struct json *written, *p50;

	cells[2] = (struct model_cell){ .asked = 30, .lost = 30 };
	cells[3].p50 = 1;
	if (!render(w, NULL))
		return;
	written = json_get(at(json_get(document(w), "series"), 0), "cells");
	p50 = json_get(written, "p50");
	for (unsigned i = 0; i < 6; i++) {
		double value = (double)cells[i].p50;

		if (i == 2)
			assert_true(isnan(decoded(p50, i)));
		else
			assert_true(fabs(decoded(p50, i) - value) <=
				    0.003 * value);
	}
	assert_non_null(json_get(written, "lost"));
}

static void a_duration_has_a_code(void **state)
{
	(void)state;
	assert_int_equal(html_code(0), 0);
	assert_int_equal(html_code((double)NAN), 0);
	assert_int_equal(html_code(0.5f), 1);
	assert_int_equal(html_code(1), 1);
	assert_int_equal(html_code(2), 129);
	assert_int_equal(html_code(1e6f), 1 + 2551);
}

static void a_site_is_put_together_from_its_series(void **state)
{
	struct world *w = *state;
	struct model_cell both[1] = { { 0 } };

	/* One target, tcp, over two circuits: half of all samples each. */
	for (unsigned b = 0; b < 6; b++)
		for (unsigned i = 0; i < 4; i += 3)
			w->model.series[i].cells[b] = (struct model_cell){
				.asked = 100,
				.p5 = i == 0 ? 9e6f : 19e6f,
				.p25 = i == 0 ? 9e6f : 19e6f,
				.p50 = i == 0 ? 10e6f : 20e6f,
				.p75 = i == 0 ? 11e6f : 21e6f,
				.p95 = i == 0 ? 11e6f : 21e6f,
			};
	w->model.sites[0].circuit = MODEL_NONE;
	assert_int_equal(html_merge_site(&w->model, 0, 1, both), 0);
	assert_int_equal(both[0].asked, 1200);
	assert_float_equal(both[0].p25, 10e6f, 0);
	assert_float_equal(both[0].p50, 11e6f, 0);
	assert_float_equal(both[0].p75, 20e6f, 0);

	/* Of the one that stands for it, if one does. */
	w->model.sites[0].circuit = w->model.series[0].circuit;
	memset(both, 0, sizeof(both));
	assert_int_equal(html_merge_site(&w->model, 0, 1, both), 0);
	assert_int_equal(both[0].asked, 600);
	assert_float_equal(both[0].p75, 11e6f, 0);
}

/* --- the markup --- */

static void tables_say_it_without_the_script(void **state)
{
	struct world *w = *state;

	w->model.sites[0].now.rtt.p50 = 120e6;
	w->model.sites[0].before.rtt.p50 = 20e6;
	w->model.circuits[1].now.rtt.p50 = 5e6;
	w->model.circuits[1].before.rtt.p50 = 12e6;
	if (!render(w, NULL))
		return;
	assert_non_null(strstr(w->page.data, "<td class=\"n poor\" "
					     "data-v=\"120\">120</td>"));
	assert_non_null(strstr(w->page.data, "<td class=\"n worse\" "
					     "data-v=\"100\">▲ +100.0</td>"));
	assert_non_null(strstr(w->page.data, "<td class=\"n better\" "
					     "data-v=\"-7\">▼ −7.0</td>"));
	assert_non_null(strstr(w->page.data,
			       "<tr data-level=\"3\" data-site=\"1\"><th "
			       "scope=\"row\" dir=\"auto\">Paris office"));
	assert_int_equal(count(w->page.data, "<table"),
			 count(w->page.data, "<caption>"));
	assert_int_equal(count(w->page.data, "<section"),
			 count(w->page.data, "</section>"));
	assert_null(strstr(w->page.data, "nan"));
}

static void nothing_measured_is_a_page_too(void **state)
{
	struct world *w = *state;
	struct model nothing;

	model_init(&nothing);
	model_finish(&w->model);
	w->model = nothing;
	if (!render(w, NULL))
		return;
	assert_non_null(strstr(w->page.data, "no figure breaks a limit"));
	assert_null(json_first(json_get(document(w), "sites")));
}

static void colours_are_by_the_limits_in_force(void **state)
{
	struct world *w = *state;
	const struct json *limits;
	char *tables;

	w->model.rtt.good = 0.001;
	w->model.rtt.poor = 0.002;
	w->model.rtt.source = JUDGE_CONFIGURED;
	if (!render(w, NULL))
		return;
	limits = json_get(document(w), "limits");
	assert_float_equal(number(limits, "good"), 0.001, 1e-9);
	assert_float_equal(number(limits, "poor"), 0.002, 1e-9);
	tables = between(w->page.data, "id=\"targets\"", "</section>");
	assert_non_null(strstr(tables, "class=\"n poor\""));
	assert_null(strstr(tables, "class=\"n good\""));
	free(tables);
	assert_non_null(
		strstr(w->page.data, "colours are the configuration's"));
}

static void parts_are_named_with_their_licences(void **state)
{
	(void)state;
	assert_true(web.n_parts >= 1);
	assert_string_equal(web.parts[0].name, "edgeprobe");
	for (size_t i = 0; i < web.n_parts; i++) {
		assert_true(strlen(web.parts[i].text) > 100);
		assert_int_not_equal(web.parts[i].licence[0], '\0');
	}
	assert_int_equal(web.missing == NULL, web.n_parts > 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hostile_names_stay_text),
		TEST(policy_names_what_stands_there),
		TEST(data_says_what_the_model_says),
		TEST(nothing_before_is_absent),
		TEST(cells_come_back_within_a_third_of_a_percent),
		cmocka_unit_test(a_duration_has_a_code),
		TEST(a_site_is_put_together_from_its_series),
		TEST(tables_say_it_without_the_script),
		TEST(nothing_measured_is_a_page_too),
		TEST(colours_are_by_the_limits_in_force),
		cmocka_unit_test(parts_are_named_with_their_licences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
