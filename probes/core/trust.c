#include "edgeprobe/private/trust.h"
#include "core/ca.h"
#include "core/file_version.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* How often at most the file is looked at. */
#define LOOK_NS (60 * EP_NS_PER_S)

struct ep_trust {
	struct list link;
	unsigned held;
	X509_STORE *store;
	struct file_version version;
	uint64_t looked_ns;
	uint64_t number; /* of what `store` holds: counts */
	bool broken;     /* what the file holds now cannot be used */
	char path[];
};

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock; /* of all that follows, and of each trust */
static struct list trusts;
static bool is_openssl; /* what libcurl does TLS by */

/* "OpenSSL/3.0.15", or "(GnuTLS/3.7.9) OpenSSL/3.0.15" with several, those in
 * brackets not in use. Its forks have other names, and other structures. */
static void init_once(void)
{
	const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;
	const char *in_use = tls == NULL ? NULL : strstr(tls, "OpenSSL/");

	uv_mutex_init(&lock);
	list_init(&trusts);
	is_openssl = in_use != NULL && (in_use == tls || in_use[-1] != '(');
}

/* The flags are those that libcurl sets: a bundle may hold an intermediate
 * authority only. */
static X509_STORE *parse(const char *path)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL)
		return NULL;
	if (X509_STORE_load_file(store, path) != 1) {
		X509_STORE_free(store);
		store = NULL;
	} else {
		X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST |
						    X509_V_FLAG_PARTIAL_CHAIN);
	}
	ERR_clear_error(); /* of this thread, libcurl's too */
	return store;
}

static struct ep_trust *find(const char *path)
{
	struct list *at, *after;

	list_for_each (at, after, &trusts) {
		struct ep_trust *t = container_of(at, struct ep_trust, link);

		if (strcmp(t->path, path) == 0)
			return t;
	}
	return NULL;
}

static int make(const char *path, struct ep_trust **ret_trust)
{
	size_t n = strlen(path) + 1;
	struct ep_trust *t = calloc(1, sizeof(*t) + n);

	if (t == NULL)
		return -ENOMEM;
	memcpy(t->path, path, n);
	file_version_changed(path, &t->version);
	t->looked_ns = ep_clock_mono_ns();
	t->store = parse(path);
	if (t->store == NULL) {
		free(t);
		return -EINVAL;
	}
	list_add(&trusts, &t->link);
	*ret_trust = t;
	return 0;
}

static int take(const char *path, struct ep_trust **ret_trust)
{
	struct ep_trust *t;
	int r = 0;

	uv_mutex_lock(&lock);
	t = find(path);
	if (t == NULL)
		r = make(path, &t);
	if (r == 0) {
		t->held++;
		*ret_trust = t;
	}
	uv_mutex_unlock(&lock);
	return r;
}

int ep_trust_take(const char *configured, struct ep_trust **ret_trust,
		  struct ep_err *err)
{
	char path[PATH_MAX];
	int r;

	uv_once(&once, init_once);
	if (!is_openssl)
		return ep_err_set(
			err, -ENOTSUP,
			"libcurl does its TLS by %s here: install "
			"libcurl for OpenSSL",
			curl_version_info(CURLVERSION_NOW)->ssl_version);
	r = ca_find(configured, path, sizeof(path), err);
	if (r < 0)
		return r;
	r = take(path, ret_trust);
	if (r == -EINVAL)
		return ep_err_set(err, r,
				  "CA file %s: OpenSSL reads no certificate "
				  "from it",
				  path);
	return r < 0 ? ep_err_set(err, r, "out of memory") : 0;
}

void ep_trust_drop(struct ep_trust *trust)
{
	if (trust == NULL)
		return;
	uv_mutex_lock(&lock);
	if (--trust->held == 0) {
		list_remove(&trust->link);
		X509_STORE_free(trust->store);
		free(trust);
	}
	uv_mutex_unlock(&lock);
}

/* Connections that are being made keep the store that they were given. */
static void look(struct ep_trust *t)
{
	X509_STORE *store;

	t->looked_ns = ep_clock_mono_ns();
	if (!file_version_changed(t->path, &t->version))
		return;
	store = parse(t->path);
	t->broken = store == NULL;
	if (t->broken)
		return;
	X509_STORE_free(t->store);
	t->store = store;
	t->number++;
}

static void refresh(struct ep_trust *t)
{
	if (ep_clock_mono_ns() - t->looked_ns >= LOOK_NS)
		look(t);
}

int ep_trust_look(struct ep_trust *trust, uint64_t *ret_version)
{
	int r;

	uv_mutex_lock(&lock);
	look(trust);
	r = trust->broken ? -EINVAL : 0;
	if (r == 0)
		*ret_version = trust->number;
	uv_mutex_unlock(&lock);
	return r;
}

CURLcode ep_trust_apply(struct ep_trust *trust, void *ssl_ctx)
{
	uv_mutex_lock(&lock);
	refresh(trust);
	SSL_CTX_set1_cert_store(ssl_ctx, trust->store);
	uv_mutex_unlock(&lock);
	return CURLE_OK;
}

CURLcode ep_trust_on_ssl_ctx(CURL *easy, void *ssl_ctx, void *trust)
{
	(void)easy;
	return ep_trust_apply(trust, ssl_ctx);
}
