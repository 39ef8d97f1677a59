/*
 * The programs that take connections themselves (service { socket = "..." }),
 * as a front knows them: the registrar, which dials them, passes it their
 * sockets over a channel.
 */

#ifndef DAEMON_TAKERS_H
#define DAEMON_TAKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "table/table.h"

/* A message on the channel; the descriptor comes with it. */
struct taker_message {
	uint32_t service; /* SERVICE_NONE: these were all there are, for now */
};

struct takers {
	const struct table *table;
	int channel; /* -1: the table has no such service */
	int *fds;    /* of each service; -1: nobody is there */
};

/* Returns 0, or -1 with ENOMEM.  channel stays the caller's. */
int takers_init(struct takers *t, const struct table *table, int channel);

/*
 * Take what has come through the channel.  Returns whether the registrar has
 * told of all that there are.
 */
bool takers_receive(struct takers *t);

/* The queue to the taker of a service, or -1. */
int takers_find(const struct takers *t, uint32_t service);

/* The taker of this service is gone; another will come through the channel. */
void takers_forget(struct takers *t, uint32_t service);

#endif
