/* A network of our own: a TUN interface in a network namespace, on whose other
 * side the test answers SYNs as routers and hosts do. Asserts by cmocka. */
#ifndef TEST_LIB_TUN_NET_H
#define TEST_LIB_TUN_NET_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TUN_OWN4    "198.51.100.1"
#define TUN_ROUTER4 "198.51.100.254"
#define TUN_HOST4   "198.51.100.7"
#define TUN_OWN6    "2001:db8::1"
#define TUN_ROUTER6 "2001:db8::254"
#define TUN_HOST6   "2001:db8::7"

#define TUN_RST     0x14 /* and ACK */
#define TUN_SYN_ACK 0x12

struct tun_packet {
	uint8_t bytes[256];
	size_t size;
};

/* A cmocka group's setup: enter the namespace and make the interface "edge0"
 * with both own addresses. */
int tun_net_enter(void **state);

/* The descriptor of "edge0", nonblocking. */
int tun_net_fd(void);

/* Another interface, with IPv4 address `own4` in a /24; it is gone when the
 * descriptor is closed. */
int tun_net_make(const char *name, const char *own4);

bool tun_is6(const struct tun_packet *packet);
bool tun_is_syn(const struct tun_packet *packet);
uint16_t tun_source_port(const struct tun_packet *packet);
uint32_t tun_flow_label(const struct tun_packet *packet); /* IPv6 */

/* The next SYN; whatever else the kernel says on a new interface is skipped. */
void tun_read_syn(int fd, struct tun_packet *ret_syn);

/* Forget what lies there. */
void tun_flush(int fd);

void tun_answer_icmp(int fd, const struct tun_packet *syn, const char *from,
		     uint8_t type, uint8_t code);

/* From whom it was sent to; with the TCP timestamps option if `timestamps` and
 * `asked` has it. */
void tun_answer_tcp(int fd, const struct tun_packet *asked, uint8_t flags,
		    bool timestamps);

/* --- a host on the other side, with a thread of its own --- */

#define TUN_SEEN_MAX 4096

struct tun_seen {
	struct tun_packet packet;
	uint64_t came_ns;     /* mono */
	uint64_t answered_ns; /* 0: not */
};

enum tun_fate { TUN_REPLY, TUN_REFUSE, TUN_IGNORE };

/* Zero-initialise; set the first part. */
struct tun_host {
	int fd;
	uint64_t delay_ns; /* between a SYN or FIN and its answer */
	bool timestamps;
	/* What becomes of SYN number `n`; NULL: a reply. On the thread. */
	enum tun_fate (*fate)(const struct tun_host *host, unsigned n,
			      const struct tun_packet *syn);

	pthread_t thread;
	bool running;
	int stop[2];
	/* Valid after tun_host_stop(). */
	struct tun_seen *seen; /* SYNs */
	unsigned n_seen, n_answered;
	struct tun_seen *fins;
	unsigned n_fins;
	atomic_uint n_parted; /* FINs that were answered */
	unsigned n_rst;       /* RSTs that came */
};

/* May be started again. */
void tun_host_start(struct tun_host *host);
void tun_host_stop(struct tun_host *host);

/* Wait until it has answered `n` FINs: these connections are over. */
void tun_host_await_parted(struct tun_host *host, unsigned n);

/* Free; stop it first if a failed test left it running. */
void tun_host_finish(struct tun_host *host);

#endif
