/* The certificate and key that are shown to a collector. */
#include "delivery/certificate.h"
#include "lib/web_ca.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	char dir[64], cert[96], key[96], password[96], ca_path[96];
	struct web_ca *ca;
	struct certificate certificate;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/edgeprobe-cert-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->cert, sizeof(w->cert), "%s/cert", w->dir);
	snprintf(w->key, sizeof(w->key), "%s/key", w->dir);
	snprintf(w->password, sizeof(w->password), "%s/password", w->dir);
	snprintf(w->ca_path, sizeof(w->ca_path), "%s/ca", w->dir);
	w->ca = web_ca_create("Branches", w->ca_path);
	w->certificate.cert_file = w->cert;
	w->certificate.key_file = w->key;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	certificate_finish(&w->certificate);
	web_ca_destroy(w->ca);
	unlink(w->cert);
	unlink(w->key);
	unlink(w->password);
	unlink(w->ca_path);
	rmdir(w->dir);
	free(w);
	return 0;
}

static void issue(struct world *w, const char *name, const char *cert,
		  const char *key)
{
	const struct web_ca_issue what = { .name = name,
					   .from_days = -1,
					   .to_days = 40,
					   .cert_path = cert,
					   .key_path = key };

	web_ca_issue(w->ca, &what);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void shows(const struct world *w, const char *wanted)
{
	char name[64] = "";

	assert_non_null(w->certificate.leaf);
	X509_NAME_get_text_by_NID(X509_get_subject_name(w->certificate.leaf),
				  NID_organizationName, name, sizeof(name));
	assert_string_equal(name, wanted);
	assert_int_equal(
		X509_check_private_key(w->certificate.leaf, w->certificate.key),
		1);
}

static void expect_trouble(struct world *w, int code, const char *words)
{
	struct ep_err err = { 0 };

	assert_int_equal(certificate_refresh(&w->certificate, &err), code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say %s", err.text, words);
}

static void a_pair_is_read_when_it_is_another(void **state)
{
	struct world *w = *state;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	issue(w, "one", w->cert, w->key);
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 1);
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 0);
	shows(w, "one");
	assert_string_equal(w->certificate.facts.issuer, "Branches");
	assert_int_equal((w->certificate.facts.expires_s -
			  w->certificate.facts.starts_s) /
				 86400,
			 41);
	issue(w, "two", w->cert, w->key);
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 1);
	shows(w, "two");
	assert_int_equal(certificate_show(&w->certificate, ctx), 0);
	assert_non_null(SSL_CTX_get0_certificate(ctx));
	SSL_CTX_free(ctx);
}

/* As whoever replaces two files cannot avoid it. */
static void a_half_written_pair_is_not_used(void **state)
{
	struct world *w = *state;
	char other[128], key[128];

	snprintf(other, sizeof(other), "%s.new", w->cert);
	snprintf(key, sizeof(key), "%s.new", w->key);
	issue(w, "one", w->cert, w->key);
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 1);
	issue(w, "two", other, key);
	assert_int_equal(rename(other, w->cert), 0);
	expect_trouble(w, -EINVAL, "not the certificate of the key");
	expect_trouble(w, -EINVAL, "not the certificate of the key");
	shows(w, "one");
	assert_int_equal(rename(key, w->key), 0);
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 1);
	shows(w, "two");
}

static void what_is_no_pair_leaves_the_old_one(void **state)
{
	struct world *w = *state;

	expect_trouble(w, -ENOENT, "error=ENOENT");
	assert_null(w->certificate.leaf);
	issue(w, "one", w->cert, w->key);
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 1);
	write_file(w->cert, "-----BEGIN CERTIFICATE-----\nMIIB\n");
	expect_trouble(w, -EINVAL, "no PEM certificate");
	issue(w, "two", w->cert, w->key);
	write_file(w->key, "not a key");
	expect_trouble(w, -EINVAL, "no PEM key");
	shows(w, "one");
	assert_int_equal(unlink(w->key), 0);
	expect_trouble(w, -ENOENT, "error=ENOENT");
	shows(w, "one");
	issue(w, "three", w->cert, w->key);
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 1);
	shows(w, "three");
}

static void a_key_for_everybody_is_refused(void **state)
{
	struct world *w = *state;

	issue(w, "one", w->cert, w->key);
	assert_int_equal(chmod(w->key, 0644), 0);
	expect_trouble(w, -EPERM, "a key that everybody may use");
	assert_int_equal(chmod(w->key, 0640), 0);
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 1);
}

static void an_encrypted_key_wants_its_password(void **state)
{
	struct world *w = *state;
	const struct web_ca_issue what = { .name = "one",
					   .from_days = -1,
					   .to_days = 40,
					   .cert_path = w->cert,
					   .key_path = w->key,
					   .password = "s3cret" };

	web_ca_issue(w->ca, &what);
	expect_trouble(w, -EINVAL, "key_password_file");
	w->certificate.password_file = w->password;
	write_file(w->password, "another\n");
	expect_trouble(w, -EINVAL, "another password");
	write_file(w->password, "s3cret\n");
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 1);
	shows(w, "one");
}

static void the_rest_of_the_chain_goes_along(void **state)
{
	struct world *w = *state;
	FILE *cert, *ca;
	int c;

	issue(w, "one", w->cert, w->key);
	cert = fopen(w->cert, "a");
	ca = fopen(w->ca_path, "r");
	assert_true(cert && ca);
	while ((c = fgetc(ca)) != EOF)
		fputc(c, cert);
	fclose(ca);
	fclose(cert);
	assert_int_equal(certificate_refresh(&w->certificate, NULL), 1);
	assert_int_equal(sk_X509_num(w->certificate.chain), 1);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(a_pair_is_read_when_it_is_another),
		FILE_TEST(a_half_written_pair_is_not_used),
		FILE_TEST(what_is_no_pair_leaves_the_old_one),
		FILE_TEST(a_key_for_everybody_is_refused),
		FILE_TEST(an_encrypted_key_wants_its_password),
		FILE_TEST(the_rest_of_the_chain_goes_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
