#include "core/name_tell.h"
#include <stdio.h>

void name_tell_init(struct name_tell *tell)
{
	tell->cb = NULL;
	tell->arg = NULL;
	list_init(&tell->now);
	list_init(&tell->quiet);
}

static struct name *first_of(const struct list *list)
{
	return container_of(list->next, struct name, tell);
}

static void let_go(struct list *list)
{
	while (!list_empty(list)) {
		struct name *name = first_of(list);

		list_remove(&name->tell);
		name_told(name, name->told_ns);
	}
}

void name_tell_listen(struct name_tell *tell, ep_names_cb cb, void *arg)
{
	tell->cb = cb;
	tell->arg = arg;
	if (cb != NULL)
		return;
	let_go(&tell->now);
	let_go(&tell->quiet);
}

void name_tell_note(struct name_tell *tell, struct name *name, uint64_t now_ns)
{
	if (name->changes == 0)
		return;
	if (tell->cb == NULL)
		name_told(name, now_ns);
	else if (list_empty(&name->tell))
		list_add(&tell->now, &name->tell);
}

/* All are quiet for equally long, so the first one is due first. */
uint64_t name_tell_due(const struct name_tell *tell)
{
	if (!list_empty(&tell->now))
		return 0;
	if (list_empty(&tell->quiet))
		return UINT64_MAX;
	return first_of(&tell->quiet)->told_ns + EP_NAMES_GAP_NS;
}

/* What has changed meanwhile is told now; the others may be told of at once
 * from now on. */
static void end_quiet(struct name_tell *tell, uint64_t now_ns)
{
	while (!list_empty(&tell->quiet)) {
		struct name *name = first_of(&tell->quiet);

		if (now_ns < name->told_ns + EP_NAMES_GAP_NS)
			return;
		list_remove(&name->tell);
		if (name->changes > 0)
			list_add(&tell->now, &name->tell);
	}
}

/* A copy: the callback may make the cache forget the name. */
static void say(struct name_tell *tell, struct name *name, uint64_t now_ns)
{
	struct ep_address added[EP_NTH_MAX], removed[EP_NTH_MAX];
	char host[EP_HOST_MAX + 1];
	struct ep_names_change change = {
		.host = host,
		.family = name->family,
		.n = name->set->n,
		.n_added = name_set_minus(name->set, name->told, added),
		.n_removed = name_set_minus(name->told, name->set, removed),
		.added = added,
		.removed = removed,
		.changes = name->changes,
	};

	snprintf(host, sizeof(host), "%s", name->host);
	name_told(name, now_ns);
	list_remove(&name->tell);
	list_add(&tell->quiet, &name->tell);
	tell->cb(&change, tell->arg);
}

void name_tell_run(struct name_tell *tell, uint64_t now_ns)
{
	end_quiet(tell, now_ns);
	while (!list_empty(&tell->now))
		say(tell, first_of(&tell->now), now_ns);
}
