#include "report/html/html.h"
#include "report/html/data.h"
#include "report/html/pack.h"
#include "report/html/parts.h"
#include "report/html/places.h"
#include "report/html/said.h"
#include "report/html/tables.h"
#include "report/judging/rules.h"
#include "report/web/web.h"
#include <errno.h>
#include <string.h>

#define DATA_BYTES_MAX  (256u << 20)
#define TITLE_BYTES_MAX 1000

const char *render_html_missing(void)
{
	return web.missing;
}

static void put_title(const struct model *model, struct buf *out)
{
	buf_text(out, "Latency to the Microsoft edge");
	if (model->n_sites == 1)
		buf_printf(out, " from %.200s", model_site_label(model, 0));
	else
		buf_printf(out, " from %zu sites", model->n_sites);
}

static void put_policy(struct buf *out)
{
	buf_printf(out,
		   "<meta http-equiv=\"Content-Security-Policy\" content=\""
		   "default-src 'none'; script-src %s; style-src %s; "
		   "img-src data:; base-uri 'none'; form-action 'none'\">\n",
		   web.script_policy, web.style_policy);
}

static void put_head(const struct render_html_options *o, struct buf *out)
{
	buf_text(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n"
		      "<meta charset=\"utf-8\">\n");
	put_policy(out);
	buf_text(out, "<meta name=\"viewport\" content=\"width=device-width, "
		      "initial-scale=1\">\n"
		      "<meta name=\"color-scheme\" content=\"light dark\">\n"
		      "<meta name=\"referrer\" content=\"no-referrer\">\n"
		      "<meta name=\"generator\" content=\"edgeprobe ");
	buf_text(out, EDGEPROBE_VERSION "\">\n<title>");
	buf_html_text(out, o->title);
	buf_text(out, "</title>\n<style>");
	buf_text(out, web.style);
	buf_text(out, "</style>\n</head>\n");
}

static void put_count(struct buf *out, uint64_t n, const char *one,
		      const char *more)
{
	html_count(out, n);
	buf_char(out, ' ');
	buf_text(out, n == 1 ? one : more);
}

static void put_header(const struct model *model,
		       const struct render_html_options *o, struct buf *out)
{
	buf_text(out, "<header id=\"top\"><h1 dir=\"auto\">");
	buf_html_text(out, o->title);
	buf_text(out, "</h1>\n<p id=\"range\">");
	html_time(out, model->since_ns);
	buf_text(out, " to ");
	html_time(out, model->until_ns);
	buf_text(out, " (");
	html_span(out, model->until_ns - model->since_ns);
	buf_text(out, ")</p>\n<p id=\"counts\">");
	put_count(out, model->n_sites, "site", "sites");
	buf_text(out, ", ");
	put_count(out, model->n_circuits, "circuit", "circuits");
	buf_text(out, ", ");
	put_count(out, model->samples, "sample", "samples");
	buf_text(out, "; <bdi>");
	buf_html_text(out, model->agents);
	buf_text(out, "</bdi>, read from <bdi>");
	buf_html_text(out, model->source);
	buf_text(out, "</bdi></p></header>\n");
}

static void put_footer(const struct model *model,
		       const struct render_html_options *o, struct buf *out)
{
	bool ours = strcmp(model->rtt.source, JUDGE_CONFIGURED) != 0;

	buf_text(out,
		 "<footer><p>Round trips in milliseconds; percentiles by "
		 "nearest rank. Loss is counted over the probes that could be "
		 "asked, availability over all that were sent. Limits of the "
		 "colours are ");
	buf_text(out,
		 ours ? "Microsoft's for Exchange" : "the configuration's");
	buf_text(out, ".</p>\n<p>Made by edgeprobe " EDGEPROBE_VERSION);
	if (o->made_ns != 0) {
		buf_text(out, ", ");
		html_time(out, o->made_ns);
	}
	buf_text(out, ". Coastlines: Natural Earth.</p></footer>\n");
}

static int put_data(const struct model *model,
		    const struct render_html_options *o, struct buf *out)
{
	struct buf data;
	int r;

	buf_init(&data, DATA_BYTES_MAX);
	r = html_data(model, o, &data);
	if (r == 0)
		r = data.error;
	buf_text(out, "<script type=\"application/octet-stream;base64\" "
		      "id=\"data\">");
	if (r == 0)
		r = html_pack(data.data, data.len, out);
	buf_text(out, "</script>\n");
	buf_finish(&data);
	return r;
}

static int put_main(const struct model *model, struct buf *out)
{
	int r;

	buf_text(out, "<main>\n");
	html_findings(model, out);
	buf_text(out, "<section id=\"map\"><h2>Map</h2></section>\n"
		      "<section id=\"strips\"><h2>Latency over time</h2>"
		      "</section>\n");
	r = html_tree(model, out);
	html_circuits(model, out);
	html_pairs(model, out);
	html_events(model, out);
	html_rollups(model, out);
	html_targets(model, out);
	if (r == 0)
		r = html_periods(model, out);
	buf_text(out, "</main>\n");
	return r;
}

static int put_page(const struct model *model,
		    const struct render_html_options *o, struct buf *out)
{
	int r;

	put_head(o, out);
	buf_text(out, "<body>\n");
	put_header(model, o, out);
	r = put_main(model, out);
	put_footer(model, o, out);
	buf_text(out, "<script type=\"application/json\" id=\"land\">");
	buf_text(out, web.land);
	buf_text(out, "</script>\n");
	if (r == 0)
		r = put_data(model, o, out);
	buf_text(out, "<script>");
	buf_text(out, web.script);
	buf_text(out, "</script>\n</body>\n</html>\n");
	return r < 0 ? r : out->error;
}

int render_html(const struct model *model, const struct render_html_options *o,
		struct buf *out)
{
	struct render_html_options named = *o;
	struct buf title;
	int r;

	if (web.missing != NULL)
		return -ENOTSUP;
	buf_init(&title, TITLE_BYTES_MAX);
	put_title(model, &title);
	if (o->title == NULL || o->title[0] == '\0')
		named.title = title.data;
	r = put_page(model, &named, out);
	buf_finish(&title);
	return r;
}
