/*
 * What the front says to a client, as it goes out piece by piece.
 */

#ifndef DAEMON_FRONT_REPLY_H
#define DAEMON_FRONT_REPLY_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/front/conn.h"

/*
 * Send a piece of what is left of the answer.  Returns its length, 0 if there
 * is none; or -1 with errno.  *whole is set if it was the last.
 */
ssize_t reply_send(struct conn *c, const struct mux *m, bool *whole);

#endif
