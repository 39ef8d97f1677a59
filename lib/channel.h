/*
 * The socket between the daemon and a program that takes connections: what
 * comes through it.
 */

#ifndef LIB_CHANNEL_H
#define LIB_CHANNEL_H

#include <stddef.h>

#include "tcpmux.h"

enum channel_what {
	CHANNEL_CONNECTION, /* a hand-over, and its descriptor */
	CHANNEL_LINE,       /* the daemon's answer, or a notice */
	CHANNEL_NOTHING,    /* nothing yet */
	CHANNEL_END,        /* the daemon has gone */
	CHANNEL_FULL,       /* no descriptor is free: errno; it waits there */
};

/* A message, and what is in it. */
struct channel_message {
	union {
		struct tcpmux_handover head;
		char bytes[TCPMUX_REPLY_MAX];
	} is;
	struct tcpmux_span name;   /* of a connection */
	struct tcpmux_reply reply; /* of a line */
};

/*
 * Take the next message; what is no message of ours is dropped.  Never waits.
 * Sets *m, whose spans point into itself; and *fd, which is the caller's to
 * close, if it is a connection, or else -1.
 */
enum channel_what tcpmux_channel_receive(int channel, struct channel_message *m,
    int *fd);

#endif
