/* Opening the socket: kind, filters, options. Sending and receiving are in
 * icmp_io.c. */
#include "core/icmp_socket.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#ifndef IPV6_AUTOFLOWLABEL
#define IPV6_AUTOFLOWLABEL 70
#endif

/* A reply and a stamp take 832 bytes each of what the kernel allows; twice
 * this holds 5,000 of both, a stall of 100 ms at 50,000 probes a second. */
#define BUFFER_BYTES (4 << 20)

/* A ping socket's id is kept over restarts if it is free, so that a NAT and a
 * load balancer see the same flow; each further engine takes the next. */
#define PING_ID_FIRST 60990
#define PING_IDS      16

#define STAMP_FLAGS                                                            \
	(SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |            \
	 SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |              \
	 SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_CMSG)

/* --- options --- */

enum whose { BOTH, RAW, PING };

/* One option of a socket. What is not needed only makes it better: stamps
 * fall back to our own clock, which each sample says. */
struct option {
	uint8_t family; /* 0: both */
	enum whose whose;
	bool needed;
	int level, name, value;
};

static const struct option options[] = {
	{ 0, BOTH, false, SOL_SOCKET, SO_TIMESTAMPING, STAMP_FLAGS },
	{ 4, PING, true, IPPROTO_IP, IP_RECVERR, 1 },
	{ 4, PING, false, IPPROTO_IP, IP_RECVTTL, 1 },
	{ 4, PING, false, IPPROTO_IP, IP_PKTINFO, 1 },
	{ 6, PING, true, IPPROTO_IPV6, IPV6_RECVERR, 1 },
	{ 6, BOTH, false, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1 },
	{ 6, BOTH, false, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
	/* a label of zero is constant; the kernel's own is per packet here */
	{ 6, BOTH, false, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0 },
};

static int set_options(const struct icmp_socket *s)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		const struct option *o = &options[i];

		if ((o->family != 0 && o->family != s->family) ||
		    (o->whose != BOTH && s->raw != (o->whose == RAW)))
			continue;
		if (setsockopt(s->fd, o->level, o->name, &o->value,
			       sizeof(o->value)) < 0 &&
		    o->needed)
			return -errno;
	}
	return 0;
}

/* The plain option is cut at net.core.rmem_max, which is small by default. */
static void set_buffer(const struct icmp_socket *s)
{
	int bytes = BUFFER_BYTES;

	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		       sizeof(bytes)) < 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* --- filters: what is not ours is not even queued --- */

static int attach(const struct icmp_socket *s, struct sock_filter *code,
		  size_t n)
{
	struct sock_fprog program = { (unsigned short)n, code };

	return setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program)) < 0
		       ? -errno
		       : 0;
}

/* Replies with our magic, and errors that quote an echo request: with our
 * magic, or too short to tell. X is where ICMP begins. */
static int filter_raw4(const struct icmp_socket *s, uint32_t magic)
{
	struct icmp_filter types = {
		.data = ~((1u << ICMP_ECHOREPLY) | (1u << ICMP_DEST_UNREACH) |
			  (1u << ICMP_TIME_EXCEEDED) |
			  (1u << ICMP_PARAMETERPROB)),
	};
	struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_ECHOREPLY, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, magic, 9, 10),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 8 + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, 8),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 8 + 20),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_ECHO, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 8 + 20 + 12, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 8 + 20 + 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, magic, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	/* tested before the packet is copied to us; the program, after */
	if (setsockopt(s->fd, SOL_RAW, ICMP_FILTER, &types, sizeof(types)) < 0)
		return -errno;
	return attach(s, code, COUNT(code));
}

static int filter_raw6(const struct icmp_socket *s, uint32_t magic)
{
	struct icmp6_filter types;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_ECHO_REPLY, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, magic, 8, 9),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8 + 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 7),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8 + 40),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_ECHO_REQUEST, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 8 + 40 + 12, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8 + 40 + 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, magic, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	ICMP6_FILTER_SETBLOCKALL(&types);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &types);
	ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &types);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &types);
	ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &types);
	ICMP6_FILTER_SETPASS(ICMP6_PARAM_PROB, &types);
	if (setsockopt(s->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &types,
		       sizeof(types)) < 0)
		return -errno;
	return attach(s, code, COUNT(code));
}

/* The kernel hands a ping socket replies to its own id only. */
static int filter_ping(const struct icmp_socket *s, uint32_t magic)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, magic, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return attach(s, code, COUNT(code));
}

static int set_filter(const struct icmp_socket *s, uint32_t magic)
{
	if (!s->raw)
		return filter_ping(s, magic);
	return s->family == 4 ? filter_raw4(s, magic) : filter_raw6(s, magic);
}

/* --- life --- */

static int bind_id(struct icmp_socket *s, uint16_t id)
{
	union ep_sockaddr any = { 0 };
	socklen_t size = s->family == 4 ? sizeof(any.in4) : sizeof(any.in6);

	if (s->family == 4) {
		any.in4.sin_family = AF_INET;
		any.in4.sin_port = htons(id);
	} else {
		any.in6.sin6_family = AF_INET6;
		any.in6.sin6_port = htons(id);
	}
	if (bind(s->fd, &any.sa, size) < 0 ||
	    getsockname(s->fd, &any.sa, &size) < 0)
		return -errno;
	s->id = ntohs(s->family == 4 ? any.in4.sin_port : any.in6.sin6_port);
	return 0;
}

/* The kernel makes ping sockets with SO_REUSEADDR set, so that two could have
 * the same id, and one of them all the replies. */
static int choose_id(struct icmp_socket *s, bool fresh)
{
	int off = 0;

	if (setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off)) < 0)
		return -errno;
	for (uint16_t i = 0; i < PING_IDS && !fresh; i++)
		if (bind_id(s, (uint16_t)(PING_ID_FIRST + i)) == 0)
			return 0;
	return bind_id(s, 0);
}

/* Ping sockets first: they need no privilege where the host allows them. */
static int create(struct icmp_socket *s, enum icmp_socket_want want)
{
	int domain = s->family == 4 ? AF_INET : AF_INET6;
	int protocol = s->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;

	s->raw = false;
	s->fd = -1;
	if (want != ICMP_SOCKET_RAW)
		s->fd = socket(domain, SOCK_DGRAM | flags, protocol);
	if (s->fd >= 0 || want == ICMP_SOCKET_FRESH)
		return s->fd < 0 ? -errno : 0;
	s->raw = true;
	s->fd = socket(domain, SOCK_RAW | flags, protocol);
	return s->fd < 0 ? -errno : 0;
}

static int explain(struct ep_err *err, int family, int r)
{
	if (r == -EPERM || r == -EACCES)
		return ep_err_set(
			err, -EACCES,
			"ICMP over IPv%d is not permitted; allow this process "
			"one of two: ping sockets, by a group of its own in "
			"`sysctl -w net.ipv4.ping_group_range=\"0 "
			"2147483647\"`, or raw sockets, by the capability "
			"CAP_NET_RAW (`setcap cap_net_raw+ep PROGRAM`, or "
			"AmbientCapabilities=CAP_NET_RAW in its unit)",
			family);
	return ep_err_set(err, r, "no ICMP socket for IPv%d: %s", family,
			  strerror(-r));
}

static void read_fragments(struct icmp_socket *s)
{
	socklen_t size = sizeof(s->fragments);
	int r = s->family == 4
			? getsockopt(s->fd, IPPROTO_IP, IP_MTU_DISCOVER,
				     &s->fragments, &size)
			: getsockopt(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
				     &s->fragments, &size);

	if (r < 0)
		s->fragments = IP_PMTUDISC_WANT;
	s->dont_fragment = false;
}

int icmp_socket_open(struct icmp_socket *s, int family,
		     enum icmp_socket_want want, uint32_t magic,
		     struct ep_err *err)
{
	int r;

	s->family = (uint8_t)family;
	r = create(s, want);
	if (r < 0)
		return explain(err, family, r);
	set_buffer(s);
	read_fragments(s);
	r = set_filter(s, magic);
	if (r == 0)
		r = set_options(s);
	if (r == 0 && !s->raw)
		r = choose_id(s, want == ICMP_SOCKET_FRESH);
	if (r == 0)
		return 0;
	icmp_socket_close(s);
	return explain(err, family, r);
}

void icmp_socket_close(struct icmp_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* --- asking --- */

uint64_t icmp_socket_buffer(const struct icmp_socket *s)
{
	socklen_t size = sizeof(int);
	int bytes = 0;

	getsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size);
	return bytes > 0 ? (uint64_t)bytes : 0;
}

uint32_t icmp_socket_drops(const struct icmp_socket *s)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0)
		return 0;
	return info[SK_MEMINFO_DROPS];
}
