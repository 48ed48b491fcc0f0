/* The report as a page, of a made-up model: model_page [day | month | one] >FILE
 */
#include "base/buf.h"
#include "lib/model_kit.h"
#include "report/html/html.h"
#include <stdio.h>
#include <string.h>

#define PAGE_BYTES_MAX (64u << 20)
#define MADE_NS        (UINT64_C(1790100000) * 1000000000)

static struct model_kit kit_of(const char *name)
{
	struct model_kit kit = MODEL_KIT_DAY;

	if (strcmp(name, "month") == 0)
		return MODEL_KIT_MONTH;
	if (strcmp(name, "one") == 0)
		kit.sites = kit.circuits = kit.targets = 1;
	return kit;
}

int main(int argc, char **argv)
{
	struct model_kit kit = kit_of(argc > 1 ? argv[1] : "day");
	struct render_html_options options = { .made_ns = MADE_NS };
	struct model model;
	struct buf page;
	int r = model_kit(&model, &kit);

	buf_init(&page, PAGE_BYTES_MAX);
	if (r == 0)
		r = render_html(&model, &options, &page);
	if (r == 0)
		r = fwrite(page.data, 1, page.len, stdout) == page.len ? 0 : -1;
	else
		fprintf(stderr, "%s\n",
			render_html_missing() ? render_html_missing()
					      : strerror(-r));
	buf_finish(&page);
	model_finish(&model);
	return r == 0 ? 0 : 1;
}
