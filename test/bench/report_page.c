/* Twenty sites with two circuits each, five targets with three probes, thirty
 * days: how long the page of such a model takes, and how large it is. */
#include "edgeprobe/clock.h"
#include "lib/model_kit.h"
#include "report/html/html.h"
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define PAGE_BYTES_MAX (256u << 20)

int main(void)
{
	struct render_html_options options = { .title = "thirty days" };
	struct model_kit kit = MODEL_KIT_MONTH;
	struct model model;
	struct rusage before, after;
	struct buf page;
	uint64_t began_ns;
	int r = model_kit(&model, &kit);

	buf_init(&page, PAGE_BYTES_MAX);
	getrusage(RUSAGE_SELF, &before);
	began_ns = ep_clock_mono_ns();
	if (r == 0)
		r = render_html(&model, &options, &page);
	getrusage(RUSAGE_SELF, &after);
	if (r < 0) {
		fprintf(stderr, "report_page: %s\n",
			render_html_missing() ? render_html_missing()
					      : strerror(-r));
		return 1;
	}
	printf("%zu sites, %zu series, %u buckets: %.2f s, %.2f MB, "
	       "%.1f MiB more in memory\n",
	       model.n_sites, model.n_series, model.n_buckets,
	       (double)(ep_clock_mono_ns() - began_ns) / 1e9,
	       (double)page.len / 1e6,
	       (double)(after.ru_maxrss - before.ru_maxrss) / 1024);
	buf_finish(&page);
	model_finish(&model);
	return 0;
}
