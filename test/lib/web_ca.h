/* Certificates of test servers. */
#ifndef TEST_LIB_WEB_CA_H
#define TEST_LIB_WEB_CA_H

#include "lib/web_server.h"
#include <openssl/ssl.h>

/* With a key and a certificate of their own, issued by the options' authority. */
SSL_CTX *web_ca_context(const struct web_server_options *options);

struct web_ca_issue {
	const char *name;                 /* its organisation */
	int from_days;                    /* validity, from now */
	int to_days;                      /* and half a day */
	const char *cert_path, *key_path; /* written, PEM, mode 0600 */
	const char *password; /* of the key; NULL: it is not encrypted */
};

/* A certificate for somebody, with a key of its own. */
void web_ca_issue(struct web_ca *ca, const struct web_ca_issue *what);

#endif
