#include "lib/framed.h"

#include "lib/strict_json.h"

#include <string.h>

const char *const framed_names[FRAMED_NAMES] = {
	"ndjson",       "json-array", "otlp-logs", "otlp-metrics",
	"elastic-bulk", "splunk-hec", "vm-import",
};

static bool lines_are_strict(const char *body, size_t len, bool actions)
{
	static const char action[] = "{\"create\":{\"_id\":\"";
	const char *end = body + len;
	unsigned n = 0;

	for (; body < end; n++) {
		const char *stop = memchr(body, '\n', (size_t)(end - body));
		bool is_action = strncmp(body, action, sizeof(action) - 1) == 0;

		if (!stop || !strict_json(body, (size_t)(stop - body)))
			return false;
		if (actions && is_action != (n % 2 == 0))
			return false;
		body = stop + 1;
	}
	return n > 0 && (!actions || n % 2 == 0);
}

bool framed_strictly(const struct framing *framing, const char *body,
		     size_t len)
{
	if (strcmp(framing->separator, "\n") == 0)
		return lines_are_strict(body, len, framing->objects == 2);
	return strict_json(body, len) && !memchr(body, '\n', len);
}
