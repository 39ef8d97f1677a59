/*
 * The registrar: knows the programs that take connections themselves.
 *
 * It dials the sockets that the configuration names, again and again when
 * they are not there, and passes each to every front.
 */

#ifndef DAEMON_REGISTRAR_H
#define DAEMON_REGISTRAR_H

#include "daemon/generation.h"

/*
 * From the monitor over control, with a descriptor: the sending end of the
 * channel to one more front.
 */
#define REGISTRAR_FRONT 'F'

/*
 * Be the registrar until control ends it.  Never returns: the process exits,
 * with 0 when it was told to.
 */
void registrar_run(const struct generation *g, int control)
    __attribute__((noreturn));

#endif
