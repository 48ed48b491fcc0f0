#include "core/pop.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Text that need not end in NUL. */
struct span {
	const char *at;
	size_t n;
};

/* Letters of a code. */
#define CODE_MIN 2
#define CODE_MAX 4

/* X-Azure-Ref's oldest form, decoded: a time, an id, then the node's name. */
#define NODE_AT   24
#define NODE_MAX  24
#define DECODED_N (NODE_AT + NODE_MAX)

/* Its newest form: a time, a dash, letters and digits, then mark and code. */
#define MARK      "hC1"
#define RANDOM_N  16
#define CODE_LEN  3
#define TIME_FORM "00000000T000000Z-"

typedef bool (*read_fn)(struct span value, char *ret_code);

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
	while (s.n > 0 && is_blank(s.at[0])) {
		s.at++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.at[s.n - 1]))
		s.n--;
	return s;
}

static struct span skip(struct span s, size_t n)
{
	return (struct span){ s.at + n, s.n - n };
}

static bool equals(struct span s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.at, text, s.n) == 0;
}

static void put_code(struct span s, char *ret_code)
{
	memcpy(ret_code, s.at, s.n);
	ret_code[s.n] = '\0';
}

/* "PAOEDGE0418" is PAO, "CO1EDGE0322" CO, "FRA261110505054" FRA: the capitals
 * at the start, without the word that older nodes have after them. */
static bool read_node(struct span node, char *ret_code)
{
	static const char word[] = "EDGE";
	const size_t word_n = sizeof(word) - 1;
	size_t n = 0;

	while (n < node.n && is_upper(node.at[n]))
		n++;
	if (n >= word_n && memcmp(node.at + n - word_n, word, word_n) == 0)
		n -= word_n;
	if (n < CODE_MIN || n > CODE_MAX)
		return false;
	put_code((struct span){ node.at, n }, ret_code);
	return true;
}

/* "Ref A: 32 hex Ref B: NODE Ref C: TIME" */
static bool read_ref_b(struct span value, char *ret_code)
{
	static const char label[] = "Ref B:";
	const size_t label_n = sizeof(label) - 1;
	size_t n = 0;

	while (value.n >= label_n && strncasecmp(value.at, label, label_n) != 0)
		value = skip(value, 1);
	if (value.n < label_n)
		return false;
	value = trim(skip(value, label_n));
	while (n < value.n && !is_blank(value.at[n]))
		n++;
	return read_node((struct span){ value.at, n }, ret_code);
}

static int sextet(char c)
{
	if (is_upper(c))
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	if (c == '+' || c == '/')
		return c == '+' ? 62 : 63;
	return -1;
}

/* The first bytes of base64 text; returns how many there were, at most
 * `size`. Stops at the first character that is none. */
static size_t decode(struct span text, unsigned char *ret, size_t size)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.n && n < size; i++) {
		int six = sextet(text.at[i]);

		if (six < 0)
			break;
		bits = bits << 6 | (uint32_t)six;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		ret[n++] = (unsigned char)(bits >> held);
	}
	return n;
}

/* '0' and base64: 8 bytes of time, 16 of id, the node's name and its NUL. */
static bool read_azure_oldest(struct span value, char *ret_code)
{
	unsigned char bytes[DECODED_N];
	const unsigned char *end;
	size_t n;

	if (value.n == 0 || value.at[0] != '0')
		return false;
	n = decode(skip(value, 1), bytes, sizeof(bytes));
	if (n <= NODE_AT)
		return false;
	end = memchr(bytes + NODE_AT, '\0', n - NODE_AT);
	if (end == NULL)
		return false;
	return read_node((struct span){ (const char *)bytes + NODE_AT,
					(size_t)(end - bytes) - NODE_AT },
			 ret_code);
}

/* '0' in the form stands for any digit. */
static bool has_form(struct span s, const char *form)
{
	size_t n = strlen(form);

	if (s.n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (form[i] == '0' ? !is_digit(s.at[i]) : s.at[i] != form[i])
			return false;
	return true;
}

static bool is_letter(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static bool is_code(struct span s)
{
	return s.n == CODE_LEN && is_upper(s.at[0]) && is_upper(s.at[1]) &&
	       (is_upper(s.at[2]) || is_digit(s.at[2]));
}

static bool read_azure_newest(struct span value, char *ret_code)
{
	const size_t mark_n = sizeof(MARK) - 1;
	struct span code;

	if (!has_form(value, TIME_FORM))
		return false;
	value = skip(value, sizeof(TIME_FORM) - 1);
	if (value.n < RANDOM_N + mark_n + CODE_LEN)
		return false;
	for (size_t i = 0; i < RANDOM_N; i++)
		if (!is_lower_or_digit(value.at[i]))
			return false;
	value = skip(value, RANDOM_N);
	if (memcmp(value.at, MARK, mark_n) != 0)
		return false;
	code = (struct span){ value.at + mark_n, CODE_LEN };
	if (is_code(code))
		put_code(code, ret_code);
	return is_code(code);
}

static bool read_azure(struct span value, char *ret_code)
{
	return read_azure_newest(value, ret_code) ||
	       read_azure_oldest(value, ret_code);
}

/* The code and nothing else. */
static bool read_plain(struct span value, char *ret_code)
{
	if (!is_code(value))
		return false;
	put_code(value, ret_code);
	return true;
}

/* In the URL that reports of failures go to:
 * "...?TenantId=&FrontEnd=Cafe&DestinationEndpoint=PHX" */
static bool read_report_to(struct span value, char *ret_code)
{
	static const char label[] = "DestinationEndpoint=";
	const size_t label_n = sizeof(label) - 1;
	size_t n = 0;

	while (value.n >= label_n && memcmp(value.at, label, label_n) != 0)
		value = skip(value, 1);
	if (value.n < label_n)
		return false;
	value = skip(value, label_n);
	while (n < value.n && (is_letter(value.at[n]) || is_digit(value.at[n])))
		n++;
	return read_plain((struct span){ value.at, n }, ret_code);
}

/* In order of preference. */
static const struct {
	const char *name;
	read_fn read;
	bool shared; /* others send it, too: only one with a code counts */
} headers[] = {
	{ "X-MSEdge-Ref", read_ref_b, false },
	{ "X-FD-Ref", read_ref_b, false },
	{ "X-Azure-Ref", read_azure, false },
	{ "X-FirstHopCafeEFZ", read_plain, false },
	{ "X-FEEFZInfo", read_plain, false },
	{ "Report-To", read_report_to, true },
};

#define HEADERS_N (sizeof(headers) / sizeof(headers[0]))

static size_t rank_of(struct span name)
{
	size_t rank = 0;

	while (rank < HEADERS_N && !equals(name, headers[rank].name))
		rank++;
	return rank;
}

static bool split(const char *line, size_t length, struct span *ret_name,
		  struct span *ret_value)
{
	const char *colon = memchr(line, ':', length);

	if (colon == NULL)
		return false;
	*ret_name = (struct span){ line, (size_t)(colon - line) };
	*ret_value = trim((struct span){ colon + 1,
					 length - (size_t)(colon - line) - 1 });
	return true;
}

static void put_text(struct span from, char *ret, size_t size)
{
	size_t n = from.n < size - 1 ? from.n : size - 1;

	for (size_t i = 0; i < n; i++)
		ret[i] = from.at[i] >= ' ' && from.at[i] <= '~' ? from.at[i]
								: '?';
	ret[n] = '\0';
}

/* Whether what is there stays. */
static bool keeps(const struct ep_https *https, size_t rank, bool has_code)
{
	struct span name = { https->pop_source, strlen(https->pop_source) };

	if (name.n == 0)
		return false;
	if (has_code != (https->pop[0] != '\0'))
		return !has_code;
	return rank_of(name) <= rank;
}

/* "TCP_HIT", "Hit from somewhere": the first word, of the first such header. */
static void note_cache(struct ep_https *https, struct span value)
{
	size_t n = 0;

	while (n < value.n && (is_letter(value.at[n]) ||
			       is_digit(value.at[n]) || value.at[n] == '_'))
		n++;
	if (https->edge_cache[0] == '\0')
		put_text((struct span){ value.at, n }, https->edge_cache,
			 sizeof(https->edge_cache));
}

void pop_note(struct ep_https *https, const char *line, size_t length)
{
	char code[EP_POP_MAX] = "";
	struct span name, value;
	size_t rank;
	bool has_code;

	if (!split(line, length, &name, &value))
		return;
	if (equals(name, "X-Cache"))
		note_cache(https, value);
	rank = rank_of(name);
	if (rank == HEADERS_N || value.n == 0)
		return;
	has_code = headers[rank].read(value, code);
	if (keeps(https, rank, has_code) || (headers[rank].shared && !has_code))
		return;
	memcpy(https->pop, code, sizeof(code));
	put_text(
		(struct span){ headers[rank].name, strlen(headers[rank].name) },
		https->pop_source, sizeof(https->pop_source));
	put_text(value, https->pop_ref, sizeof(https->pop_ref));
}

void pop_forget(struct ep_https *https)
{
	https->pop[0] = '\0';
	https->pop_source[0] = '\0';
	https->pop_ref[0] = '\0';
	https->edge_cache[0] = '\0';
}
