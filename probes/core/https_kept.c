#include "core/https_kept.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void https_kept_init(struct https_kept_set *set, unsigned max)
{
	memset(set, 0, sizeof(*set));
	set->max = max;
	list_init(&set->idle);
	for (unsigned i = 0; i < HTTPS_KEPT_BUCKETS; i++)
		list_init(&set->buckets[i]);
}

static void forget(struct https_kept *kept)
{
	list_remove(&kept->link);
	list_remove(&kept->idle);
	kept->set->n--;
	free(kept->source);
	free(kept);
}

void https_kept_finish(struct https_kept_set *set)
{
	struct list *at, *after;

	for (unsigned i = 0; i < HTTPS_KEPT_BUCKETS; i++)
		list_for_each (at, after, &set->buckets[i])
			forget(container_of(at, struct https_kept, link));
}

/* 240.0.0.0/4 and 100::/64 are nobody's. */
static struct ep_address alias_of(uint8_t family, uint32_t id)
{
	struct ep_address a = { .family = family };
	unsigned last = family == 4 ? 3 : 15;

	a.bytes[0] = family == 4 ? 240 : 1;
	for (unsigned i = 0; i < 3; i++, id >>= 8)
		a.bytes[last - i] = (uint8_t)id;
	return a;
}

static bool fits(const struct https_kept *k, const struct ep_target *t,
		 uint8_t family, uint16_t port)
{
	return !k->used && k->flow == t->flow && k->nth == t->nth &&
	       k->port == port && k->address.family == family &&
	       strcmp(k->source, t->source == NULL ? "" : t->source) == 0 &&
	       strcmp(k->host, t->host) == 0;
}

static struct list *bucket_of(struct https_kept_set *set,
			      const struct ep_target *t)
{
	uint64_t hash = t->flow;

	for (const char *c = t->host; *c != '\0'; c++)
		hash = hash * 31 + (unsigned char)*c;
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return &set->buckets[hash >> 32 & (HTTPS_KEPT_BUCKETS - 1)];
}

static struct https_kept *find(struct https_kept_set *set,
			       const struct ep_target *t, uint8_t family,
			       uint16_t port)
{
	struct list *at, *after, *bucket = bucket_of(set, t);

	list_for_each (at, after, bucket) {
		struct https_kept *k =
			container_of(at, struct https_kept, link);

		if (fits(k, t, family, port))
			return k;
	}
	return NULL;
}

/* libcurl sees that it ended, when it looks, and closes it. */
static void end(struct https_kept *kept)
{
	if (kept->fd >= 0)
		(void)shutdown(kept->fd, SHUT_RDWR);
}

static struct https_kept *make(struct https_kept_set *set,
			       const struct ep_target *t, uint16_t port)
{
	size_t n = strlen(t->host) + 1;
	struct https_kept *k = calloc(1, sizeof(*k) + n);

	if (k == NULL)
		return NULL;
	k->source = strdup(t->source == NULL ? "" : t->source);
	if (k->source == NULL) {
		free(k);
		return NULL;
	}
	memcpy(k->host, t->host, n);
	k->set = set;
	k->id = ++set->last_id;
	k->flow = t->flow;
	k->nth = t->nth;
	k->port = port;
	k->fd = -1;
	list_init(&k->idle);
	list_add(bucket_of(set, t), &k->link);
	set->n++;
	return k;
}

/* What libcurl still has open cannot be forgotten yet: the one that was not used
 * for longest is ended, and forgotten another time. */
static void make_room(struct https_kept_set *set)
{
	struct list *at, *after;

	if (set->n < set->max)
		return;
	list_for_each (at, after, &set->idle) {
		struct https_kept *k =
			container_of(at, struct https_kept, idle);

		if (k->fd < 0) {
			forget(k);
			return;
		}
	}
	if (!list_empty(&set->idle))
		end(container_of(set->idle.next, struct https_kept, idle));
}

struct https_kept *https_kept_take(struct https_kept_set *set,
				   const struct ep_target *target,
				   const struct ep_address *address,
				   uint16_t port)
{
	struct https_kept *k = find(set, target, address->family, port);

	if (k == NULL) {
		make_room(set);
		k = make(set, target, port);
	}
	if (k == NULL)
		return NULL;
	if (!ep_address_equal(&k->address, address))
		end(k);
	k->address = *address;
	k->alias = alias_of(address->family, k->id);
	k->used = true;
	list_remove(&k->idle);
	return k;
}

void https_kept_drop(struct https_kept *kept)
{
	kept->used = false;
	list_add(&kept->set->idle, &kept->idle);
}

void https_kept_opened(struct https_kept *kept, int fd)
{
	kept->fd = fd;
	kept->bytes = 0;
}

void https_kept_closed(struct https_kept *kept, int fd)
{
	if (kept->fd == fd)
		kept->fd = -1;
}
