/*
 * The life of one connection in the front, as a state machine.
 *
 *	CONN_PROXY -> CONN_LINE -> CONN_REPLY -> CONN_LINGER -> CONN_OVER
 *	                | | ^------------'            ^
 *	                | `---------------------------'  half a line, and the
 *	                `-> CONN_HAND -> CONN_REPLY      end of input
 *	                        ^-----------'
 *
 * It reads from and writes to its socket but never waits, and allocates
 * nothing: what the client has sent early stays in the kernel.
 */

#ifndef DAEMON_FRONT_CONN_H
#define DAEMON_FRONT_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/generation.h"
#include "daemon/report.h"

enum conn_state {
	CONN_PROXY,  /* the PROXY header is not whole yet */
	CONN_LINE,   /* the request is not whole yet */
	CONN_HAND,   /* the service's taker is to have it */
	CONN_REPLY,  /* the answer is on its way */
	CONN_LINGER, /* input is thrown away (rule 24) */
	CONN_OVER    /* nothing is left to do but to close */
};

/* What a connection waits for. */
enum conn_want {
	WANT_READ,
	WANT_WRITE,
	WANT_TURN,   /* nothing: it has had its share, for now */
	WANT_HAND,   /* that it be handed over: see give.h */
	WANT_NOTHING /* it is over */
};

enum conn_flag {
	CONN_COUNTED = 1,  /* in the meter, in all */
	CONN_REPLIED = 2,  /* the next answer is not the first */
	CONN_NODELAY = 4,  /* TCP_NODELAY has been set */
	CONN_WIDENED = 8,  /* the receive buffer has been */
	CONN_LOGGED = 16,  /* its line of the log is written */
	CONN_LOCAL = 32,   /* the PROXY header tells its other end */
	CONN_EARLY = 64,   /* bytes wait behind the line */
	CONN_GREETED = 128 /* + has been said for its service */
};

/* What is being said; the refusals are themselves, enum refusal. */
enum {
	REPLY_OK = REFUSE_COUNT, /* and then the next name */
	REPLY_GREETING,          /* and then CONN_HAND again */
	REPLY_HELP
};

/* An age is known for half of what so many bits can tell: for 6 days. */
#define CONN_AGE_BITS 40
#define CONN_AGE_MASK ((UINT64_C(1) << CONN_AGE_BITS) - 1)

struct conn {
	int fd;
	uint32_t generation;               /* of the slot; see loop.h */
	uint32_t prev, next;               /* slots of the same queue */
	int64_t deadline;                  /* of this state; see clock.h */
	uint64_t accepted : CONN_AGE_BITS; /* clock_us() then */
	uint64_t port : 16;
	uint64_t listener : 8;
	uint32_t source;  /* in the meter */
	uint32_t service; /* asked for: see takers.h; or see help.h */
	uint32_t done;    /* bytes of the reply sent, or thrown away */
	uint8_t peer[ADDRESS_BYTES];
	uint8_t state;   /* enum conn_state */
	uint8_t flags;   /* enum conn_flag */
	uint8_t watched; /* enum loop_what, by the front's loop */
	uint8_t reply;   /* CONN_REPLY: what is said */
};

_Static_assert(sizeof(struct conn) <= 64, "tcpmuxd(8) promises 64 bytes");

/* The other end of a connection, as a PROXY header tells it. */
struct conn_local {
	uint8_t address[ADDRESS_BYTES];
	uint16_t port;
};

/* What all connections of one front have in common. */
struct mux {
	const struct generation *g;
	struct takers *takers;
	struct report *report;
	const struct conn *conns;  /* all of them */
	struct conn_local *locals; /* of each; NULL if no listener has PROXY */
	int64_t now;               /* clock_now(), once for each turn */
	int64_t us;                /* clock_us(), when one was accepted */
};

/*
 * Begin with a connected socket, which stays the caller's, and count it; a
 * limit may refuse it at once.
 */
void conn_init(struct conn *c, int fd, const struct sockaddr_storage *peer,
    uint8_t listener, const struct mux *m);

/*
 * Go as far as c goes without waiting, and say what it now waits for.  seen
 * is what the loop has seen of it (enum loop_what), or 0.
 */
enum conn_want conn_step(struct conn *c, const struct mux *m,
    unsigned int seen);

/*
 * Refuse c, which is in CONN_PROXY, CONN_LINE or CONN_HAND; conn_step() then
 * says so to the client, unless he has been told +.
 */
void conn_refuse(struct conn *c, const struct mux *m, enum refusal why);

/* The administrator ends it: nothing is said, and it is over. */
void conn_kick(struct conn *c, const struct mux *m);

/* What c, which is in CONN_HAND, has asked for, as configured or offered. */
struct tcpmux_span conn_name(const struct conn *c, const struct mux *m);

/*
 * Say + to c, which is in CONN_HAND, from conn_step() on, which then wants it
 * to be handed over again.
 */
void conn_greet(struct conn *c);

/* Put the socket of c back into the state that accept() gave it. */
bool conn_restore(struct conn *c);

/* c is the taker's, who leaves the meter for it, and writes its line. */
void conn_pass(struct conn *c, const struct mux *m);

/*
 * c is the taker's, and nobody will tell when it ends: here ends what is
 * counted, and its line is written.
 */
void conn_finish(struct conn *c, const struct mux *m);

/*
 * Microseconds since c was accepted, at this moment by clock_us(); 0, if that
 * is the beginning of the turn of the loop in which it was.
 */
static inline int64_t
conn_age(const struct conn *c, int64_t us)
{
	const uint64_t age = ((uint64_t)us - c->accepted) & CONN_AGE_MASK;

	return age <= CONN_AGE_MASK / 2 ? (int64_t)age : 0;
}

/* The rules of the listener that c came to. */
static inline const struct listen *
conn_listen(const struct conn *c, const struct mux *m)
{
	return m->g->listeners.v[c->listener].rule;
}

/* Of c nothing is left but its descriptor: count it no more. */
void conn_leave(struct conn *c, struct meter *meter);

#endif
