/* A real DNS server on loopback, UDP and TCP on one port, in a thread of this
 * process, that answers as well or as badly as the first label of the name
 * asks for:
 *
 *   ok         127.0.0.1 or ::1, TTL 300
 *   brief      the same, TTL 0
 *   v4         has no IPv6 address
 *   v4silent   the same, but silence instead of saying so
 *   alias      an alias with TTL 7 of a name with TTL 300
 *   nx         NXDOMAIN
 *   nodata     no address of either family
 *   servfail   SERVFAIL
 *   refused    REFUSED
 *   silent     nothing
 *   held       like ok, when dns_server_release() is called
 *   wrongid    an answer to a question that was not asked (id)
 *   wrongname  the same (name)
 *   pool       what dns_server_pool() has set, TTL 0, each time from another
 *              one on
 *   garbage    bytes that are no message
 *   cut        a message that ends in the middle of a record
 *   long       too long for UDP: the whole answer by TCP only
 *   longtrash  the same, but TCP brings garbage
 *   longhung   the same, but TCP brings nothing
 *
 * Any other label is answered like ok. */
#ifndef TEST_LIB_DNS_SERVER_H
#define TEST_LIB_DNS_SERVER_H

#include <stdint.h>

struct dns_server;

/* `rule` (NULL: none) is the label by which every name is answered. Asserts
 * instead of failing, as all of this does. */
struct dns_server *dns_server_start(const char *rule);

/* The same at a certain address, port 53: for a network namespace of one's own,
 * because resolv.conf knows no ports. */
struct dns_server *dns_server_start_at(const char *address, const char *rule);

/* "127.0.0.1:PORT", borrowed from the server. */
const char *dns_server_name(const struct dns_server *server);

/* Questions seen so far, by UDP and by TCP; from any thread. */
unsigned dns_server_questions(struct dns_server *server);
unsigned dns_server_tcp_questions(struct dns_server *server);

/* The addresses of "pool", IPv4 or IPv6, with a space between; at most
 * DNS_POOL_MAX. None: it has no address. */
#define DNS_POOL_MAX 32
void dns_server_pool(struct dns_server *server, const char *list);

/* What questions for TXT are answered with (NXDOMAIN: with nothing), as far as
 * the label does not say otherwise; before the first question. */
struct dns_text;
void dns_server_texts(struct dns_server *server, const struct dns_text *table);

/* The address that the last question by UDP came from; "": there was none. */
void dns_server_last_from(struct dns_server *server, char ret_address[16]);

/* Answer what was held back, and hold nothing back any more. */
void dns_server_release(struct dns_server *server);

/* Close everything and wait for the thread. */
void dns_server_stop(struct dns_server *server);

#endif
