/* The authorities of a bundle, parsed once and read again when they change. */
#include "edgeprobe/clock.h"
#include "edgeprobe/private/trust.h"
#include "lib/https_world.h"
#include <errno.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t later_ns;

uint64_t __real_ep_clock_mono_ns(void);
uint64_t __wrap_ep_clock_mono_ns(void);

uint64_t __wrap_ep_clock_mono_ns(void)
{
	return __real_ep_clock_mono_ns() + later_ns;
}

struct bundle {
	char path[64], other[64];
};

static int set_up(void **state)
{
	struct bundle *b = test_calloc(1, sizeof(*b));

	https_make_path(b->path, sizeof(b->path));
	https_make_path(b->other, sizeof(b->other));
	web_ca_destroy(web_ca_create("One", b->path));
	web_ca_destroy(web_ca_create("Two", b->other));
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bundle *b = *state;

	unlink(b->path);
	unlink(b->other);
	test_free(b);
	return 0;
}

/* Those that a new connection would trust. */
static int trusted(struct ep_trust *trust)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int n;

	assert_int_equal(ep_trust_on_ssl_ctx(NULL, ctx, trust), CURLE_OK);
	n = sk_X509_OBJECT_num(
		X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx)));
	SSL_CTX_free(ctx);
	return n;
}

static void copy(const char *from, const char *to, const char *mode)
{
	FILE *in = fopen(from, "r"), *out = fopen(to, mode);
	int c;

	assert_true(in != NULL && out != NULL);
	while ((c = fgetc(in)) != EOF)
		fputc(c, out);
	fclose(in);
	fclose(out);
}

static void one_for_all_that_hold_it(void **state)
{
	struct bundle *b = *state;
	struct ep_trust *one, *again, *other;

	assert_int_equal(ep_trust_take(b->path, &one, NULL), 0);
	assert_int_equal(ep_trust_take(b->path, &again, NULL), 0);
	assert_int_equal(ep_trust_take(b->other, &other, NULL), 0);
	assert_ptr_equal(one, again);
	assert_ptr_not_equal(one, other);
	ep_trust_drop(one);
	assert_int_equal(trusted(again), 1);
	ep_trust_drop(again);
	ep_trust_drop(other);
	ep_trust_drop(NULL);
}

static void another_bundle_in_its_place(void **state)
{
	struct bundle *b = *state;
	struct ep_trust *trust;
	FILE *file;

	later_ns = 0;
	assert_int_equal(ep_trust_take(b->path, &trust, NULL), 0);
	assert_int_equal(trusted(trust), 1);
	copy(b->other, b->path, "a");
	assert_int_equal(trusted(trust), 1); /* not looked at for a minute */
	later_ns += 61 * EP_NS_PER_S;
	assert_int_equal(trusted(trust), 2);
	/* While it is being written the old ones count. */
	file = fopen(b->path, "w");
	fclose(file);
	later_ns += 61 * EP_NS_PER_S;
	assert_int_equal(trusted(trust), 2);
	copy(b->other, b->path, "w");
	later_ns += 61 * EP_NS_PER_S;
	assert_int_equal(trusted(trust), 1);
	ep_trust_drop(trust);
}

/* For whoever will not wait for a minute; and it is told apart. */
static void looked_at_when_asked(void **state)
{
	struct bundle *b = *state;
	struct ep_trust *trust;
	uint64_t first = 0, now = 0;
	FILE *file;

	assert_int_equal(ep_trust_take(b->path, &trust, NULL), 0);
	assert_int_equal(ep_trust_look(trust, &first), 0);
	assert_int_equal(ep_trust_look(trust, &now), 0);
	assert_int_equal(now, first);
	file = fopen(b->path, "w");
	fclose(file);
	assert_int_equal(ep_trust_look(trust, &now), -EINVAL);
	assert_int_equal(ep_trust_look(trust, &now), -EINVAL);
	assert_int_equal(trusted(trust), 1);
	unlink(b->path);
	assert_int_equal(ep_trust_look(trust, &now), -EINVAL);
	copy(b->other, b->path, "w");
	copy(b->other, b->path, "a");
	assert_int_equal(ep_trust_look(trust, &now), 0);
	assert_int_not_equal(now, first);
	ep_trust_drop(trust);
}

static void what_holds_no_certificate(void **state)
{
	struct bundle *b = *state;
	struct ep_trust *trust = NULL;
	struct ep_err err = { 0 };
	FILE *file = fopen(b->path, "w");

	fputs("-----BEGIN CERTIFICATE-----\nMIIB\n", file);
	fclose(file);
	assert_int_equal(ep_trust_take(b->path, &trust, &err), -EINVAL);
	assert_non_null(strstr(err.text, b->path));
	unlink(b->path);
	assert_int_equal(ep_trust_take(b->path, &trust, &err), -ENOENT);
	assert_null(trust);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_for_all_that_hold_it),
		TEST(another_bundle_in_its_place),
		TEST(looked_at_when_asked),
		TEST(what_holds_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
