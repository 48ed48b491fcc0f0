/* libFuzzer: first byte 'v': the rest is an answer of /version; 'k': a list that
 * was kept; else it is an answer of /endpoints. What is read of a list is chosen
 * from. Built with -Dfuzz=true; test/long/fuzz.sh runs it from seeds/endpoints.
 * test_endpoints replays the seeds. */
#include "edge/endpoints.h"
#include "edgeprobe/target.h"
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BOUND 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_choice(const struct edge_choice *choice, void *arg)
{
	unsigned *n = arg;

	assert(choice->host[0] != '\0' && strchr(choice->host, '*') == NULL);
	assert(strlen(choice->host) <= EP_HOST_MAX);
	assert(choice->probes[0] != NULL && strlen(choice->why) > 0);
	assert(++*n <= BOUND);
	return 0;
}

static void on_left_out(const char *url, void *arg)
{
	(void)arg;
	assert(strchr(url, '*') != NULL);
}

static void choose(const struct edge_endpoints *list)
{
	static const struct edge_selection selection = { .tenant = "contoso",
							 .max = BOUND };
	unsigned n = 0;
	size_t left;

	assert(list->n > 0 && list->n <= EDGE_RECORDS_MAX);
	assert(edge_choose(list, &selection, on_choice, &n, &left) == 0);
	assert(left == 0 || n == BOUND);
	edge_left_out(list, &selection, on_left_out, NULL);
}

static void check_version(const char *version)
{
	assert(strlen(version) == EDGE_VERSION_MAX - 1);
	assert(strspn(version, "0123456789") == EDGE_VERSION_MAX - 1);
}

static void read_list(const char *text, size_t len, int kept)
{
	struct edge_endpoints list = { "", NULL, 0 };
	struct ep_err err = { 0 };
	int r = kept ? edge_endpoints_parse_kept(text, len, &list, &err)
		     : edge_endpoints_parse(text, len, &list, &err);

	assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	if (r == -EINVAL)
		assert(strlen(err.text) > 0 && list.n == 0);
	if (r < 0)
		return;
	if (kept)
		check_version(list.version);
	choose(&list);
	edge_endpoints_finish(&list);
}

static void read_version(const char *text, size_t len)
{
	char version[EDGE_VERSION_MAX] = "";
	int r = edge_version_parse(text, len, "Worldwide", version, NULL);

	assert(r == 0 || r == -EINVAL || r == -ENOENT || r == -ENOMEM);
	if (r == 0)
		check_version(version);
	else
		assert(version[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = malloc(size); /* of its own: reading past it is seen */
	assert(text != NULL);
	memcpy(text, data + 1, size - 1);
	if (data[0] == 'v')
		read_version(text, size - 1);
	else
		read_list(text, size - 1, data[0] == 'k');
	free(text);
	return 0;
}
