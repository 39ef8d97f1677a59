/*
 * The control socket of the tcpmuxd of this machine: where it is, and how to
 * get there.
 */

#ifndef LIB_CONTROL_H
#define LIB_CONTROL_H

#include <stddef.h>
#include <sys/un.h>

/* The places to look at, in this order. */
struct control {
	size_t n;
	size_t last; /* where tcpmux_control_dial() has been last */
	struct sockaddr_un at[2];
};

/*
 * Find out where it is: at path or, if that is NULL, where tcpmux_listen()
 * says.  The environment is read here, and only here.  Returns 0, or -1 if a
 * path is too long or empty.
 */
int tcpmux_control_find(struct control *c, const char *path);

/*
 * Connect to the first place where a daemon listens.  Never waits.  Returns a
 * SOCK_SEQPACKET socket, non-blocking and close-on-exec, or -1 with errno:
 * ENOENT or ECONNREFUSED if there is no daemon, EAGAIN if it has no time, or
 * those of socket(2) and connect(2).
 */
int tcpmux_control_dial(struct control *c);

/* From now on look only where the last dial has been. */
void tcpmux_control_stay(struct control *c);

/* Where the last dial has been: for messages. */
const char *tcpmux_control_path(const struct control *c);

#endif
