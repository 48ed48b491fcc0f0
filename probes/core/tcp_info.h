/* What the kernel knows of a TCP connection. In a file of its own because
 * <linux/tcp.h>, which knows tcpi_min_rtt where glibc's struct does not, cannot
 * be combined with <netinet/tcp.h>, which <uv.h> brings. */
#ifndef PROBES_CORE_TCP_INFO_H
#define PROBES_CORE_TCP_INFO_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel's numbers (linux/tcp_states.h); others do not matter to a dial. */
enum tcp_info_state {
	TCP_INFO_ESTABLISHED = 1,
	TCP_INFO_SYN_SENT = 2,
	TCP_INFO_CLOSE = 7,
};

/* Before the first byte is sent the handshake is the only sample that the
 * kernel has, so `rtt_ns` is SYN to SYN-ACK however late it is read; afterwards
 * it is a moving average. A retransmitted SYN (`total_retrans` > 0) gives a
 * figure in steps of 1 ms with TCP timestamps, and none without. */
struct tcp_info_facts {
	int64_t rtt_ns;         /* EP_ABSENT: no sample */
	int64_t min_rtt_ns;     /* EP_ABSENT: no sample, or Linux < 4.6 */
	uint32_t total_retrans; /* segments sent again, SYNs included */
	uint32_t segments;      /* both ways; 0: Linux < 4.2 */
	uint64_t data_bytes;    /* the same, of payload; resent ones, too */
	uint8_t state;          /* enum tcp_info_state, or another number */
	bool has_timestamps;    /* the peer agreed to TCP timestamps */
};

/* 0, or a negative errno: -EOPNOTSUPP if the kernel's answer is too short. */
int tcp_info_read(int fd, struct tcp_info_facts *ret_facts);

#endif
