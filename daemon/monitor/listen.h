/*
 * The sockets that strangers connect to, as the table wants them.
 */

#ifndef DAEMON_MONITOR_LISTEN_H
#define DAEMON_MONITOR_LISTEN_H

#include "daemon/generation.h"
#include "daemon/monitor/inherited.h"

/*
 * Set *l to a socket for each address that t listens on: an inherited one, or
 * that of old, which may be NULL, where it has one, else a new one.  Returns 0;
 * or -1 after saying why not, and then none was opened.
 */
int listeners_open(struct listeners *l, const struct table *t,
    const struct listeners *old, const struct inherited *in);

/* Is the socket fd one of l, which may be NULL? */
bool listeners_have(const struct listeners *l, int fd);

/* Close those of l that other, which may be NULL, does not have. */
void listeners_close(struct listeners *l, const struct listeners *other);

/* Say where l listens and old, which may be NULL, does not. */
void listeners_print(const struct listeners *l, const struct listeners *old);

/* Say which inherited sockets l has no use for. */
void listeners_warn(const struct listeners *l, const struct inherited *in);

#endif
