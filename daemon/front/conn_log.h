/*
 * What the log says of a connection in the front: one line, when it is known
 * what becomes of it.
 */

#ifndef DAEMON_FRONT_CONN_LOG_H
#define DAEMON_FRONT_CONN_LOG_H

#include "daemon/front/conn.h"

/*
 * Say what became of c, if nobody has yet.  name is what it asked for, if
 * anything; reason is NULL, or why it was refused.
 */
void conn_log(struct conn *c, const struct mux *m, struct tcpmux_span name,
    const char *verdict, const char *reason);

/* The same for one that ended by itself. */
void conn_log_end(struct conn *c, const struct mux *m);

#endif
