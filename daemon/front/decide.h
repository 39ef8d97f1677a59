/*
 * What becomes of a request: by the rules of the listener and the service, and
 * by what has been counted of the client.
 */

#ifndef DAEMON_FRONT_DECIDE_H
#define DAEMON_FRONT_DECIDE_H

#include "daemon/front/conn.h"

/*
 * The verdict on the request of c for name, a good name.  A name that is not
 * there, for this client, is counted against him.
 */
struct verdict decide_request(const struct conn *c, const struct mux *m,
    struct tcpmux_span name);

#endif
