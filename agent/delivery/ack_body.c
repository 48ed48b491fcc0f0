/* What engines write into their answers. All of it is theirs: nothing is
 * believed beyond its form, and nothing of it is kept but numbers. */
#include "delivery/ack.h"

#include "delivery/members.h"

#include <string.h>

/* Where "errors" stands in an answer that was too long to be read: before the
 * list of items. */
#define ERRORS_WITHIN 256

static bool contains(const char *text, size_t len, const char *wanted)
{
	return memmem(text, len, wanted, strlen(wanted)) != NULL;
}

static bool is_object(const char *text, size_t len)
{
	return len > 0 && text[0] == '{' && members_valid(text, len);
}

static bool is_word(const struct member *member, const char *word)
{
	return member->len == strlen(word) &&
	       memcmp(member->value, word, member->len) == 0;
}

/* --- OTLP: {} or {"partialSuccess":{...}} --- */

static enum ack_class otlp_body(const char *body, size_t len, bool cut,
				struct ack_parts *ret)
{
	static const char *const counts[] = { "rejectedLogRecords",
					      "rejectedDataPoints" };
	struct member partial, count;
	struct members any;

	/* It has taken what it says so much about. */
	if (cut)
		return body[0] == '{' && contains(body,
						  len < ERRORS_WITHIN
							  ? len
							  : ERRORS_WITHIN,
						  "\"partialSuccess\"")
			       ? ACK_DONE
			       : ACK_ENDPOINT;
	if (!is_object(body, len))
		return ACK_ENDPOINT;
	if (!members_find(body, len, "partialSuccess", &partial))
		return members_open(&any, body, len) &&
				       !members_next(&any, &partial)
			       ? ACK_DONE
			       : ACK_ENDPOINT;
	if (partial.value[0] != '{' && !is_word(&partial, "null"))
		return ACK_ENDPOINT;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (members_find(partial.value, partial.len, counts[i], &count))
			member_count(&count, &ret->rejected);
	return ACK_DONE;
}

/* --- Elasticsearch: {"errors":true,"items":[{"create":{"status":400}}]} --- */

/* 0: it has none. */
static unsigned item_status(const struct member *item)
{
	struct members members;
	struct member action, status;
	uint64_t number = 0;

	if (!members_open(&members, item->value, item->len) ||
	    !members_next(&members, &action) ||
	    !members_find(action.value, action.len, "status", &status) ||
	    !member_count(&status, &number) || number > 999)
		return 0;
	return (unsigned)number;
}

/* There is one with this name already: it came before. */
#define ALREADY_THERE 409

static enum ack_class item_class(const struct member *item)
{
	unsigned status = item_status(item);

	if ((status >= 200 && status <= 299) || status == ALREADY_THERE)
		return ACK_DONE;
	return ack_status(status);
}

static void add_run(struct ack_parts *ret, bool refused)
{
	/* Runs with odd numbers are of those that were refused. */
	unsigned odd = refused ? 1 : 0;

	if (ret->n_runs == 0)
		ret->n_runs = 1;
	if ((ret->n_runs - 1) % 2 != odd && ret->n_runs < ACK_RUNS_MAX)
		ret->n_runs++;
	if ((ret->n_runs - 1) % 2 == odd)
		ret->runs[ret->n_runs - 1]++;
}

/* What concerns all outweighs what concerns a row. */
static unsigned weight(enum ack_class class)
{
	static const unsigned weights[] = {
		[ACK_DONE] = 0,   [ACK_BAD_DATA] = 1, [ACK_TOO_LARGE] = 1,
		[ACK_UNSURE] = 2, [ACK_BUSY] = 3,     [ACK_ENDPOINT] = 4,
	};

	return weights[class];
}

static enum ack_class bulk_items(const struct member *items, uint64_t rows,
				 struct ack_parts *ret)
{
	struct ack_parts parts = { .rejected = 0 };
	enum ack_class worst = ACK_DONE;
	struct members members;
	struct member item;
	bool taken = false, full = false;
	uint64_t n = 0;

	if (!members_open(&members, items->value, items->len) || members.object)
		return ACK_ENDPOINT;
	while (members_next(&members, &item)) {
		enum ack_class class = item_class(&item);
		bool refused = class != ACK_DONE;

		taken = taken || !refused;
		worst = weight(class) > weight(worst) ? class : worst;
		full = full || (parts.n_runs == ACK_RUNS_MAX &&
				refused != ((parts.n_runs - 1) % 2 == 1));
		if (!full)
			add_run(&parts, refused);
		n++;
	}
	/* One for each row, or we do not know which it speaks of. */
	if (n != rows)
		return ACK_ENDPOINT;
	if (weight(worst) != weight(ACK_BAD_DATA))
		return worst;
	if (taken)
		*ret = parts;
	return ACK_BAD_DATA;
}

static enum ack_class bulk_body(const char *body, size_t len,
				const struct answer *answer,
				struct ack_parts *ret)
{
	size_t look = len < ERRORS_WITHIN ? len : ERRORS_WITHIN;
	bool cut = answer->body_cut;
	struct member errors, items;

	if (cut && body[0] == '{' && contains(body, look, "\"errors\":false"))
		return ACK_DONE;
	/* With fewer rows the answer is one that can be read. */
	if (cut && body[0] == '{' && contains(body, look, "\"errors\":true"))
		return ACK_TOO_LARGE;
	if (cut || !is_object(body, len) ||
	    !members_find(body, len, "errors", &errors))
		return ACK_ENDPOINT;
	if (is_word(&errors, "false"))
		return ACK_DONE;
	if (!is_word(&errors, "true") ||
	    !members_find(body, len, "items", &items))
		return ACK_ENDPOINT;
	return bulk_items(&items, answer->rows, ret);
}

/* --- Splunk: {"text":"Success","code":0} --- */

#define HEC_SUCCESS 0

/* By code, where the status does not say it. Those that are not here are about
 * the token, the index, the channel: about what is configured. */
static const struct {
	unsigned code;
	enum ack_class class;
} hec_codes[] = {
	{ 5, ACK_BAD_DATA },  /* no data */
	{ 6, ACK_BAD_DATA },  /* invalid data format */
	{ 8, ACK_UNSURE },    /* internal server error */
	{ 9, ACK_BUSY },      /* server is busy */
	{ 12, ACK_BAD_DATA }, /* event field is required */
	{ 13, ACK_BAD_DATA }, /* event field cannot be blank */
	{ 15, ACK_BAD_DATA }, /* error in handling indexed fields */
	{ 18, ACK_BUSY },     /* unhealthy: queues are full */
	{ 19, ACK_BUSY },     /* unhealthy: acknowledgements */
	{ 20, ACK_BUSY },     /* unhealthy: both */
	{ 23, ACK_BUSY },     /* shutting down */
};

/* Codes that are known to be about what is configured. */
static const unsigned hec_ours[] = {
	1, 2, 3, 4, 7, 10, 11, 14, 16, 17, 21, 22
};

static bool hec_code(const char *body, size_t len, uint64_t *ret_code)
{
	struct member code;

	return is_object(body, len) && members_find(body, len, "code", &code) &&
	       member_count(&code, ret_code);
}

static enum ack_class class_of_code(uint64_t code, enum ack_class otherwise)
{
	for (size_t i = 0; i < sizeof(hec_codes) / sizeof(hec_codes[0]); i++)
		if (hec_codes[i].code == code)
			return hec_codes[i].class;
	for (size_t i = 0; i < sizeof(hec_ours) / sizeof(hec_ours[0]); i++)
		if (hec_ours[i] == code)
			return ACK_ENDPOINT;
	return otherwise;
}

enum ack_class ack_hec_refusal(const char *body, size_t len,
			       enum ack_class otherwise)
{
	uint64_t code;

	return hec_code(body, len, &code) ? class_of_code(code, otherwise)
					  : otherwise;
}

static enum ack_class hec_body(const char *body, size_t len, bool cut)
{
	uint64_t code;

	if (cut || !hec_code(body, len, &code))
		return ACK_ENDPOINT;
	return code == HEC_SUCCESS ? ACK_DONE
				   : class_of_code(code, ACK_ENDPOINT);
}

enum ack_class ack_body(const struct answer *answer, const char *body,
			size_t len, struct ack_parts *ret_parts)
{
	bool cut = answer->body_cut;

	switch (answer->engine) {
	case ACK_ANY:
		break;
	case ACK_OTLP:
		return otlp_body(body, len, cut, ret_parts);
	case ACK_BULK:
		return bulk_body(body, len, answer, ret_parts);
	case ACK_HEC:
		return hec_body(body, len, cut);
	}
	return ACK_DONE;
}
