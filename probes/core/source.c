#include "core/source.h"
#include "edgeprobe/address.h"
#include <errno.h>
#include <net/if.h>
#include <string.h>
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

int source_bind(int fd, uint8_t family, const char *source)
{
	struct ep_address address;
	size_t n = source == NULL ? 0 : strlen(source);

	if (n == 0)
		return 0;
	if (ep_address_parse(source, &address) == 0)
		return address.family == family ? bind_address(fd, &address)
						: -EADDRNOTAVAIL;
	if (n >= IFNAMSIZ)
		return -ENODEV;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, source, (socklen_t)n) <
	    0)
		return -errno;
	return 0;
}

static bool is_here(const struct ep_address *address)
{
	union ep_sockaddr local;
	socklen_t length = ep_address_to_sockaddr(address, 0, &local);
	int fd = socket(local.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool here = fd < 0 || bind(fd, &local.sa, length) == 0 ||
		    errno != EADDRNOTAVAIL;

	if (fd >= 0)
		close(fd);
	return here;
}

bool source_is_gone(int fd, const char *source)
{
	struct ep_address address;
	char name[IFNAMSIZ];
	socklen_t length = sizeof(name);

	if (source == NULL || *source == '\0')
		return false;
	if (ep_address_parse(source, &address) == 0)
		return !is_here(&address);
	return getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length) < 0 &&
	       errno == ENODEV;
}
