#include "resolve_world.h"
#include "core/engine_i.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void resolve_world_open(struct resolve_world *w, const char *servers,
			uint64_t timeout_ns)
{
	struct ep_engine_options options = { .dns_servers = servers,
					     .dns_timeout_ns = timeout_ns };
	struct ep_err err = { 0 };

	assert_int_equal(uv_loop_init(&w->loop), 0);
	if (ep_engine_open(&w->loop, &options, &w->engine, &err) < 0)
		fail_msg("%s", err.text);
}

void resolve_world_close(struct resolve_world *w)
{
	ep_engine_close(w->engine, NULL, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
}

static void on_answer(struct resolve_query *query)
{
	struct ask *a = container_of(query, struct ask, query);

	a->at = a->order == NULL ? 1 : ++*a->order;
	uv_stop(a->loop); /* a timer may have answered: do not poll */
}

void resolve_world_start(struct resolve_world *w, struct ask *a,
			 const char *host, int family)
{
	unsigned *order = a->order;
	struct name_want want = a->want;

	memset(a, 0, sizeof(*a));
	a->order = order;
	a->want = want;
	a->query.want = want;
	a->loop = &w->loop;
	a->query.cb = on_answer;
	a->started = resolve_start(w->engine->resolve, &a->query, host, family);
	assert_int_equal(a->at, 0); /* never from inside the call */
	engine_arm(w->engine);
}

void resolve_world_await(struct resolve_world *w, struct ask *a)
{
	while (a->started == 0 && a->at == 0)
		uv_run(&w->loop, UV_RUN_ONCE);
}

struct resolve_answer resolve_world_ask(struct resolve_world *w,
					const char *host, int family)
{
	struct ask a = { .order = NULL };

	resolve_world_start(w, &a, host, family);
	assert_true(a.started >= 0);
	resolve_world_await(w, &a);
	return a.query.answer;
}

void resolve_world_expect_address(const struct resolve_answer *answer,
				  const char *address)
{
	char text[EP_ADDRESS_TEXT_MAX];

	assert_string_equal(ep_reason_name(answer->reason), "");
	assert_string_equal(
		ep_address_format(&answer->address, text, sizeof(text)),
		address);
}

void resolve_world_expect_reason(const struct resolve_answer *answer,
				 const char *reason)
{
	assert_string_equal(ep_reason_name(answer->reason), reason);
	assert_int_equal(answer->address.family, 0);
}
