/*
 * The channel, as the preloaded library sees it: which descriptors are it,
 * which port it serves, and the connections that come down.
 *
 * The state of the channel is in the kernel and not here, as a server is many
 * processes: whether a descriptor is the channel its cookie tells, and the
 * address that was chosen is the name that the channel is bound to.
 */

#ifndef CMD_WRAP_CHANNEL_H
#define CMD_WRAP_CHANNEL_H

#include <stdbool.h>
#include <sys/socket.h>

#include "cmd/wrap.h"

/* The library's own descriptor of the channel, or -1. */
int channel_descriptor(void);

/* Does fd lead to the channel? */
bool channel_is(int fd);

/*
 * Is the channel to take the place of a socket that listens at this address?
 * The first one that asks is chosen, if no port was given; the parent is told.
 */
bool channel_claim(const union wrap_address *address);

/*
 * Put the channel in the place of fd, with the flags of fd, and remember the
 * address and the options that accepted sockets inherit.  Returns 0, or -1
 * with errno.
 */
int channel_replace(int fd, const union wrap_address *address);

/*
 * Has the channel taken the place of fd, as far as this process has seen?
 * That costs no system call.
 */
bool channel_was(int fd);

/* fd is closed. */
void channel_forget(int fd);

/* Of what fd, which is the channel, took the place. */
void channel_address(int fd, union wrap_address *address);

/* As accept4(2), on a descriptor that is the channel. */
int channel_accept(int fd, struct sockaddr *address, socklen_t *length,
    int flags);

/* The length of an address of IPv4 or IPv6. */
socklen_t wrap_address_length(const union wrap_address *address);

/* Write an address, or as much of it as there is room for, as accept(2). */
void wrap_address_store(const union wrap_address *address, struct sockaddr *to,
    socklen_t *length);

#endif
