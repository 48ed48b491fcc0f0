#include "report/clickhouse/fault.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAID_MAX 240

/* Codes of exceptions, from ClickHouse's ErrorCodes. */
enum code {
	NO_SUCH_COLUMN = 16,
	UNKNOWN_IDENTIFIER = 47,
	UNKNOWN_TABLE = 60,
	UNKNOWN_DATABASE = 81,
	UNKNOWN_USER = 192,
	WRONG_PASSWORD = 193,
	REQUIRED_PASSWORD = 194,
	IP_ADDRESS_NOT_ALLOWED = 195,
	DATABASE_ACCESS_DENIED = 291,
	ACCESS_DENIED = 497,
	AUTHENTICATION_FAILED = 516,
};

/* "Code: 60, e.displayText() = DB::Exception: ..." and "Code: 60.
 * DB::Exception: ..."; 0: it is none. */
static long code_of(const char *text)
{
	const char *at = strstr(text, "Code: ");

	return at == NULL ? 0 : strtol(at + strlen("Code: "), NULL, 10);
}

/* What was said, in one line, without what only its developers need. */
static void tidy(const char *text, char ret[SAID_MAX])
{
	const char *from = strstr(text, "DB::Exception: ");
	size_t n = 0;

	if (from != NULL)
		text = from + strlen("DB::Exception: ");
	for (; *text != '\0' && n < SAID_MAX - 1; text++) {
		if (strncmp(text, ", e.what()", 10) == 0)
			break;
		if (!iscntrl((unsigned char)*text))
			ret[n++] = *text;
		else if (n > 0 && ret[n - 1] != ' ')
			ret[n++] = ' ';
	}
	while (n > 0 && ret[n - 1] == ' ')
		n--;
	ret[n] = '\0';
}

static int say(long status, const char *body, struct ep_err *err)
{
	char said[SAID_MAX];

	tidy(body, said);
	switch (code_of(body)) {
	case UNKNOWN_TABLE:
	case UNKNOWN_DATABASE:
		return ep_err_set(err, -ENOENT,
				  "there are no such tables (%.120s); apply "
				  "packaging/clickhouse/schema.sql, or name "
				  "the database",
				  said);
	case NO_SUCH_COLUMN:
	case UNKNOWN_IDENTIFIER:
		return ep_err_set(err, -ENOENT,
				  "its tables are those of an older edgeprobe "
				  "(%.120s); apply packaging/clickhouse/ddl "
				  "--upgrade",
				  said);
	case UNKNOWN_USER:
	case WRONG_PASSWORD:
	case REQUIRED_PASSWORD:
	case IP_ADDRESS_NOT_ALLOWED:
	case AUTHENTICATION_FAILED:
		status = 401;
		break;
	case DATABASE_ACCESS_DENIED:
	case ACCESS_DENIED:
		status = 403;
		break;
	}
	if (status == 401)
		return ep_err_set(err, -EACCES,
				  "user or password is not right: %s", said);
	if (status == 403)
		return ep_err_set(err, -EACCES, "it does not let us read: %s",
				  said);
	return ep_err_set(err, -EREMOTEIO, "status %ld: %s", status,
			  said[0] == '\0' ? "nothing more was said" : said);
}

int clickhouse_fault(long status, const char *body, struct ep_err *err)
{
	return say(status, body, err);
}

int clickhouse_fault_inside(const char *line, struct ep_err *err)
{
	const char *at = strstr(line, "Code: ");

	if (at == NULL || strstr(at, "DB::Exception") == NULL)
		return 0;
	return say(200, at, err);
}
