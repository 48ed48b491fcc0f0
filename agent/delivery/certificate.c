#include "delivery/certificate.h"
#include "delivery/secret.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <uv.h>

/* Read, and perhaps not yet what is shown. */
struct pair {
	X509 *leaf;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

static void drop(struct pair *p)
{
	X509_free(p->leaf);
	sk_X509_pop_free(p->chain, X509_free);
	EVP_PKEY_free(p->key);
}

/* --- the files as they are --- */

static const char *file_of(const struct certificate *c, unsigned i)
{
	return i == 0 ? c->cert_file : i == 1 ? c->key_file : c->password_file;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int wrong_file(const char *path, int r, struct ep_err *err)
{
	return ep_err_set(err, r, "file=%.160s error=%s", path, uv_err_name(r));
}

static int look(const struct certificate *c,
		struct stat now[static CERTIFICATE_FILES], struct ep_err *err)
{
	memset(now, 0, CERTIFICATE_FILES * sizeof(*now));
	for (unsigned i = 0; i < CERTIFICATE_FILES; i++)
		if (file_of(c, i) && stat(file_of(c, i), &now[i]) < 0)
			return wrong_file(file_of(c, i), -errno, err);
	return 0;
}

static bool are_same(const struct certificate *c, const struct stat *now)
{
	for (unsigned i = 0; i < CERTIFICATE_FILES; i++)
		if (!is_same(&c->seen[i], &now[i]))
			return false;
	return true;
}

/* --- reading --- */

/* OpenSSL would ask the terminal. */
static int on_password(char *out, int size, int writing, void *password)
{
	const struct secret *s = password;

	(void)writing;
	if (!s->text || s->len > (size_t)size)
		return -1;
	memcpy(out, s->text, s->len);
	return (int)s->len;
}

static BIO *open_text(const struct secret *text)
{
	return BIO_new_mem_buf(text->text, (int)text->len);
}

/* The leaf, then whatever follows it. */
static int parse_certificates(const struct secret *text, struct pair *p)
{
	struct secret none = { 0 };
	BIO *in = open_text(text);
	X509 *next;

	p->chain = sk_X509_new_null();
	if (!in || !p->chain) {
		BIO_free(in);
		return -ENOMEM;
	}
	p->leaf = PEM_read_bio_X509_AUX(in, NULL, on_password, &none);
	while (p->leaf &&
	       (next = PEM_read_bio_X509(in, NULL, on_password, &none)))
		if (sk_X509_push(p->chain, next) <= 0) {
			X509_free(next);
			break;
		}
	BIO_free(in);
	ERR_clear_error();
	return p->leaf ? 0 : -EINVAL;
}

static int read_certificates(const char *path, struct pair *p,
			     struct ep_err *err)
{
	struct secret text = { 0 };
	int r = secret_read(path, SECRET_FILE_MAX, &text);

	if (r < 0)
		return wrong_file(path, r, err);
	r = parse_certificates(&text, p);
	secret_finish(&text);
	if (r < 0)
		return ep_err_set(
			err, r, "file=%.160s why=\"no PEM certificate\"", path);
	return 0;
}

static int read_password(const char *path, struct secret *ret_password,
			 struct ep_err *err)
{
	int r = path ? secret_read(path, SECRET_FILE_MAX, ret_password) : 0;

	if (r == 0 && path)
		r = secret_trim(ret_password);
	return r < 0 ? wrong_file(path, r, err) : 0;
}

static int parse_key(const struct secret *text, struct secret *password,
		     struct pair *p)
{
	BIO *in = open_text(text);

	if (!in)
		return -ENOMEM;
	p->key = PEM_read_bio_PrivateKey(in, NULL, on_password, password);
	BIO_free(in);
	ERR_clear_error();
	return p->key ? 0 : -EINVAL;
}

static int no_key(const struct certificate *c, const struct secret *text,
		  struct ep_err *err)
{
	bool encrypted = strstr(text->text, "ENCRYPTED") != NULL;
	const char *why = !encrypted         ? "no PEM key"
			  : c->password_file ? "another password"
					     : "encrypted, see "
					       "key_password_file";

	return ep_err_set(err, -EINVAL, "file=%.160s why=\"%s\"", c->key_file,
			  why);
}

static int read_key(const struct certificate *c, struct pair *p,
		    struct ep_err *err)
{
	struct secret text = { 0 }, password = { 0 };
	int r = read_password(c->password_file, &password, err);

	if (r < 0)
		return r;
	r = secret_read(c->key_file, SECRET_FILE_MAX, &text);
	if (r < 0)
		wrong_file(c->key_file, r, err);
	else if (parse_key(&text, &password, p) < 0)
		r = no_key(c, &text, err);
	secret_finish(&text);
	secret_finish(&password);
	return r;
}

/* A private key that others can read is none. */
static int check_mode(const struct certificate *c, const struct stat *key,
		      struct ep_err *err)
{
	if ((key->st_mode & S_IRWXO) == 0)
		return 0;
	return ep_err_set(err, -EPERM,
			  "file=%.160s why=\"a key that everybody may use, "
			  "mode 0600 or 0640 is allowed\"",
			  c->key_file);
}

static int read_pair(const struct certificate *c, struct pair *p,
		     struct ep_err *err)
{
	int r = read_certificates(c->cert_file, p, err);

	if (r == 0)
		r = read_key(c, p, err);
	if (r < 0)
		return r;
	if (X509_check_private_key(p->leaf, p->key) == 1)
		return 0;
	ERR_clear_error();
	return ep_err_set(err, -EINVAL,
			  "file=%.120s why=\"not the certificate of the key in "
			  "%.120s\"",
			  c->cert_file, c->key_file);
}

static void replace(struct certificate *c, const struct pair *p,
		    const struct stat *now)
{
	certificate_finish(c);
	c->leaf = p->leaf;
	c->chain = p->chain;
	c->key = p->key;
	ep_cert_read(c->leaf, &c->facts);
	memcpy(c->seen, now, sizeof(c->seen));
	c->current = true;
}

/* What changes between looking and reading is seen at the next look. */
int certificate_refresh(struct certificate *c, struct ep_err *err)
{
	struct stat now[CERTIFICATE_FILES];
	struct pair p = { 0 };
	int r = look(c, now, err);

	if (r == 0 && c->current && are_same(c, now))
		return 0;
	c->current = false;
	if (r == 0)
		r = check_mode(c, &now[1], err);
	if (r == 0)
		r = read_pair(c, &p, err);
	if (r < 0) {
		drop(&p);
		return r;
	}
	replace(c, &p, now);
	return 1;
}

int certificate_show(const struct certificate *c, SSL_CTX *ssl_ctx)
{
	if (SSL_CTX_use_certificate(ssl_ctx, c->leaf) == 1 &&
	    SSL_CTX_set1_chain(ssl_ctx, c->chain) == 1 &&
	    SSL_CTX_use_PrivateKey(ssl_ctx, c->key) == 1)
		return 0;
	ERR_clear_error();
	return -EINVAL;
}

void certificate_finish(struct certificate *c)
{
	struct pair p = { c->leaf, c->chain, c->key };

	drop(&p);
	c->leaf = NULL;
	c->chain = NULL;
	c->key = NULL;
	c->current = false;
}
