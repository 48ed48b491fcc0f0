/* A doubly linked list whose links live inside what is linked. */
#ifndef EDGEPROBE_PRIVATE_LIST_H
#define EDGEPROBE_PRIVATE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* The struct that holds `member` at `ptr`. */
#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A head, or a link; a link that is in no list points at itself. */
struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Append `item` at the end of `head`. */
static inline void list_add(struct list *head, struct list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

/* Take `item` out of its list; harmless if it is in none. */
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

/* The body may remove `at`, and only `at`. */
#define list_for_each(at, after, head)                                         \
	for ((at) = (head)->next, (after) = (at)->next; (at) != (head);        \
	     (at) = (after), (after) = (at)->next)

#endif
