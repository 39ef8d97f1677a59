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

#include "table/access.h"

/* One end of a connection; IPv4 in its mapped form. */
struct endpoint {
	uint8_t address[ADDRESS_BYTES];
	uint16_t port;  /* in host byte order */
	uint16_t known; /* 0: the rest means nothing */
	uint32_t scope; /* of a link-local address, an interface; or 0 */
};

#define HANDOVER_VERSION 1

/* What goes with the descriptor.  All bytes that have no name are 0. */
struct handover {
	uint32_t version;      /* HANDOVER_VERSION */
	uint32_t service;      /* its place in the table of this generation */
	uint32_t source;       /* of the meter: whoever ends it, leaves it */
	uint32_t listener;     /* its place among the listening sockets */
	int64_t accepted;      /* clock_now() then */
	struct endpoint peer;  /* who connected, or whom PROXY names */
	struct endpoint local; /* where to, if PROXY tells; else not known */
	uint32_t early;        /* 1: bytes wait behind the line; 0: perhaps */
	uint8_t zero[52];
};

_Static_assert(sizeof(struct handover) == 128, "64 of them fit a queue");

/*
 * What bounds the queue of a taker: SO_SNDBUF for 64 connections, and for the
 * two takers of our own, which never rest, for as many as any user may ask.
 */
#define HANDOVER_SNDBUF     24576
#define HANDOVER_SNDBUF_OWN 212992

/* How many that is, at the most. */
#define HANDOVER_QUEUE     64
#define HANDOVER_QUEUE_OWN 555

/*
 * Hand over the connection fd, which is in the state that accept() gives, but
 * for its input.  The caller's copy stays open, and the caller's.
 * Returns 0, or -1 with errno as message_send().
 */
int handover_send(int queue, const struct handover *h, int fd);

/*
 * Take a connection: returns its descriptor, blocking, close-on-exec, the
 * caller's to close, and sets *h.  Returns -1 with errno: EAGAIN if none
 * waits, EPIPE if none will ever come or an empty message came, EBADMSG if
 * what came was no hand-over of one of nservices services with one connected
 * TCP socket; that is gone.
 */
int handover_take(int queue, struct handover *h, uint32_t nservices);

#endif
