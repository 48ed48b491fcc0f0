#include "tun_net.h"
#include "edgeprobe/clock.h"
#include "own_net.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SYN 0x02
#define FIN 0x01
#define RST 0x04
#define ACK 0x10

static int edge0;

/* --- interfaces --- */

static void set_up4(const char *name, const char *own)
{
	struct ifreq request = { 0 };
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	inet_pton(AF_INET, own, &a.sin_addr);
	memcpy(&request.ifr_addr, &a, sizeof(a));
	assert_int_equal(ioctl(fd, SIOCSIFADDR, &request), 0);
	inet_pton(AF_INET, "255.255.255.0", &a.sin_addr);
	memcpy(&request.ifr_netmask, &a, sizeof(a));
	assert_int_equal(ioctl(fd, SIOCSIFNETMASK, &request), 0);
	/* without ARP there is no waiting for duplicates of addresses */
	request.ifr_flags = IFF_UP | IFF_NOARP | IFF_POINTOPOINT;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static void set_up6(void)
{
	struct in6_ifreq request = { .ifr6_prefixlen = 64 };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	inet_pton(AF_INET6, TUN_OWN6, &request.ifr6_addr);
	request.ifr6_ifindex = (int)if_nametoindex("edge0");
	assert_int_equal(ioctl(fd, SIOCSIFADDR, &request), 0);
	close(fd);
}

/* The kernel puts the address to use in a work item of its own; from then on a
 * packet to it stays on this host, and is refused there. */
static void await6(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons(9) };
	bool is_ours = false;

	inet_pton(AF_INET6, TUN_OWN6, &a.sin6_addr);
	while (!is_ours) {
		int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
		struct pollfd look = { .fd = fd, .events = POLLOUT };

		assert_true(fd >= 0);
		(void)connect(fd, (struct sockaddr *)&a, sizeof(a));
		is_ours = poll(&look, 1, 10) == 1;
		close(fd);
	}
}

int tun_net_make(const char *name, const char *own4)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	set_up4(name, own4);
	return fd;
}

int tun_net_enter(void **state)
{
	(void)state;
	own_net_enter(0);
	edge0 = tun_net_make("edge0", TUN_OWN4);
	/* packets "from ourselves" may come in */
	own_net_write("/proc/sys/net/ipv4/conf/edge0/accept_local", "1");
	set_up6();
	await6();
	return 0;
}

int tun_net_fd(void)
{
	return edge0;
}

/* --- packets --- */

bool tun_is6(const struct tun_packet *packet)
{
	return packet->bytes[0] >> 4 == 6;
}

static size_t header_size(const struct tun_packet *p)
{
	return tun_is6(p) ? 40 : 20;
}

static bool is_tcp(const struct tun_packet *p)
{
	return p->bytes[tun_is6(p) ? 6 : 9] == IPPROTO_TCP;
}

static uint8_t tcp_flags(const struct tun_packet *p)
{
	return is_tcp(p) ? p->bytes[header_size(p) + 13] : 0;
}

bool tun_is_syn(const struct tun_packet *packet)
{
	return (tcp_flags(packet) & (SYN | FIN | RST | ACK)) == SYN;
}

uint16_t tun_source_port(const struct tun_packet *packet)
{
	const uint8_t *tcp = packet->bytes + header_size(packet);

	return (uint16_t)(tcp[0] << 8 | tcp[1]);
}

uint32_t tun_flow_label(const struct tun_packet *packet)
{
	const uint8_t *b = packet->bytes;

	return (b[1] & 0xfU) << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint32_t sum(uint32_t total, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		total += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	return total;
}

static void put_sum(uint8_t *at, uint32_t total)
{
	while (total >> 16 != 0)
		total = (total & 0xffff) + (total >> 16);
	at[0] = (uint8_t)(~total >> 8);
	at[1] = (uint8_t)~total;
}

/* To where `asked` came from. */
static void put_header(struct tun_packet *p, const struct tun_packet *asked,
		       uint8_t protocol, size_t size)
{
	bool v6 = tun_is6(asked);

	memset(p, 0, sizeof(*p));
	p->size = (v6 ? 40 : 20) + size;
	p->bytes[0] = v6 ? 0x60 : 0x45;
	p->bytes[v6 ? 5 : 3] = (uint8_t)(v6 ? size : p->size);
	p->bytes[v6 ? 7 : 8] = 64;
	p->bytes[v6 ? 6 : 9] = protocol;
	memcpy(p->bytes + (v6 ? 24 : 16), asked->bytes + (v6 ? 8 : 12),
	       v6 ? 16 : 4);
	memcpy(p->bytes + (v6 ? 8 : 12), asked->bytes + (v6 ? 24 : 16),
	       v6 ? 16 : 4);
}

static void put_sums(struct tun_packet *p, size_t at, bool pseudo)
{
	bool v6 = tun_is6(p);
	size_t header = header_size(p), size = p->size - header;
	uint32_t total = 0;

	if (!v6)
		put_sum(p->bytes + 10, sum(0, p->bytes, 20));
	if (pseudo) /* addresses, protocol, size */
		total = sum(p->bytes[v6 ? 6 : 9] + (uint32_t)size,
			    p->bytes + (v6 ? 8 : 12), v6 ? 32 : 8);
	total = sum(total, p->bytes + header, size);
	put_sum(p->bytes + header + at, total);
}

void tun_answer_icmp(int fd, const struct tun_packet *syn, const char *from,
		     uint8_t type, uint8_t code)
{
	bool v6 = tun_is6(syn);
	struct tun_packet p;
	uint8_t *body = p.bytes + (v6 ? 40 : 20);

	put_header(&p, syn, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 8 + syn->size);
	inet_pton(v6 ? AF_INET6 : AF_INET, from, p.bytes + (v6 ? 8 : 12));
	body[0] = type;
	body[1] = code;
	memcpy(body + 8, syn->bytes, syn->size);
	put_sums(&p, 2, v6);
	assert_int_equal(write(fd, p.bytes, p.size), p.size);
}

/* The value of the timestamps option; NULL: there is none. */
static const uint8_t *find_timestamp(const uint8_t *tcp)
{
	size_t end = (size_t)(tcp[12] >> 4) * 4;

	for (size_t i = 20; i + 1 < end; i += tcp[i] == 1 ? 1 : tcp[i + 1]) {
		if (tcp[i] == 8)
			return tcp + i + 2;
		if (tcp[i] == 0 || (tcp[i] != 1 && tcp[i + 1] == 0))
			break;
	}
	return NULL;
}

void tun_answer_tcp(int fd, const struct tun_packet *asked, uint8_t flags,
		    bool timestamps)
{
	const uint8_t *from = asked->bytes + header_size(asked);
	const uint8_t *stamp = timestamps ? find_timestamp(from) : NULL;
	size_t size = stamp == NULL ? 20 : 32;
	struct tun_packet p;
	uint8_t *tcp = p.bytes + header_size(asked);
	uint32_t seq;

	put_header(&p, asked, IPPROTO_TCP, size);
	memcpy(tcp, from + 2, 2);
	memcpy(tcp + 2, from, 2);
	memcpy(tcp + 4, from + 8, 4); /* what they have acknowledged */
	memcpy(&seq, from + 4, 4);
	seq = htonl(ntohl(seq) + 1);
	memcpy(tcp + 8, &seq, 4);
	tcp[12] = (uint8_t)(size / 4 << 4);
	tcp[13] = flags;
	tcp[14] = 0xff;
	if (stamp != NULL) {
		memcpy(tcp + 20, "\1\1\10\12\0\0\0\1", 8);
		memcpy(tcp + 28, stamp, 4);
	}
	put_sums(&p, 16, true);
	assert_int_equal(write(fd, p.bytes, p.size), p.size);
}

static bool read_packet(int fd, struct tun_packet *p)
{
	ssize_t n = read(fd, p->bytes, sizeof(p->bytes));

	p->size = n > 0 ? (size_t)n : 0;
	return n > 0;
}

void tun_flush(int fd)
{
	struct tun_packet p;

	while (read_packet(fd, &p))
		;
}

void tun_read_syn(int fd, struct tun_packet *ret_syn)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	do {
		assert_int_equal(poll(&look, 1, 10000), 1);
		assert_true(read_packet(fd, ret_syn));
	} while (!tun_is_syn(ret_syn));
}

/* --- the host --- */

static void answer_syn(struct tun_host *h, unsigned n)
{
	struct tun_seen *seen = &h->seen[n];
	enum tun_fate fate =
		h->fate == NULL ? TUN_REPLY : h->fate(h, n, &seen->packet);

	if (fate == TUN_IGNORE)
		return;
	seen->answered_ns = ep_clock_mono_ns();
	tun_answer_tcp(h->fd, &seen->packet,
		       fate == TUN_REPLY ? TUN_SYN_ACK : TUN_RST,
		       h->timestamps);
}

static void note(struct tun_seen *all, unsigned *n, const struct tun_packet *p)
{
	assert_true(*n < TUN_SEEN_MAX);
	all[*n].packet = *p;
	all[*n].came_ns = ep_clock_mono_ns();
	++*n;
}

static void take_packet(struct tun_host *h, const struct tun_packet *p)
{
	if (tun_is_syn(p))
		note(h->seen, &h->n_seen, p);
	else if ((tcp_flags(p) & RST) != 0)
		h->n_rst++;
	else if ((tcp_flags(p) & FIN) != 0)
		note(h->fins, &h->n_fins, p);
}

static uint64_t due_ns(const struct tun_host *h, const struct tun_seen *all,
		       unsigned n, unsigned done)
{
	return done == n ? UINT64_MAX : all[done].came_ns + h->delay_ns;
}

/* Milliseconds until the next one; -1: there is none. */
static int answer_due(struct tun_host *h)
{
	uint64_t now_ns = ep_clock_mono_ns(), syn_ns, fin_ns;

	while (due_ns(h, h->seen, h->n_seen, h->n_answered) <= now_ns)
		answer_syn(h, h->n_answered++);
	while (due_ns(h, h->fins, h->n_fins, h->n_parted) <= now_ns) {
		tun_answer_tcp(h->fd, &h->fins[h->n_parted].packet, FIN | ACK,
			       false);
		h->n_parted++;
	}
	syn_ns = due_ns(h, h->seen, h->n_seen, h->n_answered);
	fin_ns = due_ns(h, h->fins, h->n_fins, h->n_parted);
	if (fin_ns < syn_ns)
		syn_ns = fin_ns;
	return syn_ns == UINT64_MAX
		       ? -1
		       : (int)((syn_ns - now_ns) / EP_NS_PER_MS) + 1;
}

static void *run(void *arg)
{
	struct tun_host *h = arg;
	struct pollfd look[2] = { { .fd = h->fd, .events = POLLIN },
				  { .fd = h->stop[0], .events = POLLIN } };
	struct tun_packet p;

	while (look[1].revents == 0) {
		(void)poll(look, 2, answer_due(h));
		while (read_packet(h->fd, &p))
			take_packet(h, &p);
	}
	return NULL;
}

void tun_host_start(struct tun_host *host)
{
	tun_host_finish(host);
	tun_flush(host->fd);
	host->seen = calloc(TUN_SEEN_MAX, sizeof(*host->seen));
	host->fins = calloc(TUN_SEEN_MAX, sizeof(*host->fins));
	assert_non_null(host->seen);
	assert_non_null(host->fins);
	host->n_seen = host->n_answered = host->n_fins = host->n_rst = 0;
	host->n_parted = 0;
	assert_int_equal(pipe(host->stop), 0);
	assert_int_equal(pthread_create(&host->thread, NULL, run, host), 0);
	host->running = true;
}

void tun_host_stop(struct tun_host *host)
{
	host->running = false;
	close(host->stop[1]);
	pthread_join(host->thread, NULL);
	close(host->stop[0]);
}

void tun_host_await_parted(struct tun_host *host, unsigned n)
{
	for (unsigned i = 0; host->n_parted < n; i++) {
		assert_true(i < 10000);
		poll(NULL, 0, 1);
	}
}

void tun_host_finish(struct tun_host *host)
{
	if (host->running)
		tun_host_stop(host);
	free(host->seen);
	free(host->fins);
	host->seen = host->fins = NULL;
}
