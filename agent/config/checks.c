#include "config/checks.h"
#include "config/config.h"
#include "edgeprobe/address.h"
#include "edgeprobe/target.h"
#include <ctype.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole number of at most five digits, all of `text`. */
static bool is_number(const char *text, unsigned long min, unsigned long max)
{
	size_t n = strspn(text, "0123456789");
	unsigned long number;

	if (n == 0 || n > 5 || text[n] != '\0')
		return false;
	number = strtoul(text, NULL, 10);
	return number >= min && number <= max;
}

static bool is_address(const char *text, size_t len, uint8_t family)
{
	char copy[EP_ADDRESS_TEXT_MAX];
	struct ep_address address;

	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return ep_address_parse(copy, &address) == 0 &&
	       (family == 0 || address.family == family);
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

const char *check_agent(const char *text)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("._-", *text))
			return "1 to 64 letters, digits, '.', '_' and '-'";
	return NULL;
}

const char *check_schedule(const char *text)
{
	if (strcmp(text, CONFIG_PERIODIC) == 0 ||
	    strcmp(text, CONFIG_POISSON) == 0)
		return NULL;
	return "\"" CONFIG_PERIODIC "\" or \"" CONFIG_POISSON "\"";
}

const char *check_addresses(const char *text)
{
	if (strcmp(text, CONFIG_ONE) == 0 || strcmp(text, CONFIG_STABLE) == 0 ||
	    strcmp(text, CONFIG_ALL) == 0)
		return NULL;
	return "\"" CONFIG_ONE "\", \"" CONFIG_STABLE "\" or \"" CONFIG_ALL
	       "\"";
}

const char *check_label(const char *text)
{
	return is_printable(text) ? NULL : "a text without control characters";
}

const char *check_host(const char *text)
{
	size_t n = strlen(text);

	if (strchr(text, ':'))
		return is_address(text, n, 6) ? NULL
					      : "a name or an address without "
						"port, scheme and "
						"brackets (see \"port\")";
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    !strchr("-._%", text[i]))
			return "a name (letters, digits, '-', '.', '_') or an "
			       "address";
	if (strstr(text, "..") || text[0] == '.')
		return "a name whose labels are not empty";
	return NULL;
}

const char *check_path(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f || *p == '#')
			return "printable ASCII without blanks and '#' "
			       "(others as %XX)";
	return text[0] == '/' ? NULL : "a path that starts with '/'";
}

const char *check_source(const char *text)
{
	size_t n = strlen(text);

	if (is_address(text, n, 0))
		return NULL;
	if (n >= IFNAMSIZ || strpbrk(text, " \t/:") || !is_printable(text))
		return "an address of this machine, or the name of an "
		       "interface (at most 15 bytes)";
	return NULL;
}

/* All bits of `address` behind the first `bits` are zero. */
static bool is_network(const struct ep_address *address, unsigned bits)
{
	size_t n = address->family == 4 ? 4 : 16;

	for (size_t i = 0; i < n; i++) {
		unsigned mine = bits > 8 ? 8 : bits;

		if ((address->bytes[i] & (0xffu >> mine)) != 0)
			return false;
		bits -= mine;
	}
	return true;
}

const char *check_prefix(const char *text)
{
	static const char allowed[] =
		"a prefix such as \"203.0.113.0/24\" or \"2001:db8::/32\"";
	const char *slash = strchr(text, '/');
	char copy[EP_ADDRESS_TEXT_MAX];
	struct ep_address address;

	if (!slash || (size_t)(slash - text) >= sizeof copy)
		return allowed;
	snprintf(copy, sizeof copy, "%.*s", (int)(slash - text), text);
	if (ep_address_parse(copy, &address) < 0 || strchr(copy, '%') ||
	    !is_number(slash + 1, 0, address.family == 4 ? 32 : 128))
		return allowed;
	if (!is_network(&address, (unsigned)strtoul(slash + 1, NULL, 10)))
		return "a prefix whose bits behind the length are zero";
	return NULL;
}

const char *check_server(const char *text)
{
	static const char allowed[] =
		"\"192.0.2.53\", \"192.0.2.53:5353\", \"2001:db8::53\" or "
		"\"[2001:db8::53]:5353\"";
	const char *end;

	if (is_address(text, strlen(text), 0))
		return NULL;
	end = strrchr(text, ':');
	if (!end || !is_number(end + 1, 1, 65535))
		return allowed;
	if (text[0] == '[' && end > text + 1 && end[-1] == ']')
		return is_address(text + 1, (size_t)(end - text) - 2, 6)
			       ? NULL
			       : allowed;
	return is_address(text, (size_t)(end - text), 4) ? NULL : allowed;
}

/* Bytes of the host in "HOST[:PORT][/PATH]", brackets included; 0: none, or
 * its port is none. */
static size_t host_length(const char *text)
{
	size_t authority = strcspn(text, "/?#"), host;
	char port[8];

	host = text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":/?#");
	if (host > authority)
		return 0;
	if (host == authority)
		return host;
	if (text[host] != ':' || authority - host > 6)
		return 0;
	snprintf(port, sizeof port, "%.*s", (int)(authority - host - 1),
		 text + host + 1);
	return is_number(port, 1, 65535) ? host : 0;
}

static bool is_host(const char *text, size_t len)
{
	char copy[EP_HOST_MAX + 1];

	if (len == 0 || len >= sizeof copy)
		return false;
	if (text[0] == '[')
		return len > 2 && is_address(text + 1, len - 2, 6);
	snprintf(copy, sizeof copy, "%.*s", (int)len, text);
	return check_host(copy) == NULL;
}

static bool is_loopback(const char *text, size_t len)
{
	return (len == 9 && strncasecmp(text, "localhost", 9) == 0) ||
	       (len == 5 && strncmp(text, "[::1]", 5) == 0) ||
	       (strncmp(text, "127.", 4) == 0 && is_address(text, len, 4));
}

const char *check_url(const char *text)
{
	const char *host = strstr(text, "://");
	size_t len;

	for (const char *p = text; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return "a URL of printable ASCII without blanks";
	if (strncmp(text, "file://", 7) == 0)
		return text[7] == '/' && text[8] != '\0'
			       ? NULL
			       : "file:///DIR/ with the whole path of a folder";
	if (!host || (strncmp(text, "https://", 8) != 0 &&
		      strncmp(text, "http://", 7) != 0))
		return "https://, http:// to this machine, or file:///DIR/";
	host += 3;
	if (memchr(host, '@', strcspn(host, "/?#")))
		return "a URL without user and password (see \"token_file\")";
	len = host_length(host);
	if (!is_host(host, len))
		return "a URL with a host, such as \"https://host/path\"";
	if (text[4] == ':' && !is_loopback(host, len))
		return "https:// (http:// only to 127.0.0.1, [::1] or "
		       "localhost)";
	return NULL;
}

const char *check_encoding(const char *text)
{
	static const char *const words[] = {
		"ndjson",       "json-array",   "otlp-json",  "otlp-logs",
		"otlp-metrics", "elastic-bulk", "splunk-hec", "vm-import",
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(text, words[i]) == 0)
			return NULL;
	return "\"ndjson\", \"json-array\", \"otlp-json\", \"otlp-logs\", "
	       "\"otlp-metrics\", \"elastic-bulk\", \"splunk-hec\" or "
	       "\"vm-import\"";
}

const char *check_proxy(const char *text)
{
	const char *host = strstr(text, "://");

	if (!is_printable(text) || strpbrk(text, " \t") || !host ||
	    (strncmp(text, "http://", 7) != 0 &&
	     strncmp(text, "https://", 8) != 0))
		return "http://HOST:PORT or https://HOST:PORT";
	host += 3;
	if (memchr(host, '@', strcspn(host, "/?#")))
		return "a URL without user and password (see \"proxy_user\" "
		       "and \"proxy_password_file\")";
	return is_host(host, host_length(host))
		       ? NULL
		       : "a URL with a host, such as \"http://192.0.2.3:3128\"";
}

const char *check_proxy_auth(const char *text)
{
	static const char *const words[] = { "any", "basic", "digest", "ntlm",
					     "negotiate" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(text, words[i]) == 0)
			return NULL;
	return "\"any\", \"basic\", \"digest\", \"ntlm\" or "
	       "\"negotiate\"";
}

const char *check_bypass(const char *text)
{
	if (strcmp(text, "*") == 0 || check_prefix(text) == NULL ||
	    is_address(text, strlen(text), 0))
		return NULL;
	text += text[0] == '.';
	return *text && !strpbrk(text, ":%/") && check_host(text) == NULL
		       ? NULL
		       : "names such as \"example.com\", addresses, prefixes "
			 "such as \"10.0.0.0/8\", or \"*\"";
}

const char *check_auth_type(const char *text)
{
	if (strcmp(text, "entra") == 0 || strcmp(text, "azure_arc") == 0 ||
	    strcmp(text, "azure_vm") == 0)
		return NULL;
	return "\"entra\", \"azure_arc\" or \"azure_vm\"";
}

const char *check_authority(const char *text)
{
	if (strncmp(text, "file:", 5) == 0)
		return "https://, or http:// to this machine";
	return check_url(text);
}

static bool is_among(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

const char *check_target_source(const char *text)
{
	static const char *const words[] = { "microsoft365", "teams-media",
					     "front-door", "entra" };

	return is_among(text, words, 4)
		       ? NULL
		       : "\"microsoft365\", \"teams-media\", \"front-door\" or "
			 "\"entra\"";
}

const char *check_instance(const char *text)
{
	static const char *const words[] = { "Worldwide", "China", "USGovDoD",
					     "USGovGCCHigh" };

	return is_among(text, words, 4)
		       ? NULL
		       : "\"Worldwide\", \"China\", \"USGovDoD\" or "
			 "\"USGovGCCHigh\"";
}

const char *check_area(const char *text)
{
	static const char *const words[] = { "Common", "Exchange", "SharePoint",
					     "Skype" };

	return is_among(text, words, 4)
		       ? NULL
		       : "a list of \"Common\", \"Exchange\", \"SharePoint\" "
			 "and \"Skype\"";
}

const char *check_category(const char *text)
{
	static const char *const words[] = { "Optimize", "Allow", "Default" };

	return is_among(text, words, 3)
		       ? NULL
		       : "a list of \"Optimize\", \"Allow\" and \"Default\"";
}

const char *check_tenant(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-')
			return "letters, digits and '-'";
	return text[0] == '-' ? "a name that begins with a letter or a digit"
			      : NULL;
}

const char *check_issuer(const char *text)
{
	return is_printable(text) && strchr(text, ',') == NULL
		       ? NULL
		       : "the beginning of a name, without commas,";
}

const char *check_download(const char *text)
{
	if (strncmp(text, "file:", 5) == 0 || strchr(text, '#'))
		return "https://HOST[:PORT]/PATH, or http:// to this machine";
	return check_url(text);
}

const char *check_mirror(const char *text)
{
	if (strncmp(text, "file:", 5) == 0 || strpbrk(text, "?#"))
		return "https://HOST[:PORT][/PATH], or http:// to this "
		       "machine";
	return check_url(text);
}
