#include "control/request.h"
#include "base/buf.h"
#include "base/json.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define WHOLE_MAX      9007199254740992.0 /* 2^53: whole in any reader */

static int wrong(struct ep_err *err, const char *key, const char *allowed)
{
	return ep_err_set(err, -EINVAL, "\"%s\": must be %s", key, allowed);
}

static bool whole(const struct json *value, double max, uint64_t *ret)
{
	double number;

	if (!json_number(value, &number) || !(number >= 0) || number > max ||
	    number != (double)(uint64_t)number)
		return false;
	*ret = (uint64_t)number;
	return true;
}

static int read_destination(const struct json *value, void *to,
			    struct ep_err *err)
{
	struct control_request *request = to;
	const char *text = json_text(value);

	if (!text || text[0] == '\0' || strlen(text) > NAME_MAX_BYTES)
		return wrong(err, json_key(value), "the name of one");
	request->destination = text;
	return 0;
}

static int read_time(const struct json *value, uint64_t *to, struct ep_err *err)
{
	uint64_t us;

	if (!whole(value, WHOLE_MAX, &us) || us == 0)
		return wrong(err, json_key(value), "microseconds since 1970");
	*to = us * 1000;
	return 0;
}

static int read_since(const struct json *value, void *to, struct ep_err *err)
{
	struct control_request *request = to;

	return read_time(value, &request->since_ns, err);
}

static int read_until(const struct json *value, void *to, struct ep_err *err)
{
	struct control_request *request = to;

	return read_time(value, &request->until_ns, err);
}

static int read_ids(const struct json *value, void *to, struct ep_err *err)
{
	struct control_request *request = to;

	if (json_type(value) != JSON_ARRAY)
		return wrong(err, json_key(value), "a list of numbers");
	for (const struct json *v = json_first(value); v; v = json_next(v)) {
		if (request->n_ids == CONTROL_IDS_MAX)
			return wrong(err, json_key(value), "at most 256");
		if (!whole(v, WHOLE_MAX, &request->ids[request->n_ids++]))
			return wrong(err, json_key(value), "whole numbers");
	}
	return 0;
}

static int read_all(const struct json *value, void *to, struct ep_err *err)
{
	struct control_request *request = to;

	if (!json_bool(value, &request->all))
		return wrong(err, json_key(value), "true or false");
	return 0;
}

struct member {
	const char *key;
	unsigned bit;
	int (*read)(const struct json *value, void *to, struct ep_err *err);
};

static const struct member members[] = {
	{ "destination", CONTROL_DESTINATION, read_destination },
	{ "since_us", CONTROL_SINCE, read_since },
	{ "until_us", CONTROL_UNTIL, read_until },
	{ "ids", CONTROL_IDS, read_ids },
	{ "all", CONTROL_IDS, read_all },
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static int unknown(const struct json_doc *doc, const struct json *value,
		   const struct control_word *word, struct ep_err *err)
{
	char excerpt[48];
	struct buf allowed;

	buf_init(&allowed, 256);
	for (size_t i = 0; i < MEMBERS; i++)
		if (word->takes & members[i].bit)
			buf_printf(&allowed, ", \"%s\"", members[i].key);
	ep_err_set(err, -EINVAL, "%s: \"%s\" takes \"ask\"%s",
		   json_excerpt(doc, value, true, excerpt, sizeof(excerpt)),
		   word->ask, allowed.len > 0 ? allowed.data : "");
	buf_finish(&allowed);
	return -EINVAL;
}

static int read_member(struct control_request *request,
		       const struct json *value, struct ep_err *err)
{
	const char *key = json_key(value);

	if (json_get(json_root(request->doc), key) != value)
		return ep_err_set(err, -EINVAL, "a member comes twice");
	if (strcmp(key, "ask") == 0)
		return 0;
	for (size_t i = 0; i < MEMBERS; i++)
		if (strcmp(members[i].key, key) == 0 &&
		    (request->word->takes & members[i].bit))
			return members[i].read(value, request, err);
	return unknown(request->doc, value, request->word, err);
}

static int find_word(struct control_request *request,
		     const struct control_word *words, size_t n,
		     struct ep_err *err)
{
	const char *ask = json_text(json_get(json_root(request->doc), "ask"));
	struct buf known;

	for (size_t i = 0; ask && i < n; i++)
		if (strcmp(words[i].ask, ask) == 0)
			request->word = &words[i];
	if (request->word)
		return 0;
	buf_init(&known, 256);
	for (size_t i = 0; i < n; i++)
		buf_printf(&known, "%s \"%s\"", i ? "," : "", words[i].ask);
	ep_err_set(err, -EINVAL, "\"ask\": must be one of%s",
		   known.len > 0 ? known.data : "");
	buf_finish(&known);
	return -EINVAL;
}

static int read_all_members(struct control_request *request,
			    const struct control_word *words, size_t n,
			    struct ep_err *err)
{
	const struct json *root = json_root(request->doc), *v;
	int r;

	if (json_type(root) != JSON_OBJECT)
		return ep_err_set(err, -EINVAL,
				  "a request is one JSON object a line");
	r = find_word(request, words, n, err);
	for (v = json_first(root); v && r == 0; v = json_next(v))
		r = read_member(request, v, err);
	return r;
}

int control_request_parse(const char *line, size_t len,
			  const struct control_word *words, size_t n,
			  struct control_request *ret_request,
			  struct ep_err *err)
{
	struct control_request request = { 0 };
	struct json_fault fault;
	int r = json_parse(line, len, false, &request.doc, &fault);

	if (r == -EINVAL)
		return ep_err_set(err, r, "byte %zu: %s", fault.offset + 1,
				  fault.text);
	if (r < 0)
		return ep_err_set(err, r, "out of memory");
	r = read_all_members(&request, words, n, err);
	if (r < 0) {
		json_destroy(request.doc);
		return r;
	}
	*ret_request = request;
	return 0;
}

void control_request_finish(struct control_request *request)
{
	json_destroy(request->doc);
	request->doc = NULL;
}
