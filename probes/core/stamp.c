#include "core/stamp.h"
#include "edgeprobe/clock.h"
#include <linux/errqueue.h>
#include <string.h>

/* The two clocks are slewed together, so their distance changes by a step or
 * by a suspend only. Reading it is good to a microsecond; 50 leave room for
 * being preempted. */
#define STEP_NS 50000

/* How well a wall-time stamp can be placed among monotonic readings. */
#define SLACK_NS 5000

/* What is left between a kernel stamp and the wire. Receive: nothing to a tap
 * on the same interface, both are one stamp of the packet. Transmit: the driver
 * stamps after the tap has had its copy; on veth 0.3 to 3 us later as a median,
 * 5 to 15 us at the 99th percentile of a busy machine, part of which is the
 * tap's own. NIC, its queue and interrupt moderation lie outside. */
#define KERNEL_NS 5000

/* A moment that is known to lie between two. */
struct span {
	uint64_t from_ns, to_ns;
};

static uint64_t distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)(a - b) : (uint64_t)(b - a);
}

static bool between(uint64_t kernel_ns, int64_t offset_ns, uint64_t from_ns,
		    uint64_t to_ns)
{
	int64_t at_ns = (int64_t)kernel_ns - offset_ns;

	return kernel_ns != 0 && at_ns + SLACK_NS >= (int64_t)from_ns &&
	       at_ns <= (int64_t)to_ns + SLACK_NS;
}

bool stamp_plausible(const struct stamp_send *sent, uint64_t kernel_ns,
		     uint64_t now_ns)
{
	return between(kernel_ns, sent->offset_ns, sent->before_ns, now_ns);
}

void stamp_take(struct stamp_send *sent, uint64_t kernel_ns, bool queue)
{
	bool better = queue ? sent->queue && kernel_ns < sent->kernel_ns
			    : sent->queue || kernel_ns > sent->kernel_ns;

	if (sent->kernel_ns != 0 && !better)
		return;
	sent->kernel_ns = kernel_ns;
	sent->queue = queue;
}

static uint64_t mono_of(uint64_t kernel_ns, int64_t offset_ns)
{
	return (uint64_t)((int64_t)kernel_ns - offset_ns);
}

/* The reply may be in before the send call has returned. */
static struct span sent_span(const struct stamp_send *sent, bool has_kernel,
			     uint64_t reply_ns)
{
	struct span s = { sent->before_ns, sent->after_ns };

	if (has_kernel)
		s.from_ns = s.to_ns = mono_of(sent->kernel_ns, sent->offset_ns);
	if (s.to_ns > reply_ns)
		s.to_ns = reply_ns;
	if (s.from_ns > s.to_ns)
		s.from_ns = s.to_ns;
	return s;
}

static struct span seen_span(const struct stamp_send *sent,
			     const struct stamp_seen *seen, bool has_kernel)
{
	struct span s = { seen->empty_ns, seen->read_ns };

	if (has_kernel)
		s.from_ns = s.to_ns = mono_of(seen->kernel_ns, seen->offset_ns);
	if (s.from_ns < sent->before_ns)
		s.from_ns = sent->before_ns;
	if (s.to_ns < s.from_ns)
		s.to_ns = s.from_ns;
	return s;
}

/* Both by the kernel: the difference of the stamps themselves. Otherwise the
 * middle of the send call, and the moment of reading: a reply that wakes us is
 * read soon, and one that waited is told by the uncertainty. */
void stamp_rtt(const struct stamp_send *sent, const struct stamp_seen *seen,
	       struct stamp_rtt *ret_rtt)
{
	bool stepped = distance(sent->offset_ns, seen->offset_ns) > STEP_NS;
	bool rx = !stepped && between(seen->kernel_ns, seen->offset_ns,
				      sent->before_ns, seen->read_ns);
	bool tx = !stepped &&
		  between(sent->kernel_ns, sent->offset_ns, sent->before_ns,
			  seen->read_ns) &&
		  (!rx || sent->kernel_ns < seen->kernel_ns);
	struct span in = seen_span(sent, seen, rx);
	struct span out = sent_span(sent, tx, in.to_ns);
	uint64_t half_ns = (out.to_ns - out.from_ns) / 2;

	ret_rtt->rtt_ns = tx && rx ? seen->kernel_ns - sent->kernel_ns
				   : in.to_ns - (out.from_ns + half_ns);
	ret_rtt->uncertainty_ns = half_ns + (in.to_ns - in.from_ns);
	ret_rtt->stamp = EP_STAMP_USER;
	ret_rtt->stepped =
		stepped && (sent->kernel_ns != 0 || seen->kernel_ns != 0);
	ret_rtt->queue = tx && sent->queue;
	/* at least what was left of the call it may have lain there */
	if (ret_rtt->queue && sent->after_ns > out.from_ns)
		ret_rtt->uncertainty_ns += sent->after_ns - out.from_ns;
	if (!tx && !rx)
		return;
	ret_rtt->uncertainty_ns += KERNEL_NS;
	ret_rtt->stamp = tx && rx ? EP_STAMP_KERNEL : EP_STAMP_MIXED;
}

uint64_t stamp_of_message(const struct msghdr *message)
{
	struct msghdr *m = (struct msghdr *)(uintptr_t)message;
	struct scm_timestamping stamps;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SO_TIMESTAMPING ||
		    c->cmsg_len < CMSG_LEN(sizeof(stamps)))
			continue;
		memcpy(&stamps, CMSG_DATA(c), sizeof(stamps));
		return (uint64_t)stamps.ts[0].tv_sec * EP_NS_PER_S +
		       (uint64_t)stamps.ts[0].tv_nsec;
	}
	return 0;
}

uint32_t stamp_ring_put(struct stamp_ring *ring, uint32_t slot)
{
	ring->slot[ring->next % STAMP_RING] = slot;
	return ring->next++;
}

uint32_t stamp_ring_get(struct stamp_ring *ring, uint32_t opt_id)
{
	uint32_t behind = ring->next - opt_id;

	if (behind >= 1 && behind <= STAMP_RING)
		return ring->slot[opt_id % STAMP_RING];
	if (opt_id - ring->next < STAMP_RING)
		ring->next = opt_id + 1;
	return UINT32_MAX;
}
