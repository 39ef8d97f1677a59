/*
 * One line of the log: for one finished connection, or a message.
 *
 * Pure.  The keys are the same everywhere: time, peer, listener, name,
 * verdict, reason, by, user, to, message, in, out, ms, status, signal,
 * suppressed.  What is not known is left out.  No byte of a stranger gets
 * through unescaped: bytes that are not printable ASCII, and the quote and
 * the backslash, are written as \xHH, and after 64 of them the name is cut,
 * with "..." behind it.  So is any other value that would be too long.
 */

#ifndef TABLE_RECORD_H
#define TABLE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "table/table.h"

/* The most bytes of one line, its newline included. */
#define RECORD_MAX 1024

/* The most bytes of a stranger's name in a line, before escaping. */
#define RECORD_NAME_MAX 64

/* A number that is not known. */
#define RECORD_UNKNOWN (-1)

struct record {
	int64_t time_ms;             /* since 1970, UTC */
	uint8_t peer[ADDRESS_BYTES]; /* all zero: not known */
	uint16_t peer_port;
	const char *listener;    /* ADDRESS:PORT, or NULL */
	struct tcpmux_span name; /* empty: no name was read */
	const char *verdict;     /* "answered", "handed-over", "refused", ... */
	const char *reason;      /* or NULL */
	const char *by;          /* "relay", "exec", "socket", ..., or NULL */
	const char *user;        /* that runs it, or NULL */
	const char *to;          /* the back end, or NULL */
	struct tcpmux_span message; /* what is no connection; or empty */
	int64_t in, out;            /* bytes from and to the client */
	int64_t ms;                 /* since it was accepted */
	int status;         /* a program's exit status, or RECORD_UNKNOWN */
	int signal;         /* that ended it, or RECORD_UNKNOWN */
	int64_t suppressed; /* lines that should have come before, if any */
};

/* A record in which nothing is known. */
extern const struct record record_empty;

/*
 * Write r as one line with its newline into the RECORD_MAX bytes at buf: as
 * key=value, with a value in quotes if it has a space or "=" in it, or as a
 * JSON object.  Returns its length.
 */
size_t record_format(const struct record *r, enum log_format format,
    char buf[static RECORD_MAX]);

/*
 * Make len bytes of anybody's text at p fit for a log line: the same escapes,
 * at most size bytes at buf, no NUL.  Returns the bytes written.
 */
size_t record_escape(const char *p, size_t len, char *buf, size_t size);

#endif
