#include "delivery/ack.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum ack_class of(unsigned status, const char *type, const char *body)
{
	struct answer a = {
		.status = status,
		.content_type = type,
		.body = body,
		.body_len = strlen(body),
	};

	return ack_classify(&a);
}

static void each_status_has_its_class(void **state)
{
	static const struct {
		unsigned first, last;
		enum ack_class class;
	} cases[] = {
		{ 100, 199, ACK_ENDPOINT }, { 200, 202, ACK_DONE },
		{ 203, 203, ACK_ENDPOINT }, { 204, 204, ACK_DONE },
		{ 205, 399, ACK_ENDPOINT }, { 400, 400, ACK_BAD_DATA },
		{ 401, 407, ACK_ENDPOINT }, { 408, 408, ACK_UNSURE },
		{ 409, 412, ACK_ENDPOINT }, { 413, 413, ACK_TOO_LARGE },
		{ 414, 414, ACK_ENDPOINT }, { 415, 415, ACK_BAD_DATA },
		{ 416, 421, ACK_ENDPOINT }, { 422, 422, ACK_BAD_DATA },
		{ 423, 424, ACK_ENDPOINT }, { 425, 425, ACK_UNSURE },
		{ 426, 428, ACK_ENDPOINT }, { 429, 429, ACK_BUSY },
		{ 430, 499, ACK_ENDPOINT }, { 500, 501, ACK_UNSURE },
		{ 502, 504, ACK_BUSY },     { 505, 599, ACK_UNSURE },
		{ 600, 999, ACK_ENDPOINT },
	};
	unsigned next = 100;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(cases[i].first, next);
		for (; next <= cases[i].last; next++)
			assert_int_equal(of(next, NULL, ""), cases[i].class);
	}
	assert_int_equal(next, 1000);
}

static void an_acknowledgement_has_a_shape(void **state)
{
	static const struct {
		unsigned status;
		const char *type, *body;
		enum ack_class class;
	} cases[] = {
		/* ClickHouse, Azure Monitor, Fluent Bit, Vector, nginx */
		{ 200, "text/plain; charset=UTF-8", "", ACK_DONE },
		{ 200, "text/tab-separated-values", "", ACK_DONE },
		{ 204, NULL, "", ACK_DONE },
		{ 201, "application/json", "{}", ACK_DONE },
		{ 200, "application/json; charset=utf-8", "{\"ok\":1}",
		  ACK_DONE },
		{ 202, "application/problem+json", "{}", ACK_DONE },
		{ 200, "text/plain", "ok\n", ACK_DONE },
		{ 200, "application/octet-stream", "ok", ACK_DONE },
		{ 200, NULL, "ok", ACK_DONE },
		{ 200, "", "ok", ACK_DONE },
		{ 200, "application/json", " \r\n\t", ACK_DONE },
		{ 204, "text/html", "", ACK_DONE },
		/* login pages, block pages, wrong servers */
		{ 200, "text/html", "<html><form>", ACK_ENDPOINT },
		{ 200, "Text/HTML;charset=utf-8", "", ACK_ENDPOINT },
		{ 200, "text/html", "ok", ACK_ENDPOINT },
		{ 200, "application/xhtml+xml", "ok", ACK_ENDPOINT },
		{ 200, "text/plain", "<!DOCTYPE html>", ACK_ENDPOINT },
		{ 200, "application/json", "\n\n <html>", ACK_ENDPOINT },
		{ 200, NULL, "\xef\xbb\xbf<HTML>", ACK_ENDPOINT },
		{ 200, NULL, "Please sign in: <HtMl>", ACK_ENDPOINT },
		{ 200, "text/plain", "x <!doctype html", ACK_ENDPOINT },
		{ 200, "text/plain", "<form>", ACK_ENDPOINT },
		{ 200, "application/json", "\r\n<meta>", ACK_ENDPOINT },
		{ 200, "application/xml", "<a/>", ACK_ENDPOINT },
		{ 200, "application/xml", "ok", ACK_ENDPOINT },
		{ 200, "image/gif", "GIF89a", ACK_ENDPOINT },
		{ 203, "application/json", "{}", ACK_ENDPOINT },
		{ 206, "application/json", "{}", ACK_ENDPOINT },
		/* what else is said does not change a refusal */
		{ 503, "text/html", "<html>", ACK_BUSY },
		{ 400, "text/html", "<html>", ACK_BAD_DATA },
		{ 302, NULL, "", ACK_ENDPOINT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (of(cases[i].status, cases[i].type, cases[i].body) !=
		    cases[i].class)
			fail_msg("case %zu: %u %s", i, cases[i].status,
				 cases[i].body);
}

static void unread_headers_acknowledge_nothing(void **state)
{
	struct answer a = { .status = 200, .body = "", .headers_cut = true };

	(void)state;
	assert_int_equal(ack_classify(&a), ACK_ENDPOINT);
	a.status = 204;
	assert_int_equal(ack_classify(&a), ACK_ENDPOINT);
	a.status = 503;
	assert_int_equal(ack_classify(&a), ACK_BUSY);
}

static void no_failure_is_an_acknowledgement(void **state)
{
	static const enum ack_class classes[] = {
		[ACK_FAIL_NAME] = ACK_ENDPOINT,  [ACK_FAIL_CONNECT] = ACK_BUSY,
		[ACK_FAIL_PROXY] = ACK_ENDPOINT, [ACK_FAIL_TLS] = ACK_ENDPOINT,
		[ACK_FAIL_BROKEN] = ACK_BUSY,    [ACK_FAIL_TIMEOUT] = ACK_BUSY,
		[ACK_FAIL_LOCAL] = ACK_ENDPOINT,
	};
	struct answer a = { .status = 200, .body = "" };

	(void)state;
	for (size_t i = 1; i < COUNT(classes); i++) {
		a.failure = (enum ack_failure)i;
		assert_int_equal(ack_classify(&a), classes[i]);
	}
}

/* --- the fuzzer's seeds: test/fuzz/fuzz_ack.c --- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *name)
{
	uint8_t data[4096];
	char path[4096];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", SEED_DIR, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	assert_int_equal(LLVMFuzzerTestOneInput(data, n), 0);
}

static void seeds_of_the_fuzzer(void **state)
{
	DIR *dir = opendir(SEED_DIR);
	struct dirent *entry;
	unsigned n = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay(entry->d_name);
		n++;
	}
	closedir(dir);
	assert_true(n >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_status_has_its_class),
		cmocka_unit_test(an_acknowledgement_has_a_shape),
		cmocka_unit_test(unread_headers_acknowledge_nothing),
		cmocka_unit_test(no_failure_is_an_acknowledgement),
		cmocka_unit_test(seeds_of_the_fuzzer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
