/* The lifetime of a struct that holds libuv handles: it is freed when the
 * count of its unclosed handles is zero, and nowhere else. ep_scope_shut() is
 * the only place of the tree that calls uv_close(). */
#ifndef EDGEPROBE_PRIVATE_SCOPE_H
#define EDGEPROBE_PRIVATE_SCOPE_H

#include <uv.h>

struct ep_scope;
typedef void (*ep_scope_cb)(struct ep_scope *scope);

/* Embedded in its owner, which is freed in `ended` and nowhere else. */
struct ep_scope {
	unsigned held;     /* handles not yet closed, and the owner itself */
	ep_scope_cb ended; /* set once, by ep_scope_end() */
};

/* Begin with the owner's own hold. */
void ep_scope_init(struct ep_scope *scope);

/* Count `handle` in, right after its uv_*_init. Sets handle->data: owners are
 * reached with container_of. */
void ep_scope_adopt(struct ep_scope *scope, uv_handle_t *handle);

/* Close `handle`; may be asked twice. */
void ep_scope_shut(struct ep_scope *scope, uv_handle_t *handle);

/* The same for a handle in memory of its own, which is free(3)d afterwards:
 * `handle` must be the first member of what was allocated. */
void ep_scope_shut_free(struct ep_scope *scope, uv_handle_t *handle);

/* Take and drop a hold for something that is not a handle. */
void ep_scope_take(struct ep_scope *scope);
void ep_scope_drop(struct ep_scope *scope);

/* Drop the owner's hold. `ended` runs when the last handle has closed: at once
 * if there is none. Exactly once. */
void ep_scope_end(struct ep_scope *scope, ep_scope_cb ended);

#endif
