/*
 * A conversation: a local side and a remote socket, and a flow each way.
 */

#ifndef CMD_PAIR_H
#define CMD_PAIR_H

#include <poll.h>
#include <stdbool.h>

#include "cmd/flow.h"

/*
 * The places for poll() that a pair takes, and those of one whose local side
 * is a single descriptor: never more than it has open, as poll() takes no more
 * than a process may have.
 */
#define PAIR_FDS        3
#define PAIR_FDS_SINGLE 2

struct pair {
	struct flow up;   /* from the local side to the remote socket */
	struct flow down; /* and back */
};

/*
 * Begin.  in and out are the local side, and may be the same descriptor, which
 * then is a socket; all stay the caller's.  It sets O_NONBLOCK on remote, and
 * what a conversation wants of TCP.  Two sockets are reset when they are closed
 * before both directions have ended well, be it by the end of this process.
 * Returns 0, or -1 with errno; pair_clear(), before the descriptors are closed,
 * is right after both.
 */
int pair_init(struct pair *pair, int in, int out, int remote);
void pair_clear(struct pair *pair);

/* Say what to poll for, and go one step on what has come of it. */
void pair_poll(const struct pair *pair, struct pollfd *fds);
void pair_step(struct pair *pair, const struct pollfd *fds);

/*
 * The same for a single local side that somebody watches for edges of
 * readiness: go as far as it goes.  Returns whether it could go further, and
 * it is only the turn of others.
 */
bool pair_go(struct pair *pair);

/* Can nothing more come of it? */
bool pair_is_done(const struct pair *pair);

/*
 * Has it broken, so that neither side must take its end for the end of the
 * data?  Returns the errno of that, or 0.
 */
int pair_error(const struct pair *pair);

/* Have a socket reset when it is closed, so that a cut stream looks cut. */
void pair_set_reset(int fd, bool reset);

#endif
