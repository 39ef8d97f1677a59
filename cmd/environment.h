/*
 * The variables that tell a program who is at each end of its connection.
 */

#ifndef CMD_ENVIRONMENT_H
#define CMD_ENVIRONMENT_H

#include <sys/socket.h>

/*
 * Set UCSPI's variables for a connection to the service of that name, and
 * unset those of them that say what is not known here; whoever has started us
 * may have been called so himself, by somebody else.  Returns 0, or -1 with
 * errno (ENOMEM).
 */
int environment_set(const char *name, const struct sockaddr_storage *remote,
    const struct sockaddr_storage *local);

/*
 * Set the variables ip and port to an address of IPv4 or IPv6, or unset them
 * if it is another.  Returns 0, or -1 with errno (ENOMEM).
 */
int environment_set_end(const struct sockaddr_storage *end, const char *ip,
    const char *port);

#endif
