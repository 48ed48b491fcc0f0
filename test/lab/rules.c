#include "rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "value.h"

#define SETTINGS_MAX 16
#define LINE_BYTES   512
#define BY_ADDRESS   UINT64_MAX

enum type {
	TYPE_DELAY, /* a time, or by-address */
	TYPE_TIME,
	TYPE_SHARE,
	TYPE_COUNT,
	TYPE_FLAG,
	TYPE_ANSWER,
	TYPE_FROM,
	TYPE_HOPS,
};

struct key {
	const char *name;
	enum type type;
	size_t at; /* in struct effect */
};

#define LEG(way, field) offsetof(struct effect, leg[way].field)

static const struct key keys[] = {
	{ "out.delay", TYPE_DELAY, LEG(WAY_OUT, delay_ns) },
	{ "in.delay", TYPE_DELAY, LEG(WAY_IN, delay_ns) },
	{ "out.jitter", TYPE_TIME, LEG(WAY_OUT, jitter_ns) },
	{ "in.jitter", TYPE_TIME, LEG(WAY_IN, jitter_ns) },
	{ "out.gap", TYPE_TIME, LEG(WAY_OUT, gap_ns) },
	{ "in.gap", TYPE_TIME, LEG(WAY_IN, gap_ns) },
	{ "out.loss", TYPE_SHARE, LEG(WAY_OUT, loss) },
	{ "in.loss", TYPE_SHARE, LEG(WAY_IN, loss) },
	{ "out.duplicate", TYPE_SHARE, LEG(WAY_OUT, duplicate) },
	{ "in.duplicate", TYPE_SHARE, LEG(WAY_IN, duplicate) },
	{ "out.reorder", TYPE_SHARE, LEG(WAY_OUT, reorder) },
	{ "in.reorder", TYPE_SHARE, LEG(WAY_IN, reorder) },
	{ "out.corrupt", TYPE_SHARE, LEG(WAY_OUT, corrupt) },
	{ "in.corrupt", TYPE_SHARE, LEG(WAY_IN, corrupt) },
	{ "blackhole", TYPE_FLAG, offsetof(struct effect, blackhole) },
	{ "drop-first-syn", TYPE_FLAG,
	  offsetof(struct effect, drop_first_syn) },
	{ "answer", TYPE_ANSWER, offsetof(struct effect, answer) },
	{ "quote", TYPE_COUNT, offsetof(struct effect, quote) },
	{ "from", TYPE_FROM, 0 },
	{ "hops", TYPE_HOPS, 0 },
};

static const char *const answers[] = {
	[ANSWER_NONE] = "none",
	[ANSWER_REFUSED] = "refused",
	[ANSWER_NET_UNREACHABLE] = "net-unreachable",
	[ANSWER_HOST_UNREACHABLE] = "host-unreachable",
	[ANSWER_PORT_UNREACHABLE] = "port-unreachable",
	[ANSWER_PROHIBITED] = "prohibited",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct setting {
	const struct key *key;
	union {
		uint64_t number;
		struct {
			unsigned n;
			struct packet_addr hops[RULES_HOPS_MAX];
		} list;
	} v;
};

struct rule {
	struct packet_addr net; /* family 0: both families, any address */
	unsigned bits;
	uint8_t proto; /* 0: any; ICMP stands for ICMPv6 too */
	uint64_t from_ns, until_ns;
	size_t n;
	struct setting set[SETTINGS_MAX];
};

struct rules {
	size_t n;
	struct rule rule[RULES_MAX];
};

/* Where the reader stands, for messages. */
struct place {
	const char *path;
	unsigned line;
	const char *begin; /* of the line */
	FILE *err;
};

__attribute__((format(printf, 3, 4))) static bool
wrong(const struct place *at, const char *word, const char *fmt, ...)
{
	va_list ap;

	fprintf(at->err, "%s:%u:%td: ", at->path, at->line,
		word - at->begin + 1);
	va_start(ap, fmt);
	vfprintf(at->err, fmt, ap);
	va_end(ap);
	fputc('\n', at->err);
	return false;
}

static bool read_answer(const char *text, uint64_t *ret_n)
{
	size_t i;

	for (i = 0; i < COUNT(answers); i++) {
		if (strcmp(text, answers[i]) != 0)
			continue;
		*ret_n = i;
		return true;
	}
	return false;
}

static bool read_delay(const char *text, uint64_t *ret_ns)
{
	if (strcmp(text, "by-address") == 0) {
		*ret_ns = BY_ADDRESS;
		return true;
	}
	return value_time(text, ret_ns);
}

static const char *const allowed[] = {
	[TYPE_DELAY] = "a time such as 250us, 1.5ms, 2s, up to a day, or "
		       "by-address",
	[TYPE_TIME] = "a time such as 250us, 1.5ms, 2s, up to a day",
	[TYPE_SHARE] = "0 to 1, or 0% to 100%",
	[TYPE_COUNT] = "0 to 1200",
	[TYPE_FLAG] = "no value: it stands alone",
	[TYPE_ANSWER] = "none, refused, net-unreachable, host-unreachable, "
			"port-unreachable or prohibited",
	[TYPE_FROM] = "one address, or one of each family with a comma between",
	[TYPE_HOPS] = "up to 8 addresses of the rule's family with commas "
		      "between",
};

static bool read_hops(const struct rule *r, char *value, struct setting *s)
{
	unsigned i;

	if (!value_addrs(value, RULES_HOPS_MAX, s->v.list.hops, &s->v.list.n))
		return false;
	for (i = 0; i < s->v.list.n; i++)
		if (s->v.list.hops[i].family != r->net.family)
			return false;
	return true;
}

static bool read_value(const struct rule *r, char *value, struct setting *s)
{
	if (s->key->type == TYPE_FLAG) {
		s->v.number = 1;
		return value == NULL;
	}
	if (!value)
		return false;
	switch (s->key->type) {
	case TYPE_DELAY:
		return read_delay(value, &s->v.number);
	case TYPE_TIME:
		return value_time(value, &s->v.number);
	case TYPE_SHARE:
		return value_share(value, &s->v.number);
	case TYPE_COUNT:
		return value_count(value, 1200, &s->v.number);
	case TYPE_ANSWER:
		return read_answer(value, &s->v.number);
	case TYPE_FROM:
		return value_addrs(value, 2, s->v.list.hops, &s->v.list.n);
	case TYPE_HOPS:
		return read_hops(r, value, s);
	case TYPE_FLAG:
		break;
	}
	return false;
}

static bool add_setting(struct rule *r, const struct place *at, char *word,
			char *value)
{
	struct setting *s = &r->set[r->n];
	size_t i;

	for (i = 0; i < COUNT(keys) && strcmp(keys[i].name, word) != 0; i++)
		;
	if (i == COUNT(keys))
		return wrong(at, word, "no such action: %s", word);
	if (r->n == SETTINGS_MAX)
		return wrong(at, word, "more than %d actions", SETTINGS_MAX);
	s->key = &keys[i];
	if (!read_value(r, value, s))
		return wrong(at, value ? value : word, "%s takes %s", word,
			     allowed[s->key->type]);
	r->n++;
	return true;
}

/* The words after the match: actions, and the window they hold in. */
static bool read_word(struct rule *r, const struct place *at, char *word)
{
	char *value = strchr(word, '=');
	uint64_t *edge_ns = NULL;

	if (value)
		*value++ = '\0';
	if (strcmp(word, "since") == 0)
		edge_ns = &r->from_ns;
	else if (strcmp(word, "until") == 0)
		edge_ns = &r->until_ns;
	if (!edge_ns)
		return add_setting(r, at, word, value);
	if (!value || !value_time(value, edge_ns))
		return wrong(at, value ? value : word,
			     "%s takes a time after loading such as 5s", word);
	return true;
}

static bool read_proto(const char *word, uint8_t *ret_proto)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} protos[] = { { "any", 0 },
		       { "icmp", IPPROTO_ICMP },
		       { "tcp", IPPROTO_TCP },
		       { "udp", IPPROTO_UDP } };
	size_t i;

	for (i = 0; i < COUNT(protos); i++) {
		if (strcmp(word, protos[i].name) != 0)
			continue;
		*ret_proto = protos[i].proto;
		return true;
	}
	return false;
}

static bool read_net(char *word, struct rule *r)
{
	char *slash = strchr(word, '/');
	uint64_t bits;

	if (strcmp(word, "any") == 0)
		return true;
	if (slash)
		*slash++ = '\0';
	if (!value_addr(word, &r->net))
		return false;
	r->bits = r->net.family == 4 ? 32 : 128;
	if (slash && !value_count(slash, r->bits, &bits))
		return false;
	if (slash)
		r->bits = (unsigned)bits;
	return true;
}

/* The next word of the line, NULL at its end. */
static char *next_word(char **rest)
{
	char *word;

	do
		word = strsep(rest, " \t\r\n");
	while (word && *word == '\0');
	return word;
}

static bool read_rule(struct rule *r, const struct place *at, char *line)
{
	char *rest = line, *word = next_word(&rest);

	memset(r, 0, sizeof(*r));
	r->until_ns = UINT64_MAX;
	if (!read_net(word, r))
		return wrong(at, word,
			     "a rule begins with ADDRESS[/BITS] or "
			     "any");
	word = next_word(&rest);
	if (!word || !read_proto(word, &r->proto))
		return wrong(at, word ? word : line,
			     "the second word is icmp, tcp, udp or any");
	while ((word = next_word(&rest)) != NULL)
		if (!read_word(r, at, word))
			return false;
	return true;
}

static bool read_rules(struct rules *r, struct place *at, FILE *f)
{
	char line[LINE_BYTES];

	at->begin = line;
	while (fgets(line, sizeof(line), f)) {
		at->line++;
		if (strlen(line) == sizeof(line) - 1)
			return wrong(at, line, "longer than %zu bytes",
				     sizeof(line) - 2);
		line[strcspn(line, "#")] = '\0';
		if (line[strspn(line, " \t\r\n")] == '\0')
			continue;
		if (r->n == RULES_MAX)
			return wrong(at, line, "more than %d rules", RULES_MAX);
		if (!read_rule(&r->rule[r->n], at, line))
			return false;
		r->n++;
	}
	if (ferror(f))
		return wrong(at, line, "cannot be read: %s", strerror(errno));
	return true;
}

struct rules *rules_load(const char *path, FILE *err)
{
	struct place at = { .path = path, .err = err };
	struct rules *r = calloc(1, sizeof(*r));
	FILE *f = r ? fopen(path, "re") : NULL;

	if (!f) {
		fprintf(err, "%s: %s\n", path, strerror(errno));
		free(r);
		return NULL;
	}
	if (!read_rules(r, &at, f)) {
		free(r);
		r = NULL;
	}
	fclose(f);
	return r;
}

void rules_destroy(struct rules *r)
{
	free(r);
}

static bool covers(const struct rule *r, const struct packet_addr *a)
{
	unsigned whole = r->bits / 8, rest = r->bits % 8;

	if (r->net.family == 0)
		return true;
	if (r->net.family != a->family || memcmp(r->net.b, a->b, whole) != 0)
		return false;
	return rest == 0 || (r->net.b[whole] ^ a->b[whole]) >> (8 - rest) == 0;
}

/* The third octet, or the fourth group, in milliseconds. */
static uint64_t by_address(const struct packet_addr *a)
{
	uint64_t ms =
		a->family == 4 ? a->b[2] : (uint64_t)(a->b[6] << 8 | a->b[7]);

	return ms * 1000000;
}

static void set_from(struct effect *e, const struct setting *s)
{
	unsigned i;

	for (i = 0; i < s->v.list.n; i++) {
		if (s->v.list.hops[i].family == 4)
			e->from4 = s->v.list.hops[i];
		else
			e->from6 = s->v.list.hops[i];
	}
}

static void apply(struct effect *e, const struct setting *s,
		  const struct packet_addr *edge)
{
	void *field = (char *)e + s->key->at;

	switch (s->key->type) {
	case TYPE_DELAY:
	case TYPE_TIME:
	case TYPE_SHARE:
		*(uint64_t *)field = s->v.number == BY_ADDRESS
					     ? by_address(edge)
					     : s->v.number;
		break;
	case TYPE_COUNT:
		*(unsigned *)field = (unsigned)s->v.number;
		break;
	case TYPE_FLAG:
		*(bool *)field = true;
		break;
	case TYPE_ANSWER:
		*(enum answer *)field = (enum answer)s->v.number;
		break;
	case TYPE_FROM:
		set_from(e, s);
		break;
	case TYPE_HOPS:
		e->n_hops = s->v.list.n;
		memcpy(e->hops, s->v.list.hops, sizeof(e->hops));
		break;
	}
}

void rules_apply(const struct rules *r, const struct packet_addr *edge,
		 uint8_t proto, uint64_t age_ns, struct effect *ret_e)
{
	size_t i, k;

	memset(ret_e, 0, sizeof(*ret_e));
	if (proto == IPPROTO_ICMPV6)
		proto = IPPROTO_ICMP;
	for (i = 0; i < r->n; i++) {
		const struct rule *rule = &r->rule[i];

		if ((rule->proto && rule->proto != proto) ||
		    age_ns < rule->from_ns || age_ns >= rule->until_ns ||
		    !covers(rule, edge))
			continue;
		for (k = 0; k < rule->n; k++)
			apply(ret_e, &rule->set[k], edge);
	}
}
