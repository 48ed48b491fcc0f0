#include "core/ca.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Debian, Ubuntu, Arch; Fedora, RHEL; Fedora without the link; openSUSE;
 * Alpine, BSD. */
static const char *const usual[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

#define USUAL_N (sizeof(usual) / sizeof(usual[0]))

/* How a certificate starts in PEM; the word before CERTIFICATE may be TRUSTED
 * or X509. */
static bool starts_certificate(const char *line)
{
	static const char begin[] = "-----BEGIN ";

	return strncmp(line, begin, sizeof(begin) - 1) == 0 &&
	       strstr(line, "CERTIFICATE-----") != NULL;
}

/* 0 if a certificate starts anywhere in it. */
static int search(FILE *file)
{
	char line[128];

	while (fgets(line, sizeof(line), file) != NULL)
		if (starts_certificate(line))
			return 0;
	return ferror(file) ? -EIO : -EINVAL;
}

static int check_file(const char *path)
{
	struct stat st;
	FILE *file;
	int r;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && S_ISDIR(st.st_mode))
		r = -EISDIR;
	if (r == 0 && !S_ISREG(st.st_mode))
		r = -EINVAL;
	file = r == 0 ? fdopen(fd, "r") : NULL;
	if (file == NULL) {
		close(fd);
		return r < 0 ? r : -ENOMEM;
	}
	r = search(file);
	fclose(file);
	return r;
}

static int take(const char *path, char *ret_path, size_t size)
{
	size_t n = strlen(path);
	int r;

	if (n >= size)
		return -ENAMETOOLONG;
	r = check_file(path);
	if (r == 0)
		memcpy(ret_path, path, n + 1);
	return r;
}

/* `origin` says who named the file. */
static int take_named(const char *path, const char *origin, char *ret_path,
		      size_t size, struct ep_err *err)
{
	int r = take(path, ret_path, size);

	if (r == -EINVAL)
		return ep_err_set(err, r,
				  "CA file %s (%s) holds no PEM certificate",
				  path, origin);
	if (r < 0)
		return ep_err_set(err, r, "CA file %s (%s) cannot be read: %s",
				  path, origin, strerror(-r));
	return 0;
}

int ca_find_in(const char *const *paths, size_t n, char *ret_path, size_t size,
	       struct ep_err *err)
{
	char tried[EP_ERR_TEXT_MAX / 2] = "";
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (take(paths[i], ret_path, size) == 0)
			return 0;
		if (at < sizeof(tried))
			at += (size_t)snprintf(tried + at, sizeof(tried) - at,
					       " %s", paths[i]);
	}
	return ep_err_set(err, -ENOENT,
			  "no bundle of trusted CAs is readable (tried%s): "
			  "install ca-certificates, or name a PEM file in "
			  "tls.ca_file or SSL_CERT_FILE",
			  tried);
}

int ca_find(const char *configured, char *ret_path, size_t size,
	    struct ep_err *err)
{
	const char *environment = getenv("SSL_CERT_FILE");

	if (configured != NULL)
		return take_named(configured, "configured", ret_path, size,
				  err);
	if (environment != NULL && environment[0] != '\0')
		return take_named(environment, "from SSL_CERT_FILE", ret_path,
				  size, err);
	return ca_find_in(usual, USUAL_N, ret_path, size, err);
}
