#include "lib/web_server.h"
#include "lib/web_ca.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
#define REQUEST_MAX     4096

struct connection {
	struct web_server *server;
	pthread_t thread;
	int fd;
	SSL *ssl; /* NULL: plain */
	unsigned answers;
	char request[REQUEST_MAX];
};

struct web_server {
	SSL_CTX *ctx; /* NULL: plain */
	int listener;
	uint16_t port, peer_port;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t seen;
	unsigned requests, n, n_over;
	char last[REQUEST_MAX], client[64];
	struct connection *connections[CONNECTIONS_MAX];
};

/* --- one connection --- */

static bool put(struct connection *c, const void *bytes, size_t n)
{
	if (c->ssl != NULL)
		return SSL_write(c->ssl, bytes, (int)n) > 0;
	return send(c->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool put_text(struct connection *c, const char *text)
{
	return put(c, text, strlen(text));
}

static int get(struct connection *c, char *bytes, size_t n)
{
	if (c->ssl != NULL)
		return SSL_read(c->ssl, bytes, (int)n);
	return (int)recv(c->fd, bytes, n, 0);
}

static void put_until_left(struct connection *c, const char *text)
{
	while (put_text(c, text))
		;
}

/* Each serves one path, and says whether the connection goes on. */

static bool serve_ok(struct connection *c)
{
	return put_text(c, "HTTP/1.1 200 OK\r\n"
			   "Content-Length: 6\r\n"
			   "X-Azure-Ref: 20250615T101010Z-"
			   "r17bcdf6f6d8h2w4hC1FRA00000000000000000000\r\n"
			   "x-msedge-ref: Ref A: 00112233445566778899AABBCCDDEE"
			   "FF Ref B: AMS231032608021 Ref C: "
			   "2026-01-01T00:00:00Z\r\n"
			   "\r\nhello\n");
}

static bool serve_status(struct connection *c)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "HTTP/1.1 %.3s Whatever\r\nContent-Length: 0\r\n\r\n",
		 strchr(c->request, ' ') + sizeof("/status/"));
	return put_text(c, text);
}

static bool serve_redirect(struct connection *c)
{
	return put_text(c, "HTTP/1.1 302 Found\r\nLocation: /\r\n"
			   "Content-Length: 0\r\n\r\n");
}

static bool serve_big(struct connection *c)
{
	static const char zeros[4096];

	put_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 262144\r\n\r\n");
	for (int i = 0; i < 64; i++)
		if (!put(c, zeros, sizeof(zeros)))
			return false;
	return true;
}

static bool serve_endless(struct connection *c)
{
	put_text(c, "HTTP/1.1 200 OK\r\n\r\n");
	put_until_left(c, "and so on and so on and so on and so on and on\n");
	return false;
}

static bool serve_unsized(struct connection *c)
{
	put_text(c, "HTTP/1.1 200 OK\r\n\r\nhello\n");
	return false;
}

static bool serve_cut(struct connection *c)
{
	put_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello\n");
	return false;
}

static bool serve_hints(struct connection *c)
{
	put_text(c, "HTTP/1.1 103 Early Hints\r\nX-FEEFZInfo: XXX\r\n\r\n"
		    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
	return put_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
			   "X-FirstHopCafeEFZ: DUB\r\n\r\n");
}

static bool serve_flood(struct connection *c)
{
	put_text(c, "HTTP/1.1 200 OK\r\n");
	put_until_left(c, "X-Header: of very many, each of a modest size\r\n");
	return false;
}

static bool serve_line(struct connection *c)
{
	put_text(c, "HTTP/1.1 200 OK\r\nX-Header: ");
	put_until_left(c, "goes on and on and on and on and on and on and ");
	return false;
}

static bool serve_not_http(struct connection *c)
{
	put_text(c, "220 mail.example.com ESMTP ready\r\n");
	return false;
}

static bool serve_close(struct connection *c)
{
	(void)c;
	return false;
}

static bool serve_reset(struct connection *c)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return false;
}

static bool serve_hang(struct connection *c)
{
	char byte;

	(void)get(c, &byte, 1);
	return false;
}

static bool serve_half(struct connection *c)
{
	put_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
	return serve_hang(c);
}

/* What a web server tells a client that begins TLS where there is none. */
static bool serve_bad_request(struct connection *c)
{
	put_text(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
	return false;
}

static bool serve_bye(struct connection *c)
{
	put_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
		    "Connection: close\r\n\r\n");
	return false;
}

static bool serve_late(struct connection *c)
{
	usleep(20000);
	return serve_ok(c);
}

static bool serve_twice(struct connection *c)
{
	return c->answers++ < 2 && serve_ok(c);
}

static const struct {
	const char *path;
	bool (*serve)(struct connection *c);
} paths[] = {
	{ "/status/", serve_status },  { "/redirect", serve_redirect },
	{ "/big", serve_big },         { "/endless", serve_endless },
	{ "/unsized", serve_unsized }, { "/cut", serve_cut },
	{ "/hints", serve_hints },     { "/flood", serve_flood },
	{ "/line", serve_line },       { "/nothttp", serve_not_http },
	{ "/close", serve_close },     { "/reset", serve_reset },
	{ "/hang", serve_hang },       { "/half", serve_half },
	{ "/late", serve_late },       { "/bye", serve_bye },
	{ "/twice", serve_twice },     { "/", serve_ok },
};

static bool read_request(struct connection *c)
{
	size_t n = 0;

	while (n < sizeof(c->request) - 1) {
		int got = get(c, c->request + n, sizeof(c->request) - 1 - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		c->request[n] = '\0';
		if (strstr(c->request, "\r\n\r\n") != NULL ||
		    c->request[0] < ' ')
			return true;
	}
	return false;
}

static void note_client(struct web_server *s, const SSL *ssl)
{
	X509 *cert = ssl == NULL ? NULL : SSL_get1_peer_certificate(ssl);

	s->client[0] = '\0';
	if (cert != NULL)
		X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
					  NID_organizationName, s->client,
					  sizeof(s->client));
	X509_free(cert);
}

static void note_request(struct connection *c)
{
	struct web_server *s = c->server;

	pthread_mutex_lock(&s->lock);
	s->requests++;
	memcpy(s->last, c->request, sizeof(s->last));
	note_client(s, c->ssl);
	pthread_cond_broadcast(&s->seen);
	pthread_mutex_unlock(&s->lock);
}

static bool serve(struct connection *c)
{
	const char *path = strchr(c->request, ' ');

	note_request(c);
	if (path == NULL) /* such as a ClientHello */
		return serve_bad_request(c);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strncmp(path + 1, paths[i].path, strlen(paths[i].path)) ==
		    0)
			return paths[i].serve(c);
	return false;
}

static void *run_connection(void *arg)
{
	struct connection *c = arg;

	if (c->ssl == NULL || SSL_accept(c->ssl) == 1)
		while (read_request(c) && serve(c))
			;
	SSL_free(c->ssl);
	pthread_mutex_lock(&c->server->lock);
	close(c->fd);
	c->fd = -1;
	c->server->n_over++;
	pthread_cond_broadcast(&c->server->seen);
	pthread_mutex_unlock(&c->server->lock);
	return NULL;
}

static void add_connection(struct web_server *s, int fd, uint16_t peer_port)
{
	struct connection *c = calloc(1, sizeof(*c));
	int on = 1;

	assert(c != NULL);
	/* As web servers do, or TLS's tickets hold up the answer by 40 ms. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->server = s;
	c->fd = fd;
	if (s->ctx != NULL) {
		c->ssl = SSL_new(s->ctx);
		SSL_set_fd(c->ssl, fd);
	}
	pthread_mutex_lock(&s->lock);
	assert(s->n < CONNECTIONS_MAX);
	s->connections[s->n++] = c;
	s->peer_port = peer_port;
	pthread_mutex_unlock(&s->lock);
	assert(pthread_create(&c->thread, NULL, run_connection, c) == 0);
}

static void *run_server(void *arg)
{
	struct web_server *s = arg;
	struct sockaddr_in6 peer; /* of IPv4 the port is in the same place */
	socklen_t n = sizeof(peer);
	int fd;

	while ((fd = accept4(s->listener, (void *)&peer, &n, SOCK_CLOEXEC)) >=
	       0) {
		add_connection(s, fd, ntohs(peer.sin6_port));
		n = sizeof(peer);
	}
	return NULL;
}

/* --- the door --- */

static int listen_on(const char *address, uint16_t *ret_port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	bool is_v6 = strchr(address, ':') != NULL;
	void *sa = is_v6 ? (void *)&in6 : (void *)&in4;
	socklen_t n = is_v6 ? sizeof(in6) : sizeof(in4);
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
			0);

	assert(fd >= 0);
	assert(inet_pton(is_v6 ? AF_INET6 : AF_INET, address,
			 is_v6 ? (void *)&in6.sin6_addr
			       : (void *)&in4.sin_addr) == 1);
	assert(bind(fd, sa, n) == 0 && listen(fd, 128) == 0);
	assert(getsockname(fd, sa, &n) == 0);
	*ret_port = ntohs(is_v6 ? in6.sin6_port : in4.sin_port);
	return fd;
}

/* Threads inherit the mask: a client that leaves must not end the test, while
 * the code under test gets no such protection. */
struct web_server *web_server_start(const struct web_server_options *o)
{
	struct web_server *s = calloc(1, sizeof(*s));
	sigset_t pipe, was;

	assert(s != NULL);
	s->listener = listen_on(o->address == NULL ? "127.0.0.1" : o->address,
				&s->port);
	s->ctx = o->ca == NULL ? NULL : web_ca_context(o);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->seen, NULL);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &was);
	assert(pthread_create(&s->thread, NULL, run_server, s) == 0);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return s;
}

uint16_t web_server_port(const struct web_server *server)
{
	return server->port;
}

unsigned web_server_requests(struct web_server *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->requests;
	pthread_mutex_unlock(&s->lock);
	return n;
}

unsigned web_server_connections(struct web_server *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

uint16_t web_server_peer_port(struct web_server *s)
{
	uint16_t port;

	pthread_mutex_lock(&s->lock);
	port = s->peer_port;
	pthread_mutex_unlock(&s->lock);
	return port;
}

void web_server_drop(struct web_server *s)
{
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n; i++)
		if (s->connections[i]->fd >= 0)
			shutdown(s->connections[i]->fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

void web_server_last(struct web_server *s, char *ret_text, unsigned size)
{
	pthread_mutex_lock(&s->lock);
	snprintf(ret_text, size, "%s", s->last);
	pthread_mutex_unlock(&s->lock);
}

void web_server_client(struct web_server *s, char *ret_name, unsigned size)
{
	pthread_mutex_lock(&s->lock);
	snprintf(ret_name, size, "%s", s->client);
	pthread_mutex_unlock(&s->lock);
}

void web_server_await(struct web_server *s, unsigned n)
{
	pthread_mutex_lock(&s->lock);
	while (s->requests < n)
		pthread_cond_wait(&s->seen, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void web_server_await_idle(struct web_server *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->n_over < s->n)
		pthread_cond_wait(&s->seen, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void web_server_stop(struct web_server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	web_server_drop(s);
	for (unsigned i = 0; i < s->n; i++) {
		pthread_join(s->connections[i]->thread, NULL);
		free(s->connections[i]);
	}
	close(s->listener);
	SSL_CTX_free(s->ctx);
	pthread_cond_destroy(&s->seen);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
