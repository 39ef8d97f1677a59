/*
 * Accepting connections in a front; and what its files share.
 */

#ifndef DAEMON_FRONT_ACCEPT_H
#define DAEMON_FRONT_ACCEPT_H

#include "daemon/front/slots.h"
#include "daemon/pulse.h"

/* Events that are for no slot. */
#define SLOT_CONTROL  (UINT32_MAX - 1)
#define SLOT_CHANNEL  (UINT32_MAX - 2)
#define SLOT_LISTENER (UINT32_MAX - 2 - TABLE_LISTENERS_MAX)

struct front {
	struct mux mux;
	struct report report;
	struct slots slots;
	int loop;
	int control;
	struct pulse *pulse;
	volatile uint8_t *full; /* seen by the other fronts */
	bool draining;
	int64_t resume; /* accept again; 0: accepting */
	int64_t refuse; /* draining: refuse who still waits then */
	int64_t stop;   /* end at the latest; 0: not yet */
};

/* Take in a connection that has been accepted; owns fd. */
void front_admit(struct front *f, int fd, const struct sockaddr_storage *peer,
    uint8_t listener);

/* Rest until a descriptor is closed, or for a moment. */
void accept_pause(struct front *f);

/* Accept again; and again later, if the kernel has no memory even for this. */
void accept_resume(struct front *f);

/* Accept some of what waits at a listener; true if there may be more. */
bool accept_some(struct front *f, uint8_t listener);

#endif
