/* libcurl's multi interface on a libuv loop: the only glue between the two,
 * used by https probes and by delivery. */
#ifndef EDGEPROBE_PRIVATE_CURL_LOOP_H
#define EDGEPROBE_PRIVATE_CURL_LOOP_H

#include "edgeprobe/private/list.h"
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct curl_loop;
struct curl_transfer;

/* Runs once, from the loop, when the transfer has ended (CURLE_OUT_OF_MEMORY
 * also where its socket could not be watched). The easy handle has been removed
 * from the multi and is the caller's again, and so is the struct. May start and
 * cancel transfers and close the curl_loop. */
typedef void (*curl_transfer_cb)(struct curl_transfer *transfer,
				 CURLcode result);

/* Called before libcurl is told about an event of a socket that it opened for
 * this transfer; the place to read TCP_INFO and receive stamps. `events` are
 * CURL_CSELECT_IN, _OUT and _ERR. May cancel. A connection has one transfer at
 * a time. Not quite every event comes by here: in a timeout libcurl looks at
 * its sockets itself, and sees what came since the loop looked. */
typedef void (*curl_socket_cb)(struct curl_transfer *transfer, curl_socket_t fd,
			       int events);

/* A request, caller-owned; zero it, set the first part, keep it in place
 * until `done` has run or curl_transfer_cancel() returned. */
struct curl_transfer {
	CURL *easy;               /* borrowed; CURLOPT_PRIVATE is ours */
	curl_transfer_cb done;    /* required */
	curl_socket_cb on_socket; /* may be NULL */
	uint64_t due_ns; /* when it will be given up, by ep_clock_mono_ns(): for
			  * curl_loop_drain(); 0: any time */
	struct curl_loop *loop; /* ours: NULL while not under way */
	struct list link;       /* ours */
	bool starved;           /* ours: its socket cannot be watched */
};

/* Initialise libcurl, once a process, from any thread. 0 or -EIO. */
int curl_loop_global(void);

/* 0 or negative errno. `loop` must outlive it. Every transfer of one curl_loop
 * shares its connections and its parsed CA store. */
int curl_loop_open(uv_loop_t *loop, struct curl_loop **ret_curl_loop);

/* Every transfer must have ended or been cancelled. `closed` (may be NULL)
 * runs from the loop when all handles are gone and memory is freed. */
void curl_loop_close(struct curl_loop *curl_loop, void (*closed)(void *arg),
		     void *arg);

/* Begin, at the next turn of the loop; `done` never runs from inside this
 * call. 0 or negative errno. */
int curl_transfer_start(struct curl_loop *curl_loop,
			struct curl_transfer *transfer);

/* Stop without calling `done`; harmless if it is not under way. May be called
 * from any callback of ours, but not from libcurl's own. */
void curl_transfer_cancel(struct curl_transfer *transfer);

/* Hand libcurl what the kernel already holds for transfers that are due by
 * `until_ns`, without waiting. The others are not looked at: when a line is dead
 * there are many that wait, and one is due every moment. */
void curl_loop_drain(struct curl_loop *curl_loop, uint64_t until_ns);

/* Let up to `n` connections stay open that no transfer uses. Without it libcurl
 * keeps four times as many as there are transfers at that moment. */
void curl_loop_keep(struct curl_loop *curl_loop, unsigned n);

/* A negative errno for an adaptor's caller; 0 for CURLE_OK. */
int curl_loop_errno(CURLcode code);

#endif
