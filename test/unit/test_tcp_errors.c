/* The TCP kind on a network of our own: a TUN interface in a network namespace,
 * on whose other side this test answers SYNs as routers and hosts do. */
#include "../lib/own_net.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS

#define OWN4    "198.51.100.1"
#define ROUTER4 "198.51.100.254"
#define HOST4   "198.51.100.7"
#define OWN6    "2001:db8::1"
#define ROUTER6 "2001:db8::254"
#define HOST6   "2001:db8::7"

struct world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct ep_target target;
	struct ep_sample last;
	bool answered;
};

static int tun;

/* --- the network --- */

static void set_up4(void)
{
	struct ifreq request = { .ifr_name = "edge0" };
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	inet_pton(AF_INET, OWN4, &a.sin_addr);
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
	inet_pton(AF_INET6, OWN6, &request.ifr6_addr);
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

	inet_pton(AF_INET6, OWN6, &a.sin6_addr);
	while (!is_ours) {
		int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
		struct pollfd look = { .fd = fd, .events = POLLOUT };

		assert_true(fd >= 0);
		(void)connect(fd, (struct sockaddr *)&a, sizeof(a));
		is_ours = poll(&look, 1, 10) == 1;
		close(fd);
	}
}

static int own_network(void **state)
{
	struct ifreq request = { .ifr_name = "edge0",
				 .ifr_flags = IFF_TUN | IFF_NO_PI };

	(void)state;
	own_net_enter(0);
	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	assert_true(tun >= 0);
	assert_int_equal(ioctl(tun, TUNSETIFF, &request), 0);
	/* packets "from ourselves" may come in */
	own_net_write("/proc/sys/net/ipv4/conf/edge0/accept_local", "1");
	set_up4();
	set_up6();
	await6();
	return 0;
}

/* --- packets --- */

struct packet {
	uint8_t bytes[256];
	size_t size;
};

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

static bool is6(const struct packet *p)
{
	return p->bytes[0] >> 4 == 6;
}

static bool is_syn(const struct packet *p)
{
	const uint8_t *tcp = p->bytes + (is6(p) ? 40 : 20);

	return p->bytes[is6(p) ? 6 : 9] == IPPROTO_TCP &&
	       (tcp[13] & 0x17) == 0x02;
}

/* The SYN; whatever else the kernel says on a new interface is skipped. */
static void read_syn(struct packet *syn)
{
	for (;;) {
		struct pollfd look = { .fd = tun, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&look, 1, 10000), 1);
		n = read(tun, syn->bytes, sizeof(syn->bytes));
		assert_true(n > 0);
		syn->size = (size_t)n;
		if (is_syn(syn))
			return;
	}
}

static void put_header(struct packet *p, bool v6, uint8_t protocol,
		       const char *from, size_t size)
{
	memset(p, 0, sizeof(*p));
	p->size = (v6 ? 40 : 20) + size;
	p->bytes[0] = v6 ? 0x60 : 0x45;
	p->bytes[v6 ? 5 : 3] = (uint8_t)(v6 ? size : p->size);
	p->bytes[v6 ? 7 : 8] = 64;
	p->bytes[v6 ? 6 : 9] = protocol;
	inet_pton(v6 ? AF_INET6 : AF_INET, from, p->bytes + (v6 ? 8 : 12));
	inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? OWN6 : OWN4,
		  p->bytes + (v6 ? 24 : 16));
	if (!v6)
		put_sum(p->bytes + 10, sum(0, p->bytes, 20));
}

static void put_body_sum(struct packet *p, bool v6, uint8_t protocol, size_t at,
			 bool pseudo)
{
	size_t header = v6 ? 40 : 20, size = p->size - header;
	uint32_t total = 0;

	if (pseudo) /* addresses, protocol, size */
		total = sum(protocol + (uint32_t)size, p->bytes + (v6 ? 8 : 12),
			    v6 ? 32 : 8);
	total = sum(total, p->bytes + header, size);
	put_sum(p->bytes + header + at, total);
}

static void answer_icmp(const struct packet *syn, const char *from,
			uint8_t type, uint8_t code)
{
	bool v6 = is6(syn);
	uint8_t protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	struct packet p;
	uint8_t *body = p.bytes + (v6 ? 40 : 20);

	put_header(&p, v6, protocol, from, 8 + syn->size);
	body[0] = type;
	body[1] = code;
	memcpy(body + 8, syn->bytes, syn->size);
	put_body_sum(&p, v6, protocol, 2, v6);
	assert_int_equal(write(tun, p.bytes, p.size), p.size);
}

/* `flags`: 0x14 RST and ACK, 0x12 SYN and ACK. No TCP options. */
static void answer_tcp(const struct packet *syn, uint8_t flags)
{
	const uint8_t *asked = syn->bytes + 20;
	struct packet p;
	uint8_t *tcp = p.bytes + 20;
	uint32_t seq;

	put_header(&p, false, IPPROTO_TCP, HOST4, 20);
	memcpy(tcp, asked + 2, 2);
	memcpy(tcp + 2, asked, 2);
	memcpy(&seq, asked + 4, 4);
	seq = htonl(ntohl(seq) + 1);
	memcpy(tcp + 8, &seq, 4);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	tcp[14] = 0xff;
	put_body_sum(&p, false, IPPROTO_TCP, 16, true);
	assert_int_equal(write(tun, p.bytes, p.size), p.size);
}

/* --- a test's world --- */

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(ep_engine_open(&w->loop, NULL, &w->engine, NULL), 0);
	w->target.kind = ep_kind_find("tcp");
	w->target.host = HOST4;
	w->target.timeout_ns = 10 * EP_NS_PER_S;
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	ep_engine_close(w->engine, NULL, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	free(w);
	return 0;
}

static void on_sample(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct world *w = arg;

	(void)target;
	w->last = *sample;
	w->answered = true;
	uv_stop(&w->loop);
}

static void start(struct world *w, struct packet *ret_syn)
{
	while (read(tun, ret_syn->bytes, sizeof(ret_syn->bytes)) > 0)
		; /* what a dial before left there */
	w->answered = false;
	assert_int_equal(
		ep_probe_start(w->engine, &w->target, 0, on_sample, w, NULL),
		0);
	read_syn(ret_syn);
}

static void await(struct world *w)
{
	while (!w->answered)
		uv_run(&w->loop, UV_RUN_ONCE);
}

static void expect(const struct ep_sample *s, enum ep_outcome outcome,
		   const char *reason)
{
	assert_string_equal(ep_outcome_name(s->outcome),
			    ep_outcome_name(outcome));
	assert_string_equal(ep_reason_name(s->reason), reason);
}

/* --- tests --- */

static void icmp_errors_have_their_reasons(void **state)
{
	static const struct {
		const char *host, *from;
		uint8_t type, code;
		const char *reason;
	} rows[] = {
		{ HOST4, ROUTER4, 3, 0, "net_unreachable" },
		{ HOST4, ROUTER4, 3, 1, "host_unreachable" },
		{ HOST4, HOST4, 3, 2, "protocol_unreachable" },
		{ HOST4, HOST4, 3, 3, "port_unreachable" },
		{ HOST4, ROUTER4, 3, 9, "admin_prohibited" },
		{ HOST4, ROUTER4, 3, 13, "admin_prohibited" },
		{ HOST4, ROUTER4, 11, 0, "time_exceeded" },
		{ HOST6, ROUTER6, 1, 0, "net_unreachable" },
		{ HOST6, ROUTER6, 1, 1, "admin_prohibited" },
		{ HOST6, ROUTER6, 1, 3, "host_unreachable" },
		{ HOST6, HOST6, 1, 4, "port_unreachable" },
		{ HOST6, ROUTER6, 3, 0, "time_exceeded" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet syn;

		w->target.host = rows[i].host;
		start(w, &syn);
		answer_icmp(&syn, rows[i].from, rows[i].type, rows[i].code);
		await(w);
		expect(&w->last, EP_UNREACHABLE, rows[i].reason);
		assert_int_equal(w->last.rtt_ns, EP_ABSENT);
	}
}

/* What our own host says when it finds no neighbour. */
static void own_icmp_error_is_our_failure(void **state)
{
	struct world *w = *state;
	struct packet syn;

	start(w, &syn);
	answer_icmp(&syn, OWN4, 3, 1);
	await(w);
	expect(&w->last, EP_FAILED, "no_route");
	start(w, &syn);
	answer_icmp(&syn, OWN4, 3, 13);
	await(w);
	expect(&w->last, EP_FAILED, "permission");
	w->target.host = HOST6;
	start(w, &syn);
	answer_icmp(&syn, OWN6, 1, 3);
	await(w);
	expect(&w->last, EP_FAILED, "no_route");
}

static void no_route_fails(void **state)
{
	struct world *w = *state;

	w->target.host = "203.0.113.7";
	assert_int_equal(
		ep_probe_start(w->engine, &w->target, 0, on_sample, w, NULL),
		0);
	await(w);
	expect(&w->last, EP_FAILED, "no_route");
}

/* Without TCP timestamps nobody knows which SYN was answered. */
static void resent_syn_without_timestamps_has_no_rtt(void **state)
{
	struct world *w = *state;
	struct packet syn;

	start(w, &syn);
	read_syn(&syn); /* the kernel's second one, after a second */
	answer_tcp(&syn, 0x12);
	await(w);
	expect(&w->last, EP_REPLIED, "");
	assert_int_equal(w->last.retransmits, 1);
	assert_int_equal(w->last.rtt_ns, EP_ABSENT);

	start(w, &syn);
	answer_tcp(&syn, 0x12);
	await(w);
	expect(&w->last, EP_REPLIED, "");
	assert_int_equal(w->last.retransmits, 0);
	assert_true(w->last.rtt_ns > 0);
}

static void refusal_of_a_resent_syn_has_no_rtt(void **state)
{
	struct world *w = *state;
	struct packet syn;

	start(w, &syn);
	read_syn(&syn);
	answer_tcp(&syn, 0x14);
	await(w);
	expect(&w->last, EP_REFUSED, "tcp_reset");
	assert_int_equal(w->last.retransmits, 1);
	assert_int_equal(w->last.rtt_ns, EP_ABSENT);
}

struct refusal {
	struct packet syn;
	uint64_t sent_ns;
};

/* The path is 20 ms long. */
static void *refuse_later(void *arg)
{
	struct refusal *r = arg;

	poll(NULL, 0, 20);
	answer_tcp(&r->syn, 0x14);
	r->sent_ns = ep_clock_mono_ns();
	return NULL;
}

/* The loop sleeps until the RST comes: the uncertainty is that of waking up,
 * and it covers what our own clock has too much. */
static void refusal_is_timed_within_its_uncertainty(void **state)
{
	struct world *w = *state;
	uint64_t least_ns = UINT64_MAX;

	for (unsigned i = 0; i < 5; i++) {
		struct refusal r;
		pthread_t thread;
		uint64_t seen_ns;

		start(w, &r.syn);
		assert_int_equal(
			pthread_create(&thread, NULL, refuse_later, &r), 0);
		await(w);
		seen_ns = ep_clock_mono_ns();
		pthread_join(thread, NULL);
		expect(&w->last, EP_REFUSED, "tcp_reset");
		assert_true(w->last.rtt_ns >= (int64_t)(19 * MS));
		assert_true(w->last.uncertainty_ns <
			    (uint64_t)w->last.rtt_ns + MS);
		if (seen_ns > r.sent_ns + MS) /* woken late */
			assert_true(w->last.uncertainty_ns > 20000);
		if (w->last.uncertainty_ns < least_ns)
			least_ns = w->last.uncertainty_ns;
	}
	assert_true(least_ns < 5 * MS);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(icmp_errors_have_their_reasons),
		TEST(own_icmp_error_is_our_failure),
		TEST(no_route_fails),
		TEST(resent_syn_without_timestamps_has_no_rtt),
		TEST(refusal_of_a_resent_syn_has_no_rtt),
		TEST(refusal_is_timed_within_its_uncertainty),
	};

	return cmocka_run_group_tests(tests, own_network, NULL);
}
