/* What libcurl's words mean for a batch. Pure. */
#ifndef DELIVERY_HTTP_FAILURE_H
#define DELIVERY_HTTP_FAILURE_H

#include "delivery/ack.h"
#include <curl/curl.h>

/* `code` ended an attempt, and is not CURLE_OK. */
enum ack_failure http_failure(CURLcode code);

#endif
