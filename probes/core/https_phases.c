#include "core/https_phases.h"

uint64_t https_phases_clock(const struct https_phases *p, uint64_t now_ns)
{
	return now_ns - p->unread_ns;
}

void https_phases_read(struct https_phases *p, uint64_t now_ns,
		       uint64_t stamp_ns)
{
	/* TLS 1.3 sends tickets, which may be there before the request left:
	 * not for lack of reading, and not the answer either. */
	if (stamp_ns > p->worked_ns && stamp_ns < now_ns)
		p->unread_ns += now_ns - stamp_ns;
	p->worked_ns = now_ns;
	p->arrived_ns = https_phases_clock(p, now_ns);
}

void https_phases_hello(struct https_phases *p, uint64_t now_ns)
{
	p->hello_ns = https_phases_clock(p, now_ns);
	p->worked_ns = now_ns;
}

void https_phases_greet(struct https_phases *p, uint64_t now_ns)
{
	p->greeted_ns = now_ns;
}

void https_phases_server(struct https_phases *p, uint64_t stamp_ns)
{
	if (p->server_ns != 0)
		return;
	/* Without a stamp it is not known: our own delay may be in it. */
	if (stamp_ns > p->greeted_ns)
		p->server_ns = stamp_ns;
	else
		p->greeted_ns = 0;
}

void https_phases_secured(struct https_phases *p, uint64_t now_ns)
{
	p->secured_ns = https_phases_clock(p, now_ns);
	p->worked_ns = now_ns;
}

void https_phases_request(struct https_phases *p, uint64_t now_ns)
{
	p->request_ns = https_phases_clock(p, now_ns);
	p->worked_ns = now_ns;
}

void https_phases_first(struct https_phases *p, uint64_t now_ns)
{
	if (p->first_ns != 0)
		return;
	/* An answer that came in the same turn as the request left. */
	if (p->arrived_ns <= p->request_ns)
		p->first_ns = https_phases_clock(p, now_ns);
	else
		p->first_ns = p->arrived_ns;
}

static int64_t between(uint64_t from_ns, uint64_t to_ns)
{
	if (from_ns == 0 || to_ns == 0)
		return EP_ABSENT;
	return to_ns > from_ns ? (int64_t)(to_ns - from_ns) : 0;
}

void https_phases_put(const struct https_phases *p, int64_t dns_ns,
		      struct ep_https *ret_https)
{
	int64_t total_ns = between(p->open_ns, p->done_ns);

	ret_https->connect_ns = between(p->open_ns, p->connected_ns);
	ret_https->tls_ns = between(p->hello_ns, p->secured_ns);
	ret_https->tls_first_byte_ns = between(p->greeted_ns, p->server_ns);
	ret_https->first_byte_ns = between(p->request_ns, p->first_ns);
	if (total_ns != EP_ABSENT && dns_ns != EP_ABSENT)
		total_ns += dns_ns;
	ret_https->total_ns = total_ns;
}
