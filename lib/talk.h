/*
 * What is said on a connected socket: requests there, replies back, and not
 * one byte more.
 */

#ifndef LIB_TALK_H
#define LIB_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tcpmux.h"

struct talk {
	int fd;                      /* the caller's */
	const char *out;             /* the requests, the caller's */
	size_t sent;                 /* bytes of them */
	char line[TCPMUX_REPLY_MAX]; /* of the reply */
	size_t have;
	bool had_reply; /* one has been read before */
};

/*
 * Send out up to its end.  Returns 0 when it is sent, or TCPMUX_ERR_AGAIN if
 * the socket has no room.  That it is broken shows when it is read.
 */
int tcpmux_talk_send(struct talk *t, size_t end);

/*
 * Read a reply.  Returns 0 and sets *reply, borrowed from t, when it is
 * there, + or -; TCPMUX_ERR_AGAIN; TCPMUX_ERR_MOVED and sets reply->text to
 * HOST:PORT; TCPMUX_ERR_CLOSED; TCPMUX_ERR_LF if LF alone ends it, which
 * is_lenient would take; TCPMUX_ERR_FOREIGN; or TCPMUX_ERR_SYSTEM with errno.
 * But for 0 and MOVED, t->line has what came.
 */
int tcpmux_talk_reply(struct talk *t, bool is_lenient,
    struct tcpmux_reply *reply);

/*
 * Read up to size bytes, whatever they are.  Returns as read() does, but for
 * TCPMUX_ERR_AGAIN, TCPMUX_ERR_CLOSED for a reset, and TCPMUX_ERR_SYSTEM with
 * errno.
 */
ssize_t tcpmux_talk_read(const struct talk *t, char *buf, size_t size);

#endif
