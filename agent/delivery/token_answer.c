#include "delivery/token_answer.h"

#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_BYTES_MAX 32768
#define AADSTS_MAX      99999999.0

/* Seconds as a number, or as a text of digits: the metadata services write
 * them so. */
static uint32_t life_of(const struct json *value)
{
	const char *text = value ? json_text(value) : NULL;
	double seconds = 0;

	if (!value)
		return TOKEN_LIFE_S;
	if (text && strspn(text, "0123456789") == strlen(text))
		seconds = strtod(text, NULL);
	else if (!json_number(value, &seconds))
		return TOKEN_LIFE_S;
	if (!(seconds >= 1))
		return 1;
	return seconds < TOKEN_LIFE_MAX_S ? (uint32_t)seconds
					  : TOKEN_LIFE_MAX_S;
}

static bool is_token(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= TOKEN_BYTES_MAX;
}

static int take_token(const struct json *root, struct token_answer *a)
{
	const struct json *value = json_get(root, "access_token");
	const struct json *type = json_get(root, "token_type");
	const char *text = value ? json_text(value) : NULL;

	if (!text || !is_token(text))
		return -EPROTO;
	if (type &&
	    (!json_text(type) || strcasecmp(json_text(type), "Bearer") != 0))
		return -EPROTO;
	a->token.text = strdup(text);
	if (!a->token.text)
		return -ENOMEM;
	a->token.len = strlen(text);
	a->life_s = life_of(json_get(root, "expires_in"));
	return 0;
}

/* A word as RFC 6749 has them; what is none is not repeated. */
static void take_error(const struct json *root, struct token_answer *a)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-";
	const struct json *value = json_get(root, "error");
	const struct json *codes = json_get(root, "error_codes");
	const char *text = value ? json_text(value) : NULL;
	size_t len = text ? strlen(text) : 0;
	double number;

	if (len > 0 && len < sizeof(a->error) && strspn(text, plain) == len)
		memcpy(a->error, text, len + 1);
	if (codes && json_type(codes) == JSON_ARRAY && json_first(codes) &&
	    json_number(json_first(codes), &number) && number >= 1 &&
	    number <= AADSTS_MAX)
		a->aadsts = (unsigned long)number;
}

int token_answer_read(unsigned status, const char *body, size_t len,
		      struct token_answer *ret_answer)
{
	struct json_fault fault;
	struct json_doc *doc;
	int r;

	*ret_answer = (struct token_answer){ 0 };
	if (len == 0 || len > TOKEN_ANSWER_MAX)
		return -EPROTO;
	r = json_parse(body, len, false, &doc, &fault);
	if (r < 0)
		return r == -ENOMEM ? r : -EPROTO;
	if (status == 200)
		r = take_token(json_root(doc), ret_answer);
	else
		r = -EPROTO;
	if (r == -EPROTO)
		take_error(json_root(doc), ret_answer);
	json_wipe(doc);
	return r;
}

bool token_challenge_read(const char *value, char ret_name[TOKEN_KEY_NAME])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";
	static const char dir[] = TOKEN_KEY_DIR "/";
	size_t len, suffix = strlen(TOKEN_KEY_SUFFIX);
	const char *name;

	value += strspn(value, " \t");
	if (strncasecmp(value, TOKEN_CHALLENGE, strlen(TOKEN_CHALLENGE)) != 0)
		return false;
	value += strlen(TOKEN_CHALLENGE);
	if (strncmp(value, dir, strlen(dir)) != 0)
		return false;
	name = value + strlen(dir);
	len = strlen(name);
	if (len <= suffix || len >= TOKEN_KEY_NAME || name[0] == '.' ||
	    strspn(name, plain) != len ||
	    strcmp(name + len - suffix, TOKEN_KEY_SUFFIX) != 0)
		return false;
	memcpy(ret_name, name, len + 1);
	return true;
}
