#include "delivery/auth.h"

#include "delivery/outlet.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Which key belongs to which type. */
enum {
	OF_ENTRA = 1,
	OF_ARC = 2,
	OF_VM = 4,
};

static const struct {
	const char *name;
	unsigned bit;
} types[] = {
	{ AUTH_ENTRA, OF_ENTRA },
	{ AUTH_AZURE_ARC, OF_ARC },
	{ AUTH_AZURE_VM, OF_VM },
};

static const struct {
	const char *name;
	size_t offset;
	unsigned allowed, required;
} keys[] = {
	{ "tenant", offsetof(struct auth_options, tenant), OF_ENTRA, OF_ENTRA },
	{ "client_id", offsetof(struct auth_options, client_id),
	  OF_ENTRA | OF_VM, OF_ENTRA },
	{ "secret_file", offsetof(struct auth_options, secret_file), OF_ENTRA,
	  0 },
	{ "cert_file", offsetof(struct auth_options, cert_file), OF_ENTRA, 0 },
	{ "key_file", offsetof(struct auth_options, key_file), OF_ENTRA, 0 },
	{ "scope", offsetof(struct auth_options, scope),
	  OF_ENTRA | OF_ARC | OF_VM, 0 },
	{ "authority", offsetof(struct auth_options, authority), OF_ENTRA, 0 },
};

bool auth_is(const struct auth_options *auth, const char *type)
{
	return auth->type && strcmp(auth->type, type) == 0;
}

static const char **field(struct auth_options *auth, size_t offset)
{
	return (const char **)(void *)((char *)auth + offset);
}

static const char *text(const struct auth_options *auth, size_t offset)
{
	return *(const char *const *)(const void *)((const char *)auth +
						    offset);
}

/* Letters, digits and these: what goes into a path or a form as it is. */
static bool is_plain(const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-";

	return value[0] && value[strspn(value, plain)] == '\0' &&
	       !strstr(value, "..") && value[0] != '.';
}

static int check_keys(const struct auth_options *auth, unsigned bit,
		      struct ep_err *err)
{
	for (size_t i = 0; i < COUNT(keys); i++) {
		bool given = text(auth, keys[i].offset) != NULL;

		if (given && !(keys[i].allowed & bit))
			return ep_err_set(err, -EINVAL,
					  "auth: %s has no use with type "
					  "\"%s\"",
					  keys[i].name, auth->type);
		if (!given && keys[i].required & bit)
			return ep_err_set(err, -EINVAL,
					  "auth: type \"%s\" needs %s",
					  auth->type, keys[i].name);
	}
	return 0;
}

static int check_names(const struct auth_options *auth, struct ep_err *err)
{
	if (auth->tenant && !is_plain(auth->tenant))
		return ep_err_set(
			err, -EINVAL,
			"auth: tenant is no id and no domain: allowed "
			"are letters, digits, '-' and '.'");
	if (auth->client_id && !is_plain(auth->client_id))
		return ep_err_set(err, -EINVAL,
				  "auth: client_id is no id: allowed are "
				  "letters, digits and '-'");
	return 0;
}

static int check_proof(const struct auth_options *auth, struct ep_err *err)
{
	bool cert = auth->cert_file || auth->key_file;

	if (!auth_is(auth, AUTH_ENTRA))
		return 0;
	if ((auth->secret_file != NULL) == cert ||
	    (cert && !(auth->cert_file && auth->key_file)))
		return ep_err_set(err, -EINVAL,
				  "auth: type \"entra\" needs secret_file, or "
				  "else cert_file and key_file");
	return 0;
}

static int check_authority(const struct auth_options *auth, struct ep_err *err)
{
	enum place place =
		auth->authority ? place_of(auth->authority) : PLACE_HTTPS;

	if ((place == PLACE_HTTPS || place == PLACE_HTTP_LOOPBACK) &&
	    !(auth->authority && strpbrk(auth->authority, "?#")))
		return 0;
	return ep_err_set(err, -EINVAL,
			  "auth: authority cannot be used: allowed are "
			  "https://HOST and http:// to localhost, 127.x.x.x or "
			  "[::1], without parameters");
}

static unsigned bit_of(const struct auth_options *auth)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (auth_is(auth, types[i].name))
			return types[i].bit;
	return 0;
}

int auth_check(const struct auth_options *auth, struct ep_err *err)
{
	unsigned bit = bit_of(auth);
	int r;

	if (!auth->type)
		return 0;
	if (bit == 0)
		return ep_err_set(err, -EINVAL,
				  "auth: type \"%.32s\" is not known: allowed "
				  "are entra, azure_arc and azure_vm",
				  auth->type);
	r = check_keys(auth, bit, err);
	if (r == 0)
		r = check_names(auth, err);
	if (r == 0)
		r = check_proof(auth, err);
	return r == 0 ? check_authority(auth, err) : r;
}

static int copy_text(const char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

int auth_copy(const struct auth_options *from, struct auth_options *ret_auth)
{
	int r;

	*ret_auth = (struct auth_options){ 0 };
	r = copy_text(&ret_auth->type, from->type);
	for (size_t i = 0; i < COUNT(keys) && r == 0; i++)
		r = copy_text(field(ret_auth, keys[i].offset),
			      text(from, keys[i].offset));
	return r;
}

void auth_finish(struct auth_options *auth)
{
	free((void *)(uintptr_t)auth->type);
	for (size_t i = 0; i < COUNT(keys); i++)
		free((void *)(uintptr_t)text(auth, keys[i].offset));
	*auth = (struct auth_options){ 0 };
}
