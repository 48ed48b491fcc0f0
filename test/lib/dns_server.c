#include "dns_server.h"
#include "dns_text.h"
#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX 1024
#define HEADER      12
#define TYPE_A      1
#define TYPE_CNAME  5
#define TYPE_AAAA   28
#define CONNECTIONS 16
#define HELD_MAX    256

/* A question by UDP that is answered later. */
struct held {
	struct sockaddr_in from;
	uint8_t bytes[512];
	size_t size;
};

struct pool {
	uint8_t bytes[DNS_POOL_MAX][16];
	unsigned type[DNS_POOL_MAX];
	unsigned n, turn;
};

struct dns_server {
	int udp, tcp, wake;
	int connections[CONNECTIONS];
	unsigned n_connections;
	const char *rule;
	const struct dns_text *_Atomic texts;
	char name[32];
	pthread_t thread;
	atomic_uint questions, tcp_questions;
	atomic_bool stop, released;
	struct held *held;
	unsigned n_held;
	pthread_mutex_t lock; /* of what follows */
	struct pool pool;
	char last_from[16];
};

/* --- messages --- */

struct message {
	uint8_t bytes[MESSAGE_MAX];
	size_t size;
};

struct question {
	const uint8_t *bytes; /* the whole query */
	size_t size;          /* of header and question */
	uint16_t type;
	char label[64]; /* the first one */
};

static bool parse(const uint8_t *bytes, size_t size, struct question *q)
{
	size_t at = HEADER;

	if (size < HEADER + 5 || bytes[HEADER] == 0 || bytes[HEADER] > 63)
		return false;
	memset(q, 0, sizeof(*q));
	memcpy(q->label, bytes + HEADER + 1, bytes[HEADER]);
	while (at < size && bytes[at] != 0)
		at += bytes[at] + 1u;
	if (at + 5 > size)
		return false;
	q->bytes = bytes;
	q->size = at + 5;
	q->type = (uint16_t)(bytes[at + 1] << 8 | bytes[at + 2]);
	return true;
}

static void put(struct message *m, const void *bytes, size_t size)
{
	assert(m->size + size <= sizeof(m->bytes));
	memcpy(m->bytes + m->size, bytes, size);
	m->size += size;
}

static void put16(struct message *m, unsigned value)
{
	uint8_t b[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	put(m, b, sizeof(b));
}

static void begin(struct message *m, const struct question *q, unsigned rcode)
{
	m->size = 0;
	put(m, q->bytes, q->size);
	m->bytes[2] |= 0x80; /* an answer */
	m->bytes[3] = (uint8_t)(0x80 | rcode);
	memset(m->bytes + 6, 0, 6);
}

/* The head of a record whose name is at offset `owner` of the message. */
static void put_record(struct message *m, unsigned owner, unsigned type,
		       unsigned ttl, unsigned size)
{
	m->bytes[7]++;
	put16(m, 0xc000 | owner);
	put16(m, type);
	put16(m, 1);
	put16(m, ttl >> 16);
	put16(m, ttl & 0xffff);
	put16(m, size);
}

static void put_address(struct message *m, unsigned owner, unsigned type,
			unsigned ttl)
{
	static const uint8_t v4[4] = { 127, 0, 0, 1 };
	static const uint8_t v6[16] = { [15] = 1 };
	bool is4 = type == TYPE_A;

	put_record(m, owner, type, ttl, is4 ? sizeof(v4) : sizeof(v6));
	put(m, is4 ? v4 : v6, is4 ? sizeof(v4) : sizeof(v6));
}

static void put_alias(struct message *m, unsigned type)
{
	static const uint8_t target[] = "\6target\4test";
	unsigned target_at;

	put_record(m, HEADER, TYPE_CNAME, 7, sizeof(target));
	target_at = (unsigned)m->size;
	put(m, target, sizeof(target));
	put_address(m, target_at, type, 300);
}

static void put_pool(struct message *m, struct dns_server *s, unsigned type)
{
	struct pool *pool = &s->pool;
	unsigned size = type == TYPE_A ? 4 : 16;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < pool->n; i++) {
		unsigned at = (i + pool->turn) % pool->n;

		if (pool->type[at] != type)
			continue;
		put_record(m, HEADER, type, 0, size);
		put(m, pool->bytes[at], size);
	}
	pool->turn++;
	pthread_mutex_unlock(&s->lock);
}

/* --- answers --- */

static bool is(const struct question *q, const char *label)
{
	return strcmp(q->label, label) == 0;
}

static unsigned rcode_of(const struct question *q)
{
	if (is(q, "servfail"))
		return 2;
	if (is(q, "nx"))
		return 3;
	return is(q, "refused") ? 5 : 0;
}

static bool has_no_address(const struct question *q)
{
	return rcode_of(q) != 0 || is(q, "nodata") ||
	       (is(q, "v4") && q->type == TYPE_AAAA);
}

static void spoil(struct message *m, const struct question *q)
{
	if (is(q, "wrongid"))
		m->bytes[0] ^= 0x55;
	if (is(q, "wrongname"))
		m->bytes[HEADER + 1] ^= 1;
	if (is(q, "cut"))
		m->size -= 3;
	if (is(q, "garbage"))
		memset(m->bytes, 0xa5, m->size);
}

static bool is_long(const struct question *q)
{
	return strncmp(q->label, "long", 4) == 0;
}

/* False: silence. */
static bool compose(struct dns_server *s, struct message *m,
		    const struct question *q, bool tcp)
{
	if (is(q, "silent") || (is(q, "longhung") && tcp) ||
	    (is(q, "v4silent") && q->type == TYPE_AAAA))
		return false;
	begin(m, q, rcode_of(q));
	if (is_long(q) && !tcp)
		m->bytes[2] |= 0x02; /* truncated */
	else if (is(q, "alias"))
		put_alias(m, q->type);
	else if (q->type == DNS_TEXT_TYPE)
		m->size = dns_text_answer(s->texts, m->bytes, m->size);
	else if (is(q, "pool"))
		put_pool(m, s, q->type);
	else if (!has_no_address(q))
		put_address(m, HEADER, q->type, is(q, "brief") ? 0 : 300);
	spoil(m, q);
	if (is(q, "longtrash") && tcp)
		memset(m->bytes, 0xa5, m->size);
	return true;
}

static bool understand(struct dns_server *s, const uint8_t *bytes, size_t size,
		       struct question *q)
{
	if (!parse(bytes, size, q))
		return false;
	if (s->rule != NULL)
		snprintf(q->label, sizeof(q->label), "%s", s->rule);
	return true;
}

static void answer_udp(struct dns_server *s, const uint8_t *bytes, size_t size,
		       const struct sockaddr_in *from)
{
	struct message m;
	struct question q;

	if (understand(s, bytes, size, &q) && compose(s, &m, &q, false))
		sendto(s->udp, m.bytes, m.size, 0,
		       (const struct sockaddr *)from, sizeof(*from));
}

static void hold(struct dns_server *s, const uint8_t *bytes, size_t size,
		 const struct sockaddr_in *from)
{
	struct held *h = &s->held[s->n_held];

	assert(s->n_held < HELD_MAX && size <= sizeof(h->bytes));
	memcpy(h->bytes, bytes, size);
	h->size = size;
	h->from = *from;
	s->n_held++;
}

static void read_udp(struct dns_server *s)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	uint8_t bytes[512];
	struct question q;
	ssize_t n = recvfrom(s->udp, bytes, sizeof(bytes), MSG_DONTWAIT,
			     (struct sockaddr *)&from, &length);

	if (n <= 0)
		return;
	pthread_mutex_lock(&s->lock);
	inet_ntop(AF_INET, &from.sin_addr, s->last_from, sizeof(s->last_from));
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&s->questions, 1);
	if (understand(s, bytes, (size_t)n, &q) && is(&q, "held") &&
	    !atomic_load(&s->released))
		hold(s, bytes, (size_t)n, &from);
	else
		answer_udp(s, bytes, (size_t)n, &from);
}

static bool read_tcp(struct dns_server *s, int fd)
{
	uint8_t size[2], bytes[512];
	struct message m;
	struct question q;
	size_t n;

	if (recv(fd, size, 2, MSG_WAITALL) != 2)
		return false;
	n = (size_t)(size[0] << 8 | size[1]);
	if (n > sizeof(bytes) ||
	    recv(fd, bytes, n, MSG_WAITALL) != (ssize_t)n ||
	    !understand(s, bytes, n, &q))
		return false;
	atomic_fetch_add(&s->tcp_questions, 1);
	if (!compose(s, &m, &q, true))
		return true;
	size[0] = (uint8_t)(m.size >> 8);
	size[1] = (uint8_t)m.size;
	return send(fd, size, 2, MSG_NOSIGNAL) == 2 &&
	       send(fd, m.bytes, m.size, MSG_NOSIGNAL) == (ssize_t)m.size;
}

/* --- the thread --- */

static void take_connection(struct dns_server *s)
{
	int fd = accept(s->tcp, NULL, NULL);

	if (fd < 0)
		return;
	assert(s->n_connections < CONNECTIONS);
	s->connections[s->n_connections++] = fd;
}

static void serve_connections(struct dns_server *s, const struct pollfd *fds,
			      unsigned n)
{
	for (unsigned i = n; i-- > 0;) {
		if (fds[i].revents == 0 || read_tcp(s, fds[i].fd))
			continue;
		close(s->connections[i]);
		s->connections[i] = s->connections[--s->n_connections];
	}
}

static void answer_held(struct dns_server *s)
{
	for (unsigned i = 0; i < s->n_held; i++)
		answer_udp(s, s->held[i].bytes, s->held[i].size,
			   &s->held[i].from);
	s->n_held = 0;
}

static void *serve(void *arg)
{
	struct dns_server *s = arg;

	while (!atomic_load(&s->stop)) {
		struct pollfd fds[3 + CONNECTIONS] = {
			{ .fd = s->wake, .events = POLLIN },
			{ .fd = s->udp, .events = POLLIN },
			{ .fd = s->tcp, .events = POLLIN },
		};
		unsigned n = s->n_connections;
		eventfd_t unused;

		for (unsigned i = 0; i < n; i++)
			fds[3 + i] = (struct pollfd){ .fd = s->connections[i],
						      .events = POLLIN };
		poll(fds, 3 + n, -1);
		if (fds[0].revents != 0)
			eventfd_read(s->wake, &unused);
		if (atomic_load(&s->released))
			answer_held(s);
		if (fds[1].revents != 0)
			read_udp(s);
		serve_connections(s, fds + 3, n);
		if (fds[2].revents != 0)
			take_connection(s);
	}
	return NULL;
}

/* One port for both: where the kernel chooses it, it does so for UDP, and it
 * may be taken for TCP. */
static bool open_sockets(struct dns_server *s, const char *address,
			 uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port) };
	socklen_t length = sizeof(a);

	inet_pton(AF_INET, address, &a.sin_addr);
	s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	s->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(s->udp >= 0 && s->tcp >= 0);
	if (bind(s->udp, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    getsockname(s->udp, (struct sockaddr *)&a, &length) == 0 &&
	    bind(s->tcp, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(s->tcp, CONNECTIONS) == 0) {
		snprintf(s->name, sizeof(s->name), "%s:%u", address,
			 ntohs(a.sin_port));
		return true;
	}
	close(s->udp);
	close(s->tcp);
	return false;
}

static struct dns_server *start(const char *address, uint16_t port,
				const char *rule)
{
	struct dns_server *s = calloc(1, sizeof(*s));
	bool opened = false;
	int r;

	assert(s != NULL);
	s->rule = rule;
	pthread_mutex_init(&s->lock, NULL);
	s->held = calloc(HELD_MAX, sizeof(*s->held));
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert(s->held != NULL && s->wake >= 0);
	for (int i = 0; i < 100 && !opened; i++)
		opened = open_sockets(s, address, port);
	assert(opened);
	r = pthread_create(&s->thread, NULL, serve, s);
	assert(r == 0);
	(void)r;
	return s;
}

struct dns_server *dns_server_start(const char *rule)
{
	return start("127.0.0.1", 0, rule);
}

struct dns_server *dns_server_start_at(const char *address, const char *rule)
{
	return start(address, 53, rule);
}

const char *dns_server_name(const struct dns_server *server)
{
	return server->name;
}

unsigned dns_server_questions(struct dns_server *server)
{
	return atomic_load(&server->questions);
}

unsigned dns_server_tcp_questions(struct dns_server *server)
{
	return atomic_load(&server->tcp_questions);
}

void dns_server_texts(struct dns_server *server, const struct dns_text *table)
{
	server->texts = table;
}

void dns_server_pool(struct dns_server *server, const char *list)
{
	struct pool pool = { .n = 0 };
	char copy[2048], *rest = copy, *text;

	snprintf(copy, sizeof(copy), "%s", list);
	while (*list != '\0' && (text = strsep(&rest, " ")) != NULL) {
		bool is6 = strchr(text, ':') != NULL;
		int r;

		assert(pool.n < DNS_POOL_MAX);
		pool.type[pool.n] = is6 ? TYPE_AAAA : TYPE_A;
		r = inet_pton(is6 ? AF_INET6 : AF_INET, text,
			      pool.bytes[pool.n++]);
		assert(r == 1);
		(void)r;
	}
	pthread_mutex_lock(&server->lock);
	server->pool = pool;
	pthread_mutex_unlock(&server->lock);
}

void dns_server_last_from(struct dns_server *server, char ret_address[16])
{
	pthread_mutex_lock(&server->lock);
	memcpy(ret_address, server->last_from, sizeof(server->last_from));
	pthread_mutex_unlock(&server->lock);
}

void dns_server_release(struct dns_server *server)
{
	atomic_store(&server->released, true);
	eventfd_write(server->wake, 1);
}

void dns_server_stop(struct dns_server *server)
{
	atomic_store(&server->stop, true);
	eventfd_write(server->wake, 1);
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < server->n_connections; i++)
		close(server->connections[i]);
	close(server->udp);
	close(server->tcp);
	close(server->wake);
	pthread_mutex_destroy(&server->lock);
	free(server->held);
	free(server);
}
