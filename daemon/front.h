/*
 * The front: the process that strangers talk to.
 */

#ifndef DAEMON_FRONT_H
#define DAEMON_FRONT_H

#include <stddef.h>

#include "daemon/conn.h"
#include "os/socket.h"

/* The most listening sockets of one daemon. */
#define LISTENERS_MAX 64

struct listener {
	int fd;
	struct address address;
};

struct listeners {
	struct listener v[LISTENERS_MAX];
	size_t n;
};

/*
 * Be the front until control, a socket to the monitor, comes to its end; one
 * byte is sent over it when the front is ready.  Never returns: the process
 * exits, with 0 when it was told to end.
 */
void front_run(const struct mux *m, const struct listeners *l, int control)
    __attribute__((noreturn));

#endif
