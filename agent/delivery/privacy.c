#include "delivery/privacy.h"

#include "edgeprobe/address.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX ((size_t)64 << 10)

#define PREFIX_TEXT_MAX (EP_ADDRESS_TEXT_MAX + 4)

#define KEEP4 3 /* bytes: /24 */
#define KEEP6 6 /* /48 */

struct network {
	uint8_t family, bits;
	uint8_t bytes[2];
};

static const struct network own[] = {
	{ 4, 8, { 10 } },          { 4, 12, { 172, 16 } },
	{ 4, 16, { 192, 168 } },   { 4, 10, { 100, 64 } },
	{ 4, 16, { 169, 254 } },   { 6, 7, { 0xfc } },
	{ 6, 10, { 0xfe, 0x80 } },
};

static bool is_in(const struct ep_address *address, const struct network *net)
{
	unsigned a = (unsigned)address->bytes[0] << 8 | address->bytes[1];
	unsigned b = (unsigned)net->bytes[0] << 8 | net->bytes[1];

	return address->family == net->family &&
	       (a ^ b) >> (16 - net->bits) == 0;
}

static bool is_own(const struct ep_address *address)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (is_in(address, &own[i]))
			return true;
	return false;
}

static void truncate_address(struct ep_address *address)
{
	size_t keep = address->family == 4 ? KEEP4 : KEEP6;

	memset(address->bytes + keep, 0, sizeof(address->bytes) - keep);
	address->scope = 0;
}

/* --- samples --- */

static bool hide_host(struct privacy *p)
{
	struct ep_address host;

	if (!p->series.host || ep_address_parse(p->series.host, &host) < 0 ||
	    !is_own(&host))
		return false;
	truncate_address(&host);
	p->series.host = ep_address_format(&host, p->host, sizeof(p->host));
	return true;
}

/* A registered prefix may be that of a single address. False: `prefix` says no
 * more than a network. */
static bool cut_prefix(const char *prefix, char *ret_text, size_t size)
{
	char text[EP_ADDRESS_TEXT_MAX];
	const char *slash = strchr(prefix, '/');
	struct ep_address address;
	long most;

	if (!slash || (size_t)(slash - prefix) >= sizeof(text))
		return false;
	memcpy(text, prefix, (size_t)(slash - prefix));
	text[slash - prefix] = '\0';
	if (ep_address_parse(text, &address) < 0)
		return false;
	most = address.family == 4 ? 8 * KEEP4 : 8 * KEEP6;
	if (strtol(slash + 1, NULL, 10) <= most)
		return false;
	truncate_address(&address);
	snprintf(ret_text, size, "%s/%ld",
		 ep_address_format(&address, text, sizeof(text)), most);
	return true;
}

static bool hide_prefix(struct privacy *p)
{
	if (!p->series.prefix ||
	    !cut_prefix(p->series.prefix, p->prefix, sizeof(p->prefix)))
		return false;
	p->series.prefix = p->prefix;
	return true;
}

static const struct record *cut_sample(struct privacy *p,
				       const struct record *record)
{
	bool host, prefix, address = is_own(&record->sample.address);
	bool egress = record->sample.mapped.family != 0;

	p->series = *record->series;
	host = hide_host(p);
	prefix = hide_prefix(p);
	if (!host && !prefix && !address && !egress)
		return record;
	p->record = *record;
	p->record.series = &p->series;
	if (address)
		truncate_address(&p->record.sample.address);
	if (egress)
		truncate_address(&p->record.sample.mapped);
	return &p->record;
}

/* --- notes --- */

/* Of one of a list; what is neither an address nor a prefix stays. */
static void add_truncated(struct buf *out, const char *from, size_t len)
{
	char text[PREFIX_TEXT_MAX], cut[PREFIX_TEXT_MAX];
	struct ep_address address;

	if (len >= sizeof(text)) {
		buf_add(out, from, len);
		return;
	}
	memcpy(text, from, len);
	text[len] = '\0';
	if (ep_address_parse(text, &address) == 0) {
		truncate_address(&address);
		ep_address_format(&address, text, sizeof(text));
	} else if (cut_prefix(text, cut, sizeof(cut))) {
		memcpy(text, cut, sizeof(text));
	}
	buf_text(out, text);
}

/* Members whose addresses are the branch's, whatever they are. */
static const char *const own_members[] = {
	"\"addresses\":\"",      "\"local_address\":\"",
	"\"egress_address\":\"", "\"resolver_address\":\"",
	"\"from_address\":\"",   "\"to_address\":\"",
	"\"prefix\":\"",
};

static const char *find_member(const char *body, size_t *ret_len)
{
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(own_members) / sizeof(own_members[0]);
	     i++) {
		const char *at = strstr(body, own_members[i]);

		if (at && (!first || at < first)) {
			first = at;
			*ret_len = strlen(own_members[i]);
		}
	}
	return first;
}

/* The list at `at`; where it ends. */
static const char *add_list(struct buf *out, const char *at)
{
	while (*at && *at != '"') {
		size_t n = strcspn(at, ",\"");

		if (n > 0)
			add_truncated(out, at, n);
		at += n;
		if (*at == ',')
			buf_char(out, *at++);
	}
	return at;
}

static const struct record *cut_note(struct privacy *p,
				     const struct record *record)
{
	const char *body = record->body;
	size_t len = 0;
	const char *at = find_member(body, &len);

	if (!at)
		return record;
	buf_clear(&p->body);
	while (at) {
		at += len;
		buf_add(&p->body, body, (size_t)(at - body));
		body = add_list(&p->body, at);
		at = find_member(body, &len);
	}
	buf_text(&p->body, body);
	p->record = *record;
	p->record.body = p->body.data;
	return p->body.error ? NULL : &p->record;
}

const struct record *privacy_cut(struct privacy *privacy,
				 const struct record *record)
{
	if (record->series)
		return cut_sample(privacy, record);
	return record->body ? cut_note(privacy, record) : record;
}

void privacy_init(struct privacy *privacy)
{
	memset(privacy, 0, sizeof(*privacy));
	buf_init(&privacy->body, BODY_MAX);
}

void privacy_finish(struct privacy *privacy)
{
	buf_finish(&privacy->body);
}
