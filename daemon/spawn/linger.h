/*
 * Connections that have been refused, and wait to be closed: a close at once
 * could let a reset overtake the reply (rule 24).
 */

#ifndef DAEMON_SPAWN_LINGER_H
#define DAEMON_SPAWN_LINGER_H

#include <stdbool.h>
#include <stdint.h>

#include "os/loop.h"
#include "tcpmux.h"

/* So many at a time; then the oldest is closed. */
#define LINGER_MAX 64

struct lingering {
	int fd; /* -1: none */
	uint32_t generation;
	uint32_t thrown; /* bytes */
	int64_t deadline;
};

/* All wait equally long, so they end in the order of their places. */
struct lingerers {
	int loop;
	uint32_t slot; /* of the first place, in loop */
	uint32_t next; /* the place that is taken next: the oldest */
	uint32_t count;
	struct lingering places[LINGER_MAX];
};

/* Begin with nobody; the LINGER_MAX slots of loop from slot on are ours. */
void linger_init(struct lingerers *l, int loop, uint32_t slot);

/* Say text, which may be empty, to fd, and close fd when it is time. */
void linger_take_fd(struct lingerers *l, int fd, struct tcpmux_span text,
    int64_t now);

/* Something has come from the client of this event. */
void linger_event(struct lingerers *l, struct loop_id id);

/* Close those that are late.  Returns milliseconds to the next; or -1. */
int linger_expire(struct lingerers *l, int64_t now);

#endif
