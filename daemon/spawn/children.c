/*
 * The places for running programs: one array, sized at the start.
 */

#include <string.h>

#include "daemon/spawn/children.h"

size_t
children_memory_size(void)
{
	return sizeof(struct children_shared);
}

void
children_release(void *memory, size_t size, const struct generation *g)
{
	struct children_shared *shared = memory;

	if (size >= sizeof(*shared))
		hold_release_all(shared->holds, sizeof(shared->holds), g);
}

bool
children_next_guest(const void *memory, uint32_t *place, struct guest *guest)
{
	const struct children_shared *shared = memory;
	const uint32_t used = *(const volatile uint32_t *)&shared->used;
	struct child c;

	for (; *place < used && *place < CHILDREN_MAX; (*place)++) {
		c = *(const volatile struct child *)&shared->v[*place];
		if (c.pid <= 0)
			continue;
		*guest = (struct guest){
			.place = (*place)++,
			.number = c.generation,
			.state = GUEST_RUNNING,
			.service = c.handover.service,
			.listener = c.handover.listener,
			.port = c.handover.peer.port,
			.accepted = c.handover.accepted,
			.in = -1,
			.out = -1,
			.pid = c.pid,
		};
		memcpy(guest->peer, c.handover.peer.address,
		    sizeof(guest->peer));
		return true;
	}
	return false;
}

void
children_init(struct children *c, const struct generation *g, uint32_t n,
    void *memory)
{
	*c = (struct children){ .g = g, .shared = memory, .n = n };
	c->free = CHILD_NONE;
	c->v = c->shared->v;
}

struct child *
children_take(struct children *c)
{
	struct child *child;

	if (c->free != CHILD_NONE) {
		child = &c->v[c->free];
		c->free = child->next;
		return child;
	}
	if (c->used == c->n)
		return NULL;
	child = &c->v[c->used++];
	child->generation = ++c->numbered;
	c->shared->used = c->used;
	return child;
}

void
children_give(struct children *c, struct child *child)
{
	hold_release(children_hold(c, child), c->g);
	child->generation = ++c->numbered;
	child->pid = 0;
	child->kill = 0;
	child->next = c->free;
	c->free = children_number(c, child);
}

bool
children_is_full(const struct children *c)
{
	return c->free == CHILD_NONE && c->used == c->n;
}

uint32_t
children_number(const struct children *c, const struct child *child)
{
	return (uint32_t)(child - c->v);
}

struct hold *
children_hold(const struct children *c, const struct child *child)
{
	return &c->shared->holds[child - c->v];
}
