#include "name_event.h"
#include <stddef.h>

static void add_addresses(struct buf *out, const char *key,
			  const struct ep_address *addresses, unsigned n)
{
	char text[EP_ADDRESS_TEXT_MAX];

	if (n == 0)
		return;
	buf_printf(out, ",\"%s\":\"", key);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(out, ',');
		buf_text(out,
			 ep_address_format(&addresses[i], text, sizeof(text)));
	}
	buf_char(out, '"');
}

void name_event_write(struct buf *out, const struct ep_names_change *change,
		      const struct config_circuit *circuit)
{
	buf_printf(out,
		   "\"event\":\"addresses_changed\",\"level\":\"info\","
		   "\"state\":\"%s\",\"host\":",
		   change->changes > 1 ? "changing" : "changed");
	buf_json_text(out, change->host);
	if (change->family != 0)
		buf_printf(out, ",\"family\":%u", change->family);
	if (circuit != NULL) {
		buf_text(out, ",\"circuit\":");
		buf_json_text(out, circuit->name);
	}
	add_addresses(out, "added", change->added, change->n_added);
	add_addresses(out, "removed", change->removed, change->n_removed);
	buf_printf(out, ",\"n\":%u,\"changes\":%u", change->n, change->changes);
}
