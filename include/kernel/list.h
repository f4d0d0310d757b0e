/*
 * Circular doubly linked lists, linked through a member of the element.
 *
 * An empty head points to itself. No function allocates, locks or can fail;
 * the owner of the list says which lock guards it.
 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <kernel/types.h>

struct list {
	struct list *prev, *next;
};

#define LIST_INIT(name)                                                        \
	{                                                                      \
		&(name), &(name)                                               \
	}

static inline void
list_init(struct list *head)
{
	head->prev = head;
	head->next = head;
}

static inline bool
list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void
list_insert_between(struct list *elm, struct list *prev, struct list *next)
{
	elm->prev = prev;
	elm->next = next;
	prev->next = elm;
	next->prev = elm;
}

/* Right behind the head: the next one that list_first returns. */
static inline void
list_add(struct list *head, struct list *elm)
{
	list_insert_between(elm, head, head->next);
}

/* At the tail: the last one that a walk meets. */
static inline void
list_add_tail(struct list *head, struct list *elm)
{
	list_insert_between(elm, head->prev, head);
}

/* Takes elm out and leaves its own links as they are: for who will not look at
 * them before it is put into a list again. */
static inline void
list_unlink(struct list *elm)
{
	struct list *prev = elm->prev, *next = elm->next;

	prev->next = next;
	next->prev = prev;
}

/* Leaves elm pointing to itself, so that taking it out twice is harmless. */
static inline void
list_del(struct list *elm)
{
	elm->prev->next = elm->next;
	elm->next->prev = elm->prev;
	list_init(elm);
}

/* Moves all of `from` to the tail of `to`; `from` is empty afterwards. */
static inline void
list_splice_tail(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member)                                   \
	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)                                    \
	list_entry((head)->prev, type, member)

#define list_for_each(pos, head)                                               \
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

/* The element at pos may be taken out while walking. */
#define list_for_each_safe(pos, tmp, head)                                     \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head);       \
	     (pos) = (tmp), (tmp) = (pos)->next)

#endif /* KERNEL_LIST_H */
