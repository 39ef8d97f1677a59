/*
 * -L: clients of this machine, each connected to a name elsewhere.
 */

#ifndef CMD_TCPMUX_FORWARD_H
#define CMD_TCPMUX_FORWARD_H

#include <stddef.h>

#include "cmd/tcpmux/local.h"
#include "cmd/tcpmux/plan.h"

/*
 * Listen at all of locals, and connect each client to the name there by a
 * call of its own, until SIGINT or SIGTERM.  Returns the exit status, and has
 * said why if it is not 0.
 */
int forward_serve(const struct plan *plan, struct local *locals,
    size_t nlocals);

#endif
