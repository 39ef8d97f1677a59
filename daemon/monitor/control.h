/*
 * The control socket: where the programs of this machine ask for something.
 *
 * It is a Unix socket of SOCK_SEQPACKET.  A message is one line of the
 * protocol's own grammar; the registrar answers with a reply line.
 */

#ifndef DAEMON_MONITOR_CONTROL_H
#define DAEMON_MONITOR_CONTROL_H

#include "daemon/generation.h"

/*
 * Where the socket is without a configured path: /run/tcpmux/control for
 * root, $XDG_RUNTIME_DIR/tcpmux/control for anybody else.  Returns path, which
 * has room for a sockaddr_un's, or NULL if there is no such place.
 */
#define CONTROL_PATH_MAX 108
const char *control_default(char path[static CONTROL_PATH_MAX]);

/*
 * Unless the service manager has opened the socket, inherited, which is then
 * used wherever it is, make it and listen: at t->control or the usual place, whose folder
 * is made if it is missing.  Returns 0 and sets *fd, to -1 if the table wants
 * none, or if the usual place cannot be had, which is said in the log.
 * Returns -1 if a path that is configured cannot be had; the reason is in the
 * log.  A folder where others may write is refused; so is a socket at which
 * another daemon listens.  One that is left over is replaced.
 */
int control_open(const struct table *t, const struct account *a, int inherited,
    int *fd);

/* Remove the socket from the configured path, or NULL, if we still may. */
void control_remove(const char *configured);

#endif
