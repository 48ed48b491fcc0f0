/* Certificates of test servers. */
#ifndef TEST_LIB_WEB_CA_H
#define TEST_LIB_WEB_CA_H

#include "lib/web_server.h"
#include <openssl/ssl.h>

/* With a key and a certificate of their own, issued by the options' authority. */
SSL_CTX *web_ca_context(const struct web_server_options *options);

#endif
