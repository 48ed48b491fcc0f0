#include "delivery/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void token_finish(struct token *token)
{
	if (token->header)
		explicit_bzero(token->header, strlen(token->header));
	free(token->header);
	token->header = NULL;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Bytes of a scheme that it begins with, and the blank; 0: it has none. */
static size_t scheme_len(const char *text, size_t len)
{
	static const char *const schemes[] = { "Bearer ", "ApiKey ", "Basic ",
					       "Splunk " };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i]);

		if (len > n && strncasecmp(text, schemes[i], n) == 0)
			return n;
	}
	return 0;
}

/* Length without the newline that editors leave; 0 if it is no token. */
static size_t token_len(const char *text, size_t len)
{
	while (len > 0 && memchr(" \t\r\n", text[len - 1], 4))
		len--;
	for (size_t i = scheme_len(text, len); i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return 0;
	return len;
}

/* NULL: no memory. */
static char *make_header(const char *scheme, const char *text, size_t len)
{
	static const char name[] = "Authorization: ";
	bool own = scheme_len(text, len) > 0;
	size_t size = sizeof(name) + strlen(scheme) + 1 + len;
	char *header = malloc(size);

	if (header)
		snprintf(header, size, "%s%s%s%.*s", name, own ? "" : scheme,
			 own ? "" : " ", (int)len, text);
	return header;
}

/* One read of a small regular file; what is longer is refused anyway. */
static int take(struct token *token, int fd)
{
	char text[TOKEN_MAX + 1];
	ssize_t n = read(fd, text, sizeof(text));
	size_t len;

	if (n < 0)
		return -errno;
	len = n > TOKEN_MAX ? 0 : token_len(text, (size_t)n);
	if (len > 0)
		token->header = make_header(token->scheme, text, len);
	explicit_bzero(text, sizeof(text));
	if (len == 0)
		return -EINVAL;
	return token->header ? 1 : -ENOMEM;
}

static int read_file(struct token *token, int fd)
{
	struct stat now;

	if (fstat(fd, &now) < 0)
		return -errno;
	if (!S_ISREG(now.st_mode))
		return -EINVAL;
	if (token->header && is_same(&token->seen, &now))
		return 0;
	token_finish(token);
	token->seen = now;
	return take(token, fd);
}

int token_refresh(struct token *token)
{
	/* Not waiting for a writer, should it be a pipe. */
	int fd = open(token->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0) {
		r = -errno;
	} else {
		r = read_file(token, fd);
		close(fd);
	}
	if (r < 0)
		token_finish(token);
	return r;
}
