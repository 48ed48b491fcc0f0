#include "core/https_answer.h"
#include "core/https_request.h"
#include "core/pop.h"
#include "edgeprobe/clock.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Of what an edge sends we read no more. */
#define HEADER_BYTES_MAX 65536
#define BODY_BYTES_MAX   65536

/* "HTTP/1.1 103 Early Hints" begins a header of no consequence. */
static void note_status_line(struct https_answer *a, const char *line, size_t n)
{
	const char *space = memchr(line, ' ', n);

	a->interim = space != NULL && space + 1 < line + n && space[1] == '1';
	pop_forget(a->https);
}

static void note_header(struct https_answer *a, const char *line, size_t n)
{
	if (a->end->step == HTTPS_READING)
		return; /* a trailer */
	if (n >= 5 && strncasecmp(line, "HTTP/", 5) == 0)
		note_status_line(a, line, n);
	else if (line[0] == '\r' || line[0] == '\n')
		a->end->step = a->interim ? HTTPS_ASKING : HTTPS_READING;
	else
		pop_note(a->https, line, n);
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct https_answer *a = arg;
	size_t bytes = size * n;

	https_phases_first(a->phases, ep_clock_mono_ns());
	a->header_bytes += bytes;
	a->end->flooded = a->header_bytes > HEADER_BYTES_MAX;
	if (a->end->flooded)
		return 0;
	if (bytes > 0)
		note_header(a, line, bytes);
	return bytes;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct https_answer *a = arg;

	(void)data;
	a->body_bytes += size * n;
	a->end->enough = a->body_bytes > BODY_BYTES_MAX;
	return a->end->enough ? 0 : size * n;
}

CURLcode https_answer_watch(struct https_answer *answer, CURL *easy)
{
	CURLcode code = CURLE_OK;

	HTTPS_SET(CURLOPT_HEADERFUNCTION, on_header);
	HTTPS_SET(CURLOPT_HEADERDATA, answer);
	HTTPS_SET(CURLOPT_WRITEFUNCTION, on_body);
	HTTPS_SET(CURLOPT_WRITEDATA, answer);
	return code;
}

static const char *version_text(long version)
{
	switch (version) {
	case CURL_HTTP_VERSION_1_0:
		return "1.0";
	case CURL_HTTP_VERSION_1_1:
		return "1.1";
	case CURL_HTTP_VERSION_2_0:
		return "2";
	case CURL_HTTP_VERSION_3:
		return "3";
	default:
		return "";
	}
}

void https_answer_conclude(struct https_answer *answer, CURL *easy,
			   int64_t dns_ns)
{
	struct ep_https *https = answer->https;
	long status = 0, version = 0;
	curl_off_t length = -1;

	https_phases_put(answer->phases, dns_ns, https);
	if (answer->end->step != HTTPS_READING)
		return;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	answer->end->status = (uint16_t)status;
	answer->end->sized = length >= 0;
	https->http_status = answer->end->status;
	snprintf(https->http_version, sizeof(https->http_version), "%s",
		 version_text(version));
}
