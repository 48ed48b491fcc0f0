/* Happy path: FIN, the peer's FIN, TIME_WAIT in the kernel, which for the socket
 * itself is the end (POLLHUP); its next dial disconnects what is no more and
 * connects again, from the same port.
 *
 * What can fail: a peer that does not close (a RST after a second); more of
 * them than descriptors should be spent on (a RST at once); an error that lies
 * unread in a socket (it is not kept). */
#include "core/tcp_partings.h"
#include "edgeprobe/clock.h"
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long a peer may take to close its side, and how many may. */
#define PARTING_NS  EP_NS_PER_S
#define LEAVING_MAX 512

/* Of the descriptors that this process may open, a fourth at most. */
#define KEPT_MAX   1024
#define KEPT_SHARE 4
#define KEPT_NS    (100 * EP_NS_PER_S) /* its flow may be no more */

/* Between two sweeps, and two looks at a slow peer; and what a server takes to
 * see the end and close. */
#define SWEEP_NS (10 * EP_NS_PER_MS)
#define SERVE_NS (2 * EP_NS_PER_MS)

#define BATCH 64

struct parting {
	struct list link;   /* leaving, or kept */
	struct list bucket; /* when kept */
	int fd;
	uint64_t key;
	uint64_t begun_ns;
	uint64_t due_ns; /* when to look for its end */
};

static void linger_not(int fd)
{
	static const struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void tcp_part_abruptly(int fd)
{
	linger_not(fd);
	close(fd);
}

/* The peer's FIN must not come between the last two. */
void tcp_part_quickly(int fd)
{
	linger_not(fd);
	(void)shutdown(fd, SHUT_WR);
	close(fd);
}

void tcp_partings_init(struct tcp_partings *partings)
{
	struct rlimit limit;

	list_init(&partings->leaving);
	list_init(&partings->kept);
	partings->n_leaving = partings->n_kept = 0;
	partings->swept_ns = 0;
	partings->kept_max = KEPT_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur / KEPT_SHARE < KEPT_MAX)
		partings->kept_max = (unsigned)(limit.rlim_cur / KEPT_SHARE);
	for (unsigned i = 0; i < TCP_PARTINGS_BUCKETS; i++)
		list_init(&partings->buckets[i]);
}

/* --- leaving --- */

void tcp_partings_take(struct tcp_partings *partings, int fd, uint64_t key,
		       uint64_t rtt_ns, uint64_t now_ns)
{
	struct parting *p = malloc(sizeof(*p));

	if (p == NULL) {
		close(fd);
		return;
	}
	(void)shutdown(fd, SHUT_WR);
	p->fd = fd;
	p->key = key;
	p->begun_ns = now_ns;
	p->due_ns = now_ns + rtt_ns + SERVE_NS;
	list_init(&p->bucket);
	list_add(&partings->leaving, &p->link);
	partings->n_leaving++;
}

/* --- kept --- */

static struct list *bucket_of(struct tcp_partings *partings, uint64_t key)
{
	return &partings->buckets[key % TCP_PARTINGS_BUCKETS];
}

static int unkeep(struct tcp_partings *partings, struct parting *p)
{
	int fd = p->fd;

	list_remove(&p->link);
	list_remove(&p->bucket);
	partings->n_kept--;
	free(p);
	return fd;
}

static void expire(struct tcp_partings *partings, uint64_t now_ns)
{
	struct list *at, *after;

	list_for_each (at, after, &partings->kept) {
		struct parting *p = container_of(at, struct parting, link);

		if (now_ns - p->begun_ns < KEPT_NS)
			return;
		close(unkeep(partings, p));
	}
}

void tcp_partings_keep_none(struct tcp_partings *partings)
{
	struct list *at, *after;

	list_for_each (at, after, &partings->kept)
		close(unkeep(partings, container_of(at, struct parting, link)));
}

int tcp_partings_reuse(struct tcp_partings *partings, uint64_t key)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct list *at, *after;

	list_for_each (at, after, bucket_of(partings, key)) {
		struct parting *p = container_of(at, struct parting, bucket);
		int fd;

		if (p->key != key)
			continue;
		fd = unkeep(partings, p);
		if (connect(fd, &nobody, sizeof(nobody)) == 0)
			return fd;
		close(fd);
		return -1;
	}
	return -1;
}

/* --- the end --- */

static void keep(struct tcp_partings *partings, struct parting *p)
{
	list_add(&partings->kept, &p->link);
	list_add(bucket_of(partings, p->key), &p->bucket);
	partings->n_kept++;
}

/* It has left the list of those that leave. */
static void end(struct tcp_partings *partings, struct parting *p, int events)
{
	if ((events & POLLHUP) == 0) {
		tcp_part_abruptly(p->fd);
	} else if (p->key != 0 && (events & POLLERR) == 0 &&
		   partings->n_kept < partings->kept_max) {
		keep(partings, p);
		return;
	} else {
		close(p->fd);
	}
	free(p);
}

static void look(struct tcp_partings *partings, struct parting **who, nfds_t n,
		 uint64_t now_ns)
{
	struct pollfd fds[BATCH];

	for (nfds_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = who[i]->fd };
	(void)poll(fds, n, 0);
	for (nfds_t i = 0; i < n; i++) {
		struct parting *p = who[i];

		if ((fds[i].revents & POLLHUP) == 0 &&
		    now_ns - p->begun_ns < PARTING_NS &&
		    partings->n_leaving <= LEAVING_MAX) {
			p->due_ns = now_ns + SWEEP_NS;
			continue;
		}
		list_remove(&p->link);
		partings->n_leaving--;
		end(partings, p, fds[i].revents);
	}
}

void tcp_partings_sweep(struct tcp_partings *partings, uint64_t now_ns)
{
	bool crowded = partings->n_leaving > LEAVING_MAX;
	struct parting *who[BATCH];
	struct list *at, *after;
	nfds_t n = 0;

	if (now_ns - partings->swept_ns < SWEEP_NS && !crowded)
		return;
	partings->swept_ns = now_ns;
	expire(partings, now_ns);
	list_for_each (at, after, &partings->leaving) {
		struct parting *p = container_of(at, struct parting, link);

		if (crowded || now_ns >= p->due_ns)
			who[n++] = p;
		if (n == BATCH || (n > 0 && after == &partings->leaving)) {
			look(partings, who, n, now_ns);
			n = 0;
		}
	}
}

void tcp_partings_finish(struct tcp_partings *partings)
{
	struct list *at, *after;

	tcp_partings_keep_none(partings);
	list_for_each (at, after, &partings->leaving) {
		struct parting *p = container_of(at, struct parting, link);

		list_remove(&p->link);
		tcp_part_abruptly(p->fd);
		free(p);
	}
	partings->n_leaving = 0;
}
