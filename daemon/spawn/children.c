/*
 * The places for running programs: one array, sized at the start.
 */

#include <stdlib.h>

#include "daemon/spawn/children.h"

size_t
children_memory_size(void)
{
	return CHILDREN_MAX * sizeof(struct hold);
}

int
children_init(struct children *c, const struct generation *g, uint32_t n,
    void *memory)
{
	*c = (struct children){ .g = g, .holds = memory, .n = n };
	c->free = CHILD_NONE;
	/* Pages of places that were never used take no memory. */
	c->v = calloc(n, sizeof(*c->v));
	return c->v == NULL ? -1 : 0;
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
	return c->used < c->n ? &c->v[c->used++] : NULL;
}

void
children_give(struct children *c, struct child *child)
{
	hold_release(children_hold(c, child), c->g);
	child->generation++;
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
	return &c->holds[child - c->v];
}
