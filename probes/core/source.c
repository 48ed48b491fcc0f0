#include "core/source.h"
#include "core/holder.h"
#include "edgeprobe/address.h"
#include "edgeprobe/private/source.h"
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int bind_address(int fd, const struct ep_address *address)
{
	union ep_sockaddr local;
	socklen_t length = ep_address_to_sockaddr(address, 0, &local);
	int on = 1;

	/* The port is chosen at connect(2), where the whole tuple is known;
	 * without it 28,000 probes a minute to all targets would be the most.
	 * A kernel that lacks it still binds. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
			 sizeof(on));
	return bind(fd, &local.sa, length) < 0 ? -errno : 0;
}

/* 0 is none. */
static int bind_interface(int fd, uint32_t interface)
{
	struct ifreq request = { 0 };
	socklen_t size;

	if (interface == 0)
		return 0;
	request.ifr_ifindex = (int)interface;
	if (ioctl(fd, SIOCGIFNAME, &request) < 0)
		return -EADDRNOTAVAIL;
	size = (socklen_t)strnlen(request.ifr_name, sizeof(request.ifr_name));
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, request.ifr_name,
			  size) < 0
		       ? -errno
		       : 0;
}

/* Only one that has an address to leave from. */
static int find_interface(int fd, uint8_t family, const char *name,
			  uint32_t *ret_interface)
{
	struct ifreq request = { 0 };
	size_t n = strlen(name);

	if (n >= sizeof(request.ifr_name))
		return -ENODEV;
	memcpy(request.ifr_name, name, n);
	if (family == 4 && ioctl(fd, SIOCGIFADDR, &request) < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return -ENODEV;
	*ret_interface = (uint32_t)request.ifr_ifindex;
	return family == 4 || holder_has_ipv6(*ret_interface) ? 0
							      : -EADDRNOTAVAIL;
}

static int find_way(int fd, uint8_t family, const char *source,
		    struct source_way *ret_way)
{
	memset(ret_way, 0, sizeof(*ret_way));
	if (ep_address_parse(source, &ret_way->address) < 0)
		return find_interface(fd, family, source, &ret_way->interface);
	return ret_way->address.family == family
		       ? holder_of(&ret_way->address, &ret_way->interface)
		       : -EADDRNOTAVAIL;
}

int source_bind_holder(int fd, const struct ep_address *address)
{
	uint32_t interface;
	int r = holder_of(address, &interface);

	return r < 0 ? r : bind_interface(fd, interface);
}

int source_bind(int fd, uint8_t family, const char *source)
{
	struct source_way way;
	int r;

	if (source == NULL || *source == '\0')
		return 0;
	r = find_way(fd, family, source, &way);
	if (r == 0)
		r = bind_interface(fd, way.interface);
	return r < 0 || way.address.family == 0
		       ? r
		       : bind_address(fd, &way.address);
}

int ep_source_bind(int fd, uint8_t family, const char *source)
{
	return source_bind(fd, family, source);
}

/* IPv4 looks for what it has no route to on the link itself: where nobody is
 * asked for an address, at the other end of a line, that is a way as well. */
static bool needs_no_route(int fd, uint8_t family, uint32_t interface)
{
	struct ifreq request = { 0 };

	request.ifr_ifindex = (int)interface;
	return family == 4 && ioctl(fd, SIOCGIFNAME, &request) == 0 &&
	       ioctl(fd, SIOCGIFFLAGS, &request) == 0 &&
	       (request.ifr_flags & (IFF_UP | IFF_NOARP)) ==
		       (IFF_UP | IFF_NOARP);
}

static int find_leading(int fd, const char *source, const struct ep_address *to,
			struct source_way *way)
{
	int r = find_way(fd, to->family, source, way);

	if (r < 0 || way->interface == 0)
		return r;
	return holder_leads(to, &way->address, way->interface) ||
			       needs_no_route(fd, to->family, way->interface)
		       ? 0
		       : -ENETUNREACH;
}

int source_find(const char *source, const struct ep_address *to,
		struct source_way *ret_way)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = find_leading(fd, source, to, ret_way);
	close(fd);
	return r;
}

bool source_is_bound(int fd, const struct source_way *way)
{
	struct ifreq request = { 0 };
	socklen_t size = sizeof(request.ifr_name);

	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, request.ifr_name,
		       &size) < 0)
		return false; /* ENODEV: it is no more */
	if (size > 0 && ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return false;
	return (size > 0 ? (uint32_t)request.ifr_ifindex : 0) == way->interface;
}

bool source_is_gone(int fd, uint8_t family, const char *source)
{
	struct source_way way;

	return source != NULL && *source != '\0' &&
	       (find_way(fd, family, source, &way) < 0 ||
		!source_is_bound(fd, &way));
}
