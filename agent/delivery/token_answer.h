/* What a token service answers: Entra, the Azure Arc agent, a virtual machine's
 * metadata service. Pure; nothing of it is believed. */
#ifndef DELIVERY_TOKEN_ANSWER_H
#define DELIVERY_TOKEN_ANSWER_H

#include "delivery/secret.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_ANSWER_MAX ((size_t)65536) /* bytes of a body that are read */
#define TOKEN_LIFE_MAX_S (7 * 86400u)    /* longer is taken for this */
#define TOKEN_LIFE_S     300u            /* where it does not say */

/* Words of a refusal are from a small alphabet: they go to the log. */
struct token_answer {
	struct secret token;  /* printable ASCII; empty: there is none */
	uint32_t life_s;      /* from 1 */
	char error[48];       /* "invalid_client"; "" if it says none */
	unsigned long aadsts; /* number of Entra's reason; 0: none */
};

/* `*ret_answer` is always set, and its token is the caller's. 0: there is one;
 * -EPROTO: there is none; -ENOMEM. */
int token_answer_read(unsigned status, const char *body, size_t len,
		      struct token_answer *ret_answer);

/* --- the Arc agent's challenge --- */

/* Where the agent keeps the files that prove who may ask. */
#define TOKEN_KEY_DIR     "/var/opt/azcmagent/tokens"
#define TOKEN_KEY_BYTES   4096
#define TOKEN_KEY_NAME    128 /* with its NUL */
#define TOKEN_CHALLENGE   "Basic realm="
#define TOKEN_KEY_SUFFIX  ".key"
#define TOKEN_HEADER_NAME "WWW-Authenticate"

/* `value` of that header names a file in TOKEN_KEY_DIR itself, and nowhere
 * else: its name without the directory. */
bool token_challenge_read(const char *value, char ret_name[TOKEN_KEY_NAME]);

#endif
