/* libFuzzer: any bytes as a configuration file. What is taken is printed, and
 * what was printed is taken again and prints the same.
 * Built with -Dfuzz=true; test/long/fuzz.sh runs it from seeds/config.
 * test_config replays the seeds. */
#include "config/config.h"
#include "config/loading.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define PRINTED_MAX (256 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int load(const char *text, size_t len, struct config *ret_config,
		struct buf *problems)
{
	struct loading l;
	int r = loading_init(&l);

	if (r == 0)
		r = files_add_text(&l.files, "fuzz", text, len);
	if (r == 0)
		r = loading_run(&l, ret_config, problems);
	loading_finish(&l);
	return r;
}

static void check_printed(const struct config *config)
{
	struct config again = { 0 };
	struct buf first, second, problems;

	buf_init(&first, PRINTED_MAX);
	buf_init(&second, PRINTED_MAX);
	buf_init(&problems, 65536);
	config_print(config, &first);
	/* Defaults written out may make a file too long to be read; this is
	 * not the place that bounds it. */
	assert(load(first.data, first.len, &again, &problems) == 0);
	config_print(&again, &second);
	assert(strcmp(first.data, second.data) == 0);
	config_finish(&again);
	buf_finish(&first);
	buf_finish(&second);
	buf_finish(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = { 0 };
	struct buf problems;
	int r;

	buf_init(&problems, 65536);
	r = load((const char *)data, size, &config, &problems);
	/* Something is wrong exactly if something is said, line by line. */
	assert((r == 0) == (problems.len == 0));
	assert(r == 0 || r == -EINVAL);
	assert(r == 0 || problems.data[problems.len - 1] == '\n');
	if (r == 0)
		check_printed(&config);
	config_finish(&config);
	buf_finish(&problems);
	return 0;
}
