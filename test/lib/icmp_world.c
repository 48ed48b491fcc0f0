#include "icmp_world.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool icmp_allowed(int family, bool raw)
{
	int fd = socket(family == 4 ? AF_INET : AF_INET6,
			raw ? SOCK_RAW : SOCK_DGRAM,
			family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void tell(struct icmp_world *w, char event)
{
	size_t n = strlen(w->story);

	if (n + 1 < sizeof(w->story))
		w->story[n] = event;
	if (w->answers + w->lates >= w->wanted)
		uv_stop(&w->loop);
}

static void on_answer(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	static const char letters[] = "RfuLFC";
	struct icmp_world *w = arg;

	assert_ptr_equal(target, &w->target);
	w->last = *sample;
	w->answers++;
	w->outcomes[sample->outcome]++;
	w->unmeasured += sample->reason == EP_REASON_UNMEASURED;
	w->kernel += sample->outcome == EP_REPLIED &&
		     sample->stamp == EP_STAMP_KERNEL;
	tell(w, letters[sample->outcome]);
}

static void on_late(const struct ep_sample *sample, void *arg)
{
	struct icmp_world *w = arg;

	w->last_late = *sample;
	w->lates++;
	tell(w, sample->flags & EP_FLAG_DUPLICATE ? 'd' : 'l');
}

int icmp_world_open(void **state)
{
	struct ep_engine_options options = { .icmp_raw = *(bool *)*state };
	struct icmp_world *w = calloc(1, sizeof(*w));
	struct ep_err err = { 0 };

	assert_non_null(w);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	w->target.kind = ep_kind_find("icmp");
	w->target.host = "127.0.0.1";
	w->target.timeout_ns = 10 * EP_NS_PER_S;
	w->target.flow = 42;
	assert_int_equal(ep_engine_open(&w->loop, &options, &w->engine, &err),
			 0);
	ep_engine_on_late(w->engine, on_late, w);
	*state = w;
	return 0;
}

int icmp_world_close(void **state)
{
	struct icmp_world *w = *state;

	if (w->engine != NULL)
		ep_engine_close(w->engine, NULL, NULL);
	w->wanted = UINT32_MAX;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	free(w);
	return 0;
}

struct ep_probe *icmp_world_start(struct icmp_world *w)
{
	struct ep_probe *probe;

	assert_int_equal(
		ep_probe_start(w->engine, &w->target, 0, on_answer, w, &probe),
		0);
	return probe;
}

void icmp_world_wait(struct icmp_world *w, unsigned n)
{
	w->wanted = w->answers + w->lates + n;
	if (n > 0) /* else nothing would come to stop the loop */
		uv_run(&w->loop, UV_RUN_DEFAULT);
}

const struct ep_sample *icmp_world_measure(struct icmp_world *w)
{
	icmp_world_start(w);
	icmp_world_wait(w, 1);
	return &w->last;
}
