/* What others see of our echo requests, and what they may send to fool us. A
 * raw socket of the test's own listens on loopback and answers. */
#include "../lib/icmp_world.h"
#include "../lib/own_net.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A payload that nobody else sends: how the spy knows our requests. */
#define SIZE 731

struct request {
	uint8_t ip[60];
	size_t ip_size;
	uint8_t icmp[8 + SIZE];
};

static uint16_t checksum(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i < n; i++)
		s += (uint32_t)p[i] << (i % 2 == 0 ? 8 : 0);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void fix(uint8_t *icmp, size_t size)
{
	uint16_t c;

	icmp[2] = icmp[3] = 0;
	c = checksum(icmp, size);
	icmp[2] = (uint8_t)(c >> 8);
	icmp[3] = (uint8_t)c;
}

/* A raw socket that sends from `source` and sees requests only. */
static int spy_on(const char *source)
{
	struct icmp_filter only = { .data = ~(1u << ICMP_ECHO) };
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(
		setsockopt(fd, SOL_RAW, ICMP_FILTER, &only, sizeof(only)), 0);
	return fd;
}

/* The next request of ours. */
static void overhear(int spy, struct request *r)
{
	struct pollfd p = { .fd = spy, .events = POLLIN };
	uint8_t packet[2048];
	ssize_t n;

	do {
		assert_int_equal(poll(&p, 1, 5000), 1);
		n = recv(spy, packet, sizeof(packet), 0);
		assert_true(n >= 28);
		r->ip_size = (size_t)(packet[0] & 15) * 4;
	} while ((size_t)n != r->ip_size + sizeof(r->icmp));
	memcpy(r->ip, packet, r->ip_size);
	memcpy(r->icmp, packet + r->ip_size, sizeof(r->icmp));
}

static void send_to_us(int spy, const uint8_t *icmp, size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(
		sendto(spy, icmp, size, 0, (struct sockaddr *)&to, sizeof(to)),
		size);
}

/* Answer `r`, after changing the byte at `at`. */
static void answer(int spy, const struct request *r, size_t at, bool honest)
{
	struct request copy = *r;

	copy.icmp[0] = ICMP_ECHOREPLY;
	copy.icmp[at] ^= 1;
	fix(copy.icmp, sizeof(copy.icmp));
	if (!honest)
		copy.icmp[40] ^= 0x10; /* and the checksum is wrong */
	send_to_us(spy, copy.icmp, sizeof(copy.icmp));
}

/* An error of `type` and `code` that quotes `quoted` bytes of ICMP. */
static void complain(int spy, const struct request *r, uint8_t type,
		     uint8_t code, size_t quoted)
{
	uint8_t icmp[1500] = { type, code };
	size_t size = 8 + r->ip_size + quoted;

	memcpy(icmp + 8, r->ip, r->ip_size);
	memcpy(icmp + 8 + r->ip_size, r->icmp, quoted);
	fix(icmp, size);
	send_to_us(spy, icmp, size);
}

/* --- what others see --- */

static void a_target_is_one_flow_on_the_path(void **state)
{
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1");
	struct request first, second;

	w->target.size = SIZE;
	icmp_world_measure(w);
	overhear(spy, &first);
	icmp_world_measure(w);
	overhear(spy, &second);
	assert_memory_equal(first.icmp, second.icmp, 6); /* sum and id */
	assert_memory_not_equal(first.icmp + 6, second.icmp + 6, 2);
	assert_memory_not_equal(first.icmp + 16, second.icmp + 16, 8);

	w->target.flow++;
	icmp_world_measure(w);
	overhear(spy, &second);
	assert_memory_not_equal(first.icmp + 2, second.icmp + 2, 2);
	close(spy);
}

/* Bytes 2 to 5 are sum and id. */
static void a_fresh_flow_is_another_each_time(void **state)
{
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1");
	struct request usual, fresh, again, after;

	w->target.size = SIZE;
	icmp_world_measure(w);
	overhear(spy, &usual);
	w->target.fresh_flow = true;
	assert_int_equal(icmp_world_measure(w)->outcome, EP_REPLIED);
	assert_int_equal(w->last.flags & EP_FLAG_FRESH_FLOW,
			 EP_FLAG_FRESH_FLOW);
	overhear(spy, &fresh);
	assert_int_equal(icmp_world_measure(w)->outcome, EP_REPLIED);
	overhear(spy, &again);
	assert_memory_not_equal(usual.icmp + 4, fresh.icmp + 4, 2);
	assert_memory_not_equal(usual.icmp + 4, again.icmp + 4, 2);
	assert_memory_not_equal(fresh.icmp + 4, again.icmp + 4, 2);
	assert_memory_not_equal(usual.icmp + 2, fresh.icmp + 2, 2);
	assert_memory_not_equal(fresh.icmp + 2, again.icmp + 2, 2);

	w->target.fresh_flow = false;
	icmp_world_measure(w);
	assert_int_equal(w->last.flags & EP_FLAG_FRESH_FLOW, 0);
	overhear(spy, &after);
	assert_memory_equal(usual.icmp + 2, after.icmp + 2, 4);
	close(spy);
}

static void ttl_and_dscp_are_the_targets(void **state)
{
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1");
	struct request r;

	w->target.size = SIZE;
	w->target.ttl = 7;
	w->target.dscp = 46;
	icmp_world_measure(w);
	overhear(spy, &r);
	assert_int_equal(r.ip[8], 7);
	assert_int_equal(r.ip[1], 46 << 2);
	w->target.ttl = w->target.dscp = 0;
	icmp_world_measure(w);
	overhear(spy, &r);
	assert_true(r.ip[8] > 7);
	assert_int_equal(r.ip[1], 0);
	close(spy);
}

/* --- what others may send --- */

/* The last one is a true copy, and shows that the others were read. */
static void a_forged_reply_is_nobodys(void **state)
{
	static const size_t spoilt[] = { 8 /* magic */, 15 /* slot */,
					 16 /* nonce */, 23 };
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1"), other = spy_on("127.0.0.2");
	struct request r;

	w->target.size = SIZE;
	icmp_world_measure(w);
	overhear(spy, &r);
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++)
		answer(spy, &r, spoilt[i], true);
	answer(other, &r, 50, true); /* from whom we did not ask */
	answer(spy, &r, 50, false);  /* damaged on the way */
	answer(spy, &r, 50, true);
	icmp_world_wait(w, 1);
	assert_string_equal(w->story, "Rd");
	assert_int_equal(w->last_late.id, w->last.id);
	assert_int_equal(w->last_late.flags, EP_FLAG_DUPLICATE);
	assert_true(w->last_late.rtt_ns > w->last.rtt_ns);
	close(spy);
	close(other);
}

static void of_a_flood_of_duplicates_a_few_are_told(void **state)
{
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1");
	struct request r;

	w->target.size = SIZE;
	icmp_world_measure(w);
	overhear(spy, &r);
	for (unsigned i = 0; i < 50; i++)
		answer(spy, &r, 50, true);
	icmp_world_measure(w);
	overhear(spy, &r);
	answer(spy, &r, 50, true);
	icmp_world_wait(w, 1); /* all that came before was read */
	assert_string_equal(w->story, "RddddddddRd");
	close(spy);
}

/* 0.0.0.0 is answered by 127.0.0.1, which does not count: the probe waits. */
static void start_waiting(struct icmp_world *w, int spy, struct request *r)
{
	w->target.host = "0.0.0.0";
	w->target.size = SIZE;
	icmp_world_start(w);
	overhear(spy, r);
}

static void a_routers_error_is_the_answer(void **state)
{
	static const struct {
		uint8_t type, code;
		enum ep_reason reason;
	} rows[] = {
		{ 3, 1, EP_REASON_HOST_UNREACHABLE },
		{ 3, 13, EP_REASON_ADMIN_PROHIBITED },
		{ 11, 0, EP_REASON_TIME_EXCEEDED },
	};
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1"), router = spy_on("127.0.0.2");
	struct request r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start_waiting(w, spy, &r);
		complain(router, &r, rows[i].type, rows[i].code, 64);
		icmp_world_wait(w, 1);
		assert_int_equal(w->last.outcome, EP_UNREACHABLE);
		assert_int_equal(w->last.reason, rows[i].reason);
	}
	close(spy);
	close(router);
}

static void our_own_hosts_error_is_a_failure(void **state)
{
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1");
	struct request r;

	start_waiting(w, spy, &r);
	complain(spy, &r, 3, 1, 64);
	icmp_world_wait(w, 1);
	assert_int_equal(w->last.outcome, EP_FAILED);
	assert_int_equal(w->last.reason, EP_REASON_NO_ROUTE);
	start_waiting(w, spy, &r);
	complain(spy, &r, 3, 13, 64);
	icmp_world_wait(w, 1);
	assert_int_equal(w->last.reason, EP_REASON_PERMISSION);
	close(spy);
}

static void an_error_with_another_nonce_is_nobodys(void **state)
{
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1"), router = spy_on("127.0.0.2");
	struct request r, forged;

	start_waiting(w, spy, &r);
	forged = r;
	forged.icmp[16] ^= 1;
	complain(router, &forged, 3, 13, 64);
	complain(router, &r, 3, 1, 64);
	icmp_world_wait(w, 1);
	assert_int_equal(w->last.reason, EP_REASON_HOST_UNREACHABLE);
	close(spy);
	close(router);
}

/* On a ping socket the error of one target is what the next send fails with. */
static void an_error_of_one_target_fails_no_other(void **state)
{
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1"), router = spy_on("127.0.0.2");
	struct request r;

	start_waiting(w, spy, &r);
	complain(router, &r, 3, 1, 64);
	w->target.host = "127.0.0.1";
	icmp_world_start(w);
	assert_int_equal(w->answers, 0); /* none from inside the start */
	icmp_world_wait(w, 2);
	assert_int_equal(w->outcomes[EP_UNREACHABLE], 1);
	assert_int_equal(w->outcomes[EP_REPLIED], 1);
	close(spy);
	close(router);
}

/* The error is found by a send that fails, and nothing else wakes the loop. */
static void an_error_found_while_sending_is_told_soon(void **state)
{
	struct icmp_world *w = *state;
	int spy = spy_on("127.0.0.1"), router = spy_on("127.0.0.2");
	uint64_t limit_ns = ep_clock_mono_ns() + w->target.timeout_ns / 2;
	struct request r;

	start_waiting(w, spy, &r);
	w->target.host = "127.0.0.1";
	icmp_world_measure(w); /* the socket is read empty */
	complain(router, &r, 3, 1, 64);
	w->target.source = "192.0.2.77";
	icmp_world_start(w);
	assert_int_equal(w->answers, 1);
	icmp_world_wait(w, 2);
	assert_int_equal(w->outcomes[EP_UNREACHABLE], 1);
	assert_int_equal(w->outcomes[EP_FAILED], 1);
	assert_true(ep_clock_mono_ns() < limit_ns);
	close(spy);
	close(router);
}

static bool any_socket = false, raw_socket = true;

#define WITH(test, which)                                                      \
	{                                                                      \
#test " (" #which ")", test, icmp_world_open,                  \
			icmp_world_close, &which                               \
	}
#define BOTH(test) WITH(test, raw_socket), WITH(test, any_socket)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_target_is_one_flow_on_the_path),
		BOTH(a_fresh_flow_is_another_each_time),
		BOTH(ttl_and_dscp_are_the_targets),
		BOTH(a_forged_reply_is_nobodys),
		BOTH(of_a_flood_of_duplicates_a_few_are_told),
		BOTH(a_routers_error_is_the_answer),
		BOTH(our_own_hosts_error_is_a_failure),
		BOTH(an_error_with_another_nonce_is_nobodys),
		BOTH(an_error_of_one_target_fails_no_other),
		BOTH(an_error_found_while_sending_is_told_soon),
	};

	/* Both kinds of sockets are there, whatever this host allows. */
	if (geteuid() == 0) {
		own_net_enter(0);
		own_net_write("/proc/sys/net/ipv4/ping_group_range",
			      "0 2147483647");
	}
	if (!icmp_allowed(4, true)) {
		printf("1..0 # SKIP a spy on loopback needs CAP_NET_RAW\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
