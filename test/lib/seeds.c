#include "lib/seeds.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static void replay(const char *folder, const char *name)
{
	char path[4096];
	struct stat st;
	uint8_t *data;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	data = malloc((size_t)st.st_size + 1);
	assert_non_null(data);
	n = fread(data, 1, (size_t)st.st_size + 1, f);
	fclose(f);
	assert_int_equal(n, st.st_size);
	/* As long as it is: a byte too far is seen. */
	data = realloc(data, n > 0 ? n : 1);
	assert_non_null(data);
	assert_int_equal(LLVMFuzzerTestOneInput(data, n), 0);
	free(data);
}

void seeds_replay(const char *folder, unsigned least)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	unsigned n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay(folder, entry->d_name);
		n++;
	}
	closedir(dir);
	assert_true(n >= least);
}
