/*
 * The places for connections in a front.
 *
 * All memory is one array, sized at the start, and shared with the monitor.
 * A slot in use is in one of two queues.  All that wait in a queue wait
 * equally long, so its first is the next to be late.
 */

#ifndef DAEMON_FRONT_SLOTS_H
#define DAEMON_FRONT_SLOTS_H

#include "daemon/front/conn.h"
#include "daemon/guest.h"

/* No slot. */
#define SLOT_NONE UINT32_MAX

/* Slots at the most. */
#define SLOTS_MAX (1U << 20)

struct slots_queue {
	uint32_t first, last;
};

/* What is shared with the monitor, who believes none of it. */
struct slots_shared {
	uint32_t used;               /* as in struct slots */
	uint32_t waiting, lingering; /* how many are in each queue */
	uint32_t zero[13];
	struct conn conns[];
};

struct slots {
	struct slots_shared *shared;
	struct conn *conns;
	struct conn_local *locals; /* of each, or NULL */
	uint32_t n;
	uint32_t used;              /* slots used at least once */
	uint32_t free;              /* first free one of those */
	uint32_t numbered;          /* generations given so far */
	struct slots_queue waiting; /* for a request, or to reply */
	struct slots_queue lingering;
};

/*
 * Bytes of zeroed memory for the slots of a front, as many as the limit of
 * open files allows.
 */
size_t slots_memory_size(const struct generation *g);

/*
 * Make free slots in such memory.  Returns 0, or -1 if there is room for none.
 */
int slots_init(struct slots *s, const struct generation *g, void *memory);

/*
 * Give back to the meter what the slots of a dead front, in size bytes of
 * memory, have counted.
 */
void slots_release(void *memory, size_t size, struct meter *meter);

/*
 * Of the monitor: the next connection from *place on in such memory, which is
 * not believed.  Returns whether there is one, sets *guest and moves *place on.
 */
bool slots_next_guest(const void *memory, size_t size, uint32_t *place,
    int64_t now, struct guest *guest);
/* How many of a front wait, and linger; whoever reads may be the monitor. */
void slots_count(const void *memory, uint64_t *waiting, uint64_t *lingering);

/* A free slot, in no queue yet, or NULL. */
struct conn *slots_take(struct slots *s);

bool slots_are_full(const struct slots *s);

/* Give back a slot that is in no queue; its descriptor is closed. */
void slots_give(struct slots *s, struct conn *c);

/* The connection at this place, if it still is the one of this generation. */
struct conn *slots_find(const struct slots *s, uint32_t place,
    uint32_t generation);

/* The number of a slot. */
uint32_t slots_number(const struct slots *s, const struct conn *c);

/* The queue where c belongs in its state. */
struct slots_queue *slots_queue_of(struct slots *s, const struct conn *c);

void slots_append(struct slots *s, struct slots_queue *q, struct conn *c);
void slots_remove(struct slots *s, struct slots_queue *q, struct conn *c);

/* The first of a queue, or NULL. */
struct conn *slots_first(const struct slots *s, const struct slots_queue *q);

#endif
