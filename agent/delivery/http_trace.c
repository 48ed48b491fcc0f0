/* What there is to tell of the attempt that ended last. */
#include "delivery/http_fault.h"
#include "delivery/http_i.h"
#include "delivery/trace.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"

#include <stdio.h>

static uint64_t time_ns(const struct http *h, CURLINFO what)
{
	curl_off_t us = 0;

	curl_easy_getinfo(h->easy, what, &us);
	return us > 0 ? (uint64_t)us * 1000 : 0;
}

static unsigned number(const struct http *h, CURLINFO what)
{
	long value = 0;

	curl_easy_getinfo(h->easy, what, &value);
	return value > 0 && value <= 65535 ? (unsigned)value : 0;
}

static void trace_peer(const struct http *h, struct trace *t)
{
	const struct http_peer *peer = h->way.with;

	if (!peer)
		return;
	t->tls = peer->version;
	t->expires_s = peer->cert.expires_s;
	snprintf(t->issuer, sizeof(t->issuer), "%s", peer->cert.issuer);
}

void http_trace(const struct outlet *outlet, struct trace *ret_trace)
{
	const struct http *h = container_of(outlet, struct http, outlet);
	struct trace *t = ret_trace;
	const char *address = NULL;

	*t = (struct trace){ .proxied = h->way.proxied };
	if (!h->tried)
		return; /* there was no token, or no identity */
	curl_easy_getinfo(h->easy, CURLINFO_PRIMARY_IP, &address);
	snprintf(t->address, sizeof(t->address), "%s", address ? address : "");
	t->port = number(h, CURLINFO_PRIMARY_PORT);
	t->tunnel = number(h, CURLINFO_HTTP_CONNECTCODE);
	t->status = number(h, CURLINFO_RESPONSE_CODE);
	t->name_ns = time_ns(h, CURLINFO_NAMELOOKUP_TIME_T);
	t->connect_ns = time_ns(h, CURLINFO_CONNECT_TIME_T);
	t->tls_ns = time_ns(h, CURLINFO_APPCONNECT_TIME_T);
	t->total_ns = time_ns(h, CURLINFO_TOTAL_TIME_T);
	if (h->fault != HTTP_NO_FAULT) {
		t->fault = http_fault_name(h->fault);
		t->help = http_fault_help(h->fault);
	}
	trace_peer(h, t);
}
