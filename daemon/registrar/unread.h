/*
 * Connections that wait for nobody: those that a program has not taken from
 * its offer when that ended, though it keeps its end of the socket.
 *
 * The kernel counts them as descriptors of ours that are on their way, until
 * the program reads them or closes.  So its user has that offer still, as far
 * as limits go: else he could have ever more of them, until nobody's
 * connections can be handed over.
 */

#ifndef DAEMON_REGISTRAR_UNREAD_H
#define DAEMON_REGISTRAR_UNREAD_H

#include "daemon/registrar/registry.h"

/* So often they are looked at. */
#define UNREAD_LOOK_MS 100

/* Returns 0, or -1 with ENOMEM. */
int unread_init(struct registry *r);

/*
 * The offer of uid's that had this socket is withdrawn.  Closes fd, and
 * settles with the book, now or when nothing waits there any more.
 */
void unread_close(struct registry *r, int fd, uint32_t uid);

/* Close those in which nothing waits any more. */
void unread_look(struct registry *r);

/* The same, if that is due.  Returns when to look again, or INT64_MAX. */
int64_t unread_due(struct registry *r);

/*
 * All of them: the descriptor and the user of each number, which are below
 * unread_count().
 */
uint32_t unread_count(const struct registry *r);
int unread_get(const struct registry *r, uint32_t number, uint32_t *uid);

/* Does something wait in this socket that its program has not taken? */
bool unread_waits(int fd);

#endif
