/*
 * Where the DNS says that the service tcpmux of a host is (RFC 2782).
 */

#ifndef CMD_TCPMUX_SRV_H
#define CMD_TCPMUX_SRV_H

#include "cmd/tcpmux/plan.h"

/*
 * Replace the plan's only place by those of _tcpmux._tcp of that host, in the
 * order in which they are to be tried; where there are none, it stays as it
 * is.  Returns 0, or the exit status when it has said why not.
 */
int srv_look_up(struct plan *plan);

#endif
