#include "core/icmp_line.h"
#include <stdio.h>
#include <string.h>

void icmp_lines_init(struct icmp_lines *lines)
{
	memset(lines, 0, sizeof(*lines));
	lines->n = 1;
	lines->line[0].bare = ICMP_LINE_BARE; /* nothing has come yet */
}

uint8_t icmp_lines_find(struct icmp_lines *lines, const char *source)
{
	struct icmp_line *line;
	unsigned i = 0;

	if (source == NULL)
		return 0;
	for (; i < lines->n; i++)
		if (strcmp(lines->line[i].source, source) == 0)
			return (uint8_t)i;
	if (i == ICMP_LINES_MAX)
		return ICMP_LINES_MAX - 1;
	line = &lines->line[lines->n++];
	snprintf(line->source, sizeof(line->source), "%s", source);
	line->bare = ICMP_LINE_BARE;
	return (uint8_t)i;
}

bool icmp_line_asks_queue(const struct icmp_line *line)
{
	return line->bare >= ICMP_LINE_BARE;
}

void icmp_line_left(struct icmp_line *line, bool queue)
{
	if (queue) {
		line->queue++;
	} else {
		line->driver++;
		line->bare = 0;
	}
}

void icmp_line_replied(struct icmp_line *line, bool driver, bool received)
{
	line->replies++;
	line->received += received;
	if (driver)
		line->bare = 0;
	else if (line->bare < ICMP_LINE_BARE)
		line->bare++;
}
