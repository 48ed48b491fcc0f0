#include "core/https_verdict.h"
#include <errno.h>

/* Of X509_V_ERR_*, which OpenSSL keeps stable. */
#define VERIFY_OK            0
#define VERIFY_UNSPECIFIED   1
#define VERIFY_NOT_YET_VALID 9
#define VERIFY_HAS_EXPIRED   10
#define VERIFY_HOST_MISMATCH 62
#define VERIFY_IP_MISMATCH   64

/* CURLE_TOO_LARGE (libcurl 8.6); before, the same was "out of memory". */
#define CODE_TOO_LARGE 100

static struct https_verdict failed(enum ep_reason reason)
{
	return (struct https_verdict){ EP_FAILED, reason };
}

static struct https_verdict unreachable(enum ep_reason reason)
{
	return (struct https_verdict){ EP_UNREACHABLE, reason };
}

/* connect(2) itself said no: nothing left this host. */
static struct https_verdict of_local_error(int error)
{
	switch (error) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
		return failed(EP_REASON_NO_ROUTE);
	case EADDRNOTAVAIL:
	case ENODEV:
		return failed(EP_REASON_NO_SOURCE);
	case EACCES:
	case EPERM:
		return failed(EP_REASON_PERMISSION);
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EAGAIN:
		return failed(EP_REASON_NO_RESOURCES);
	default:
		return failed(EP_REASON_SEND_FAILED);
	}
}

/* Something answered our SYN, or failed to be found at the last hop. */
static struct https_verdict of_answered_error(int error)
{
	switch (error) {
	case ENETUNREACH:
		return unreachable(EP_REASON_NET_UNREACHABLE);
	case EHOSTUNREACH:
		return unreachable(EP_REASON_HOST_UNREACHABLE);
	case ENOPROTOOPT:
		return unreachable(EP_REASON_PROTOCOL_UNREACHABLE);
	case EACCES:
		return unreachable(EP_REASON_ADMIN_PROHIBITED);
	case EPROTO:
		return unreachable(EP_REASON_PARAMETER_PROBLEM);
	case ECONNRESET:
		return failed(EP_REASON_CONNECTION_CLOSED);
	case ETIMEDOUT:
		return (struct https_verdict){ EP_LOST,
					       EP_REASON_CONNECT_TIMEOUT };
	default:
		return of_local_error(error);
	}
}

static struct https_verdict of_dial(const struct https_end *end)
{
	if (end->os_error == ECONNREFUSED)
		return (struct https_verdict){ EP_REFUSED,
					       EP_REASON_TCP_RESET };
	return end->polled ? of_answered_error(end->os_error)
			   : of_local_error(end->os_error);
}

/* libcurl compares the name itself, after OpenSSL found the chain good, and
 * then OpenSSL has no number for it. */
static struct https_verdict of_certificate(const struct https_end *end)
{
	switch (end->verify) {
	case VERIFY_NOT_YET_VALID:
	case VERIFY_HAS_EXPIRED:
		return failed(EP_REASON_TLS_EXPIRED);
	case VERIFY_OK:
	case VERIFY_UNSPECIFIED:
	case VERIFY_HOST_MISMATCH:
	case VERIFY_IP_MISMATCH:
		return failed(EP_REASON_TLS_NAME_MISMATCH);
	default:
		return failed(EP_REASON_TLS_UNTRUSTED);
	}
}

/* The header was whole. What may follow without a length ends where the
 * connection does, politely or not. */
static struct https_verdict of_body(const struct https_end *end)
{
	switch ((int)end->code) {
	case CURLE_OPERATION_TIMEDOUT:
		return (struct https_verdict){ EP_LOST,
					       EP_REASON_HTTP_TIMEOUT };
	case CURLE_OUT_OF_MEMORY:
		return failed(EP_REASON_NO_RESOURCES);
	case CURLE_PARTIAL_FILE:
		return failed(EP_REASON_CONNECTION_CLOSED);
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		if (end->sized)
			return failed(EP_REASON_CONNECTION_CLOSED);
		return (struct https_verdict){ EP_REPLIED, EP_REASON_NONE };
	case CURLE_ABORTED_BY_CALLBACK:
		return failed(EP_REASON_NO_RESOURCES);
	default:
		return failed(EP_REASON_HTTP_MALFORMED);
	}
}

static struct https_verdict of_header(const struct https_end *end)
{
	switch ((int)end->code) {
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return failed(EP_REASON_CONNECTION_CLOSED);
	case CURLE_OUT_OF_MEMORY: /* libcurl's bound of one header line */
	case CODE_TOO_LARGE:
		return failed(EP_REASON_RESPONSE_TOO_LARGE);
	case CURLE_ABORTED_BY_CALLBACK:
		return failed(EP_REASON_NO_RESOURCES);
	default:
		return failed(EP_REASON_HTTP_MALFORMED);
	}
}

static struct https_verdict of_handshake(const struct https_end *end)
{
	switch ((int)end->code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return of_certificate(end);
	case CURLE_SSL_CONNECT_ERROR:
		if (end->closed)
			return failed(EP_REASON_CONNECTION_CLOSED);
		return failed(EP_REASON_TLS_FAILED);
	case CURLE_COULDNT_CONNECT: /* a reset before libcurl looked */
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return failed(EP_REASON_CONNECTION_CLOSED);
	case CURLE_OUT_OF_MEMORY:
	case CURLE_ABORTED_BY_CALLBACK:
		return failed(EP_REASON_NO_RESOURCES);
	default:
		return failed(EP_REASON_TLS_FAILED);
	}
}

/* Before there is a connection only these speak of something else. */
static struct https_verdict of_beginning(const struct https_end *end)
{
	switch ((int)end->code) {
	case CURLE_COULDNT_CONNECT:
		return of_dial(end);
	case CURLE_OUT_OF_MEMORY:
	case CURLE_ABORTED_BY_CALLBACK:
		return failed(EP_REASON_NO_RESOURCES);
	default:
		return failed(EP_REASON_INTERNAL);
	}
}

static struct https_verdict of_status(const struct https_end *end,
				      const struct ep_statuses *expected)
{
	if (expected->n == 0)
		return (struct https_verdict){ EP_REPLIED, EP_REASON_NONE };
	for (unsigned i = 0; i < expected->n; i++)
		if (expected->status[i] == end->status)
			return (struct https_verdict){ EP_REPLIED,
						       EP_REASON_NONE };
	return failed(EP_REASON_HTTP_STATUS);
}

static struct https_verdict of_end(const struct https_end *end)
{
	if (end->flooded)
		return failed(EP_REASON_RESPONSE_TOO_LARGE);
	if (end->code == CURLE_OPERATION_TIMEDOUT)
		return (struct https_verdict){ EP_LOST,
					       https_overdue(end->step) };
	switch (end->step) {
	case HTTPS_DIALLING:
		return of_beginning(end);
	case HTTPS_SECURING:
		return of_handshake(end);
	case HTTPS_ASKING:
		return of_header(end);
	case HTTPS_READING:
		break;
	}
	return of_body(end);
}

struct https_verdict https_verdict(const struct https_end *end,
				   const struct ep_statuses *expected)
{
	struct https_verdict v = { EP_REPLIED, EP_REASON_NONE };
	bool whole = end->code == CURLE_OK || end->enough;

	if (end->step != HTTPS_READING || !whole)
		v = of_end(end);
	return v.outcome == EP_REPLIED ? of_status(end, expected) : v;
}

struct https_verdict https_verdict_icmp(enum ep_reason reason, bool local)
{
	return local ? failed(reason) : unreachable(reason);
}

enum ep_reason https_overdue(enum https_step step)
{
	switch (step) {
	case HTTPS_DIALLING:
		return EP_REASON_CONNECT_TIMEOUT;
	case HTTPS_SECURING:
		return EP_REASON_TLS_TIMEOUT;
	case HTTPS_ASKING:
	case HTTPS_READING:
		break;
	}
	return EP_REASON_HTTP_TIMEOUT;
}
