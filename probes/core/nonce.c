#include "core/nonce.h"
#include <errno.h>
#include <sys/random.h>

int nonce_next(struct nonces *nonces, uint64_t *ret_nonce)
{
	if (nonces->left == 0) {
		if (getrandom(nonces->nonce, sizeof(nonces->nonce), 0) < 0)
			return -errno;
		nonces->left = NONCES;
	}
	*ret_nonce = nonces->nonce[--nonces->left];
	return 0;
}
