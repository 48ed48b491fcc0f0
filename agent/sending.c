/* Happy path: each destination is opened and lives by its own timer; closing
 * closes each, and the last one's callback is ours.
 *
 * What can fail: opening one; those that are open by then are closed. */
#include "sending.h"
#include "base/log.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "store/store.h"
#include <errno.h>
#include <stdlib.h>

struct sending {
	struct ep_scope scope; /* the anchor, and a hold for each deliver */
	uv_timer_t anchor;     /* never started: closing is never at once */
	const struct config *config;
	struct store *store;
	bool old;
	struct deliver **delivers;
	size_t n;
	size_t flushing; /* that still send */
	void (*flushed)(void *arg);
	void *flush_arg;
	void (*closed)(void *arg);
	void *close_arg;
};

struct deliver_options delivery_options(const struct config *config,
					const struct config_destination *d)
{
	return (struct deliver_options){
		.name = d->name,
		.url = d->url,
		.encoding = d->encoding,
		.token_file = d->token_file,
		.auth = {
			.type = d->auth.type,
			.tenant = d->auth.tenant,
			.client_id = d->auth.client_id,
			.secret_file = d->auth.secret_file,
			.cert_file = d->auth.cert_file,
			.key_file = d->auth.key_file,
			.scope = d->auth.scope,
			.authority = d->auth.authority,
		},
		.ca_file = d->ca_file,
		.cert_file = d->cert_file,
		.key_file = d->key_file,
		.key_password_file = d->key_password_file,
		.proxy = d->proxy,
		.proxy_user = d->proxy_user,
		.proxy_password_file = d->proxy_password_file,
		.proxy_auth = d->proxy_auth,
		.proxy_ca_file = d->proxy_ca_file,
		.no_proxy = d->no_proxy,
		.source = d->source,
		.gzip = d->gzip,
		.max_rows = d->batch_rows,
		.max_bytes = d->batch_bytes,
		.interval_ns = d->interval_ns,
		.timeout_ns = d->timeout_ns,
		.backlog_rate = d->backlog_rate,
		.backlog_bandwidth = d->backlog_bandwidth,
		.dscp = d->dscp,
		.truncate_addresses = config->truncate_addresses,
	};
}

static int open_one(struct sending *s, const struct config_destination *d,
		    const struct identity *who, struct ep_err *err)
{
	struct deliver_options options = delivery_options(s->config, d);
	int r;

	options.old = s->old;
	r = deliver_open(s->anchor.loop, s->store, who, &options,
			 &s->delivers[s->n], err);
	if (r == 0)
		s->n++;
	return r;
}

static int open_all(struct sending *s, struct ep_err *err)
{
	struct identity who = { s->config->agent, store_epoch(s->store) };
	int r = 0;

	for (size_t i = 0; i < s->config->n_destinations && r == 0; i++)
		r = open_one(s, &s->config->destinations[i], &who, err);
	return r;
}

/* A destination that is configured no more must not keep its rows for ever. */
static int retire_others(struct sending *s, struct ep_err *err)
{
	size_t n = s->config->n_destinations;
	int *ids = calloc(n + 1, sizeof(*ids));
	int r = ids == NULL ? ep_err_set(err, -ENOMEM, "out of memory") : 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = store_destination(s->store, s->config->destinations[i].name,
				      &ids[i], err);
	/* A full disk hinders this, too: the next start does it. */
	if (r == 0 && store_retire_destinations(s->store, ids, n, err) < 0)
		log_warn("store", "retire=failed reason=\"%s\"", err->text);
	free(ids);
	return r;
}

int sending_open(uv_loop_t *loop, const struct config *config,
		 struct store *store, bool old, struct sending **ret_sending,
		 struct ep_err *err)
{
	struct sending *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	s->delivers =
		calloc(config->n_destinations + 1, sizeof(struct deliver *));
	if (s->delivers == NULL) {
		free(s);
		return ep_err_set(err, -ENOMEM, "out of memory");
	}
	s->config = config;
	s->store = store;
	s->old = old;
	ep_scope_init(&s->scope);
	uv_timer_init(loop, &s->anchor);
	ep_scope_adopt(&s->scope, (uv_handle_t *)&s->anchor);
	r = open_all(s, err);
	if (r == 0)
		r = retire_others(s, err);
	if (r < 0) {
		sending_close(s, NULL, NULL);
		return r;
	}
	*ret_sending = s;
	return 0;
}

struct deliver *const *sending_list(const struct sending *s)
{
	return s->delivers;
}

void sending_poke(struct sending *s)
{
	for (size_t i = 0; i < s->n; i++)
		deliver_poke(s->delivers[i]);
}

bool sending_is_draining(const struct sending *s)
{
	for (size_t i = 0; s != NULL && i < s->n; i++)
		if (deliver_is_draining(s->delivers[i]))
			return true;
	return false;
}

bool sending_is_done(const struct sending *s)
{
	struct deliver_facts facts = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		deliver_facts(s->delivers[i], &facts);
		if (facts.backlog_rows > 0)
			return false;
	}
	return true;
}

static void on_flushed(void *arg)
{
	struct sending *s = arg;

	if (--s->flushing == 0)
		s->flushed(s->flush_arg);
}

void sending_flush(struct sending *s, uint64_t timeout_ns,
		   void (*cb)(void *arg), void *arg)
{
	s->flushing = s->n;
	s->flushed = cb;
	s->flush_arg = arg;
	if (s->n == 0) {
		cb(arg);
		return;
	}
	for (size_t i = 0; i < s->n; i++)
		deliver_flush(s->delivers[i], timeout_ns, on_flushed, s);
}

static void on_ended(struct ep_scope *scope)
{
	struct sending *s = container_of(scope, struct sending, scope);
	void (*closed)(void *arg) = s->closed;
	void *arg = s->close_arg;

	free(s->delivers);
	free(s);
	if (closed != NULL)
		closed(arg);
}

static void on_deliver_closed(void *arg)
{
	ep_scope_drop(&((struct sending *)arg)->scope);
}

void sending_close(struct sending *s, void (*closed)(void *arg), void *arg)
{
	s->closed = closed;
	s->close_arg = arg;
	for (size_t i = 0; i < s->n; i++) {
		ep_scope_take(&s->scope);
		deliver_close(s->delivers[i], on_deliver_closed, s);
	}
	ep_scope_shut(&s->scope, (uv_handle_t *)&s->anchor);
	ep_scope_end(&s->scope, on_ended);
}
