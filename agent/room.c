#include "room.h"
#include "store/salvage.h"
#include "store/store.h"
#include <string.h>
#include <sys/statvfs.h>

/* What the agent's own store may grow by until the next look. */
#define GROWTH_BYTES ((uint64_t)4 << 20)

static uint64_t at_least(uint64_t bytes, uint64_t min)
{
	return bytes > min ? bytes : min;
}

uint64_t room_of_own(const char *path)
{
	return store_bytes_of(path) + GROWTH_BYTES;
}

uint64_t room_beside_own(uint64_t max_bytes, const char *path, uint64_t others)
{
	uint64_t taken = room_of_own(path) + others;

	return at_least(max_bytes > taken ? max_bytes - taken : 0,
			STORE_MIN_BYTES);
}

uint64_t room_half_of_disk(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return UINT64_MAX / 2;
	return at_least((uint64_t)fs.f_bavail * fs.f_frsize / 2,
			STORE_MIN_BYTES);
}

uint64_t room_taken(const struct wreckage *list, size_t n, const char *but)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].stamp, but) != 0)
			bytes += list[i].bytes;
	return bytes;
}
