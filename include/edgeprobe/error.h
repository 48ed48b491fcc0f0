/* What could not be done, for a human to read.
 *
 * Three kinds of trouble are never mixed: an *outcome* (sample.h) is what the
 * network did and is data; a *failure* is a negative errno, with this struct
 * beside it where a person will read it; a *bug* is an assertion. */
#ifndef EDGEPROBE_ERROR_H
#define EDGEPROBE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define EP_ERR_TEXT_MAX 512

/* Owned by the caller; zero-initialise it. Text is UTF-8 without newline. */
struct ep_err {
	int code; /* negative errno; 0 while nothing is wrong */
	char text[EP_ERR_TEXT_MAX]; /* what, where, and what is allowed */
};

/* Fill `err` (which may be NULL) and return `code`, so that a caller can say
 * `return ep_err_set(err, -EINVAL, "...")`. Text is cut at the buffer. */
int ep_err_set(struct ep_err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "prefix: " before the text that is there; returns `err->code`. Each
 * layer that knows more about *where* adds its own. */
int ep_err_prefix(struct ep_err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
