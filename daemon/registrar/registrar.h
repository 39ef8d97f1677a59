/*
 * The registrar: knows the programs that take connections themselves.
 *
 * It dials the sockets that the configuration names, again and again when
 * they are not there; it listens on the control socket, where programs offer
 * names; and it tells every front of each.
 *
 * A reload has two registrars for a moment.  The monitor gives both an end of
 * a socket pair: the old one sends a copy of all that it knows, and from then
 * on does nothing until it is told to go on or to end; the new one begins
 * with that.
 */

#ifndef DAEMON_REGISTRAR_REGISTRAR_H
#define DAEMON_REGISTRAR_REGISTRAR_H

#include "daemon/generation.h"
#include "daemon/pulse.h"

/* From the monitor over control, each with a descriptor: */
#define REGISTRAR_FRONT \
	'F' /* the sending end of the channel to one more front */
#define REGISTRAR_GIVE 'G' /* where to send all that it knows */

/*
 * Before anything else: where to take it from; or without a descriptor, if
 * there is nobody to take it from.
 */
#define REGISTRAR_TAKE 'T'

/*
 * Without one: from now on you alone talk to programs.  It comes to the new
 * one once its generation serves, and to the old one if that did not start.
 */
#define REGISTRAR_RESUME 'U'

/* How long a name is kept for the user who had it. */
#define REGISTRAR_KEEP_MS 30000

/* How long a program may take to say what it wants. */
#define REGISTRAR_REQUEST_MS 30000

/*
 * Be the registrar until control ends it.  Never returns: the process exits,
 * with 0 when it was told to.
 */
void registrar_run(const struct generation *g, int control, struct pulse *pulse)
    __attribute__((noreturn));

#endif
