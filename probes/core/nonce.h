/* Numbers that nobody can guess, for packets that must be known again. */
#ifndef CORE_NONCE_H
#define CORE_NONCE_H

#include <stdint.h>

/* For each system call. */
#define NONCES 512

/* Zero-initialise. */
struct nonces {
	uint64_t nonce[NONCES];
	unsigned left;
};

/* From the kernel: those that one target sees tell nothing about another's. 0
 * or negative errno. */
int nonce_next(struct nonces *nonces, uint64_t *ret_nonce);

#endif
