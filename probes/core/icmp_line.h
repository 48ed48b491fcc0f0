/* Which stamps come on a line: a way out of this machine, as targets name it
 * (`source`). Not every device tells when a packet left it; then the moment at
 * which it was handed to the local queue is asked for, too. Pure. */
#ifndef CORE_ICMP_LINE_H
#define CORE_ICMP_LINE_H

#include <stdbool.h>
#include <stdint.h>

/* One for each circuit of a large configuration, and the default route; what
 * is over shares the last one. */
#define ICMP_LINES_MAX 66

/* An interface's name, or an address with its scope. */
#define ICMP_LINE_TEXT 64

/* So many replies without a stamp of the device: ask for the queue's. */
#define ICMP_LINE_BARE 4

struct icmp_line {
	char source[ICMP_LINE_TEXT]; /* "": the default route */
	uint32_t driver, queue;      /* transmit stamps that came */
	uint32_t replies, received;  /* replies, those with a receive stamp */
	uint32_t bare; /* replies in a row without the device's stamp */
};

struct icmp_lines {
	struct icmp_line line[ICMP_LINES_MAX];
	unsigned n;
};

void icmp_lines_init(struct icmp_lines *lines);

/* The index of the line of `source` (NULL: the default route). */
uint8_t icmp_lines_find(struct icmp_lines *lines, const char *source);

/* Whether the next packet should ask for the queue's stamp: until the device
 * has shown that it gives one. */
bool icmp_line_asks_queue(const struct icmp_line *line);

/* A transmit stamp came, of the queue or of the device. */
void icmp_line_left(struct icmp_line *line, bool queue);

/* A reply came; `driver`: its request has the device's stamp. */
void icmp_line_replied(struct icmp_line *line, bool driver, bool received);

#endif
