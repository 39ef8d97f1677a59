/*
 * The roll: who takes connections himself at this moment, and how many wait
 * for him.  The registrar writes it, when somebody wants to know; the monitor
 * reads it, and believes nothing of it.
 */

#ifndef DAEMON_REGISTRAR_ROLL_H
#define DAEMON_REGISTRAR_ROLL_H

#include <stdbool.h>

#include "daemon/registrar/registry.h"

enum roll_what {
	ROLL_NOBODY,
	ROLL_DIALLED, /* a program at a socket of the configuration */
	ROLL_OFFER    /* one that has offered a name */
};

/* Zeroed memory is nobody. */
struct roll_entry {
	uint32_t what;    /* enum roll_what */
	uint32_t service; /* of the table; or SERVICE_NONE, and then name */
	uint32_t name;    /* its number: see claims.h */
	uint32_t uid;     /* ROLL_OFFER, and all that follows but the queue */
	int32_t pid;
	uint32_t flags; /* TCPMUX_OFFER_... */
	uint32_t queue; /* connections that wait for it, about */
	uint32_t queue_max;
};

/*
 * How many entries there are; and their bytes of memory, for g->roll.  Both
 * look at every service.
 */
uint32_t roll_max(const struct generation *g);
size_t roll_size(const struct generation *g);

/* Write down all that there are; but not more often than is of use. */
void roll_write(struct registry *r);

/*
 * Copy an entry, whose number is below roll_max().  Returns whether it is
 * somebody, whose service and name are SERVICE_NONE or within the bounds of g.
 */
bool roll_get(const struct generation *g, uint32_t number,
    struct roll_entry *entry);

#endif
