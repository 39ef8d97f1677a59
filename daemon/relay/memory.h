/*
 * The memory of a relay, which it shares with the monitor: its conversations,
 * and what it has counted in the meter for each.
 */

#ifndef DAEMON_RELAY_MEMORY_H
#define DAEMON_RELAY_MEMORY_H

#include "daemon/hold.h"
#include "daemon/relay/session.h"

/* The slots; behind them is the hold of each. */
struct relay_memory {
	uint32_t used; /* slots used at least once */
	uint32_t zero[15];
	struct session sessions[];
};

/* How many descriptors may be for pipes, and how many slots there are. */
void memory_share(uint16_t *pipes, uint32_t *slots);

/* Where the holds are, behind so many slots. */
struct hold *memory_holds(struct relay_memory *shared, size_t slots);

#endif
