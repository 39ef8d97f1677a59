/*
 * Giving a connection to whoever serves what it has asked for.
 */

#ifndef DAEMON_FRONT_GIVE_H
#define DAEMON_FRONT_GIVE_H

#include "daemon/front/conn.h"

/*
 * Hand over c, which is in CONN_HAND and watched by nobody.  Returns 0: it is
 * the taker's, and only its descriptor is left to close; unless it is not in
 * CONN_HAND any more, and + must be said before (reply = mux).  Or returns why
 * nobody takes it (enum refusal), and then it is still the front's; GIVE_SOON
 * is to be tried again, as whoever takes it is about to come.
 */
#define GIVE_SOON (-1)
int give_connection(struct conn *c, const struct mux *m);

#endif
