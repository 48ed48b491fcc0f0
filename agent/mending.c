#include "mending.h"
#include "edgeprobe/clock.h"

#define WAIT_MAX_NS (60 * EP_NS_PER_S)
#define CALM_NS     (600 * EP_NS_PER_S) /* then it is the first time again */

bool mending_may(struct mending *m, uint64_t now_ns)
{
	if (now_ns < m->next_ns)
		return false;
	if (now_ns > m->next_ns + CALM_NS)
		m->wait_ns = 0;
	m->wait_ns = m->wait_ns * 2 + EP_NS_PER_S;
	if (m->wait_ns > WAIT_MAX_NS)
		m->wait_ns = WAIT_MAX_NS;
	m->next_ns = now_ns + m->wait_ns;
	return true;
}
