/* An echo by a line whose route goes while it is on its way. */
#include "../lib/icmp_world.h"
#include "../lib/own_net.h"
#include "../lib/tun_net.h"
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define HOST "2001:db8:5::7"

#define ECHO_REQUEST 128
#define ECHO_REPLY   129

/* The echo has left when it has been started: take it out of the line. */
static void hear(struct tun_packet *echo)
{
	struct pollfd line = { .fd = tun_net_fd(), .events = POLLIN };
	ssize_t n;

	do {
		assert_int_equal(poll(&line, 1, 5000), 1);
		n = read(line.fd, echo->bytes, sizeof(echo->bytes));
		assert_true(n > 0);
	} while (n <= 40 || echo->bytes[6] != IPPROTO_ICMPV6 ||
		 echo->bytes[40] != ECHO_REQUEST);
	echo->size = (size_t)n;
}

static void reply(struct tun_packet *echo)
{
	uint8_t *p = echo->bytes, from[16];
	unsigned sum = (unsigned)p[42] << 8 | p[43];

	memcpy(from, p + 24, sizeof(from));
	memcpy(p + 24, p + 8, sizeof(from));
	memcpy(p + 8, from, sizeof(from));
	p[40] = ECHO_REPLY;
	sum = sum < 0x100 ? sum + 0xfeff : sum - 0x100;
	p[42] = (uint8_t)(sum >> 8);
	p[43] = (uint8_t)sum;
	assert_int_equal(write(tun_net_fd(), p, echo->size), echo->size);
}

static void by(struct icmp_world *w, const char *source)
{
	w->target.host = HOST;
	w->target.source = source;
	own_net_ip("-6 route replace 2001:db8:5::/48 dev edge0 metric 10");
}

static void the_route_stays(void **state)
{
	static const char *const sources[] = { TUN_OWN6, "edge0" };
	struct icmp_world *w = *state;
	struct tun_packet echo;

	for (unsigned i = 0; i < 2; i++) {
		by(w, sources[i]);
		icmp_world_start(w);
		hear(&echo);
		reply(&echo);
		icmp_world_wait(w, 1);
		assert_int_equal(w->last.outcome, EP_REPLIED);
		assert_true(w->last.rtt_ns > 0);
	}
}

/* Whether it left before or after is not known, so it is no figure of this
 * line. */
static void the_route_goes_and_there_is_another(void **state)
{
	struct icmp_world *w = *state;
	struct tun_packet echo;

	by(w, TUN_OWN6);
	icmp_world_start(w);
	hear(&echo);
	own_net_ip("-6 route del 2001:db8:5::/48 dev edge0 metric 10");
	reply(&echo);
	icmp_world_wait(w, 1);
	assert_int_equal(w->last.outcome, EP_FAILED);
	assert_int_equal(w->last.reason, EP_REASON_NO_ROUTE);
	assert_int_equal(w->last.rtt_ns, EP_ABSENT);
}

static int enter(void **state)
{
	int r = tun_net_enter(state);

	(void)tun_net_make("edge1", "203.0.113.1");
	own_net_ip("-6 route add 2001:db8:5::/48 dev edge1 metric 20");
	return r;
}

int main(void)
{
	static bool raw = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(
			the_route_stays, icmp_world_open, icmp_world_close,
			&raw),
		cmocka_unit_test_prestate_setup_teardown(
			the_route_goes_and_there_is_another, icmp_world_open,
			icmp_world_close, &raw),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
