#include "lib/sectors.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE_BYTES 4096

static uint64_t state;

void sectors_begin(void)
{
	const char *seed = getenv("SEED");

	state = seed ? strtoull(seed, NULL, 10) : 20260101;
	print_message("# SEED=%llu\n", (unsigned long long)state);
}

uint64_t sectors_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

void sectors_hit(const char *path, unsigned n)
{
	uint64_t bytes[SECTOR_BYTES / 8], sectors;
	int fd = open(path, O_WRONLY);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	sectors = (uint64_t)(st.st_size - PAGE_BYTES) / SECTOR_BYTES;
	for (unsigned i = 0; i < n; i++) {
		uint64_t sector = sectors_random() % sectors;
		off_t at = (off_t)sector * SECTOR_BYTES + PAGE_BYTES;

		for (size_t b = 0; b < SECTOR_BYTES / 8; b++)
			bytes[b] = sectors_random();
		assert_int_equal(pwrite(fd, bytes, sizeof(bytes), at),
				 sizeof(bytes));
	}
	close(fd);
}
