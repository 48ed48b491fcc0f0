/* A real HTTP or HTTPS server on loopback, in threads of this process, that
 * answers as well or as badly as the path asks for:
 *
 *   /            200, a short body, Front Door's headers
 *   /status/NNN  that status, no body
 *   /redirect    302 to /
 *   /big         200, 256 KiB
 *   /endless     200, a body without end
 *   /unsized     200, a body that ends with the connection
 *   /cut         200, less than it announced
 *   /hints       103, 103, then 200
 *   /flood       200, a header without end
 *   /line        200, a header line without end
 *   /nothttp     a greeting of another protocol
 *   /close       nothing, closed
 *   /reset       nothing, reset
 *   /hang        nothing, until the client leaves
 *   /half        a whole header, then nothing
 *   /late        200, 20 ms later
 *   /bye         200, and the connection is closed
 *   /twice       200 as the first two answers of a connection, then closed
 */
#ifndef TEST_LIB_WEB_SERVER_H
#define TEST_LIB_WEB_SERVER_H

#include <stdint.h>

struct web_ca;
struct web_server;

/* A certificate authority of our own, which is an organisation of that name,
 * and its PEM file, which is the caller's to remove. Asserts instead of failing,
 * as all of this does. */
struct web_ca *web_ca_create(const char *name, const char *pem_path);
void web_ca_destroy(struct web_ca *ca);

struct web_server_options {
	const char *address;    /* to listen on; NULL: 127.0.0.1 */
	struct web_ca *ca;      /* NULL: plain HTTP */
	struct web_ca *clients; /* who issued those of clients, which have to
				 * show one; NULL: nobody is asked */
	const char *names;      /* "IP:127.0.0.1,DNS:probe.test" */
	int from_days;          /* validity, from now */
	int to_days;
};

struct web_server *web_server_start(const struct web_server_options *options);
uint16_t web_server_port(const struct web_server *server);

/* Requests seen, connections accepted; from any thread. */
unsigned web_server_requests(struct web_server *server);
unsigned web_server_connections(struct web_server *server);

/* The client's port of the last connection; 0: none was made. */
uint16_t web_server_peer_port(struct web_server *server);

/* Close what is open now; the listener stays. */
void web_server_drop(struct web_server *server);

/* The last request, as it came, up to `size`. */
void web_server_last(struct web_server *server, char *ret_text, unsigned size);

/* Whose certificate (its O) came with the last request; "" if none did. */
void web_server_client(struct web_server *server, char *ret_name,
		       unsigned size);

/* Wait until `n` requests were seen. */
void web_server_await(struct web_server *server, unsigned n);

/* Wait until all connections that were made are over. */
void web_server_await_idle(struct web_server *server);

/* Close everything and wait for the threads. */
void web_server_stop(struct web_server *server);

#endif
