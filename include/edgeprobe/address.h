/* An IP address as a small value, without port. */
#ifndef EDGEPROBE_ADDRESS_H
#define EDGEPROBE_ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for any address in text, with a %scope, and its NUL. */
#define EP_ADDRESS_TEXT_MAX 64

struct ep_address {
	uint8_t family;    /* 4 or 6; 0: no address */
	uint8_t bytes[16]; /* network order; the first 4 for IPv4 */
	uint32_t scope;    /* interface index of a link-local IPv6 address */
};

/* Any sockaddr that the library hands to the kernel. */
union ep_sockaddr {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* Parse a literal ("192.0.2.1", "2001:db8::1", "fe80::1%eth0"; no brackets).
 * 0, or -EINVAL and `*ret_address` untouched. Never asks a name server. */
int ep_address_parse(const char *text, struct ep_address *ret_address);

/* Write the text form; returns `buf`. An empty address gives "". */
char *ep_address_format(const struct ep_address *address, char *buf,
			size_t size);

/* Convert; the port is in host order. Returns the length for the kernel;
 * 0 if the address is empty. */
socklen_t ep_address_to_sockaddr(const struct ep_address *address,
				 uint16_t port,
				 union ep_sockaddr *ret_sockaddr);

/* The address of an AF_INET or AF_INET6 sockaddr; anything else is empty. */
struct ep_address ep_address_from_sockaddr(const struct sockaddr *sa);

/* 1 if both are the same address (and scope, where link-local), else 0. */
int ep_address_equal(const struct ep_address *a, const struct ep_address *b);

#ifdef __cplusplus
}
#endif

#endif
