/*
 * Deadlines of many things that are numbered, in a wheel: to set, change or
 * take back one takes as long for a million as for one.
 *
 * Whoever has a deadline that moves on with every byte sets it once, and again
 * when it comes and has moved.
 */

#ifndef DAEMON_RELAY_WHEEL_H
#define DAEMON_RELAY_WHEEL_H

#include <stdint.h>

/* How late a deadline may be seen, and how many of these go round. */
#define WHEEL_TICK_MS 64
#define WHEEL_TICKS   1024

/* No thing, and no deadline. */
#define WHEEL_NONE  UINT32_MAX
#define WHEEL_NEVER INT64_MAX

struct wheel_item {
	int64_t due;
	uint32_t prev, next; /* of the same tick */
};

struct wheel {
	struct wheel_item *items;
	int64_t seen;     /* all ticks before this one have been looked at */
	uint32_t nitems;  /* things with a deadline */
	uint32_t looking; /* the next thing of that tick to look at */
	uint32_t first[WHEEL_TICKS];
	uint64_t busy[WHEEL_TICKS / 64]; /* a bit for each tick in use */
};

/* Bytes of zeroed memory for the deadlines of n things. */
#define WHEEL_SIZE(n) ((n) * sizeof(struct wheel_item))

/* Begin at the time now with n things in memory, none with a deadline. */
void wheel_init(struct wheel *w, void *memory, int64_t now);

/* Set the deadline of a thing; WHEEL_NEVER takes it back. */
void wheel_set(struct wheel *w, uint32_t item, int64_t due);

/*
 * Returns a thing whose deadline has come, and which has none from now on; or
 * WHEEL_NONE.
 */
uint32_t wheel_pop(struct wheel *w, int64_t now);

/*
 * Milliseconds until wheel_pop() is worth a call, at most INT_MAX; -1: until
 * a deadline is set.
 */
int wheel_wait(const struct wheel *w, int64_t now);

#endif
