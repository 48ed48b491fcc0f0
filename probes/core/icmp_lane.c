#include "core/icmp_lane.h"
#include "edgeprobe/clock.h"
#include <string.h>

/* How long ago a reading of the drops may lie: a drop is blamed on the probes
 * of at most so long before it. */
#define DROPS_NS (100 * EP_NS_PER_MS)

/* Of many that are overdue together the first one reads it. */
#define DROPS_JUST_NS (100 * EP_NS_PER_US)

/* Slewed by at most 500 ppm: half a microsecond. A step in between looks as one
 * during the flight, and then nothing but the monotonic clock is believed. */
#define OFFSET_NS EP_NS_PER_MS

void icmp_lane_init(struct icmp_lane *l, struct inflight *table,
		    struct icmp_buffers *buffers, struct icmp_lines *lines)
{
	memset(l, 0, sizeof(*l));
	l->socket.fd = -1;
	l->lines = lines;
	l->table = table;
	l->buffers = buffers;
}

int icmp_lane_open(struct icmp_lane *l, int family, enum icmp_socket_want want,
		   uint32_t magic, struct ep_err *err)
{
	int r = icmp_socket_open(&l->socket, family, want, magic, err);

	if (r < 0)
		return r;
	l->empty_ns = ep_clock_mono_ns();
	return 0;
}

/* splitmix64: neighbouring flow numbers give unlike ids and checksums. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* An id of 0 and a checksum of 0 or 0xffff are special to somebody. */
void icmp_lane_set_flow(const struct icmp_lane *l, uint64_t flow,
			struct icmp_request *request)
{
	uint64_t h = mix(flow);

	request->id = (uint16_t)(1 + h % 0xfffe);
	request->checksum = (uint16_t)(1 + (h >> 32) % 0xfffe);
	if (!l->socket.raw)
		request->id = l->socket.id;
}

int64_t icmp_lane_offset_ns(struct icmp_lane *l, uint64_t now_ns)
{
	if (now_ns - l->offset_read_ns >= OFFSET_NS) {
		l->offset_ns = ep_clock_offset_ns();
		l->offset_read_ns = now_ns;
	}
	return l->offset_ns;
}

/* --- the error queue --- */

void icmp_lane_sent(struct icmp_lane *l, struct inflight_slot *slot)
{
	slot->opt_id = stamp_ring_put(&l->ring, slot->index);
}

static void take_stamp(struct icmp_lane *l, const struct icmp_queued *q,
		       uint64_t now_ns)
{
	uint32_t index = stamp_ring_get(&l->ring, q->opt_id);
	struct inflight_slot *slot;

	if (index == UINT32_MAX)
		return;
	slot = inflight_at(l->table, index);
	if (slot == NULL || slot->opt_id != q->opt_id ||
	    !stamp_plausible(&slot->sent, q->kernel_ns, now_ns))
		return;
	stamp_take(&slot->sent, q->kernel_ns, q->note == ICMP_NOTE_QUEUE);
	icmp_line_left(&l->lines->line[slot->line], q->note == ICMP_NOTE_QUEUE);
}

static void take_notes(struct icmp_lane *l, const struct icmp_queued *queued,
		       unsigned n)
{
	uint64_t now_ns = ep_clock_mono_ns();

	for (unsigned i = 0; i < n; i++)
		if (queued[i].note == ICMP_NOTE_ERROR)
			l->parked[l->n_parked++] = queued[i].seen;
		else if (queued[i].note != ICMP_NOTE_OTHER)
			take_stamp(l, &queued[i], now_ns);
}

/* Never more at once than there is room for, were all of them errors. */
void icmp_lane_read_stamps(struct icmp_lane *l)
{
	struct icmp_queued queued[ICMP_SOCKET_BATCH];
	unsigned n, room;

	do {
		room = ICMP_PARKED_MAX - l->n_parked;
		if (room == 0)
			return;
		n = icmp_socket_take_queued(&l->socket, l->buffers, room,
					    queued);
		take_notes(l, queued, n);
	} while (n == room);
}

unsigned icmp_lane_take_parked(struct icmp_lane *l,
			       struct icmp_seen *ret_parked)
{
	unsigned n = l->n_parked;

	memcpy(ret_parked, l->parked, n * sizeof(l->parked[0]));
	l->n_parked = 0;
	return n;
}

/* --- local drops --- */

static void read_drops(struct icmp_lane *l, uint64_t now_ns)
{
	uint32_t drops = icmp_socket_drops(&l->socket);

	if (drops != l->drops)
		l->drops_grew_ns = now_ns;
	l->drops = drops;
	l->drops_read_ns = now_ns;
}

void icmp_lane_watch_drops(struct icmp_lane *l, uint64_t now_ns)
{
	if (now_ns - l->drops_read_ns >= DROPS_NS)
		read_drops(l, now_ns);
}

bool icmp_lane_dropped(struct icmp_lane *l, uint64_t since_ns, uint64_t now_ns)
{
	if (now_ns - l->drops_read_ns >= DROPS_JUST_NS)
		read_drops(l, now_ns);
	return l->drops_grew_ns > since_ns;
}
