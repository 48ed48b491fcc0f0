/* What a person types for a target: icmp://HOST, tcp://HOST[:PORT],
 * https://HOST[:PORT][/PATH], or a bare HOST. */
#ifndef CLI_OPERAND_H
#define CLI_OPERAND_H

#include "edgeprobe/error.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/target.h"
#include <stdint.h>

#define OPERAND_PATH_MAX 2048

struct operand {
	const char *text;                /* as typed; borrowed */
	const struct ep_kind *kind;      /* NULL: all of them */
	char host[EP_HOST_MAX + 1];      /* without brackets */
	char path[OPERAND_PATH_MAX + 1]; /* "" where none was typed */
	uint16_t port;                   /* 0: the kind's own */
};

/* 0, or -EINVAL with what is wrong and what is allowed. */
int operand_parse(const char *text, struct operand *ret_operand,
		  struct ep_err *err);

#endif
