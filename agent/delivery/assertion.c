#include "delivery/assertion.h"

#include "base/buf.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uv.h>

#define JWT_MAX      16384
#define RSA_BITS_MIN 2048

/* What it is made of. */
struct signing {
	X509 *cert;
	EVP_PKEY *key;
	struct buf text; /* "HEADER.CLAIMS", then ".SIGNATURE" */
};

static void add_base64url(struct buf *out, const unsigned char *data,
			  size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned bits = (unsigned)data[i] << 16;

		if (n > 1)
			bits |= (unsigned)data[i + 1] << 8;
		if (n > 2)
			bits |= data[i + 2];
		for (size_t j = 0; j <= n; j++)
			buf_char(out, digits[bits >> (18 - 6 * j) & 63]);
	}
}

/* --- files --- */

/* A key that wants a password is refused, not asked about. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int unusable(struct ep_err *err, const char *name, const char *path,
		    int code, const char *why)
{
	return ep_err_set(err, code, "%s=%.160s why=\"%s\"", name, path, why);
}

static int open_pem(const char *name, const char *path, struct secret *pem,
		    BIO **ret_bio, struct ep_err *err)
{
	int r = secret_read(path, SECRET_FILE_MAX, pem);

	if (r < 0)
		return unusable(err, name, path, r, uv_err_name(r));
	*ret_bio = BIO_new_mem_buf(pem->text, (int)pem->len);
	if (*ret_bio)
		return 0;
	secret_finish(pem);
	return unusable(err, name, path, -ENOMEM, "ENOMEM");
}

static int read_cert(struct signing *s, const char *path, struct ep_err *err)
{
	struct secret pem = { 0 };
	BIO *bio = NULL;
	int r = open_pem("cert_file", path, &pem, &bio, err);

	if (r < 0)
		return r;
	s->cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
	BIO_free(bio);
	secret_finish(&pem);
	return s->cert ? 0
		       : unusable(err, "cert_file", path, -EINVAL,
				  "holds no certificate in PEM");
}

static int read_key(struct signing *s, const char *path, struct ep_err *err)
{
	struct secret pem = { 0 };
	BIO *bio = NULL;
	int r = open_pem("key_file", path, &pem, &bio, err);

	if (r < 0)
		return r;
	s->key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	secret_finish(&pem);
	if (!s->key)
		return unusable(err, "key_file", path, -EINVAL,
				"holds no private key in PEM without password");
	if (EVP_PKEY_get_base_id(s->key) != EVP_PKEY_RSA ||
	    EVP_PKEY_get_bits(s->key) < RSA_BITS_MIN)
		return unusable(err, "key_file", path, -EINVAL,
				"is no RSA key of 2048 bits or more");
	if (X509_check_private_key(s->cert, s->key) != 1)
		return unusable(err, "key_file", path, -EINVAL,
				"does not belong to the certificate");
	return 0;
}

/* --- the text --- */

static int add_header(struct signing *s)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct buf b;
	int r = -ENOMEM;

	buf_init(&b, 256);
	buf_text(&b, "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"");
	if (X509_digest(s->cert, EVP_sha256(), digest, &len) == 1) {
		add_base64url(&b, digest, len);
		buf_text(&b, "\"}");
		r = b.error;
	}
	if (r == 0)
		add_base64url(&s->text, (const unsigned char *)b.data, b.len);
	buf_finish(&b);
	return r;
}

static int add_claims(struct signing *s, const struct assertion *what)
{
	uint64_t id[2];
	struct buf b;
	int r;

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return -EIO;
	buf_init(&b, 8192);
	buf_text(&b, "{\"aud\":");
	buf_json_text(&b, what->audience);
	buf_text(&b, ",\"iss\":");
	buf_json_text(&b, what->client_id);
	buf_text(&b, ",\"sub\":");
	buf_json_text(&b, what->client_id);
	buf_printf(&b, ",\"jti\":\"%016llx%016llx\"", (unsigned long long)id[0],
		   (unsigned long long)id[1]);
	buf_printf(&b, ",\"nbf\":%llu,\"iat\":%llu,\"exp\":%llu}",
		   (unsigned long long)what->now_s,
		   (unsigned long long)what->now_s,
		   (unsigned long long)what->now_s + ASSERTION_LIFE_S);
	r = b.error;
	if (r == 0)
		add_base64url(&s->text, (const unsigned char *)b.data, b.len);
	buf_finish(&b);
	return r;
}

static int set_padding(EVP_PKEY_CTX *how)
{
	return EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
			       EVP_PKEY_CTX_set_rsa_pss_saltlen(
				       how, RSA_PSS_SALTLEN_DIGEST) == 1
		       ? 0
		       : -EINVAL;
}

static int sign_text(struct signing *s, EVP_MD_CTX *md)
{
	const unsigned char *text = (const unsigned char *)s->text.data;
	unsigned char signature[2048]; /* 16384 bits */
	size_t len = sizeof(signature);
	EVP_PKEY_CTX *how = NULL; /* belongs to `md` */

	if (EVP_DigestSignInit(md, &how, EVP_sha256(), NULL, s->key) != 1 ||
	    set_padding(how) < 0 ||
	    EVP_DigestSign(md, signature, &len, text, s->text.len) != 1)
		return -EINVAL;
	buf_char(&s->text, '.');
	add_base64url(&s->text, signature, len);
	return s->text.error;
}

static int sign(struct signing *s)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int r = md ? sign_text(s, md) : -ENOMEM;

	EVP_MD_CTX_free(md);
	return r;
}

static int write_jwt(struct signing *s, const struct assertion *what,
		     struct ep_err *err)
{
	int r = add_header(s);

	buf_char(&s->text, '.');
	if (r == 0)
		r = add_claims(s, what);
	if (r == 0)
		r = s->text.error;
	if (r == 0)
		r = sign(s);
	if (r < 0)
		return unusable(err, "key_file", what->key_file, r,
				"cannot sign");
	return 0;
}

int assertion_make(const struct assertion *what, struct secret *ret_jwt,
		   struct ep_cert_facts *ret_cert, struct ep_err *err)
{
	struct signing s = { 0 };
	int r;

	buf_init(&s.text, JWT_MAX);
	r = read_cert(&s, what->cert_file, err);
	if (r == 0)
		r = read_key(&s, what->key_file, err);
	if (r == 0)
		r = write_jwt(&s, what, err);
	if (r == 0) {
		ep_cert_read(s.cert, ret_cert);
		*ret_jwt = (struct secret){ s.text.data, s.text.len };
		buf_init(&s.text, JWT_MAX);
	}
	buf_finish(&s.text);
	X509_free(s.cert);
	EVP_PKEY_free(s.key);
	/* What it had to say was said. */
	ERR_clear_error();
	return r;
}
