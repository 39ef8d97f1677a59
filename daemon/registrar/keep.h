/*
 * Keeping: has the service manager keep the sockets of offers, by way of the
 * monitor, so that they outlive the daemon.
 */

#ifndef DAEMON_REGISTRAR_KEEP_H
#define DAEMON_REGISTRAR_KEEP_H

#include "daemon/keepsake.h"
#include "daemon/registrar/registry.h"

/*
 * Have the socket of an offer, with its number, kept from now on, or no more.
 * Returns 0, also if there is nobody to keep it; or -1 if there is no room for
 * the message now.
 */
int keep_tell(const struct registry *r, enum keepsake_what what, uint32_t offer,
    int fd);

#endif
