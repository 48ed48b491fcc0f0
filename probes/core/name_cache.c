#include "core/name_cache.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct name_cache {
	struct list buckets[BUCKETS];
	struct list age; /* oldest first; pinned names are in no list */
	unsigned n, max;
};

int name_cache_create(unsigned max, struct name_cache **ret_cache)
{
	struct name_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&cache->buckets[i]);
	list_init(&cache->age);
	cache->max = max;
	*ret_cache = cache;
	return 0;
}

static void forget(struct name_cache *cache, struct name *name)
{
	list_remove(&name->bucket);
	list_remove(&name->age);
	list_remove(&name->tell);
	cache->n--;
	name_set_drop(name->set);
	name_set_drop(name->told);
	name_choices_finish(&name->choices);
	free(name);
}

void name_cache_destroy(struct name_cache *cache)
{
	struct list *at, *after;

	if (cache == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		list_for_each (at, after, &cache->buckets[i])
			forget(cache, container_of(at, struct name, bucket));
	free(cache);
}

/* FNV-1a: names come from a configuration, not from an adversary. */
static struct list *bucket_of(struct name_cache *cache, const char *host,
			      int family)
{
	uint32_t hash = 2166136261u ^ (uint32_t)family;

	for (; *host != '\0'; host++)
		hash = (hash ^ (uint8_t)*host) * 16777619u;
	return &cache->buckets[(hash ^ hash >> 16) % BUCKETS];
}

static struct name *find(struct list *bucket, const char *host, int family)
{
	struct list *at, *after;

	list_for_each (at, after, bucket) {
		struct name *name = container_of(at, struct name, bucket);

		if (name->family == family && strcmp(name->host, host) == 0)
			return name;
	}
	return NULL;
}

static int make_room(struct name_cache *cache)
{
	if (cache->n < cache->max)
		return 0;
	if (list_empty(&cache->age))
		return -ENOBUFS;
	forget(cache, container_of(cache->age.next, struct name, age));
	return 0;
}

static int add(struct name_cache *cache, const char *host, int family,
	       struct name **ret_name)
{
	size_t size = strlen(host) + 1;
	struct name *name;
	int r = make_room(cache);

	if (r < 0)
		return r;
	name = calloc(1, sizeof(*name) + size);
	if (name == NULL)
		return -ENOMEM;
	memcpy(name->host, host, size);
	name->family = (uint8_t)family;
	list_init(&name->age);
	list_init(&name->tell);
	list_add(bucket_of(cache, host, family), &name->bucket);
	cache->n++;
	*ret_name = name;
	return 0;
}

struct name *name_cache_find(struct name_cache *cache, const char *host,
			     int family)
{
	return find(bucket_of(cache, host, family), host, family);
}

int name_cache_get(struct name_cache *cache, const char *host, int family,
		   struct name **ret_name)
{
	struct name *name = name_cache_find(cache, host, family);
	int r = 0;

	if (name == NULL)
		r = add(cache, host, family, &name);
	if (r < 0)
		return r;
	name_cache_pin(cache, name, name->lookup);
	*ret_name = name;
	return 0;
}

void name_cache_pin(struct name_cache *cache, struct name *name,
		    struct lookup *lookup)
{
	name->lookup = lookup;
	list_remove(&name->age);
	if (lookup == NULL)
		list_add(&cache->age, &name->age);
}

void name_cache_flush(struct name_cache *cache)
{
	struct list *at, *after;

	for (unsigned i = 0; i < BUCKETS; i++)
		list_for_each (at, after, &cache->buckets[i]) {
			struct name *name =
				container_of(at, struct name, bucket);

			name->expires_ns = 0;
			name->hosts_version = 0;
		}
}

bool name_is_fresh(const struct name *name, uint64_t now_ns)
{
	return now_ns < name->expires_ns;
}

/* The first set of all is no change. */
static int keep_set(struct name *name, const struct name_answer *answer)
{
	struct name_set *set;

	name->first = answer->first;
	if (name->set != NULL && name_set_is(name->set, answer))
		return 0;
	set = name_set_create(answer);
	if (set == NULL)
		return -ENOMEM;
	if (name->told == NULL)
		name->told = name_set_take(set);
	else
		name->changes++;
	name_set_drop(name->set);
	name->set = set;
	return 0;
}

int name_store(struct name *name, const struct name_answer *answer,
	       uint64_t now_ns)
{
	uint64_t ttl_s = NAME_TTL_BAD_S;
	int r = 0;

	if (answer->reason == EP_REASON_NONE) {
		ttl_s = answer->ttl_s;
		r = keep_set(name, answer);
	}
	if (r < 0)
		return r;
	if (ttl_s > NAME_TTL_MAX_S)
		ttl_s = NAME_TTL_MAX_S;
	name->from_hosts = false;
	name->reason = answer->reason;
	name->expires_ns = now_ns + ttl_s * EP_NS_PER_S;
	return 0;
}

int name_store_hosts(struct name *name, const struct name_answer *answer)
{
	int r = keep_set(name, answer);

	if (r < 0)
		return r;
	name->from_hosts = true;
	name->reason = EP_REASON_NONE;
	name->expires_ns = UINT64_MAX;
	return 0;
}

void name_told(struct name *name, uint64_t now_ns)
{
	if (name->set != NULL && name->set != name->told) {
		name_set_drop(name->told);
		name->told = name_set_take(name->set);
	}
	name->told_ns = now_ns;
	name->changes = 0;
}
