/*
 * The places for running programs, and what is counted for each, in memory
 * that spawn shares with the monitor.
 */

#ifndef DAEMON_SPAWN_CHILDREN_H
#define DAEMON_SPAWN_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/generation.h"
#include "daemon/guest.h"
#include "daemon/handover.h"
#include "daemon/hold.h"

/* Programs that run at a time, at the most. */
#define CHILDREN_MAX 8192

/* No place. */
#define CHILD_NONE UINT32_MAX

struct child {
	struct tcpmux_handover handover;
	int64_t kill; /* when it is killed; 0: not */
	int process;  /* a descriptor of it */
	pid_t pid;    /* 0: nothing runs */
	uint32_t generation;
	uint32_t next; /* free one */
};

/* What is shared with the monitor, who believes none of it. */
struct children_shared {
	uint32_t used; /* as in struct children */
	uint32_t zero[15];
	struct hold holds[CHILDREN_MAX]; /* each at the place of its child */
	struct child v[CHILDREN_MAX];
};

struct children {
	const struct generation *g;
	struct children_shared *shared;
	struct child *v;
	uint32_t n;        /* places */
	uint32_t numbered; /* generations given so far */
	uint32_t used;     /* places used at least once */
	uint32_t free;     /* first free one of those */
	uint32_t running;
};

/* Bytes of zeroed memory for all of them. */
size_t children_memory_size(void);

/*
 * Of the monitor: give back to the meter what is counted in such memory, of
 * which nothing is believed; and the next child from *place on.  That returns
 * whether there is one, sets *guest and moves *place on.
 */
void children_release(void *memory, size_t size, const struct generation *g);
bool children_next_guest(const void *memory, uint32_t *place,
    struct guest *guest);

/* Begin with n free places, CHILDREN_MAX at the most, in this memory. */
void children_init(struct children *c, const struct generation *g, uint32_t n,
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
