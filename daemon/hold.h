/*
 * What a process has counted in the meter for one connection, noted in memory
 * that it shares with the monitor: should it die, the monitor gives it back.
 *
 * The monitor believes nothing that stands there, since whoever died may have
 * gone bad before.
 */

#ifndef DAEMON_HOLD_H
#define DAEMON_HOLD_H

#include "daemon/generation.h"

/* In the order in which it is counted; zeroed memory holds nothing. */
enum held {
	HELD_NOTHING,
	HELD_SOURCE, /* the connection and its source, which the front counted */
	HELD_SERVICE /* and that it uses the service */
};

struct hold {
	uint32_t held; /* enum held */
	uint32_t service;
	uint32_t source;
};

/* Give back to the meter what h holds; then it holds nothing. */
void hold_release(struct hold *h, const struct generation *g);

/* The same for all that are in the size bytes of memory. */
void hold_release_all(void *memory, size_t size, const struct generation *g);

#endif
