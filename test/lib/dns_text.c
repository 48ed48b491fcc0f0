#include "dns_text.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADER      12
#define MESSAGE_MAX 1024

/* `name` as in a message. NULL: there is none. */
static const char *find(const struct dns_text *table, const uint8_t *name)
{
	char text[256] = "";
	size_t n = 0;

	for (; *name != 0; name += *name + 1)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s",
				      n ? "." : "", *name,
				      (const char *)name + 1);
	assert(n < sizeof(text));
	for (; table != NULL && table->name != NULL; table++)
		if (strcasecmp(table->name, text) == 0)
			return table->text;
	return NULL;
}

/* The strings up to `end`. */
static size_t put_strings(uint8_t *data, size_t room, const char *at,
			  const char *end)
{
	size_t n = 0;

	while (at <= end) {
		size_t len = strcspn(at, "\t\n");

		assert(len < 256 && n + 1 + len <= room);
		data[n++] = (uint8_t)len;
		memcpy(data + n, at, len);
		n += len;
		at += len + 1;
	}
	return n;
}

size_t dns_text_answer(const struct dns_text *table, uint8_t *message,
		       size_t size)
{
	static const uint8_t head[] = { 0xc0, HEADER, 0, DNS_TEXT_TYPE, 0, 1, 0,
					0,    0,      0 };
	const char *text = find(table, message + HEADER);

	if (text == NULL)
		message[3] |= 3; /* no such name */
	while (text != NULL) {
		const char *end = text + strcspn(text, "\n");
		uint8_t *record = message + size;
		size_t n;

		assert(size + sizeof(head) + 2 <= MESSAGE_MAX);
		memcpy(record, head, sizeof(head));
		size += sizeof(head) + 2;
		n = put_strings(message + size, MESSAGE_MAX - size, text, end);
		record[sizeof(head)] = (uint8_t)(n >> 8);
		record[sizeof(head) + 1] = (uint8_t)n;
		size += n;
		message[7]++;
		text = *end == '\0' ? NULL : end + 1;
	}
	return size;
}
