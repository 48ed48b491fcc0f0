/* What threads and process have used of their host, and what it kept from
 * them. */
#ifndef BASE_USAGE_H
#define BASE_USAGE_H

#include <stdint.h>

/* Of a thread, since it began. */
struct usage {
	uint64_t cpu_ns;
	uint64_t waited_ns; /* for a processor, while it could have run; 0
			     * where this kernel keeps no account of it */
	uint64_t wakeups;   /* times that it slept and was woken */
	uint64_t preempted; /* times that another got its processor */
};

/* Of the calling thread. A system call or four. */
void usage_of_thread(struct usage *ret_usage);

/* Of the process: resident memory now, and the most so far. */
struct usage_memory {
	uint64_t bytes, max_bytes;
};

void usage_of_memory(struct usage_memory *ret_memory);

#endif
