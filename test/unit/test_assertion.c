/* The signed word with which a client with a certificate asks for a token. */
#include "base/json.h"
#include "delivery/assertion.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define AUDIENCE "https://login.example/t/oauth2/v2.0/token"
#define CLIENT   "11111111-2222-3333-4444-555555555555"

/* A client's files, in a folder of their own. */
struct client {
	char dir[64], cert[96], key[96];
	EVP_PKEY *pair;
	X509 *x509;
};

static void write_key(const char *path, EVP_PKEY *key, const char *password)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_PKCS8PrivateKey(
				 f, key, password ? EVP_aes_128_cbc() : NULL,
				 password, password ? (int)strlen(password) : 0,
				 NULL, NULL),
			 1);
	fclose(f);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static X509 *new_cert(EVP_PKEY *pair)
{
	X509 *x = X509_new();

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, pair);
	assert_true(X509_sign(x, pair, EVP_sha256()) > 0);
	return x;
}

static int set_up(void **state)
{
	struct client *c = calloc(1, sizeof(*c));
	FILE *f;

	snprintf(c->dir, sizeof(c->dir), "/tmp/edgeprobe-client-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	snprintf(c->cert, sizeof(c->cert), "%s/cert.pem", c->dir);
	snprintf(c->key, sizeof(c->key), "%s/key.pem", c->dir);
	c->pair = EVP_RSA_gen(2048);
	c->x509 = new_cert(c->pair);
	f = fopen(c->cert, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, c->x509), 1);
	fclose(f);
	write_key(c->key, c->pair, NULL);
	*state = c;
	return 0;
}

static int tear_down(void **state)
{
	struct client *c = *state;

	unlink(c->cert);
	unlink(c->key);
	assert_int_equal(rmdir(c->dir), 0);
	X509_free(c->x509);
	EVP_PKEY_free(c->pair);
	free(c);
	return 0;
}

static int make(const struct client *c, struct secret *ret_jwt,
		struct ep_err *err)
{
	const struct assertion what = {
		.client_id = CLIENT,
		.audience = AUDIENCE,
		.now_s = 1767225600,
		.cert_file = c->cert,
		.key_file = c->key,
	};
	struct ep_cert_facts cert = { 0 };
	int r = assertion_make(&what, ret_jwt, &cert, err);

	assert_int_equal(cert.expires_s > cert.starts_s, r == 0);
	return r;
}

/* --- what is in it --- */

static unsigned value_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = strchr(digits, c);

	assert_true(at && *at);
	return (unsigned)(at - digits);
}

/* Base64url without padding; returns its length. */
static size_t decode(const char *text, size_t len, unsigned char *out)
{
	unsigned bits = 0, n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 6 | value_of(text[i]);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (unsigned char)(bits >> n_bits);
		}
	}
	return n;
}

static void verify(EVP_PKEY *key, const char *text, size_t len,
		   const unsigned char *signature, size_t signature_len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how;

	assert_int_equal(
		EVP_DigestVerifyInit(md, &how, EVP_sha256(), NULL, key), 1);
	assert_int_equal(
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32), 1);
	assert_int_equal(EVP_DigestVerify(md, signature, signature_len,
					  (const unsigned char *)text, len),
			 1);
	EVP_MD_CTX_free(md);
}

static void expect_thumbprint(const struct client *c, const char *value)
{
	unsigned char want[EVP_MAX_MD_SIZE], got[64];
	unsigned len;

	assert_int_equal(X509_digest(c->x509, EVP_sha256(), want, &len), 1);
	assert_int_equal(decode(value, strlen(value), got), len);
	assert_memory_equal(got, want, len);
}

static const char *member(const struct json_doc *doc, const char *key)
{
	return json_text(json_get(json_root(doc), key));
}

static struct json_doc *part(const char *text, size_t len)
{
	unsigned char json[4096];
	struct json_fault fault;
	struct json_doc *doc = NULL;
	size_t n = decode(text, len, json);

	assert_int_equal(json_parse((const char *)json, n, false, &doc, &fault),
			 0);
	return doc;
}

static double number(const struct json_doc *doc, const char *key)
{
	double value = 0;

	assert_true(json_number(json_get(json_root(doc), key), &value));
	return value;
}

static void it_is_signed_and_says_who_to_whom_and_when(void **state)
{
	struct client *c = *state;
	struct secret jwt, again;
	struct ep_err err = { 0 };
	struct json_doc *header, *claims;
	unsigned char signature[512];
	const char *dot, *last;
	size_t n;

	assert_int_equal(make(c, &jwt, &err), 0);
	assert_int_equal(strlen(jwt.text), jwt.len);
	dot = strchr(jwt.text, '.');
	last = strrchr(jwt.text, '.');
	n = decode(last + 1, strlen(last + 1), signature);
	verify(c->pair, jwt.text, (size_t)(last - jwt.text), signature, n);
	header = part(jwt.text, (size_t)(dot - jwt.text));
	assert_string_equal(member(header, "alg"), "PS256");
	assert_string_equal(member(header, "typ"), "JWT");
	expect_thumbprint(c, member(header, "x5t#S256"));
	claims = part(dot + 1, (size_t)(last - dot - 1));
	assert_string_equal(member(claims, "aud"), AUDIENCE);
	assert_string_equal(member(claims, "iss"), CLIENT);
	assert_string_equal(member(claims, "sub"), CLIENT);
	assert_int_equal(strlen(member(claims, "jti")), 32);
	assert_true(number(claims, "nbf") == 1767225600);
	assert_true(number(claims, "exp") == 1767226200);
	assert_int_equal(make(c, &again, &err), 0);
	assert_string_not_equal(jwt.text, again.text); /* none is used twice */
	json_destroy(header);
	json_destroy(claims);
	secret_finish(&jwt);
	secret_finish(&again);
}

/* --- files that will not do --- */

static void expect_refused(const struct client *c, const char *file,
			   const char *why)
{
	struct ep_err err = { 0 };
	struct secret jwt = { 0 };

	assert_true(make(c, &jwt, &err) < 0);
	assert_null(jwt.text);
	if (!strstr(err.text, file) || !strstr(err.text, why))
		fail_msg("%s", err.text);
}

static void files_that_will_not_do(void **state)
{
	struct client *c = *state;
	EVP_PKEY *other = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");

	write_key(c->key, other, NULL);
	expect_refused(c, "key_file=", "does not belong to the certificate");
	write_key(c->key, ec, NULL);
	expect_refused(c, "key_file=", "is no RSA key");
	write_key(c->key, c->pair, "secret");
	expect_refused(c, "key_file=", "without password");
	write_text(c->key, "");
	expect_refused(c, "key_file=", "EINVAL");
	unlink(c->key);
	expect_refused(c, "key_file=", "ENOENT");
	assert_int_equal(mkfifo(c->key, 0600), 0); /* nobody waits for it */
	expect_refused(c, "key_file=", "EINVAL");
	write_text(c->cert, "-----BEGIN CERTIFICATE-----\nAAAA\n");
	expect_refused(c, "cert_file=", "holds no certificate");
	unlink(c->cert);
	expect_refused(c, "cert_file=", "ENOENT");
	EVP_PKEY_free(other);
	EVP_PKEY_free(ec);
}

#define CLIENT_TEST(name)                                                      \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(it_is_signed_and_says_who_to_whom_and_when),
		CLIENT_TEST(files_that_will_not_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
