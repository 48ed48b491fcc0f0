#include "base/json.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct json_doc {
	cJSON *root;
	size_t len;
	char *plain; /* the text with comments blanked */
	char text[]; /* as it came; the same offsets */
};

/* The opaque value of the header is cJSON's node. */
static const cJSON *node_of(const struct json *value)
{
	return (const cJSON *)(const void *)value;
}

static const struct json *value_of(const cJSON *node)
{
	return (const struct json *)(const void *)node;
}

static struct json_doc *copy(const char *text, size_t len)
{
	struct json_doc *doc = calloc(1, sizeof *doc + 2 * len + 1);

	if (!doc)
		return NULL;
	doc->len = len;
	doc->plain = doc->text + len;
	memcpy(doc->text, text, len);
	memcpy(doc->plain, text, len);
	return doc;
}

/* Some editors begin a file with this. */
static size_t mark_length(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static int check(struct json_doc *doc, bool comments,
		 struct json_fault *ret_fault)
{
	int r = json_check_bytes(doc->text, doc->len, ret_fault);

	memset(doc->plain, ' ', mark_length(doc->text, doc->len));
	if (r == 0 && comments)
		r = json_blank_comments(doc->plain, doc->len, ret_fault);
	if (r == 0)
		r = json_scan(doc->plain, doc->len, ret_fault);
	return r;
}

int json_parse(const char *text, size_t len, bool comments,
	       struct json_doc **ret_doc, struct json_fault *ret_fault)
{
	struct json_doc *doc = copy(text, len);
	int r;

	if (!doc)
		return -ENOMEM;
	r = check(doc, comments, ret_fault);
	if (r < 0)
		goto err_doc;
	doc->root = cJSON_ParseWithLength(doc->plain, len);
	if (!doc->root) {
		r = -ENOMEM; /* all else was checked above */
		goto err_doc;
	}
	*ret_doc = doc;
	return 0;

err_doc:
	free(doc);
	return r;
}

void json_destroy(struct json_doc *doc)
{
	if (!doc)
		return;
	cJSON_Delete(doc->root);
	free(doc);
}

/* Depth is bounded by the scan. */
static void wipe_texts(const cJSON *node)
{
	for (; node; node = node->next) {
		if (node->valuestring)
			explicit_bzero(node->valuestring,
				       strlen(node->valuestring));
		wipe_texts(node->child);
	}
}

void json_wipe(struct json_doc *doc)
{
	wipe_texts(doc->root);
	explicit_bzero(doc->text, 2 * doc->len);
	json_destroy(doc);
}

struct json_where json_position(const char *text, size_t len, size_t offset)
{
	struct json_where where = { .line = 1, .column = 1 };

	for (size_t i = mark_length(text, len); i < offset && i < len; i++) {
		if (text[i] == '\n') {
			where.line++;
			where.column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			where.column++; /* not the rest of a character */
		}
	}
	return where;
}

const struct json *json_root(const struct json_doc *doc)
{
	return value_of(doc->root);
}

/* Values begun before `wanted` in the tree at `node`, added to `*count`; true:
 * it was met. Depth is bounded by the scan. */
static bool count_until(const cJSON *node, const cJSON *wanted, size_t *count)
{
	const cJSON *child;

	if (node == wanted)
		return true;
	(*count)++;
	for (child = node->child; child; child = child->next)
		if (count_until(child, wanted, count))
			return true;
	return false;
}

static size_t offset_of(const struct json_doc *doc, const struct json *value,
			bool key)
{
	size_t nth = 0;

	count_until(doc->root, node_of(value), &nth);
	return json_scan_offset(doc->plain, doc->len, nth, key);
}

struct json_where json_where(const struct json_doc *doc,
			     const struct json *value, bool key)
{
	return json_position(doc->text, doc->len, offset_of(doc, value, key));
}

char *json_excerpt(const struct json_doc *doc, const struct json *value,
		   bool key, char *ret, size_t size)
{
	size_t offset = offset_of(doc, value, key);
	const char *text = doc->plain + offset;
	size_t n = json_scan_length(text, doc->len - offset);

	if (n < size) {
		memcpy(ret, text, n);
		ret[n] = '\0';
	} else {
		n = size - sizeof "...";
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--; /* not in the middle of a character */
		memcpy(ret, text, n);
		memcpy(ret + n, "...", sizeof "...");
	}
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	return ret;
}

enum json_type json_type(const struct json *value)
{
	const cJSON *node = node_of(value);

	if (cJSON_IsBool(node))
		return JSON_BOOL;
	if (cJSON_IsNumber(node))
		return JSON_NUMBER;
	if (cJSON_IsString(node))
		return JSON_TEXT;
	if (cJSON_IsArray(node))
		return JSON_ARRAY;
	if (cJSON_IsObject(node))
		return JSON_OBJECT;
	return JSON_NULL;
}

const char *json_type_name(enum json_type type)
{
	switch (type) {
	case JSON_NULL:
		return "null";
	case JSON_BOOL:
		return "true or false";
	case JSON_NUMBER:
		return "a number";
	case JSON_TEXT:
		return "a text";
	case JSON_ARRAY:
		return "a list";
	case JSON_OBJECT:
		return "an object";
	}
	return "";
}

const struct json *json_first(const struct json *value)
{
	return value_of(node_of(value)->child);
}

const struct json *json_next(const struct json *value)
{
	return value_of(node_of(value)->next);
}

const char *json_key(const struct json *value)
{
	return node_of(value)->string;
}

const struct json *json_get(const struct json *object, const char *key)
{
	return value_of(cJSON_GetObjectItemCaseSensitive(node_of(object), key));
}

const char *json_text(const struct json *value)
{
	return cJSON_IsString(node_of(value)) ? node_of(value)->valuestring
					      : NULL;
}

bool json_number(const struct json *value, double *ret_number)
{
	if (!cJSON_IsNumber(node_of(value)))
		return false;
	*ret_number = node_of(value)->valuedouble;
	return true;
}

bool json_bool(const struct json *value, bool *ret_bool)
{
	if (!cJSON_IsBool(node_of(value)))
		return false;
	*ret_bool = cJSON_IsTrue(node_of(value));
	return true;
}

const char *json_library_version(void)
{
	return cJSON_Version();
}
