/*
 * One relayed conversation, as a state machine.
 *
 *	SESSION_DIAL -> SESSION_GREET -> SESSION_BOTH -> SESSION_HALF -> _OVER
 *	     |             |    `-----> SESSION_BUILTIN ------.            ^
 *	     |             |                                  |            |
 *	     `-> SESSION_REFUSE -----------------------> SESSION_LINGER ---'
 *
 * It connects, reads and writes, but never waits, and allocates nothing.
 * From the moment that + is said until both ways have ended properly, both
 * sockets are such that whatever ends the session, the death of the process
 * included, resets the connection: a cut stream never looks complete (T16).
 */

#ifndef DAEMON_RELAY_SESSION_H
#define DAEMON_RELAY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/handover.h"
#include "daemon/relay/flow.h"
#include "daemon/relay/resolver.h"
#include "table/stats.h"
#include "table/table.h"

enum session_state {
	SESSION_DIAL,    /* no back end has answered yet */
	SESSION_GREET,   /* + is on its way to the client */
	SESSION_BOTH,    /* bytes go both ways */
	SESSION_HALF,    /* one way has ended */
	SESSION_BUILTIN, /* there is no back end */
	SESSION_REFUSE,  /* - is on its way to the client */
	SESSION_LINGER,  /* input is thrown away (rule 24) */
	SESSION_OVER     /* nothing is left to do but to close */
};

/* Its two connections; and the two ways, by where each begins. */
enum session_side {
	SIDE_CLIENT,
	SIDE_SERVER,
	SIDES
};

/* What all sessions of one relay share. */
struct session_ground {
	const struct table *table;
	const struct resolved *resolved;
	struct stats_part *stats;
	int64_t now;   /* clock_now() of this turn of the loop */
	bool may_cork; /* session_uncork() will be called, soon */
	struct moving moving;
};

struct session {
	int fd[SIDES];       /* or -1; closed by session_close() */
	uint32_t generation; /* of the slot; see os/loop.h */
	uint32_t service;
	uint32_t listener; /* its place among the listening sockets */
	uint32_t next;     /* of the free slots, where it is one */
	struct tcpmux_endpoint peer, local;
	int64_t accepted;
	int64_t active;   /* when something last happened */
	int64_t deadline; /* of states that have a fixed one */
	struct flow flow[SIDES];
	struct tcpmux_span text;  /* what is left to say */
	const char *reason;       /* of its end; NULL: a proper one */
	uint32_t thrown;          /* bytes read in SESSION_LINGER */
	uint8_t backend, address; /* see dial.h */
	uint8_t state;            /* enum session_state */
	uint8_t want[SIDES];      /* enum loop_what: what it waits for now */
	uint8_t watched[SIDES];   /* the same, as the loop knows it */
	bool refused : 1;         /* the client was told - */
	bool failed : 1;          /* for reason, and not because of a rule */
	bool early : 1;           /* the client has sent bytes before + */
	bool corked : 1;          /* + waits for what comes behind it */
	bool full : 1;            /* the back end's queue is; try again */
	bool timed_out : 1;       /* a back end gave no answer in time */
	bool kept_alive : 1;      /* dead peers are looked for */
};

_Static_assert(sizeof(struct session) <= 216, "256 with all that it needs");

/* Where its service is counted; NULL: nowhere. */
static inline struct stats_row *
session_row(const struct session *s, const struct session_ground *g)
{
	return stats_service(g->stats, g->table->services[s->service].meter);
}

/*
 * Begin with a connection that was taken, which the session owns.  why is 0,
 * or an enum refusal, and then it is refused.
 */
void session_init(struct session *s, const struct session_ground *g, int fd,
    const struct tcpmux_handover *h, int why);

/*
 * Go as far as s goes without waiting.  seen is what the loop has seen of
 * each side (enum loop_what).  Then s->want tells what it waits for, unless
 * s->state is SESSION_OVER.
 */
void session_step(struct session *s, struct session_ground *g,
    const unsigned int seen[static SIDES]);

/*
 * When session_late() is to be called, as far as it is known now: activity
 * moves it on, and then the call does no harm.  INT64_MAX: never.
 */
int64_t session_due(const struct session *s, const struct session_ground *g);

/* Its time has come: do what is due by now. */
void session_late(struct session *s, struct session_ground *g);

/*
 * A client that speaks before + need not be told at once: its + may share a
 * segment with the answer of the back end, if that comes soon.  It has not;
 * and s->corked, which told so, is false from now on.
 */
void session_uncork(struct session *s);

/* Is there something to do although nothing will be seen of that side? */
bool session_has_turn(const struct session *s, enum session_side side);

/* What became of it, in the words of the log; with s->reason. */
const char *session_verdict(const struct session *s);

/*
 * The administrator ends it: what has begun is reset, so that it does not look
 * complete.  Nothing is left to do but session_close().
 */
void session_kick(struct session *s);

/* Close both connections. */
void session_close(struct session *s, struct session_ground *g);

#endif
