/* Sending and receiving on the socket that icmp_socket.c opened. */
#include "core/icmp_socket.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PACKET_BYTES  2048 /* ours are below 1600; of errors a part will do */
#define CONTROL_BYTES 256
#define SEND_TRIES    4

/* --- out --- */

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
		  3 * CMSG_SPACE(sizeof(int))];
};

/* Append one item behind those that are there. */
static void add_control(struct msghdr *m, int level, int type,
			const void *value, size_t size)
{
	struct cmsghdr *c =
		(void *)((char *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), value, size);
	m->msg_controllen += CMSG_SPACE(size);
}

static void add_way4(struct msghdr *m, const struct icmp_way *way)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)way->interface };
	int ttl = way->ttl, tos = way->dscp << 2;

	memcpy(&info.ipi_spec_dst, way->source.bytes, 4);
	if (way->interface != 0 || way->source.family != 0)
		add_control(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	if (ttl != 0)
		add_control(m, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (tos != 0)
		add_control(m, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
}

static void add_way6(struct msghdr *m, const struct icmp_way *way)
{
	struct in6_pktinfo info = { .ipi6_ifindex = way->interface };
	int hops = way->ttl, class = way->dscp << 2;

	memcpy(&info.ipi6_addr, way->source.bytes, 16);
	if (way->interface != 0 || way->source.family != 0)
		add_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	if (hops != 0)
		add_control(m, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops,
			    sizeof(hops));
	if (class != 0)
		add_control(m, IPPROTO_IPV6, IPV6_TCLASS, &class,
			    sizeof(class));
}

/* Of this packet only; those of the socket are named again. */
static void add_stamps(struct msghdr *m)
{
	uint32_t stamps =
		SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED;

	add_control(m, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps));
}

/* Without anything beside it the shorter call does. */
static int send_once(const struct icmp_socket *s, const struct msghdr *m,
		     struct stamp_send *sent)
{
	ssize_t n;

	sent->before_ns = ep_clock_mono_ns();
	if (m->msg_controllen == 0)
		n = sendto(s->fd, m->msg_iov->iov_base, m->msg_iov->iov_len, 0,
			   m->msg_name, m->msg_namelen);
	else
		n = sendmsg(s->fd, m, 0);
	sent->after_ns = ep_clock_mono_ns();
	return n < 0 ? -errno : 0;
}

/* On a ping socket the error that another target got is reported by the next
 * send to whomever, once; meanwhile another may have come. */
static int send_again(const struct icmp_socket *s, const struct msghdr *m,
		      struct stamp_send *sent)
{
	int r = send_once(s, m, sent);

	for (int i = 1; i < SEND_TRIES && r < 0 && r != -EAGAIN && !s->raw; i++)
		r = send_once(s, m, sent);
	return r;
}

/* A send from an address that is not ours fails as one without a route does:
 * binding to it tells. */
static bool is_ours(const struct ep_address *address)
{
	union ep_sockaddr name;
	socklen_t size = ep_address_to_sockaddr(address, 0, &name);
	int fd = socket(name.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ours;

	if (fd < 0)
		return true;
	ours = bind(fd, &name.sa, size) == 0 || errno != EADDRNOTAVAIL;
	close(fd);
	return ours;
}

static int without_source(const struct icmp_way *way, int r)
{
	if (way->source.family != 0 && !is_ours(&way->source))
		return -EADDRNOTAVAIL;
	if (way->interface != 0 && (r == -ENODEV || r == -ENXIO))
		return -EADDRNOTAVAIL;
	return r;
}

/* One socket is for all, so it is set for the packet that is next. The local
 * memory of the path's MTU is left out: the path is to say it again. */
static int set_fragments(struct icmp_socket *s, bool dont_fragment)
{
	int value = dont_fragment ? IP_PMTUDISC_PROBE : s->fragments;
	int r;

	if (s->dont_fragment == dont_fragment)
		return 0;
	if (s->family == 4)
		r = setsockopt(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, &value,
			       sizeof(value));
	else
		r = setsockopt(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value,
			       sizeof(value));
	if (r < 0)
		return -errno;
	s->dont_fragment = dont_fragment;
	return 0;
}

int icmp_socket_send(struct icmp_socket *s, const struct ep_address *to,
		     const struct icmp_way *way, const struct iovec *packet,
		     struct stamp_send *sent)
{
	struct iovec part = *packet;
	union ep_sockaddr name;
	union control control;
	struct msghdr m = {
		.msg_name = &name,
		.msg_namelen = ep_address_to_sockaddr(to, 0, &name),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
	};
	int r;

	memset(&control, 0, sizeof(control));
	if (s->family == 4)
		add_way4(&m, way);
	else
		add_way6(&m, way);
	if (way->queue_stamp)
		add_stamps(&m);
	r = set_fragments(s, way->dont_fragment);
	if (r == 0)
		r = send_again(s, &m, sent);
	return r < 0 ? without_source(way, r) : 0;
}

/* --- in --- */

struct icmp_buffers {
	struct mmsghdr message[ICMP_SOCKET_BATCH];
	struct iovec part[ICMP_SOCKET_BATCH];
	union ep_sockaddr name[ICMP_SOCKET_BATCH];
	_Alignas(struct cmsghdr) char control[ICMP_SOCKET_BATCH][CONTROL_BYTES];
	uint8_t packet[ICMP_SOCKET_BATCH][PACKET_BYTES];
	unsigned used; /* messages that the kernel has written to */
};

struct icmp_buffers *icmp_buffers_create(void)
{
	struct icmp_buffers *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	for (unsigned i = 0; i < ICMP_SOCKET_BATCH; i++) {
		struct msghdr *m = &b->message[i].msg_hdr;

		b->part[i] = (struct iovec){ b->packet[i], PACKET_BYTES };
		m->msg_name = &b->name[i];
		m->msg_iov = &b->part[i];
		m->msg_iovlen = 1;
		m->msg_control = b->control[i];
	}
	b->used = ICMP_SOCKET_BATCH;
	return b;
}

void icmp_buffers_destroy(struct icmp_buffers *buffers)
{
	free(buffers);
}

/* What the kernel says beside a message. */
struct beside {
	int ttl;
	struct ep_address own; /* the address of ours that it came to */
	uint32_t interface;
	bool has_error;
	struct sock_extended_err error;
	struct ep_address offender;
};

static void read_int(const struct cmsghdr *c, int *ret_value)
{
	if (c->cmsg_len >= CMSG_LEN(sizeof(*ret_value)))
		memcpy(ret_value, CMSG_DATA(c), sizeof(*ret_value));
}

static void read_pktinfo(const struct cmsghdr *c, struct beside *b)
{
	struct in_pktinfo info4;
	struct in6_pktinfo info6;

	if (c->cmsg_level == IPPROTO_IP &&
	    c->cmsg_len >= CMSG_LEN(sizeof(info4))) {
		memcpy(&info4, CMSG_DATA(c), sizeof(info4));
		b->own.family = 4;
		memcpy(b->own.bytes, &info4.ipi_addr, 4);
	} else if (c->cmsg_level == IPPROTO_IPV6 &&
		   c->cmsg_len >= CMSG_LEN(sizeof(info6))) {
		memcpy(&info6, CMSG_DATA(c), sizeof(info6));
		b->own.family = 6;
		memcpy(b->own.bytes, &info6.ipi6_addr, 16);
		b->interface = info6.ipi6_ifindex;
	}
}

/* The router that said it follows the error. */
static void read_error(const struct cmsghdr *c, struct beside *b)
{
	struct {
		struct sock_extended_err error;
		union {
			struct sockaddr sa;
			struct sockaddr_in in4;
			struct sockaddr_in6 in6;
		} offender;
	} item = { 0 };
	size_t size = c->cmsg_len - CMSG_LEN(0);

	if (size < sizeof(item.error))
		return;
	memcpy(&item, CMSG_DATA(c), size < sizeof(item) ? size : sizeof(item));
	b->error = item.error;
	b->has_error = true;
	b->offender = ep_address_from_sockaddr(&item.offender.sa);
}

static void read_item(const struct cmsghdr *c, struct beside *b)
{
	if (c->cmsg_level == IPPROTO_IP) {
		if (c->cmsg_type == IP_TTL)
			read_int(c, &b->ttl);
		else if (c->cmsg_type == IP_PKTINFO)
			read_pktinfo(c, b);
		else if (c->cmsg_type == IP_RECVERR)
			read_error(c, b);
	} else if (c->cmsg_level == IPPROTO_IPV6) {
		if (c->cmsg_type == IPV6_HOPLIMIT)
			read_int(c, &b->ttl);
		else if (c->cmsg_type == IPV6_PKTINFO)
			read_pktinfo(c, b);
		else if (c->cmsg_type == IPV6_RECVERR)
			read_error(c, b);
	}
}

static void read_beside(struct msghdr *m, struct beside *b)
{
	memset(b, 0, sizeof(*b));
	b->ttl = EP_ABSENT;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c))
		read_item(c, b);
}

bool icmp_is_link_local(const struct ep_address *a)
{
	return a->family == 6 && a->bytes[0] == 0xfe &&
	       (a->bytes[1] & 0xc0) == 0x80;
}

int icmp_find_scope(struct ep_address *a, const struct icmp_way *way)
{
	if (!icmp_is_link_local(a) || a->scope != 0)
		return 0;
	a->scope = way->interface;
	return a->scope == 0 ? -EINVAL : 0;
}

/* What a quote says of a link-local address lacks the interface. */
static void set_scope(struct ep_address *a, uint32_t interface)
{
	if (icmp_is_link_local(a))
		a->scope = interface;
}

static void read_message(const struct icmp_socket *s, struct msghdr *m,
			 size_t size, struct icmp_received *r)
{
	const uint8_t *packet = m->msg_iov->iov_base;
	struct beside beside;

	r->kernel_ns = stamp_of_message(m);
	if (s->raw && s->family == 4) {
		icmp_wire_parse_packet(packet, size, &r->seen);
		return;
	}
	read_beside(m, &beside);
	icmp_wire_parse(s->family, packet, size, &r->seen);
	r->seen.source = ep_address_from_sockaddr(m->msg_name);
	r->seen.ttl = beside.ttl;
	set_scope(&r->seen.source, beside.interface);
	set_scope(&r->seen.asked, beside.interface);
	set_scope(&r->seen.asked_by, beside.interface);
}

static unsigned take(const struct icmp_socket *s, struct icmp_buffers *b,
		     unsigned max, int flags)
{
	int n;

	for (unsigned i = 0; i < b->used; i++) {
		struct msghdr *m = &b->message[i].msg_hdr;

		m->msg_namelen = sizeof(b->name[i]);
		m->msg_controllen = CONTROL_BYTES;
	}
	b->used = 0;
	n = recvmmsg(s->fd, b->message, max, flags | MSG_DONTWAIT, NULL);
	/* what a ping socket has pending is told first, once */
	if (n < 0 && errno != EAGAIN)
		n = recvmmsg(s->fd, b->message, max, flags | MSG_DONTWAIT,
			     NULL);
	if (n > 0)
		b->used = (unsigned)n;
	return b->used;
}

unsigned icmp_socket_receive(const struct icmp_socket *s,
			     struct icmp_buffers *buffers,
			     struct icmp_received *ret_received)
{
	unsigned n = take(s, buffers, ICMP_SOCKET_BATCH, 0);

	for (unsigned i = 0; i < n; i++)
		read_message(s, &buffers->message[i].msg_hdr,
			     buffers->message[i].msg_len, &ret_received[i]);
	return n;
}

/* --- the error queue --- */

static void read_stamp(struct msghdr *m, const struct beside *b,
		       struct icmp_queued *q)
{
	q->kernel_ns = stamp_of_message(m);
	q->opt_id = b->error.ee_data;
	if (q->kernel_ns == 0)
		return;
	if (b->error.ee_info == SCM_TSTAMP_SND)
		q->note = ICMP_NOTE_STAMP;
	else if (b->error.ee_info == SCM_TSTAMP_SCHED)
		q->note = ICMP_NOTE_QUEUE;
}

/* The name of the message is whom the packet was for. */
static void read_icmp_error(const struct icmp_socket *s, struct msghdr *m,
			    size_t size, const struct beside *b,
			    struct icmp_queued *q)
{
	icmp_wire_parse_quote(s->family, b->error.ee_type, b->error.ee_code,
			      m->msg_iov->iov_base, size, &q->seen);
	if (q->seen.what != ICMP_ERROR)
		return;
	q->note = ICMP_NOTE_ERROR;
	q->seen.asked = ep_address_from_sockaddr(m->msg_name);
	q->seen.asked_by = b->own;
	q->seen.source = b->offender;
	set_scope(&q->seen.asked, b->interface);
	set_scope(&q->seen.asked_by, b->interface);
	set_scope(&q->seen.source, b->interface);
}

static void read_queued(const struct icmp_socket *s, struct mmsghdr *message,
			struct icmp_queued *q)
{
	struct msghdr *m = &message->msg_hdr;
	struct beside beside;

	q->note = ICMP_NOTE_OTHER;
	read_beside(m, &beside);
	if (!beside.has_error)
		return;
	if (beside.error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING)
		read_stamp(m, &beside, q);
	else if (beside.error.ee_origin == SO_EE_ORIGIN_ICMP ||
		 beside.error.ee_origin == SO_EE_ORIGIN_ICMP6)
		read_icmp_error(s, m, message->msg_len, &beside, q);
}

unsigned icmp_socket_take_queued(const struct icmp_socket *s,
				 struct icmp_buffers *buffers, unsigned max,
				 struct icmp_queued *ret_queued)
{
	unsigned n = take(s, buffers, max, MSG_ERRQUEUE);

	for (unsigned i = 0; i < n; i++)
		read_queued(s, &buffers->message[i], &ret_queued[i]);
	return n;
}

bool icmp_seen_local(const struct icmp_seen *seen)
{
	return seen->what == ICMP_ERROR && seen->asked_by.family != 0 &&
	       ep_address_equal(&seen->source, &seen->asked_by);
}
