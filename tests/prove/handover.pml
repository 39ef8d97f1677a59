/*
 * The hand-over: whose a connection is, who answers it, and that every client
 * comes to an end, whoever is killed and whenever the configuration is read
 * again.
 *
 * What is in it: the kernel's listening socket, one for all generations; two
 * generations at a time, each with a front, one or two takers, and a bounded
 * queue to each; the monitor, who reloads; kill -9 of any front or taker
 * between any two steps, and its successor; a taker that takes nothing more;
 * clients that connect again and again, for ever.  A front and a taker do one
 * connection at a time: all that it shares with others is the queues.  Service
 * tcpmux and HELP are not in it, where the front answers and gives nothing
 * away.
 *
 * The assertions hold always; ltl ends holds if every process that can go on
 * does so some day.  Each FAULT, put in, must be found:
 *
 *	 1 the front answers what it has handed over
 *	 2 the front closes before it sends
 *	 3 the front does not take what it has handed over out of its loop
 *	 4 an old front leaves its connection to the next, and keeps it
 *	 5 a taker says + before it knows that its service is there
 *	 6 the front waits while a queue is full
 *	 7 a queue goes with its taker
 *	 8 old takers are told to end together with their front
 *	 9 an old front closes what has not asked yet
 *	10 a listening socket goes with its generation
 *	11 the front says + itself
 *	12 a taker takes out of the queue what it has answered, not what it takes
 *	13 the front closes without a word when the queue is full
 *	14 an old taker that is killed is not replaced once its front is gone
 *
 * The environment chooses, so that one compilation does for all: FAULT, KILLS
 * and RELOADS (how many), STUCK (whether), TAKERS and CLIENTS (how many).
 */

c_decl {
	static int chosen(const char *name)
	{
		const char *value = getenv(name);

		return value != NULL ? atoi(value) : 0;
	}
}

#define CLIENTS_MAX 3
#define ROOM        1	/* of a queue */
#define NONE        255
#define FOR_EVER    255	/* reloads */

/* Who holds connections, and the queue of each taker. */
#define FRONT(g)    (g)
#define QUEUE(g, k) (2 * (g) + (k))
#define TAKER(q)    (2 + (q))
#define HOLDERS     6

byte fault, kills, reloads, stuck_too, takers, clients;
bool two;		/* generations */

mtype:says = { NOTHING, PLUS, MINUS };

/* What the client asks for: of taker 0, of taker 1, of nobody; or it ends. */
mtype:asks = { FIRST, SECOND, UNKNOWN, END };

/* What the monitor wants of a generation. */
mtype:life = { OFF, ON, DRAIN, ENDING };

mtype:life life[2];
bool gone[HOLDERS];	/* it has done what the monitor wanted, and exited */
bool kill[HOLDERS];	/* SIGKILL is on its way */
bool stuck[4];		/* the taker of this queue takes nothing more */

chan backlog = [CLIENTS_MAX] of { byte };
chan queue[4] = [ROOM] of { byte };

/* Connections, each of its client. */
mtype:asks asks[CLIENTS_MAX];
mtype:says answer[CLIENTS_MAX];
byte refs[CLIENTS_MAX];		/* descriptors, those in queues too */
byte owners[CLIENTS_MAX];	/* a bit for each holder who may answer */
byte queued[CLIENTS_MAX];	/* in which queue, or NONE */
bool shut[CLIENTS_MAX];		/* the server has ended its output */
bool lost[CLIENTS_MAX];		/* who held it was killed */
bool waiting[CLIENTS_MAX];	/* the client waits for its end */

/* At most one owner at any time. */
inline claim(c, who) {
	assert(owners[c] == 0);
	owners[c] = owners[c] | (1 << who)
}

inline disclaim(c, who) {
	owners[c] = owners[c] & ~(1 << who)
}

/* One answer, by the owner; and + by nobody but a taker. */
inline say(c, who, sign) {
	assert(owners[c] == (1 << who));
	assert(answer[c] == NOTHING);
	assert(sign == MINUS || who >= TAKER(0));
	answer[c] = sign
}

/* One descriptor less; the last one ends the connection. */
inline drop(c) {
	assert(refs[c] > 0);
	refs[c] = refs[c] - 1
}

/* close(2) */
inline let_go(c, who, open) {
	disclaim(c, who);
	drop(c);
	open = false
}

inline refuse(c, who, open) {
	atomic { say(c, who, MINUS); shut[c] = true };
	atomic { let_go(c, who, open) }
}

/* The kernel closes what the killed one held. */
inline die(c, who, open) {
	if
	:: open && (owners[c] & (1 << who)) ->
		lost[c] = true;
		let_go(c, who, open)
	:: open && !(owners[c] & (1 << who)) -> let_go(c, who, open)
	:: else
	fi;
	c = NONE;
	kill[who] = false
}

/* What no longer matters must not tell states apart. */
inline forget(c) {
	asks[c] = FIRST;
	answer[c] = NOTHING;
	shut[c] = false;
	lost[c] = false;
	queued[c] = NONE
}

proctype client(byte c)
{
	atomic { forget(c) };
	do
	:: atomic {
		if
		:: asks[c] = FIRST
		:: takers > 1 -> asks[c] = SECOND
		:: asks[c] = UNKNOWN
		:: asks[c] = END
		fi;
		refs[c] = 1;
		waiting[c] = true;
		backlog!c
	   }
	   /* Who is not answered has had bad luck, or has not asked. */
	   atomic {
		shut[c] || refs[c] == 0;
		assert(answer[c] != NOTHING || lost[c] || asks[c] == END);
		waiting[c] = false
	   }
	   /* The number is used again only when the connection is gone. */
	   atomic {
		refs[c] == 0;
		assert(owners[c] == 0);
		forget(c)
	   }
	od
}

/* One sendmsg(): it is given away, or there is no room. */
inline send(c, g, q) {
	q = QUEUE(g, (asks[c] == FIRST -> 0 : 1));
	if
	:: fault == 6 -> len(queue[q]) < ROOM	/* it waits for room */
	:: else
	fi;
	if
	:: len(queue[q]) < ROOM && refs[c] > 0 ->
		disclaim(c, FRONT(g));
		refs[c] = refs[c] + 1;
		queued[c] = q;
		queue[q]!c
	:: else -> q = NONE
	fi
}

inline hand_over(c, g, q, open, stale) {
	if
	:: fault == 2 -> atomic { drop(c); open = false }
	:: fault == 11 -> atomic { say(c, FRONT(g), PLUS) }
	:: else
	fi;
	atomic { send(c, g, q) };
	if
	:: q == NONE && fault == 13 ->	/* closed without a word */
		atomic { let_go(c, FRONT(g), open) }
	:: q == NONE && open && fault != 13 -> refuse(c, FRONT(g), open)
	:: q == NONE && !open -> atomic { disclaim(c, FRONT(g)) }
	:: q != NONE ->
		if
		:: fault == 1 -> atomic { say(c, FRONT(g), MINUS) }
		:: fault == 3 -> stale = c	/* still in epoll's set */
		:: else
		fi;
		atomic { let_go(c, FRONT(g), open) }
	fi
}

proctype front(byte g)
{
	byte c = NONE, stale = NONE, q;
	bool open;

again:	{
	do
	:: atomic {
		life[g] == ON && len(backlog) > 0 ->
		backlog?c;
		open = true;
		claim(c, FRONT(g))
	   }
	   if
	   :: fault == 4 && life[g] == DRAIN -> /* the next shall have it */
		atomic { refs[c] = refs[c] + 1; backlog!c }
	   :: else
	   fi;
	   if
	   :: asks[c] == END || (fault == 9 && life[g] == DRAIN) ->
		atomic { let_go(c, FRONT(g), open) }
	   :: asks[c] == UNKNOWN -> refuse(c, FRONT(g), open)
	   :: asks[c] == FIRST || asks[c] == SECOND ->
		hand_over(c, g, q, open, stale)
	   fi;
	   atomic { c = NONE; q = 0 }
	:: stale != NONE ->	/* an event: the service's bytes have come */
		atomic { say(stale, FRONT(g), MINUS) }
	:: atomic {
		(life[g] == DRAIN || life[g] == ENDING) && !gone[FRONT(g)] ->
		gone[FRONT(g)] = true
	   }
	od
	} unless {
		atomic {
			kill[FRONT(g)];
			die(c, FRONT(g), open);
			stale = NONE;
			q = 0;
			/* Another takes its place, but not that of an old one. */
			if
			:: life[g] == DRAIN || life[g] == ENDING ->
				gone[FRONT(g)] = true
			:: else
			fi;
			goto again
		}
	}
}

/* A taker is gone: the monitor keeps both ends of its queue, unless ... */
inline forget_queue(q, c) {
	if
	:: fault == 7 && len(queue[q]) > 0 ->
		queue[q]?c;
		drop(c);
		c = NONE
	:: else
	fi
}

proctype taker(byte g; byte q)
{
	byte c = NONE;
	bool open;

again:	{
	do
	:: atomic {
		len(queue[q]) > 0 && !gone[TAKER(q)] && !stuck[q] ->
		if
		:: fault == 12 -> queue[q]?<c>; refs[c] = refs[c] + 1
		:: else -> queue[q]?c
		fi;
		open = true;
		claim(c, TAKER(q));
		queued[c] = (fault == 12 -> q : NONE)
	   }
	   if
	   :: true ->		/* the service is there */
		atomic { say(c, TAKER(q), PLUS) };
		if
		:: fault == 5 -> refuse(c, TAKER(q), open)
		:: else -> atomic { let_go(c, TAKER(q), open) }
		fi
	   :: true -> refuse(c, TAKER(q), open)	/* it is not */
	   fi;
	   atomic {
		if
		:: fault == 12 -> queue[q]?c; drop(c)
		:: else
		fi;
		c = NONE
	   }
	:: atomic {
		life[g] == ENDING && len(queue[q]) == 0 && !gone[TAKER(q)] ->
		gone[TAKER(q)] = true
	   }
	:: stuck_too && q % 2 == 1 && !stuck[q] -> stuck[q] = true
	od
	} unless {
		atomic {
			kill[TAKER(q)];
			die(c, TAKER(q), open);
			stuck[q] = false;
			forget_queue(q, c);
			if
			:: fault == 14 && life[g] == ENDING ->
				gone[TAKER(q)] = true
			:: else
			fi;
			goto again
		}
	}
}

/* The kernel throws away what is in a queue that nobody holds any more. */
inline close_queue(q, c) {
	if
	:: len(queue[q]) > 0 -> queue[q]?c; queued[c] = NONE; drop(c)
	:: else
	fi
}

proctype monitor()
{
	byte g, c;

	do
	:: reloads > 0 ->
		if
		:: reloads < FOR_EVER -> reloads--
		:: else
		fi;
		/* The new ones are there before the old ones go. */
		life[1 - g] = ON;
		life[g] = DRAIN;
		if
		:: fault == 10 && len(backlog) > 0 -> /* a listener of its own */
			atomic { backlog?c; drop(c) }
		:: else
		fi;
		if
		:: fault == 8	/* takers and front end at once */
		:: else -> gone[FRONT(g)]
		fi;
		life[g] = ENDING;
		gone[TAKER(QUEUE(g, 0))] &&
		    (takers == 1 || gone[TAKER(QUEUE(g, 1))]);
		gone[FRONT(g)];
		atomic {
			close_queue(QUEUE(g, 0), c);
			close_queue(QUEUE(g, 1), c);
			life[g] = OFF;
			gone[FRONT(g)] = false;
			gone[TAKER(QUEUE(g, 0))] = false;
			gone[TAKER(QUEUE(g, 1))] = false;
			c = 0;
			g = 1 - g
		}
	od
}

/* Kills whom it likes when it likes, so often. */
proctype killer()
{
	do
	:: kills > 0 ->
		atomic {
			if
			:: kill[FRONT(0)] = true
			:: kill[TAKER(QUEUE(0, 0))] = true
			:: two -> kill[FRONT(1)] = true
			:: two -> kill[TAKER(QUEUE(1, 0))] = true
			fi;
			kills--
		}
	od
}

init {
	atomic {
		c_code {
			now.fault = chosen("FAULT");
			now.kills = chosen("KILLS");
			now.reloads = chosen("RELOADS");
			now.stuck_too = chosen("STUCK");
			now.takers = chosen("TAKERS");
			now.clients = chosen("CLIENTS");
		};
		life[0] = ON;
		life[1] = OFF;
		run front(0);
		run taker(0, QUEUE(0, 0));
		if
		:: takers > 1 -> run taker(0, QUEUE(0, 1))
		:: else
		fi;
		two = (reloads > 0);
		if
		:: two ->
			run front(1);
			run taker(1, QUEUE(1, 0));
			if
			:: takers > 1 -> run taker(1, QUEUE(1, 1))
			:: else
			fi;
			run monitor()
		:: else
		fi;
		if
		:: kills > 0 -> run killer()
		:: else
		fi;
		run client(0);
		if
		:: clients > 1 -> run client(1)
		:: else
		fi;
		if
		:: clients > 2 -> run client(2)
		:: else
		fi
	}
}

/* Its connection is at a taker who does nothing any more. */
#define held_up(c) \
	((stuck[1] && (queued[c] == 1 || owners[c] == (1 << TAKER(1)))) || \
	 (stuck[3] && (queued[c] == 3 || owners[c] == (1 << TAKER(3)))))

/* Whoever connects comes to an end. */
ltl ends { [] (waiting[0] -> <> (!waiting[0] || held_up(0))) }
