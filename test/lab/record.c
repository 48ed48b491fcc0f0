#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "packet.h"

#define DRAIN_MS    50
#define BATCH       64
#define SNAP        160 /* an ICMPv6 error that quotes a whole IPv6 header */
#define TLS_FIRST   20  /* types of TLS records */
#define TLS_LAST    23
#define RCVBUF      (64 << 20)
#define TEXT_BYTES  (256 << 10)
#define LINE_BYTES  192
#define STAMP_SPACE CMSG_SPACE(sizeof(struct scm_timestamping))

struct record {
	int tap;
	int file;
	int wake; /* eventfd: a flush is asked for */
	pthread_t thread;

	pthread_mutex_t lock; /* the next five */
	pthread_cond_t flushed;
	uint64_t asked, done;
	bool stop;
	struct record_totals told;
	int told_error;

	/* The thread's own. */
	struct record_totals totals;
	int error; /* the first failure to write, -errno */
	size_t used;
	char text[TEXT_BYTES];
	uint8_t data[BATCH][SNAP];
	_Alignas(struct cmsghdr) char control[BATCH][STAMP_SPACE];
	struct sockaddr_ll from[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
};

static void write_out(struct record *r)
{
	size_t at = 0;
	ssize_t n;

	while (at < r->used && r->error == 0) {
		n = write(r->file, r->text + at, r->used - at);
		if (n < 0 && errno != EINTR)
			r->error = -errno;
		if (n > 0)
			at += (size_t)n;
	}
	r->used = 0;
}

/* The type of the TLS record that a segment begins with; NULL if there is
 * none. What follows in the same segment is not looked at. */
static const char *tls_kind(const struct packet *p, const uint8_t *data,
			    size_t n)
{
	static const char *const words[] = { "tlschange", "tlsalert",
					     "tlshello", "tlsdata" };
	size_t at;

	if (p->l4 + 20 > n)
		return NULL;
	at = p->l4 + (size_t)(data[p->l4 + 12] >> 4) * 4;
	if (at + 2 > n || data[at] < TLS_FIRST || data[at] > TLS_LAST ||
	    data[at + 1] != 3)
		return NULL;
	return words[data[at] - TLS_FIRST];
}

/* What the packet is, in the record's word; NULL when it is none of ours. */
static const char *kind_of(const struct packet *p, const uint8_t *data,
			   size_t n)
{
	if (!p->has_l4)
		return NULL;
	if (packet_is_echo(p))
		return "echo";
	if (packet_is_reply(p))
		return "reply";
	if (packet_is_error(p))
		return p->icmp_type == (p->family == 4 ? 11 : 3) ? "exceeded"
								 : "unreach";
	if (p->proto != IPPROTO_TCP)
		return NULL;
	if (p->tcp_flags & PACKET_RST)
		return "rst";
	if (!(p->tcp_flags & PACKET_SYN))
		return tls_kind(p, data, n);
	return p->tcp_flags & PACKET_ACK ? "synack" : "syn";
}

static void addr_text(const struct packet_addr *a, char *ret_text)
{
	if (!inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->b, ret_text,
		       INET6_ADDRSTRLEN))
		ret_text[0] = '\0';
}

static const char *proto_of(const struct packet *p)
{
	if (p->proto == IPPROTO_TCP)
		return "tcp";
	return p->family == 4 ? "icmp" : "icmp6";
}

static void add_line(struct record *r, uint64_t ns, bool out,
		     const struct packet *p, const struct packet *about,
		     const char *what)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	int n;

	addr_text(&p->src, src);
	addr_text(&about->dst, dst);
	if (r->used + LINE_BYTES > TEXT_BYTES)
		write_out(r);
	n = snprintf(r->text + r->used, LINE_BYTES,
		     "%llu,%s,%s,%s,%s,%u,%u,%s\n", (unsigned long long)ns,
		     out ? "out" : "in", proto_of(p), src, dst, about->a,
		     about->b, what);
	r->used += (size_t)n;
	r->totals.lines++;
}

/* The kernel's stamp; 0 when there is none. */
static uint64_t stamp_of(struct msghdr *m)
{
	struct cmsghdr *c;
	struct scm_timestamping t;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPING)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof(t));
		return (uint64_t)t.ts[0].tv_sec * 1000000000 +
		       (uint64_t)t.ts[0].tv_nsec;
	}
	return 0;
}

static void take(struct record *r, unsigned i, size_t len)
{
	struct packet p, about;
	uint64_t ns = stamp_of(&r->msg[i].msg_hdr);
	const char *what;

	if (len > SNAP)
		len = SNAP;
	if (!packet_parse(r->data[i], len, &p))
		return;
	what = kind_of(&p, r->data[i], len);
	if (!what)
		return;
	about = p;
	if (packet_is_error(&p) &&
	    !packet_parse(r->data[i] + p.l4 + 8, len - p.l4 - 8, &about))
		return;
	if (ns == 0)
		r->totals.unstamped++;
	else
		add_line(r, ns, r->from[i].sll_pkttype == PACKET_OUTGOING, &p,
			 &about, what);
}

static void drain(struct record *r)
{
	int i, n;

	do {
		for (i = 0; i < BATCH; i++) {
			r->iov[i].iov_base = r->data[i];
			r->iov[i].iov_len = SNAP;
			r->msg[i].msg_hdr = (struct msghdr){
				.msg_name = &r->from[i],
				.msg_namelen = sizeof(r->from[i]),
				.msg_iov = &r->iov[i],
				.msg_iovlen = 1,
				.msg_control = r->control[i],
				.msg_controllen = STAMP_SPACE,
			};
		}
		n = recvmmsg(r->tap, r->msg, BATCH, MSG_DONTWAIT, NULL);
		for (i = 0; i < n; i++)
			take(r, (unsigned)i, r->msg[i].msg_len);
	} while (n == BATCH);
}

/* The kernel counts since the last time it was asked. */
static void count_lost(struct record *r)
{
	struct tpacket_stats s;
	socklen_t len = sizeof(s);

	if (getsockopt(r->tap, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
		r->totals.lost += s.tp_drops;
}

static bool answer_flush(struct record *r, uint64_t asked)
{
	bool stop;

	write_out(r);
	count_lost(r);
	pthread_mutex_lock(&r->lock);
	r->done = asked;
	r->told = r->totals;
	r->told_error = r->error;
	stop = r->stop && r->asked == asked;
	pthread_cond_broadcast(&r->flushed);
	pthread_mutex_unlock(&r->lock);
	return !stop;
}

static uint64_t flushes_asked(struct record *r)
{
	uint64_t asked;

	pthread_mutex_lock(&r->lock);
	asked = r->asked;
	pthread_mutex_unlock(&r->lock);
	return asked;
}

static void *run(void *arg)
{
	struct record *r = arg;
	struct pollfd wake = { .fd = r->wake, .events = POLLIN };
	bool go_on = true;
	uint64_t asked, count;

	while (go_on) {
		poll(&wake, 1, DRAIN_MS);
		if (read(r->wake, &count, sizeof(count)) < 0)
			count = 0; /* EAGAIN: the time is up */
		asked = flushes_asked(r);
		drain(r);
		if (asked != r->done)
			go_on = answer_flush(r, asked);
	}
	return NULL;
}

/* ICMP, ICMPv6, and TCP with SYN or RST or with a TLS record at its beginning;
 * IPv4 with options is let through for `kind_of` to sort out. Offsets count
 * from the IP header; a load from behind the packet rejects it. */
static int filter(int tap)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 5, 0),
		/* IPv4 */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 18, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 18),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_JUMP(BPF_JMP | BPF_JA, 4, 0, 0),
		/* IPv6 */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 13, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 13),
		BPF_STMT(BPF_LDX | BPF_IMM, 40),
		/* TCP */
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 6, 9, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 12),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, TLS_FIRST << 8 | 3, 0, 3),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, TLS_LAST << 8 | 3, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0xfc, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SNAP),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(tap, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			  sizeof(prog));
}

/* The filter is in place before the first packet can be. SO_TIMESTAMPING
 * rather than SO_TIMESTAMPNS, which invents a stamp for a packet that came
 * before the kernel began to take them. */
static int open_tap(const char *dev)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(dev) };
	int stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	int rcvbuf = RCVBUF, saved;
	int tap = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (tap < 0)
		return -1;
	if (at.sll_ifindex == 0 || filter(tap) < 0 ||
	    setsockopt(tap, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf,
		       sizeof(rcvbuf)) < 0 ||
	    setsockopt(tap, SOL_SOCKET, SO_TIMESTAMPING, &stamps,
		       sizeof(stamps)) < 0 ||
	    bind(tap, (struct sockaddr *)&at, sizeof(at)) < 0) {
		saved = errno;
		close(tap);
		errno = saved;
		return -1;
	}
	return tap;
}

static void release(struct record *r)
{
	int saved = errno;

	if (r->tap >= 0)
		close(r->tap);
	if (r->file >= 0)
		close(r->file);
	if (r->wake >= 0)
		close(r->wake);
	pthread_cond_destroy(&r->flushed);
	pthread_mutex_destroy(&r->lock);
	free(r);
	errno = saved;
}

struct record *record_start(const char *dev, const char *path)
{
	static const char title[] =
		"time_ns,dir,proto,src,dst,sport_or_id,dport_or_seq,what\n";
	struct record *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->flushed, NULL);
	r->tap = open_tap(dev);
	r->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	r->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	memcpy(r->text, title, sizeof(title) - 1);
	r->used = sizeof(title) - 1;
	if (r->tap < 0 || r->file < 0 || r->wake < 0)
		goto err_release;
	errno = pthread_create(&r->thread, NULL, run, r);
	if (errno)
		goto err_release;
	return r;

err_release:
	release(r);
	return NULL;
}

static int flush(struct record *r, bool stop, struct record_totals *ret_totals)
{
	uint64_t one = 1, mine;
	int error;

	pthread_mutex_lock(&r->lock);
	mine = ++r->asked;
	r->stop = stop;
	if (write(r->wake, &one, sizeof(one)) < 0)
		one = 0; /* full: it wakes all the same */
	while (r->done < mine)
		pthread_cond_wait(&r->flushed, &r->lock);
	*ret_totals = r->told;
	error = r->told_error;
	pthread_mutex_unlock(&r->lock);
	return error;
}

int record_flush(struct record *r, struct record_totals *ret_totals)
{
	return flush(r, false, ret_totals);
}

int record_stop(struct record *r, struct record_totals *ret_totals)
{
	int error;

	if (!r)
		return 0;
	error = flush(r, true, ret_totals);
	pthread_join(r->thread, NULL);
	release(r);
	return error;
}
