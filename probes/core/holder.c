#include "core/holder.h"
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* In every network namespace. */
#define LOOPBACK 1

#define ANSWER_BYTES 16384

/* One question to the kernel, and where the answers are read. */
struct inquiry {
	int fd;
	_Alignas(struct nlmsghdr) char bytes[ANSWER_BYTES];
};

static int ask(struct inquiry *q, const void *question, size_t n)
{
	int on = 1;

	memset(q->bytes, 0, sizeof(struct nlmsghdr));
	q->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (q->fd < 0)
		return -errno;
	/* An older kernel selects nothing and tells more. */
	(void)setsockopt(q->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
			 sizeof(on));
	return send(q->fd, question, n, 0) < 0 ? -errno : 0;
}

/* The answer is there when the question has been sent. Bytes or -errno. */
static int hear(struct inquiry *q)
{
	ssize_t n = recv(q->fd, q->bytes, sizeof(q->bytes), MSG_DONTWAIT);

	return n < 0 ? -errno : (int)n;
}

static void hang_up(const struct inquiry *q)
{
	if (q->fd >= 0)
		close(q->fd);
}

/* --- routes --- */

struct route_question {
	struct nlmsghdr header;
	struct rtmsg about;
	char attributes[2 * RTA_SPACE(16) + RTA_SPACE(sizeof(uint32_t))];
};

static size_t size_of(const struct ep_address *address)
{
	return address->family == 4 ? 4 : 16;
}

static void begin(struct route_question *question, const struct ep_address *to)
{
	memset(question, 0, sizeof(*question));
	question->header.nlmsg_len = NLMSG_SPACE(sizeof(question->about));
	question->header.nlmsg_type = RTM_GETROUTE;
	question->header.nlmsg_flags = NLM_F_REQUEST;
	question->about.rtm_family = to->family == 4 ? AF_INET : AF_INET6;
}

static void add(struct route_question *question, uint16_t type,
		const void *value, size_t size)
{
	struct rtattr *rta =
		(void *)((char *)question + question->header.nlmsg_len);

	rta->rta_type = type;
	rta->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(rta), value, size);
	question->header.nlmsg_len += (uint32_t)RTA_SPACE(size);
}

/* The payload of attribute `type` behind the fixed part of a route; NULL. */
static const void *find_attribute(const struct nlmsghdr *m, uint16_t type,
				  size_t size)
{
	const char *at = (const char *)m + NLMSG_SPACE(sizeof(struct rtmsg));
	const char *end = (const char *)m + m->nlmsg_len;
	const struct rtattr *rta;

	for (; end - at >= (ptrdiff_t)sizeof(*rta);
	     at += RTA_ALIGN(rta->rta_len)) {
		rta = (const void *)at;
		if (rta->rta_len < sizeof(*rta) || rta->rta_len > end - at)
			return NULL;
		if (rta->rta_type == type && RTA_PAYLOAD(rta) >= size)
			return RTA_DATA(rta);
	}
	return NULL;
}

static bool is_whole(const struct nlmsghdr *m, size_t n, size_t fixed)
{
	return n >= sizeof(*m) && m->nlmsg_len <= n &&
	       m->nlmsg_len >= NLMSG_SPACE(fixed);
}

/* The route that was asked for; `*ret_interface` stays if it has several. */
static int read_route(const struct inquiry *q, size_t n, uint8_t *ret_type,
		      uint32_t *ret_interface)
{
	const struct nlmsghdr *m = (const void *)q->bytes;
	const struct rtmsg *route = NLMSG_DATA(m);
	const void *found;

	if (!is_whole(m, n, sizeof(*route)) || m->nlmsg_type != RTM_NEWROUTE)
		return -ENETUNREACH;
	found = find_attribute(m, RTA_OIF, sizeof(*ret_interface));
	if (found != NULL)
		memcpy(ret_interface, found, sizeof(*ret_interface));
	*ret_type = route->rtm_type;
	return 0;
}

static int ask_route(const struct route_question *question, uint8_t *ret_type,
		     uint32_t *ret_interface)
{
	struct inquiry q;
	int r = ask(&q, question, question->header.nlmsg_len);

	if (r == 0)
		r = hear(&q);
	if (r >= 0)
		r = read_route(&q, (size_t)r, ret_type, ret_interface);
	hang_up(&q);
	return r;
}

/* The routing table has an entry for each own address, by its interface. */
int holder_of(const struct ep_address *address, uint32_t *ret_interface)
{
	struct route_question question;
	uint32_t interface = 0;
	uint8_t type = RTN_UNSPEC;
	int r;

	if (address->scope != 0) {
		*ret_interface = address->scope;
		return 0;
	}
	begin(&question, address);
	question.about.rtm_dst_len = (unsigned char)(8 * size_of(address));
	question.about.rtm_flags = RTM_F_FIB_MATCH;
	add(&question, RTA_DST, address->bytes, size_of(address));
	r = ask_route(&question, &type, &interface);
	if (r == -ENETUNREACH || (r == 0 && type != RTN_LOCAL))
		return -EADDRNOTAVAIL;
	if (r == 0)
		*ret_interface = interface == LOOPBACK ? 0 : interface;
	return r;
}

/* Of IPv4 there is an entry for this very interface, or an error; of IPv6 the
 * answer may be another interface. What is for this host itself is by lo. */
bool holder_leads(const struct ep_address *to, const struct ep_address *source,
		  uint32_t interface)
{
	struct route_question question;
	uint32_t found = interface;
	uint8_t type = RTN_UNSPEC;

	begin(&question, to);
	question.about.rtm_dst_len = (unsigned char)(8 * size_of(to));
	add(&question, RTA_DST, to->bytes, size_of(to));
	add(&question, RTA_OIF, &interface, sizeof(interface));
	if (to->family == 4)
		question.about.rtm_flags = RTM_F_FIB_MATCH;
	if (source->family == to->family) {
		question.about.rtm_src_len = (unsigned char)(8 * size_of(to));
		add(&question, RTA_SRC, source->bytes, size_of(source));
	}
	if (ask_route(&question, &type, &found) < 0)
		return false;
	return to->family == 4 || type == RTN_LOCAL || found == interface;
}

/* --- what has it? --- */

struct address_question {
	struct nlmsghdr header;
	struct ifaddrmsg about;
};

static bool is_usable(const struct nlmsghdr *m, uint32_t interface)
{
	const struct ifaddrmsg *own = NLMSG_DATA(m);

	return m->nlmsg_type == RTM_NEWADDR && own->ifa_index == interface &&
	       own->ifa_scope < RT_SCOPE_LINK &&
	       ((own->ifa_flags & IFA_F_TENTATIVE) == 0 ||
		(own->ifa_flags & IFA_F_OPTIMISTIC) != 0);
}

/* 1: there is one; 0: there is none; -EAGAIN: the rest has to be read. */
static int read_addresses(const struct inquiry *q, size_t n, uint32_t interface)
{
	const char *at = q->bytes, *end = q->bytes + n;

	while (end - at >= (ptrdiff_t)sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *m = (const void *)at;

		if (m->nlmsg_type != RTM_NEWADDR ||
		    !is_whole(m, (size_t)(end - at), sizeof(struct ifaddrmsg)))
			return 0; /* the end, or an error */
		if (is_usable(m, interface))
			return 1;
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	return -EAGAIN;
}

bool holder_has_ipv6(uint32_t interface)
{
	struct address_question question = {
		.header = { .nlmsg_len = sizeof(question),
			    .nlmsg_type = RTM_GETADDR,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.about = { .ifa_family = AF_INET6, .ifa_index = interface },
	};
	struct inquiry q;
	int r = ask(&q, &question, sizeof(question));
	int found = r < 0 ? 0 : -EAGAIN;

	/* what is not to be known is as if there were none */
	while (found == -EAGAIN) {
		r = hear(&q);
		found = r < 0 ? 0 : read_addresses(&q, (size_t)r, interface);
	}
	hang_up(&q);
	return found == 1;
}
