#include "edgeprobe/private/scope.h"
#include <assert.h>
#include <stdlib.h>

void ep_scope_init(struct ep_scope *scope)
{
	scope->held = 1;
	scope->ended = NULL;
}

void ep_scope_take(struct ep_scope *scope)
{
	assert(scope->held > 0);
	scope->held++;
}

void ep_scope_drop(struct ep_scope *scope)
{
	assert(scope->held > 0);
	if (--scope->held == 0)
		scope->ended(scope);
	/* scope may be gone */
}

void ep_scope_adopt(struct ep_scope *scope, uv_handle_t *handle)
{
	handle->data = scope;
	ep_scope_take(scope);
}

static void on_close(uv_handle_t *handle)
{
	ep_scope_drop(handle->data);
}

static void on_close_free(uv_handle_t *handle)
{
	struct ep_scope *scope = handle->data;

	free(handle);
	ep_scope_drop(scope);
}

void ep_scope_shut(struct ep_scope *scope, uv_handle_t *handle)
{
	assert(handle->data == scope);
	if (!uv_is_closing(handle))
		uv_close(handle, on_close);
}

void ep_scope_shut_free(struct ep_scope *scope, uv_handle_t *handle)
{
	assert(handle->data == scope);
	if (!uv_is_closing(handle))
		uv_close(handle, on_close_free);
}

void ep_scope_end(struct ep_scope *scope, ep_scope_cb ended)
{
	assert(scope->ended == NULL);
	scope->ended = ended;
	ep_scope_drop(scope);
}
