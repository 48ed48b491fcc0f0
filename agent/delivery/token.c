#include "delivery/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEME "Authorization: Bearer "

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

/* Length without the newline that editors leave; 0 if it is no token. */
static size_t token_len(const char *text, size_t len)
{
	while (len > 0 && memchr(" \t\r\n", text[len - 1], 4))
		len--;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return 0;
	return len;
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
		token->header = malloc(sizeof(SCHEME) + len);
	if (token->header) {
		memcpy(token->header, SCHEME, sizeof(SCHEME) - 1);
		memcpy(token->header + sizeof(SCHEME) - 1, text, len);
		token->header[sizeof(SCHEME) - 1 + len] = '\0';
	}
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
