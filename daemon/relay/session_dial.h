/*
 * The beginning of a relayed conversation; for session.c alone.
 *
 * Each function returns the state that follows.
 */

#ifndef DAEMON_RELAY_SESSION_DIAL_H
#define DAEMON_RELAY_SESSION_DIAL_H

#include "daemon/relay/session.h"

/* Say - to the client, with the words for why. */
enum session_state session_refuse(struct session *s,
    const struct session_ground *g, enum refusal why);

/* Go on connecting to the back ends of its service; or begin with it. */
enum session_state session_dial(struct session *s,
    const struct session_ground *g);

/* The time of session_due() has come for one that dials. */
enum session_state session_dial_late(struct session *s,
    const struct session_ground *g);

#endif
