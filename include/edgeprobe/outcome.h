/* What the network answered, and why, as numbers and as the row's words. */
#ifndef EDGEPROBE_OUTCOME_H
#define EDGEPROBE_OUTCOME_H

#ifdef __cplusplus
extern "C" {
#endif

/* What the network answered. Every value is a measurement; none is an error. */
enum ep_outcome {
	EP_REPLIED,
	EP_REFUSED,     /* a RST: the host is up, and the time counts */
	EP_UNREACHABLE, /* an ICMP error came back */
	EP_LOST,        /* silence until the deadline */
	EP_FAILED,      /* could not be asked: DNS, no route, TLS, HTTP */
	EP_CANCELLED,   /* we stopped asking; not a loss, never stored */
};

/* Why, unless replied: X(name of the constant, word in the row, meaning).
 * The list is closed; a new one goes at the end (the number is stored). */
#define EP_REASONS(X)                                                          \
	X(NONE, "", "replied")                                                 \
	X(TIMEOUT, "timeout", "no answer until the deadline")                  \
	X(CONNECT_TIMEOUT, "connect_timeout", "https: no TCP handshake")       \
	X(TLS_TIMEOUT, "tls_timeout", "https: no TLS handshake")               \
	X(HTTP_TIMEOUT, "http_timeout", "https: no whole answer")              \
	X(TCP_RESET, "tcp_reset", "the port answered with RST")                \
	X(NET_UNREACHABLE, "net_unreachable", "ICMP: no route at a router")    \
	X(HOST_UNREACHABLE, "host_unreachable", "ICMP: host does not answer")  \
	X(PROTOCOL_UNREACHABLE, "protocol_unreachable", "ICMP: no protocol")   \
	X(PORT_UNREACHABLE, "port_unreachable", "ICMP: no such port")          \
	X(ADMIN_PROHIBITED, "admin_prohibited", "ICMP: a filter said no")      \
	X(TIME_EXCEEDED, "time_exceeded", "ICMP: TTL ran out on the way")      \
	X(PACKET_TOO_BIG, "packet_too_big", "ICMP: MTU on the way is smaller") \
	X(PARAMETER_PROBLEM, "parameter_problem", "ICMP: header refused")      \
	X(DNS_TIMEOUT, "dns_timeout", "no name server answered in time")       \
	X(DNS_NXDOMAIN, "dns_nxdomain", "the name does not exist")             \
	X(DNS_NODATA, "dns_nodata", "the name has no address of the family")   \
	X(DNS_SERVFAIL, "dns_servfail", "the name server failed")              \
	X(DNS_REFUSED, "dns_refused", "the name server refused to answer")     \
	X(DNS_MALFORMED, "dns_malformed",                                      \
	  "the name server's answer is broken")                                \
	X(DNS_UNAVAILABLE, "dns_unavailable", "no name server can be asked")   \
	X(NO_ROUTE, "no_route", "our own host has no route")                   \
	X(NO_SOURCE, "no_source",                                              \
	  "the circuit's interface or address is gone")                        \
	X(PERMISSION, "permission", "this host does not let us send it")       \
	X(NO_RESOURCES, "no_resources",                                        \
	  "no descriptor, memory or buffer left")                              \
	X(SEND_FAILED, "send_failed", "our own host could not send it")        \
	X(UNMEASURED, "unmeasured", "our own host dropped or spoilt it")       \
	X(MISSED, "missed", "not sent: the host was busy or stopped")          \
	X(TLS_UNTRUSTED, "tls_untrusted", "issuer of the certificate unknown") \
	X(TLS_NAME_MISMATCH, "tls_name_mismatch",                              \
	  "certificate of another name")                                       \
	X(TLS_EXPIRED, "tls_expired", "certificate expired or not yet valid")  \
	X(TLS_FAILED, "tls_failed", "the TLS handshake failed otherwise")      \
	X(HTTP_STATUS, "http_status", "not a status that the target expects")  \
	X(HTTP_MALFORMED, "http_malformed", "the answer is not HTTP")          \
	X(RESPONSE_TOO_LARGE, "response_too_large", "more than we ever read")  \
	X(CONNECTION_CLOSED, "connection_closed", "closed before the answer")  \
	X(INTERNAL, "internal", "edgeprobe itself failed; please report it")

enum ep_reason {
#define EP_REASON_ENUM(name, word, meaning) EP_REASON_##name,
	EP_REASONS(EP_REASON_ENUM)
#undef EP_REASON_ENUM
		EP_REASON_COUNT
};

/* The row's word; static. An unknown number gives "unknown". */
const char *ep_outcome_name(enum ep_outcome outcome);
const char *ep_reason_name(enum ep_reason reason);
const char *ep_reason_meaning(enum ep_reason reason);

#ifdef __cplusplus
}
#endif

#endif
