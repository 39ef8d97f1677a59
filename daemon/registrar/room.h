/*
 * Room in the queues: how many connections may wait for each program that
 * offers a name.
 *
 * Descriptors that are on their way count against the limit of open files of
 * our user.  All queues together, were they full, stay within half of it, as
 * long as each has room for QUEUE_MIN.
 */

#ifndef DAEMON_REGISTRAR_ROOM_H
#define DAEMON_REGISTRAR_ROOM_H

#include "daemon/registrar/registry.h"

/* Begin without any offer; the number of services that are dialled is set. */
void room_init(struct registry *r);

/* Make the queue over this socket as long as all the others. */
void room_set(const struct registry *r, int fd);

/* There are more offers now, or fewer: share anew. */
void room_share(struct registry *r);

/* Connections that wait over a socket, which may be -1: about so many. */
uint32_t room_used(int fd);

#endif
