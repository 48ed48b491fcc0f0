#include "lib/web_ca.h"
#include <assert.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400L

struct web_ca {
	EVP_PKEY *key;
	X509 *cert;
};

static X509 *new_cert(EVP_PKEY *key, const char *name, long from_s, long to_s)
{
	static long serial;
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
	X509_gmtime_adj(X509_getm_notAfter(cert), to_s);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				   (const unsigned char *)"an edge", -1, -1, 0);
	return cert;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert(e != NULL);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

struct web_ca *web_ca_create(const char *name, const char *pem_path)
{
	struct web_ca *ca = calloc(1, sizeof(*ca));
	FILE *file = fopen(pem_path, "w");

	assert(ca != NULL && file != NULL);
	ca->key = EVP_EC_gen("P-256");
	ca->cert = new_cert(ca->key, name, -DAY_S, 10 * DAY_S);
	X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert));
	add_extension(ca->cert, NID_basic_constraints, "critical,CA:TRUE");
	assert(X509_sign(ca->cert, ca->key, EVP_sha256()) > 0);
	assert(PEM_write_X509(file, ca->cert) == 1);
	fclose(file);
	return ca;
}

void web_ca_destroy(struct web_ca *ca)
{
	if (ca == NULL)
		return;
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
	free(ca);
}

static FILE *create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0);
	return fdopen(fd, "w");
}

static void write_pair(const struct web_ca_issue *what, const X509 *cert,
		       const EVP_PKEY *key)
{
	const EVP_CIPHER *cipher =
		what->password == NULL ? NULL : EVP_aes_256_cbc();
	FILE *file = create(what->cert_path);

	assert(PEM_write_X509(file, cert) == 1);
	fclose(file);
	file = create(what->key_path);
	assert(PEM_write_PKCS8PrivateKey(
		       file, key, cipher, what->password,
		       what->password == NULL ? 0 : (int)strlen(what->password),
		       NULL, NULL) == 1);
	fclose(file);
}

void web_ca_issue(struct web_ca *ca, const struct web_ca_issue *what)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = new_cert(key, what->name, what->from_days * DAY_S,
			      what->to_days * DAY_S + DAY_S / 2);

	X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
	assert(X509_sign(cert, ca->key, EVP_sha256()) > 0);
	write_pair(what, cert, key);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void require_client(SSL_CTX *ctx, const struct web_ca *clients)
{
	X509_STORE *store = X509_STORE_new();

	assert(X509_STORE_add_cert(store, clients->cert) == 1);
	SSL_CTX_set_cert_store(ctx, store);
	SSL_CTX_set_verify(
		ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
}

SSL_CTX *web_ca_context(const struct web_server_options *o)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert =
		new_cert(key, "Edge", o->from_days * DAY_S, o->to_days * DAY_S);

	X509_set_issuer_name(cert, X509_get_subject_name(o->ca->cert));
	add_extension(cert, NID_subject_alt_name, o->names);
	assert(X509_sign(cert, o->ca->key, EVP_sha256()) > 0);
	assert(SSL_CTX_use_certificate(ctx, cert) == 1);
	assert(SSL_CTX_use_PrivateKey(ctx, key) == 1);
	if (o->clients != NULL)
		require_client(ctx, o->clients);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}
