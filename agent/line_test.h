/* At the start: which stamps come on each line out of this host, in the log. */
#ifndef AGENT_LINE_TEST_H
#define AGENT_LINE_TEST_H

#include "edgeprobe/engine.h"
#include "items.h"
#include <stddef.h>

/* If item `i` is the first ICMP one of its line, test that on `engine`; what it
 * says is logged when it is known. Delays nothing. */
void line_test_start(const struct items *items, size_t i,
		     struct ep_engine *engine);

#endif
