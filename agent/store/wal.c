/* Its format: https://sqlite.org/fileformat2.html#walformat */
#include "store/wal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD_BYTES  32
#define FRAME_BYTES 24
#define PAGE_MIN    512
#define PAGE_MAX    65536
#define NAME_BYTES  4200
/* The lowest bit of the magic number: checksums are of big-endian words. */
#define MAGIC 0x377f0682

struct sum {
	uint32_t a, b;
	bool big_endian;
};

static uint32_t big(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static uint32_t little(const unsigned char *at)
{
	return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[1] << 8 | at[0];
}

static void add(struct sum *sum, const unsigned char *data, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint32_t x = sum->big_endian ? big(data + i) : little(data + i);
		uint32_t y = sum->big_endian ? big(data + i + 4)
					     : little(data + i + 4);

		sum->a += x + sum->b;
		sum->b += y + sum->a;
	}
}

static void read_frames(FILE *log, const unsigned char *head, uint64_t *frames,
			uint64_t *good)
{
	struct sum sum = { .big_endian = (big(head) & 1) != 0 };
	size_t page = big(head + 8), size = FRAME_BYTES + page;
	unsigned char *frame;
	bool whole;

	if (page < PAGE_MIN || page > PAGE_MAX || (page & (page - 1)) != 0)
		return;
	frame = malloc(size);
	if (!frame)
		return;
	add(&sum, head, HEAD_BYTES - 8);
	whole = sum.a == big(head + 24) && sum.b == big(head + 28);
	while (fread(frame, 1, size, log) == size &&
	       memcmp(frame + 8, head + 16, 8) == 0) {
		add(&sum, frame, 8);
		add(&sum, frame + FRAME_BYTES, page);
		whole = whole && sum.a == big(frame + 16) &&
			sum.b == big(frame + 20);
		*frames += 1;
		*good += whole;
	}
	free(frame);
}

void wal_look(const char *database, uint64_t *ret_frames, uint64_t *ret_good)
{
	unsigned char head[HEAD_BYTES];
	char name[NAME_BYTES];
	FILE *log;

	*ret_frames = *ret_good = 0;
	snprintf(name, sizeof(name), "%s-wal", database);
	log = fopen(name, "rbe");
	if (!log)
		return;
	if (fread(head, 1, sizeof(head), log) == sizeof(head) &&
	    (big(head) & ~(uint32_t)1) == MAGIC)
		read_frames(log, head, ret_frames, ret_good);
	fclose(log);
}

uint64_t wal_bytes(const char *database)
{
	char name[NAME_BYTES];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", database);
	return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}
