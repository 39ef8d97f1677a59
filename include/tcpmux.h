/*
 * libtcpmux: the TCP Port Service Multiplexer, TCPMUX (RFC 1078).
 *
 * This part is the protocol alone: parsing and formatting of its three kinds
 * of line.  Every function here is pure.  It does no I/O, allocates nothing,
 * keeps nothing, and may be called from any thread and any signal handler.
 *
 * Lengths are in bytes.  No string here is NUL-terminated.
 */

#ifndef TCPMUX_H
#define TCPMUX_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The port of daemon and client (RFC 1078, "The Protocol"). */
#define TCPMUX_PORT 1

/* The longest service name; RFC 1078 names no limit, this one is ours. */
#define TCPMUX_NAME_MAX 255

/* The longest request: a name, CR, LF. */
#define TCPMUX_REQUEST_MAX (TCPMUX_NAME_MAX + 2)

/* The longest reply, and the longest line of a foreign HELP list. */
#define TCPMUX_REPLY_MAX 512

/* What the functions below say when they do not return a length. */
enum tcpmux_err {
	TCPMUX_ERR_EMPTY = -1, /* the line has no name in it */
	TCPMUX_ERR_LONG = -2,  /* the line is longer than its limit */
	TCPMUX_ERR_BYTE = -3,  /* a byte that such a line cannot hold */
	TCPMUX_ERR_CR = -4,    /* a CR without its LF */
	TCPMUX_ERR_LF = -5,    /* a LF without its CR */
	TCPMUX_ERR_SIGN =
	    -6, /* + or - is missing, or is where a name was due */
	TCPMUX_ERR_ROOM = -7, /* the line does not fit into the buffer */
};

/* Flags of the parsers. */
enum tcpmux_flag {
	TCPMUX_STRICT = 0,  /* CR LF ends a line, and nothing else does */
	TCPMUX_LENIENT = 1, /* a bare LF ends it too; never a bare CR */
};

/* Bytes borrowed from the caller's buffer; not NUL-terminated. */
struct tcpmux_span {
	const char *p;
	size_t len;
};

/* A positive or negative reply, borrowed from the caller's buffer. */
struct tcpmux_reply {
	char sign;               /* '+' or '-' */
	struct tcpmux_span text; /* the explanation; may be empty */
};

/*
 * Parse one request from the first len bytes at buf, which may be NULL if len
 * is 0: a name of 1 to TCPMUX_NAME_MAX bytes of 0x21 to 0x7e, and CR LF
 * (RFC 1078, "The Protocol").  flags is an enum tcpmux_flag; other bits of it
 * are ignored.
 *
 * Returns the bytes that the line takes and sets *name, which lives as long
 * as buf; the bytes behind the line belong to the service.  Returns 0 if
 * there is no whole line yet but more bytes could make one, so buf needs
 * never be larger than TCPMUX_REQUEST_MAX.  Returns a negative enum
 * tcpmux_err as soon as no further byte could make it a request:
 * TCPMUX_ERR_EMPTY, _LONG, _BYTE, _CR or _LF.  Unless the result is
 * positive, *name is left alone.
 */
ssize_t tcpmux_parse_request(const char *buf, size_t len, unsigned int flags,
    struct tcpmux_span *name);

/*
 * Parse one reply: + or -, text without CR, LF or NUL, and CR LF; at most
 * TCPMUX_REPLY_MAX bytes (RFC 1078, "The Protocol").  Returns as
 * tcpmux_parse_request() does, with TCPMUX_ERR_SIGN if the first byte is
 * neither sign, and never _EMPTY.  The bytes behind the line belong to the
 * service.
 */
ssize_t tcpmux_parse_reply(const char *buf, size_t len, unsigned int flags,
    struct tcpmux_reply *reply);

/*
 * Parse one line of the answer to HELP: a service name and CR LF (RFC 1078,
 * "The Protocol").  Returns as tcpmux_parse_request() does.  A line that
 * begins with + or - is a reply and not a name: TCPMUX_ERR_SIGN.
 *
 * With TCPMUX_LENIENT any text of at most TCPMUX_REPLY_MAX bytes will do, as
 * foreign servers put remarks into their lists; a NUL or a bare CR still will
 * not.  A line that is not a name is consumed and sets name->len to 0.
 */
ssize_t tcpmux_parse_help(const char *buf, size_t len, unsigned int flags,
    struct tcpmux_span *name);

/*
 * Write the request for a service into the size bytes at buf, which must not
 * overlap name.  Returns the bytes written; there is no NUL behind them.
 * Returns TCPMUX_ERR_EMPTY, _LONG or _BYTE if name is not a name, or
 * TCPMUX_ERR_ROOM; then buf is left alone.
 */
ssize_t tcpmux_format_request(char *buf, size_t size, struct tcpmux_span name);

/*
 * Write a reply, likewise.  Returns TCPMUX_ERR_SIGN if reply.sign is neither
 * + nor -, TCPMUX_ERR_BYTE if the text holds CR, LF or NUL, TCPMUX_ERR_LONG
 * if the line would exceed TCPMUX_REPLY_MAX, or TCPMUX_ERR_ROOM.
 */
ssize_t tcpmux_format_reply(char *buf, size_t size, struct tcpmux_reply reply);

/*
 * Write one line of the answer to HELP, likewise.  A name that begins with +
 * or - cannot be listed, since the list must not be taken for a reply:
 * TCPMUX_ERR_SIGN.
 */
ssize_t tcpmux_format_help(char *buf, size_t size, struct tcpmux_span name);

/*
 * Is this a service name, 1 to TCPMUX_NAME_MAX bytes of 0x21 to 0x7e?
 * Returns 0, or TCPMUX_ERR_EMPTY, _LONG or _BYTE.
 */
int tcpmux_check_name(struct tcpmux_span name);

/*
 * Compare two names without regard to the case of ASCII letters, whatever
 * the locale (RFC 1078: names are never case sensitive).  Returns -1, 0 or 1
 * as a sorts before, with or behind b in the order of folded bytes.
 */
int tcpmux_compare_names(struct tcpmux_span a, struct tcpmux_span b);

/*
 * Write name with its ASCII letters in lower case into the size bytes at
 * buf, which must not overlap it.  Returns name.len, or the errors of
 * tcpmux_format_request(); then buf is left alone.
 */
ssize_t tcpmux_fold_name(char *buf, size_t size, struct tcpmux_span name);

#ifdef __cplusplus
}
#endif

#endif
