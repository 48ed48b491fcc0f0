/* What may be configured about the way to a collector: proxy, certificate,
 * circuit. */
#ifndef DELIVERY_CHECK_WAY_H
#define DELIVERY_CHECK_WAY_H

#include "delivery/deliver.h"

/* The URL was checked. 0, or -EINVAL and what is allowed. */
int check_way(const struct deliver_options *options, struct ep_err *err);

#endif
