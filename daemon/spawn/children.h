/*
 * The places for running programs, and what is counted for each.
 */

#ifndef DAEMON_SPAWN_CHILDREN_H
#define DAEMON_SPAWN_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/generation.h"
#include "daemon/handover.h"
#include "daemon/hold.h"

/* Programs that run at a time, at the most. */
#define CHILDREN_MAX 8192

/* No place. */
#define CHILD_NONE UINT32_MAX

struct child {
	struct tcpmux_handover handover;
	int process; /* a descriptor of it */
	uint32_t generation;
	uint32_t next; /* free one */
};

struct children {
	const struct generation *g;
	struct hold *holds; /* each at the place of its child; shared */
	struct child *v;
	uint32_t n;    /* places */
	uint32_t used; /* places used at least once */
	uint32_t free; /* first free one of those */
	uint32_t running;
};

/* Bytes of zeroed memory for the holds. */
size_t children_memory_size(void);

/*
 * Begin with n free places, CHILDREN_MAX at the most, and this memory.
 * Returns 0, or -1 with errno.
 */
int children_init(struct children *c, const struct generation *g, uint32_t n,
    void *memory);

/* A free place, or NULL; it must be given back if no program starts. */
struct child *children_take(struct children *c);

/* Give a place back, and to the meter what is counted for it. */
void children_give(struct children *c, struct child *child);

bool children_is_full(const struct children *c);

/* The number of a place; and what is counted for it. */
uint32_t children_number(const struct children *c, const struct child *child);
struct hold *children_hold(const struct children *c, const struct child *child);

#endif
