#include "core/tcp_info.h"
#include "edgeprobe/sample.h"
#include <errno.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>

/* Length of an answer that reaches to the end of `field`. */
#define UP_TO(field)                                                           \
	(offsetof(struct tcp_info, field) +                                    \
	 sizeof(((struct tcp_info *)NULL)->field))

/* The kernel's "no sample yet" of tcpi_min_rtt. */
#define NO_MIN_RTT UINT32_MAX

static void put_traffic(const struct tcp_info *info, socklen_t length,
			struct tcp_info_facts *ret_facts)
{
	ret_facts->segments = 0;
	ret_facts->data_bytes = 0;
	if (length >= UP_TO(tcpi_segs_in))
		ret_facts->segments = info->tcpi_segs_out + info->tcpi_segs_in;
	if (length >= UP_TO(tcpi_bytes_sent))
		ret_facts->data_bytes =
			info->tcpi_bytes_sent + info->tcpi_bytes_received;
}

int tcp_info_read(int fd, struct tcp_info_facts *ret_facts)
{
	struct tcp_info info;
	socklen_t length = sizeof info;

	memset(&info, 0, sizeof info);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
		return -errno;
	if (length < UP_TO(tcpi_total_retrans))
		return -EOPNOTSUPP;
	ret_facts->state = info.tcpi_state;
	ret_facts->has_timestamps = info.tcpi_options & TCPI_OPT_TIMESTAMPS;
	ret_facts->total_retrans = info.tcpi_total_retrans;
	ret_facts->rtt_ns = EP_ABSENT;
	if (info.tcpi_rtt > 0)
		ret_facts->rtt_ns = (int64_t)info.tcpi_rtt * 1000;
	ret_facts->min_rtt_ns = EP_ABSENT;
	if (length >= UP_TO(tcpi_min_rtt) && info.tcpi_min_rtt != NO_MIN_RTT)
		ret_facts->min_rtt_ns = (int64_t)info.tcpi_min_rtt * 1000;
	put_traffic(&info, length, ret_facts);
	return 0;
}
