#include "delivery/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void secret_finish(struct secret *secret)
{
	if (secret->text)
		explicit_bzero(secret->text, secret->len);
	free(secret->text);
	*secret = (struct secret){ 0 };
}

/* Until the end, or `size` bytes: read(2) may give less than there is. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, text + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int secret_read_fd(int fd, size_t max, struct secret *ret_secret)
{
	struct secret secret = { 0 };
	struct stat is;
	ssize_t n;

	if (fstat(fd, &is) < 0)
		return -errno;
	if (!S_ISREG(is.st_mode) || is.st_size > (off_t)max)
		return -EINVAL;
	secret.text = calloc(1, max + 2);
	if (!secret.text)
		return -ENOMEM;
	secret.len = max + 1;
	n = read_all(fd, secret.text, max + 1);
	if (n <= 0 || (size_t)n > max) {
		secret_finish(&secret);
		return n < 0 ? (int)n : -EINVAL;
	}
	secret.len = (size_t)n;
	*ret_secret = secret;
	return 0;
}

int secret_read(const char *path, size_t max, struct secret *ret_secret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	r = secret_read_fd(fd, max, ret_secret);
	close(fd);
	return r;
}

int secret_trim(struct secret *secret)
{
	char *text = secret->text;

	while (secret->len > 0 && memchr(" \t\r\n", text[secret->len - 1], 4))
		text[--secret->len] = '\0';
	for (size_t i = 0; i < secret->len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return -EINVAL;
	return secret->len > 0 ? 0 : -EINVAL;
}
