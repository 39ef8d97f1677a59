/*
 * The sockets at which tcpmux-exporter listens.
 */

#ifndef CMD_EXPORTER_LISTEN_H
#define CMD_EXPORTER_LISTEN_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "cmd/exporter/options.h"

#define LISTEN_MAX 4

struct listen_socket {
	int fd;
	char name[160];         /* for people */
	struct sockaddr_un own; /* a path that is ours to remove, or "" */
};

struct listen_sockets {
	struct listen_socket all[LISTEN_MAX];
	size_t n;
	char folder[200]; /* of the usual socket, or "" */
};

/*
 * Take the sockets that a service manager has opened (LISTEN_FDS) and open
 * those of the command line; without any, the usual Unix socket.  Each is a
 * Unix socket or at a loopback address.  Whatever is wrong ends the program
 * with a sentence.
 */
void listen_open(struct listen_sockets *x, const struct exporter_options *o);

/* Let all be another user's, who may then remove it; to be called as root. */
void listen_give(const struct listen_sockets *x, uid_t uid, gid_t gid);

/* Remove what is ours to remove; closing is left to the end of the process. */
void listen_remove(const struct listen_sockets *x);

#endif
