/* The constants that the kind files end in. */
#ifndef CORE_KINDS_H
#define CORE_KINDS_H

#include "edgeprobe/kind.h"

extern const struct ep_kind ep_kind_icmp;
extern const struct ep_kind ep_kind_tcp;
extern const struct ep_kind ep_kind_https;
extern const struct ep_kind ep_kind_stun;

#endif
