/*
 * A guest: a connection that a process of ours holds, as the monitor finds it
 * in the memory that they share.
 *
 * Whoever wrote that memory may have gone bad, and writes on: so all of it is
 * copied once, and what cannot be is no guest.
 */

#ifndef DAEMON_GUEST_H
#define DAEMON_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "table/access.h"

enum guest_state {
	GUEST_WAITING,   /* for its request, or for its answer */
	GUEST_LINGERING, /* it has its answer */
	GUEST_RUNNING,   /* a program has it */
	GUEST_RELAYED    /* or a back end */
};

struct guest {
	uint32_t place;  /* in its process */
	uint32_t number; /* among all that its process has had */
	enum guest_state state;
	uint32_t service;  /* of the table, or SERVICE_NONE: not known */
	uint32_t listener; /* its place */
	uint8_t peer[ADDRESS_BYTES];
	uint16_t port;
	int64_t accepted; /* by clock_now() */
	int64_t in, out;  /* bytes from and to the client, or -1 */
	pid_t pid;        /* of its program, or 0 */
};

#endif
