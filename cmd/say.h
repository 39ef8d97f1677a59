/*
 * What a tool tells the person who typed it, on standard error, and the exit
 * status that goes with it.
 */

#ifndef CMD_SAY_H
#define CMD_SAY_H

/* The statuses of both tools; those of sysexits.h where there is one. */
enum say_status {
	SAY_OK = 0,
	SAY_REFUSED = 1,     /* by the server, or the daemon */
	SAY_UNREACHABLE = 2, /* nobody is there */
	SAY_USAGE = 64,
	SAY_NOINPUT = 66,    /* standard input cannot be read */
	SAY_NOHOST = 68,     /* the host's name cannot be looked up */
	SAY_SYSTEM = 71,     /* the system said no */
	SAY_CANTCREATE = 73, /* no listening socket there */
	SAY_BROKEN = 74, /* the connection broke, or output cannot be written */
	SAY_TIMEOUT = 75,
	SAY_PROTOCOL = 76, /* whoever is there does not speak TCPMUX */
	SAY_CANNOT_RUN = 126,
	SAY_NO_PROGRAM = 127,
};

/* The name of the tool, which begins each line.  It is borrowed. */
void say_as(const char *name);

/* Say one sentence.  Every byte that is no printable ASCII becomes \xHH. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);

/* The same, and end with this status. */
__attribute__((format(printf, 2, 3), noreturn)) void
say_fatal(enum say_status status, const char *fmt, ...);

/*
 * Show a line on a terminal that the next one is written over.  The end of it
 * erases it; say() does that itself.
 */
void say_progress(const char *line);
void say_progress_end(void);

#endif
