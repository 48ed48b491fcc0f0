/* A collector on the test's own loop: a real HTTP/1.1 server on a free port of
 * loopback that keeps every request and answers by a script. Asserts instead
 * of failing. */
#ifndef TEST_LIB_COLLECTOR_H
#define TEST_LIB_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct collector;

enum collector_how {
	COLLECTOR_ANSWER,       /* the head and body of the step */
	COLLECTOR_RESET_BEFORE, /* a reset when the header has come */
	COLLECTOR_RESET_AFTER,  /* a reset when the body has come */
	COLLECTOR_CLOSE,        /* closed without an answer */
	COLLECTOR_HANG,         /* nothing, until the client leaves */
	COLLECTOR_TRUNCATE,     /* less of a body than announced */
	COLLECTOR_FLOOD,        /* 200, and header lines without end */
	COLLECTOR_ENDLESS,      /* 200, and a body without end */
};

struct collector_step {
	enum collector_how how;
	const char *head; /* "503 Busy\r\nRetry-After: 1"; NULL: "200 OK"; a
			   * length that is not the body's may be in it */
	const char *body; /* NULL: empty */
};

/* As it came; in order. */
struct collector_request {
	char *head; /* request line and header fields */
	char *body; /* a NUL follows */
	size_t len;
	bool said_yes; /* was answered with a status of 2xx */
	struct collector_request *next;
};

struct collector *collector_open(uv_loop_t *loop);

/* Close it; its handles are gone after the loop's next turns. */
void collector_close(struct collector *c);

uint16_t collector_port(const struct collector *c);

/* Answers for the next requests; then 200 with an empty body, or what `rule`
 * says. Borrowed. */
void collector_script(struct collector *c, const struct collector_step *steps,
		      size_t n);
typedef struct collector_step (*collector_rule)(
	const struct collector_request *request, void *arg);
void collector_set_rule(struct collector *c, collector_rule rule, void *arg);

unsigned collector_requests(const struct collector *c);
/* From 0. */
const struct collector_request *collector_request(const struct collector *c,
						  unsigned i);
/* The value of a header field, copied; "" if there is none. */
const char *collector_field(const struct collector_request *request,
			    const char *name, char *value, size_t size);

#endif
