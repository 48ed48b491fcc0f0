#include "report/report.h"
#include "base/log.h"
#include "report/render.h"
#include "store/store.h"
#include <errno.h>
#include <string.h>

#define REPORT_BYTES_MAX (256u << 20)

static int render(const struct groups *gs, FILE *out, struct ep_err *err)
{
	struct buf text;
	int r = 0;

	buf_init(&text, REPORT_BYTES_MAX);
	switch (gs->options->format) {
	case REPORT_TEXT:
		render_text(gs, &text);
		break;
	case REPORT_JSON:
		render_json(gs, &text);
		break;
	case REPORT_CSV:
		render_csv(gs, &text);
		break;
	}
	if (text.error < 0)
		r = ep_err_set(err, text.error,
			       "the report is larger than %u MiB; ask for "
			       "fewer keys",
			       REPORT_BYTES_MAX >> 20);
	else if (fwrite(text.data, 1, text.len, out) != text.len)
		r = ep_err_set(err, -EIO, "the report cannot be written: %s",
			       strerror(errno));
	buf_finish(&text);
	return r;
}

static int nothing(const struct report_options *options, struct store *store,
		   struct ep_err *err)
{
	if (store_last_seq(store) == 0)
		return ep_err_set(err, -ENODATA,
				  "%s: the store has no samples yet",
				  options->store_path);
	return ep_err_set(err, -ENODATA,
			  "%s: no samples in that window; the store has "
			  "others",
			  options->store_path);
}

int report_write(const struct report_options *options, FILE *out,
		 struct ep_err *err)
{
	struct store_options store_options = { .path = options->store_path,
					       .read_only = true };
	struct report_options o = *options;
	struct store *store;
	struct groups gs;
	int r = store_open(&store_options, &store, err);

	if (r < 0)
		return r;
	if (store_notice(store)[0] != '\0')
		log_warn("store", "%s", store_notice(store));
	if (o.n_by == 0) {
		o.by[0] = REPORT_TARGET;
		o.by[1] = REPORT_PROBE;
		o.n_by = 2;
	}
	r = groups_collect(&gs, &o, store, err);
	if (r == 0)
		r = gs.samples == 0 ? nothing(&o, store, err)
				    : render(&gs, out, err);
	groups_finish(&gs);
	store_close(store);
	return r;
}
