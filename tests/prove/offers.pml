/*
 * Offered names: that no connection comes to a program that offers another
 * name, and that a name can be replaced without anybody being refused or lost.
 *
 * What is in it: programs that offer one of two names, take a name over from
 * each other, or are killed; the registrar, who tells a front of them over a
 * channel; the front, with its numbers for names, which are taken again, and
 * the queue to each program; clients that ask for a name at any time.
 *
 * Each FAULT, put in, must be found:
 *
 *	1 the front reads the channel between finding a name's number and using it
 *	2 a program is told of its end before the front knows whom it has instead
 *	3 on a replacement the front is told of the old one's end first
 *	4 a program is told + before the front is told of it
 *	5 the front does not look into its channel before it refuses
 *	6 the front does not try the next of those who have a name
 *	7 it does not look into its channel again when all of them are gone
 *
 * The environment chooses: FAULT, KILLS and CLIENTS (how many).
 */

c_decl {
	static int chosen(const char *name)
	{
		const char *value = getenv(name);

		return value != NULL ? atoi(value) : 0;
	}
}

#define NAMES    2
#define NUMBERS  3	/* of the front, for names */
#define PROGRAMS 3
#define CLIENTS  2
#define ROOM     2	/* of a queue */
#define NONE     255
#define END      254	/* the registrar's notice, behind all connections */

byte fault, kills, clients;

mtype:news = { HERE, GONE, FREE };

chan channel = [3] of { mtype:news, byte, byte };	/* name, program */
chan queue[PROGRAMS] = [ROOM] of { byte };
chan backlog = [CLIENTS] of { byte };

byte offers[PROGRAMS] = NONE;	/* which name; or this is no program */
bool lives[PROGRAMS];
bool told[PROGRAMS];		/* that it has the name, with + */
bool spoken_of[PROGRAMS];	/* the front has yet to hear of its end */
byte owner[NAMES] = NONE;	/* as the registrar knows it */

/* What the front knows. */
byte name_of[NUMBERS] = NONE;
bool has[NUMBERS * PROGRAMS];	/* a queue to this one, for that number */

byte asks[CLIENTS] = NONE;
bool surely[CLIENTS];	/* somebody has had that name ever since */

/* Has anybody been told that this name is his, and is there? */
#define is_had(a) \
	((offers[0] == a && told[0] && lives[0]) || \
	 (offers[1] == a && told[1] && lives[1]) || \
	 (offers[2] == a && told[2] && lives[2]))

/* Somebody has lost his name: who asked for it then may be refused. */
inline look_who_is_sure() {
	surely[0] = surely[0] && is_had(asks[0]);
	surely[1] = surely[1] && is_had(asks[1])
}

inline begin(p, a) {
	atomic {
		offers[p] == NONE && !spoken_of[p];
		offers[p] = a;
		lives[p] = true;
		spoken_of[p] = true;
		told[p] = (fault == 4)
	}
}

proctype registrar()
{
	byte a, p, old;

	do
	:: true ->
		atomic {
			if
			:: a = 0
			:: a = 1
			fi;
			if
			:: p = 0
			:: p = 1
			:: p = 2
			fi;
			old = owner[a]
		}
		if
		:: offers[p] == NONE && !spoken_of[p] ->
			begin(p, a);
			if
			:: fault == 3 && old != NONE -> channel!GONE(a, old)
			:: else
			fi;
			channel!HERE(a, p);
			owner[a] = p;
			atomic {
				told[p] = lives[p];
				if
				:: old == NONE
				:: old != NONE -> told[old] = false
				fi;
				look_who_is_sure()
			}
			if
			:: old == NONE
			:: old != NONE ->
				if
				:: fault != 3 -> channel!GONE(a, old)
				:: else
				fi;
				if
				:: fault != 2 -> len(channel) == 0
				:: else
				fi;
				queue[old]!END
			fi
		:: old != NONE && !lives[old] ->
			owner[a] = NONE;
			channel!GONE(a, old);
			channel!FREE(a, NONE);
			offers[old] = NONE
		:: else
		fi;
		atomic { a = 0; p = 0; old = 0 }
	od
}

proctype program(byte p)
{
	byte c;

	do
	:: atomic {
		lives[p] && queue[p]?[c] ->
		queue[p]?c;
		if
		:: c == END ->
			assert(len(queue[p]) == 0);	/* nobody is lost */
			lives[p] = false;
			offers[p] = NONE;
			told[p] = false
		:: else ->
			assert(asks[c] == offers[p]);
			asks[c] = NONE;
			surely[c] = false
		fi;
		c = 0
	   }
	:: atomic {
		lives[p] && kills > 0 ->
		kills--;
		lives[p] = false;
		told[p] = false;
		look_who_is_sure();
		do
		:: len(queue[p]) > 0 ->
			queue[p]?c;
			if
			:: c != END -> asks[c] = NONE; surely[c] = false
			:: else
			fi
		:: else -> break
		od;
		c = 0
	   }
	/* The registrar's notice comes to nobody. */
	:: atomic {
		!lives[p] && offers[p] != NONE && queue[p]?[END] ->
		queue[p]?END;
		offers[p] = NONE
	   }
	od
}

inline find(a, k) {
	k = 0;
	do
	:: k < NUMBERS && name_of[k] != a -> k++
	:: else -> break
	od;
	if
	:: k == NUMBERS -> k = NONE
	:: else
	fi
}

/* One message of the channel, and what it says, as nobody sees it half done. */
inline obey() {
	if
	:: channel?HERE(a, p) ->
		find(a, k);
		if
		:: k != NONE
		:: k == NONE && name_of[0] == NONE -> k = 0
		:: k == NONE && name_of[1] == NONE -> k = 1
		:: k == NONE && name_of[2] == NONE -> k = 2
		fi;
		name_of[k] = a;
		has[k * PROGRAMS + p] = true
	:: channel?GONE(a, p) ->
		spoken_of[p] = false;
		has[p] = false;
		has[PROGRAMS + p] = false;
		has[2 * PROGRAMS + p] = false
	:: channel?FREE(a, p) ->
		find(a, k);
		if
		:: k != NONE -> name_of[k] = NONE
		:: else
		fi
	fi;
	a = 0;
	p = 0;
	k = 0
}

inline obey_all() {
	do
	:: len(channel) > 0 -> obey()
	:: else -> break
	od
}

#define has_any(k) \
	(has[k * PROGRAMS] || has[k * PROGRAMS + 1] || has[k * PROGRAMS + 2])

/* - to a client who could have been served is a fault. */
inline refuse(c) {
	assert(!surely[c]);
	asks[c] = NONE
}

/* To any of those who have a name, or if he is gone to the next. */
inline try_programs() {
	do
	:: done || n == NONE -> break
	:: !done && n != NONE && !has_any(n) -> break
	:: else ->
		if
		:: has[n * PROGRAMS] -> p = 0
		:: has[n * PROGRAMS + 1] -> p = 1
		:: has[n * PROGRAMS + 2] -> p = 2
		fi;
		if
		:: lives[p] && len(queue[p]) < ROOM ->
			queue[p]!c;
			done = true
		:: lives[p] && len(queue[p]) >= ROOM ->
			asks[c] = NONE;		/* -busy */
			surely[c] = false;
			done = true
		:: !lives[p] ->
			has[n * PROGRAMS + p] = false;
			done = (fault == 6);
			if
			:: fault == 6 -> refuse(c)
			:: else
			fi
		fi
	od
}

proctype front()
{
	byte a, k, p, c, n;
	bool done;

	do
	:: atomic { len(channel) > 0 -> obey() }
	:: atomic {
		backlog?c;
		find(asks[c], n);
		if
		:: fault != 5 && n == NONE ->
			obey_all();
			find(asks[c], n)
		:: else
		fi
	   }
	   if
	   :: fault == 1 && n != NONE -> atomic { obey_all() }
	   :: else
	   fi;
	   atomic {
		try_programs();
		if
		:: !done && n != NONE && fault != 7 ->
			obey_all();
			find(asks[c], n);
			try_programs()
		:: else
		fi;
		if
		:: !done -> refuse(c)
		:: else
		fi;
		a = 0; k = 0; p = 0; c = 0; n = 0; done = false
	   }
	od
}

proctype client(byte c)
{
	do
	:: atomic {
		asks[c] == NONE ->
		if
		:: asks[c] = 0
		:: asks[c] = 1
		fi;
		surely[c] = is_had(asks[c]);
		backlog!c
	   }
	od
}

init {
	atomic {
		c_code {
			now.fault = chosen("FAULT");
			now.kills = chosen("KILLS");
			now.clients = chosen("CLIENTS");
		};
		run registrar();
		run front();
		run program(0);
		run program(1);
		run program(2);
		run client(0);
		if
		:: clients > 1 -> run client(1)
		:: else
		fi
	}
}
