/*
 * The life of one connection in the front, as a state machine.
 *
 *	CONN_LINE -> CONN_REPLY -> CONN_LINGER -> CONN_OVER
 *	  |  ^------------'            ^
 *	  `----------------------------'  half a line, and the end of input
 *
 * It reads from and writes to its socket but never waits, and allocates
 * nothing: what the client has sent early stays in the kernel.
 */

#ifndef DAEMON_CONN_H
#define DAEMON_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "table/words.h"

enum conn_state {
	CONN_LINE,   /* the request is not whole yet */
	CONN_REPLY,  /* the answer is on its way */
	CONN_LINGER, /* input is thrown away (rule 24) */
	CONN_OVER    /* nothing is left to do but to close */
};

/* What a connection waits for. */
enum conn_want {
	WANT_READ,
	WANT_WRITE,
	WANT_TURN,   /* nothing: it has had its share, for now */
	WANT_NOTHING /* it is over */
};

/* What every connection of one front has in common. */
struct mux {
	const struct words *words;
	unsigned int flags; /* enum tcpmux_flag */
	int wait_ms;        /* for one whole request */
};

struct conn {
	int fd;
	uint32_t generation;  /* of the slot; see loop.h */
	uint32_t prev, next;  /* slots of the same queue */
	int64_t deadline;     /* of this state; see clock.h */
	struct answer answer; /* what is left to say of it */
	enum conn_state state;
	uint32_t thrown; /* bytes read in CONN_LINGER */
	bool replied;    /* the next answer is not the first */
	bool nodelay;    /* TCP_NODELAY has been set */
	bool widened;    /* the receive buffer has been */
	uint8_t watched; /* enum loop_what, by the front's loop */
};

_Static_assert(sizeof(struct conn) <= 64, "tcpmuxd(8) promises 64 bytes");

/* Begin with a connected, non-blocking socket, which stays the caller's. */
void conn_init(struct conn *c, int fd, const struct mux *m, int64_t now);

/*
 * Go as far as c goes without waiting, and say what it now waits for.  seen
 * is what the loop has seen of it (enum loop_what), or 0.
 */
enum conn_want conn_step(struct conn *c, const struct mux *m, unsigned int seen,
    int64_t now);

/* Refuse c, which is in CONN_LINE; conn_step() then says so to the client. */
void conn_refuse(struct conn *c, const struct mux *m, enum refusal why);

#endif
