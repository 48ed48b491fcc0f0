/* The pure parts of the https kind, and its choice of a CA bundle. */
#include "core/ca.h"
#include "core/https_phases.h"
#include "core/https_verdict.h"
#include "core/tcp_info.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the CA bundle --- */

struct bundle {
	char dir[64], good[96], empty[96], none[96];
};

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int bundle_set_up(void **state)
{
	struct bundle *b = test_calloc(1, sizeof(*b));

	snprintf(b->dir, sizeof(b->dir), "/tmp/edgeprobe-ca-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->good, sizeof(b->good), "%s/good", b->dir);
	snprintf(b->empty, sizeof(b->empty), "%s/empty", b->dir);
	snprintf(b->none, sizeof(b->none), "%s/none", b->dir);
	put_file(b->good, "# a comment\n-----BEGIN TRUSTED CERTIFICATE-----\n");
	put_file(b->empty, "-----BEGIN PRIVATE KEY-----\n");
	unsetenv("SSL_CERT_FILE");
	*state = b;
	return 0;
}

static int bundle_tear_down(void **state)
{
	struct bundle *b = *state;

	unlink(b->good);
	unlink(b->empty);
	rmdir(b->dir);
	unsetenv("SSL_CERT_FILE");
	test_free(b);
	return 0;
}

static void expect_ca_error(const char *configured, int code, const char *word)
{
	char path[PATH_MAX] = "untouched";
	struct ep_err err = { 0 };

	assert_int_equal(ca_find(configured, path, sizeof(path), &err), code);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, word));
	assert_string_equal(path, "untouched");
}

static void ca_that_is_named(void **state)
{
	struct bundle *b = *state;
	char path[PATH_MAX], small[4];

	assert_int_equal(ca_find(b->good, path, sizeof(path), NULL), 0);
	assert_string_equal(path, b->good);
	assert_int_equal(ca_find(b->good, small, sizeof(small), NULL),
			 -ENAMETOOLONG);
	expect_ca_error(b->none, -ENOENT, b->none);
	expect_ca_error(b->empty, -EINVAL, "no PEM certificate");
	expect_ca_error(b->dir, -EISDIR, b->dir);
	expect_ca_error("/dev/null", -EINVAL, "/dev/null");
}

static void ca_of_the_environment(void **state)
{
	struct bundle *b = *state;
	char path[PATH_MAX];

	setenv("SSL_CERT_FILE", b->good, 1);
	assert_int_equal(ca_find(NULL, path, sizeof(path), NULL), 0);
	assert_string_equal(path, b->good);
	/* Named and not there: no other is taken instead. */
	setenv("SSL_CERT_FILE", b->none, 1);
	expect_ca_error(NULL, -ENOENT, "SSL_CERT_FILE");
	assert_int_equal(ca_find(b->good, path, sizeof(path), NULL), 0);
}

static void ca_of_the_system(void **state)
{
	struct bundle *b = *state;
	const char *paths[] = { b->none, b->empty, b->good };
	struct ep_err err = { 0 };
	char path[PATH_MAX];

	assert_int_equal(ca_find_in(paths, 3, path, sizeof(path), &err), 0);
	assert_string_equal(path, b->good);
	assert_int_equal(ca_find_in(paths, 2, path, sizeof(path), &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, b->none));
	assert_non_null(strstr(err.text, b->empty));
	assert_non_null(strstr(err.text, "ca-certificates"));
}

/* --- phases --- */

static struct https_phases dialled(void)
{
	struct https_phases p = { .open_ns = 1000, .connected_ns = 1100 };

	https_phases_hello(&p, 1200);
	return p;
}

static void expect_phases(const struct https_phases *p, int64_t tls_ns,
			  int64_t first_byte_ns, int64_t total_ns)
{
	struct ep_https h = { .pop = "" };

	https_phases_put(p, EP_ABSENT, &h);
	assert_int_equal(h.connect_ns, 100);
	assert_int_equal(h.tls_ns, tls_ns);
	assert_int_equal(h.first_byte_ns, first_byte_ns);
	assert_int_equal(h.total_ns, total_ns);
}

/* The same exchange, read at once and `late_ns` later each time. */
static void exchange(struct https_phases *p, uint64_t late_ns)
{
	uint64_t now_ns = 1700 + late_ns;

	*p = dialled();
	https_phases_read(p, now_ns, 1700);
	now_ns += 300; /* cryptography */
	https_phases_secured(p, now_ns);
	https_phases_request(p, now_ns);
	https_phases_read(p, now_ns + 600 + late_ns, now_ns + 600);
	now_ns += 600 + late_ns + 50; /* decryption */
	https_phases_first(p, now_ns);
	https_phases_first(p, now_ns + 999);
	p->done_ns = https_phases_clock(p, now_ns);
}

static void lateness_is_left_out(void **state)
{
	struct https_phases p;

	(void)state;
	exchange(&p, 0);
	expect_phases(&p, 800, 600, 1650);
	exchange(&p, 5000000);
	expect_phases(&p, 800, 600, 1650);
}

static void without_stamps_our_own_clock_counts(void **state)
{
	struct https_phases p = dialled();

	(void)state;
	https_phases_read(&p, 6700, 0);
	https_phases_secured(&p, 7000);
	https_phases_request(&p, 7000);
	https_phases_read(&p, 8000, 0);
	https_phases_first(&p, 8050);
	expect_phases(&p, 5800, 1000, EP_ABSENT);
}

static void stamps_that_say_nothing(void **state)
{
	struct https_phases p = dialled();

	(void)state;
	https_phases_read(&p, 1700, 9000); /* from the future */
	assert_int_equal(p.unread_ns, 0);
	https_phases_read(&p, 1900, 1699); /* there at the last look */
	assert_int_equal(p.unread_ns, 0);
	p = dialled();
	https_phases_read(&p, 1700, 5); /* there before we said hello */
	assert_int_equal(p.unread_ns, 0);
}

/* TLS 1.3's tickets; the answer is behind them. */
static void something_came_before_the_request(void **state)
{
	struct https_phases p = dialled();

	(void)state;
	https_phases_read(&p, 1700, 1600);
	https_phases_secured(&p, 2000);
	https_phases_request(&p, 2000);
	https_phases_read(&p, 2500, 1900);
	https_phases_first(&p, 2550);
	expect_phases(&p, 700, 500, EP_ABSENT);
}

static void answer_in_the_same_turn_as_the_request(void **state)
{
	struct https_phases p = dialled();

	(void)state;
	https_phases_read(&p, 1700, 1600);
	https_phases_secured(&p, 2000);
	https_phases_request(&p, 2000);
	https_phases_first(&p, 2100);
	expect_phases(&p, 700, 100, EP_ABSENT);
}

static void look_up_is_part_of_the_whole(void **state)
{
	struct https_phases p = dialled();
	struct ep_https h = { .pop = "" };

	(void)state;
	p.done_ns = 3000;
	https_phases_put(&p, 40000, &h);
	assert_int_equal(h.total_ns, 42000);
	https_phases_put(&(struct https_phases){ 0 }, 40000, &h);
	assert_int_equal(h.total_ns, EP_ABSENT);
	assert_int_equal(h.connect_ns, EP_ABSENT);
	assert_int_equal(h.tls_ns, EP_ABSENT);
	assert_int_equal(h.first_byte_ns, EP_ABSENT);
}

static int64_t server_after(uint64_t greeted_ns, uint64_t first_ns,
			    uint64_t second_ns)
{
	struct https_phases p = dialled();
	struct ep_https h = { .pop = "" };

	if (greeted_ns != 0)
		https_phases_greet(&p, greeted_ns);
	https_phases_server(&p, first_ns);
	https_phases_server(&p, second_ns);
	https_phases_put(&p, EP_ABSENT, &h);
	return h.tls_first_byte_ns;
}

/* Between the ClientHello and the kernel's stamp, however late we read. */
static void the_servers_first_byte(void **state)
{
	(void)state;
	assert_int_equal(server_after(1300, 1900, 2500), 600);
	assert_int_equal(server_after(1300, 0, 2500), EP_ABSENT);
	assert_int_equal(server_after(1300, 1299, 2500), EP_ABSENT);
	assert_int_equal(server_after(0, 1900, 2500), EP_ABSENT);
	assert_int_equal(server_after(1300, 0, 0), EP_ABSENT);
}

/* --- verdicts --- */

static const struct {
	struct https_end end;
	enum ep_outcome outcome;
	enum ep_reason reason;
} ends[] = {
#define END(...)                                                               \
	{                                                                      \
		__VA_ARGS__                                                    \
	}
	{ END(.code = CURLE_OK, .step = HTTPS_READING), EP_REPLIED,
	  EP_REASON_NONE },
	{ END(.code = CURLE_WRITE_ERROR, .step = HTTPS_READING, .enough = true),
	  EP_REPLIED, EP_REASON_NONE },
	{ END(.code = CURLE_WRITE_ERROR, .step = HTTPS_ASKING, .flooded = true),
	  EP_FAILED, EP_REASON_RESPONSE_TOO_LARGE },
	{ END(.code = CURLE_OUT_OF_MEMORY, .step = HTTPS_ASKING), EP_FAILED,
	  EP_REASON_RESPONSE_TOO_LARGE },
	{ END(.code = CURLE_OUT_OF_MEMORY, .step = HTTPS_DIALLING), EP_FAILED,
	  EP_REASON_NO_RESOURCES },
	{ END(.code = CURLE_OK, .step = HTTPS_ASKING), EP_FAILED,
	  EP_REASON_HTTP_MALFORMED },
	{ END(.code = CURLE_COULDNT_CONNECT, .os_error = ECONNREFUSED,
	      .polled = true),
	  EP_REFUSED, EP_REASON_TCP_RESET },
	{ END(.code = CURLE_COULDNT_CONNECT, .os_error = ECONNREFUSED),
	  EP_REFUSED, EP_REASON_TCP_RESET },
	{ END(.code = CURLE_COULDNT_CONNECT, .os_error = EHOSTUNREACH,
	      .polled = true),
	  EP_UNREACHABLE, EP_REASON_HOST_UNREACHABLE },
	{ END(.code = CURLE_COULDNT_CONNECT, .os_error = ENETUNREACH,
	      .polled = true),
	  EP_UNREACHABLE, EP_REASON_NET_UNREACHABLE },
	{ END(.code = CURLE_COULDNT_CONNECT, .os_error = EACCES,
	      .polled = true),
	  EP_UNREACHABLE, EP_REASON_ADMIN_PROHIBITED },
	{ END(.code = CURLE_COULDNT_CONNECT, .os_error = ENETUNREACH),
	  EP_FAILED, EP_REASON_NO_ROUTE },
	{ END(.code = CURLE_COULDNT_CONNECT, .os_error = ENODEV), EP_FAILED,
	  EP_REASON_NO_SOURCE },
	{ END(.code = CURLE_COULDNT_CONNECT, .os_error = EPERM), EP_FAILED,
	  EP_REASON_PERMISSION },
	{ END(.code = CURLE_COULDNT_CONNECT, .os_error = EMFILE), EP_FAILED,
	  EP_REASON_NO_RESOURCES },
	{ END(.code = CURLE_COULDNT_CONNECT, .step = HTTPS_SECURING), EP_FAILED,
	  EP_REASON_CONNECTION_CLOSED },
	{ END(.code = CURLE_OPERATION_TIMEDOUT), EP_LOST,
	  EP_REASON_CONNECT_TIMEOUT },
	{ END(.code = CURLE_OPERATION_TIMEDOUT, .step = HTTPS_SECURING),
	  EP_LOST, EP_REASON_TLS_TIMEOUT },
	{ END(.code = CURLE_OPERATION_TIMEDOUT, .step = HTTPS_READING), EP_LOST,
	  EP_REASON_HTTP_TIMEOUT },
	{ END(.code = CURLE_PEER_FAILED_VERIFICATION, .step = HTTPS_SECURING,
	      .verify = 20),
	  EP_FAILED, EP_REASON_TLS_UNTRUSTED },
	{ END(.code = CURLE_PEER_FAILED_VERIFICATION, .step = HTTPS_SECURING,
	      .verify = 18),
	  EP_FAILED, EP_REASON_TLS_UNTRUSTED },
	{ END(.code = CURLE_PEER_FAILED_VERIFICATION, .step = HTTPS_SECURING,
	      .verify = 10),
	  EP_FAILED, EP_REASON_TLS_EXPIRED },
	{ END(.code = CURLE_PEER_FAILED_VERIFICATION, .step = HTTPS_SECURING,
	      .verify = 1),
	  EP_FAILED, EP_REASON_TLS_NAME_MISMATCH },
	{ END(.code = CURLE_SSL_CONNECT_ERROR, .step = HTTPS_SECURING),
	  EP_FAILED, EP_REASON_TLS_FAILED },
	{ END(.code = CURLE_SSL_CONNECT_ERROR, .step = HTTPS_SECURING,
	      .closed = true),
	  EP_FAILED, EP_REASON_CONNECTION_CLOSED },
	{ END(.code = CURLE_SSL_CACERT_BADFILE, .step = HTTPS_SECURING),
	  EP_FAILED, EP_REASON_TLS_FAILED },
	{ END(.code = CURLE_RECV_ERROR, .step = HTTPS_READING, .sized = true),
	  EP_FAILED, EP_REASON_CONNECTION_CLOSED },
	{ END(.code = CURLE_RECV_ERROR, .step = HTTPS_READING), EP_REPLIED,
	  EP_REASON_NONE },
	{ END(.code = CURLE_ABORTED_BY_CALLBACK), EP_FAILED,
	  EP_REASON_NO_RESOURCES },
	{ END(.code = CURLE_URL_MALFORMAT), EP_FAILED, EP_REASON_INTERNAL },
};

static void verdicts(void **state)
{
	static const struct ep_statuses any;

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct https_verdict v = https_verdict(&ends[i].end, &any);

		if (v.outcome != ends[i].outcome || v.reason != ends[i].reason)
			fail_msg("row %zu: %s %s", i,
				 ep_outcome_name(v.outcome),
				 ep_reason_name(v.reason));
	}
}

static void verdict_on_a_status(void **state)
{
	const struct ep_statuses expected = { { 200, 401 }, 2 };
	struct https_end end = { .step = HTTPS_READING, .status = 401 };

	(void)state;
	assert_int_equal(https_verdict(&end, &expected).outcome, EP_REPLIED);
	end.status = 500;
	assert_int_equal(https_verdict(&end, &expected).reason,
			 EP_REASON_HTTP_STATUS);
	/* A worse fault goes before the status. */
	end.code = CURLE_PARTIAL_FILE;
	assert_int_equal(https_verdict(&end, &expected).reason,
			 EP_REASON_CONNECTION_CLOSED);
}

/* --- TCP_INFO --- */

static void facts_of_a_connection(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct tcp_info_facts facts;

	(void)state;
	assert_int_equal(tcp_info_read(fd, &facts), 0);
	assert_int_equal(facts.state, TCP_INFO_CLOSE);
	assert_int_equal(facts.rtt_ns, EP_ABSENT);
	assert_int_equal(facts.min_rtt_ns, EP_ABSENT);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(tcp_info_read(fd, &facts), 0);
	assert_int_equal(facts.state, TCP_INFO_ESTABLISHED);
	assert_true(facts.rtt_ns > 0);
	assert_int_equal(facts.min_rtt_ns, facts.rtt_ns);
	assert_int_equal(facts.total_retrans, 0);
	close(fd);
	assert_int_equal(tcp_info_read(fd, &facts), -EBADF);
	close(listener);
}

int main(void)
{
#define BUNDLE(name)                                                           \
	cmocka_unit_test_setup_teardown(name, bundle_set_up, bundle_tear_down)
	const struct CMUnitTest tests[] = {
		BUNDLE(ca_that_is_named),
		BUNDLE(ca_of_the_environment),
		BUNDLE(ca_of_the_system),
		cmocka_unit_test(lateness_is_left_out),
		cmocka_unit_test(without_stamps_our_own_clock_counts),
		cmocka_unit_test(stamps_that_say_nothing),
		cmocka_unit_test(something_came_before_the_request),
		cmocka_unit_test(answer_in_the_same_turn_as_the_request),
		cmocka_unit_test(look_up_is_part_of_the_whole),
		cmocka_unit_test(the_servers_first_byte),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(verdict_on_a_status),
		cmocka_unit_test(facts_of_a_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
