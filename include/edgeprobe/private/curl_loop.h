/* libcurl's multi interface on a libuv loop: the only glue between the two,
 * used by https probes and by delivery. */
#ifndef EDGEPROBE_PRIVATE_CURL_LOOP_H
#define EDGEPROBE_PRIVATE_CURL_LOOP_H

#include <curl/curl.h>
#include <stdint.h>
#include <uv.h>

struct curl_loop;
struct curl_transfer;

/* Runs once, from the loop, when the transfer has ended. The easy handle has
 * been removed from the multi and is the caller's again. */
typedef void (*curl_transfer_cb)(struct curl_transfer *transfer,
				 CURLcode result);

/* Called before libcurl is told about an event of one of the transfer's
 * sockets; the place to read TCP_INFO and receive stamps. May be NULL. */
typedef void (*curl_socket_cb)(struct curl_transfer *transfer, curl_socket_t fd,
			       int events);

/* A request, caller-owned; zero it, set the first part, keep it in place
 * until `done` has run or curl_transfer_cancel() returned. */
struct curl_transfer {
	CURL *easy;               /* borrowed; CURLOPT_PRIVATE is ours */
	curl_transfer_cb done;    /* required */
	curl_socket_cb on_socket; /* may be NULL */
	struct curl_loop *loop;   /* ours: NULL while not under way */
};

/* 0 or negative errno. `loop` must outlive it. */
int curl_loop_open(uv_loop_t *loop, struct curl_loop **ret_curl_loop);

/* Every transfer must have ended or been cancelled. `closed` (may be NULL)
 * runs from the loop when all handles are gone and memory is freed. */
void curl_loop_close(struct curl_loop *curl_loop, void (*closed)(void *arg),
		     void *arg);

/* Begin; `done` never runs from inside this call. 0 or negative errno. */
int curl_transfer_start(struct curl_loop *curl_loop,
			struct curl_transfer *transfer);

/* Stop without calling `done`; harmless if it is not under way. May be called
 * from any callback of ours, but not from libcurl's own. */
void curl_transfer_cancel(struct curl_transfer *transfer);

/* A short word for logs and a negative errno for an adaptor's caller. */
int curl_loop_errno(CURLcode code);

#endif
