#include "line_test.h"
#include "base/log.h"
#include "edgeprobe/line.h"
#include <stdbool.h>
#include <string.h>

static bool same_line(const struct ep_target *a, const struct ep_target *b)
{
	if (a->source == NULL || b->source == NULL)
		return a->source == b->source;
	return strcmp(a->source, b->source) == 0;
}

static bool is_icmp(const struct item *item)
{
	return item->target.kind == ep_kind_find("icmp");
}

static bool is_first(const struct items *items, size_t i)
{
	if (!is_icmp(&items->items[i]))
		return false;
	for (size_t j = 0; j < i; j++)
		if (is_icmp(&items->items[j]) &&
		    same_line(&items->items[j].target, &items->items[i].target))
			return false;
	return true;
}

static void on_line(const struct ep_line *line, void *arg)
{
	(void)arg;
	log_info("probes",
		 "line=%s family=%u replies=%u/%u tx_stamp=%s rx_stamp=%s "
		 "buffer_kib=%llu",
		 line->source == NULL ? "default" : line->source, line->family,
		 line->replies, line->echoes,
		 line->tx_driver  ? "driver"
		 : line->tx_queue ? "queue"
				  : "none",
		 line->rx ? "driver" : "none",
		 (unsigned long long)line->buffer_bytes / 1024);
}

void line_test_start(const struct items *items, size_t i,
		     struct ep_engine *engine)
{
	const struct ep_target *t = &items->items[i].target;
	int r;

	if (!is_first(items, i))
		return;
	r = ep_engine_self_test(engine, t->source, t->host, on_line, NULL);
	if (r < 0)
		log_warn("probes", "line=%s test=failed reason=\"%s\"",
			 t->source == NULL ? "default" : t->source,
			 strerror(-r));
}
