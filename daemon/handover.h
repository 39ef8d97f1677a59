/*
 * Handing a connection over: the one verb, and its message.
 *
 * The front gives away the connection itself.  From the moment that
 * handover_send() returns 0 the taker owns it: the taker answers, + or -, and
 * the front has nothing more to say.
 */

#ifndef DAEMON_HANDOVER_H
#define DAEMON_HANDOVER_H

#include <stdint.h>

#include "tcpmux.h"

_Static_assert(sizeof(struct tcpmux_handover) == 128, "64 of them fit a queue");

/*
 * What bounds the queue of a taker: SO_SNDBUF for 64 connections, and for the
 * two takers of our own, which never rest, for as many as any user may ask.
 */
#define HANDOVER_SNDBUF     24576
#define HANDOVER_SNDBUF_OWN 212992

/* How many that is, at the most; fewer, if names have more than 64 bytes. */
#define HANDOVER_QUEUE     64
#define HANDOVER_QUEUE_OWN 555

/*
 * Hand over the connection fd, which is in the state that accept() gives, but
 * for its input, with the name of its service, which for the takers of our
 * own is empty.  The caller's copy stays open, and the caller's.
 * Returns 0, or -1 with errno as message_send().
 */
int handover_send(int queue, const struct tcpmux_handover *h,
    struct tcpmux_span name, int fd);

/*
 * Take a connection: returns its descriptor, blocking, close-on-exec, the
 * caller's to close, and sets *h.  Returns -1 with errno: EAGAIN if none
 * waits, EPIPE if none will ever come or an empty message came, EBADMSG if
 * what came was no hand-over of one of nservices services with one connected
 * TCP socket; that is gone.
 */
int handover_take(int queue, struct tcpmux_handover *h, uint32_t nservices);

#endif
