/*
 * What a front counts of its connections: one call for each event.
 */

#ifndef DAEMON_FRONT_COUNT_H
#define DAEMON_FRONT_COUNT_H

#include "daemon/front/conn.h"

/* Somebody has connected. */
void count_accepted(const struct mux *m);

/*
 * A good request, and what is to become of it: v may have a service, or an
 * offered name (see takers.h), or neither.  A refusal is not counted here.
 */
void count_request(const struct mux *m, const struct verdict *v);

/* A refusal; service is as in struct verdict, or SERVICE_NONE. */
void count_refusal(const struct mux *m, uint32_t service, enum refusal why);

/* c, which is in CONN_HAND, is the taker's at this moment. */
void count_hand_over(const struct conn *c, const struct mux *m);

#endif
