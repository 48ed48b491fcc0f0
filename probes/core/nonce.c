#include "core/nonce.h"
#include <errno.h>
#include <sys/random.h>

int nonce_next(struct nonces *nonces, uint64_t *ret_nonce)
{
	ssize_t n;

	if (nonces->left == 0) {
		n = getrandom(nonces->nonce, sizeof(nonces->nonce), 0);
		if (n < (ssize_t)sizeof(nonces->nonce[0]))
			return n < 0 ? -errno : -EAGAIN;
		/* a signal may have cut it short */
		nonces->left = (unsigned)n / sizeof(nonces->nonce[0]);
	}
	*ret_nonce = nonces->nonce[--nonces->left];
	return 0;
}
