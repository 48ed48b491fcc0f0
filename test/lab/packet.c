#include "packet.h"

#include <string.h>

#include <netinet/in.h>

#define V4_HEADER  20
#define V6_HEADER  40
#define TCP_HEADER 20
#define TTL        64

#define ICMP4_ECHO  8
#define ICMP4_REPLY 0
#define ICMP6_ECHO  128
#define ICMP6_REPLY 129

static uint16_t get16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)get16(b) << 16 | get16(b + 2);
}

static void put16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static void put32(uint8_t *b, uint32_t v)
{
	put16(b, (uint16_t)(v >> 16));
	put16(b + 2, (uint16_t)v);
}

static bool parse_v4(const uint8_t *d, size_t n, struct packet *p)
{
	if (n < V4_HEADER || (d[0] & 15) < 5)
		return false;
	p->family = 4;
	p->l4 = (size_t)(d[0] & 15) * 4;
	p->len = get16(d + 2);
	p->proto = d[9];
	p->hops_left = d[8];
	p->has_l4 = (get16(d + 6) & 0x1fff) == 0; /* not a later fragment */
	p->src.family = p->dst.family = 4;
	memcpy(p->src.b, d + 12, 4);
	memcpy(p->dst.b, d + 16, 4);
	return true;
}

static bool parse_v6(const uint8_t *d, size_t n, struct packet *p)
{
	if (n < V6_HEADER)
		return false;
	p->family = 6;
	p->l4 = V6_HEADER;
	p->len = (size_t)V6_HEADER + get16(d + 4);
	p->proto = d[6];
	p->hops_left = d[7];
	p->has_l4 = true;
	p->src.family = p->dst.family = 6;
	memcpy(p->src.b, d + 8, 16);
	memcpy(p->dst.b, d + 24, 16);
	return true;
}

static bool is_icmp(const struct packet *p)
{
	return p->proto == (p->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static void parse_l4(const uint8_t *d, size_t n, struct packet *p)
{
	const uint8_t *h = d + p->l4;

	if (!p->has_l4 || n < p->l4 + 8) {
		p->has_l4 = false;
		return;
	}
	if (is_icmp(p)) {
		p->icmp_type = h[0];
		p->a = get16(h + 4);
		p->b = get16(h + 6);
		return;
	}
	p->a = get16(h);
	p->b = get16(h + 2);
	if (p->proto == IPPROTO_TCP)
		p->tcp_seq = get32(h + 4);
	if (p->proto == IPPROTO_TCP && n >= p->l4 + 14)
		p->tcp_flags = h[13];
}

bool packet_parse(const uint8_t *data, size_t n, struct packet *ret_p)
{
	struct packet p = { 0 };
	bool ok = false;

	if (n > 0 && data[0] >> 4 == 4)
		ok = parse_v4(data, n, &p);
	else if (n > 0 && data[0] >> 4 == 6)
		ok = parse_v6(data, n, &p);
	if (!ok)
		return false;
	parse_l4(data, n, &p);
	*ret_p = p;
	return true;
}

bool packet_is_echo(const struct packet *p)
{
	return p->has_l4 && is_icmp(p) &&
	       p->icmp_type == (p->family == 4 ? ICMP4_ECHO : ICMP6_ECHO);
}

bool packet_is_reply(const struct packet *p)
{
	return p->has_l4 && is_icmp(p) &&
	       p->icmp_type == (p->family == 4 ? ICMP4_REPLY : ICMP6_REPLY);
}

bool packet_is_error(const struct packet *p)
{
	if (!p->has_l4 || !is_icmp(p))
		return false;
	if (p->family == 6)
		return p->icmp_type < 128;
	/* unreachable, quench, redirect, time exceeded, bad parameter */
	return p->icmp_type == 3 || p->icmp_type == 4 || p->icmp_type == 5 ||
	       p->icmp_type == 11 || p->icmp_type == 12;
}

static uint32_t sum(const uint8_t *b, size_t n, uint32_t acc)
{
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		acc += get16(b + i);
	if (n & 1)
		acc += (uint32_t)b[n - 1] << 8;
	return acc;
}

static uint16_t fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)~acc;
}

/* What TCP and ICMPv6 sum beside themselves. */
static uint32_t pseudo(const uint8_t *ip, size_t l4_len, uint8_t proto)
{
	uint32_t acc = (uint32_t)l4_len + proto;

	if (ip[0] >> 4 == 4)
		return sum(ip + 12, 8, acc);
	return sum(ip + 8, 32, acc);
}

/* Write the IP header of an answer; returns its length. */
static size_t head(uint8_t *out, const struct packet_addr *from,
		   const struct packet_addr *to, uint8_t proto, size_t l4_len)
{
	if (from->family == 4) {
		memset(out, 0, V4_HEADER);
		out[0] = 0x45;
		put16(out + 2, (uint16_t)(V4_HEADER + l4_len));
		out[8] = TTL;
		out[9] = proto;
		memcpy(out + 12, from->b, 4);
		memcpy(out + 16, to->b, 4);
		put16(out + 10, fold(sum(out, V4_HEADER, 0)));
		return V4_HEADER;
	}
	memset(out, 0, V6_HEADER);
	out[0] = 0x60;
	put16(out + 4, (uint16_t)l4_len);
	out[6] = proto;
	out[7] = TTL;
	memcpy(out + 8, from->b, 16);
	memcpy(out + 24, to->b, 16);
	return V6_HEADER;
}

/* How much of the packet may be quoted: RFC 1812 ends the whole answer at 576
 * bytes, RFC 4443 at the least MTU of IPv6. */
static size_t quoted(const struct packet *p, unsigned l4_bytes)
{
	size_t most =
		p->family == 4 ? 576 - V4_HEADER - 8 : 1280 - V6_HEADER - 8;
	size_t want = l4_bytes == 0 ? p->len : p->l4 + l4_bytes;

	if (want > p->len)
		want = p->len;
	return want < most ? want : most;
}

size_t packet_icmp_error(const uint8_t *data, const struct packet *p,
			 const struct packet_error *e, uint8_t *out)
{
	size_t quote = quoted(p, e->quote);
	uint8_t proto = p->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	size_t at;
	uint32_t acc;

	if (!p->has_l4 || packet_is_error(p) || e->from.family != p->family)
		return 0;
	at = head(out, &e->from, &p->src, proto, 8 + quote);
	memset(out + at, 0, 8);
	out[at] = e->type;
	out[at + 1] = e->code;
	memcpy(out + at + 8, data, quote);
	acc = p->family == 4 ? 0 : pseudo(out, 8 + quote, proto);
	put16(out + at + 2, fold(sum(out + at, 8 + quote, acc)));
	return at + 8 + quote;
}

size_t packet_refusal(const uint8_t *data, const struct packet *p, uint8_t *out)
{
	size_t at;
	uint8_t *h;

	if (p->proto != IPPROTO_TCP ||
	    (p->tcp_flags & (PACKET_SYN | PACKET_ACK)) != PACKET_SYN)
		return 0;
	at = head(out, &p->dst, &p->src, IPPROTO_TCP, TCP_HEADER);
	h = out + at;
	memset(h, 0, TCP_HEADER);
	memcpy(h, data + p->l4 + 2, 2);
	memcpy(h + 2, data + p->l4, 2);
	put32(h + 8, p->tcp_seq + 1);
	h[12] = TCP_HEADER / 4 << 4;
	h[13] = PACKET_RST | PACKET_ACK;
	put16(h + 16,
	      fold(sum(h, TCP_HEADER, pseudo(out, TCP_HEADER, IPPROTO_TCP))));
	return at + TCP_HEADER;
}

void packet_age(uint8_t *data, const struct packet *p, uint8_t n)
{
	if (p->family == 6) {
		data[7] = (uint8_t)(data[7] - n);
		return;
	}
	data[8] = (uint8_t)(data[8] - n);
	put16(data + 10, 0);
	put16(data + 10, fold(sum(data, p->l4, 0)));
}

void packet_corrupt(uint8_t *data, const struct packet *p, uint64_t random)
{
	size_t body = p->len - p->l4;

	if (p->len <= p->l4)
		return;
	data[p->l4 + random % body] ^= (uint8_t)(1U << (random >> 32 & 7));
}
