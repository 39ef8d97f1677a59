/*
 * libtcpmux: the TCP Port Service Multiplexer, TCPMUX (RFC 1078).
 *
 * Three parts: the lines of the protocol, reaching a service, and offering
 * one.  Nothing here has global state, changes a signal or wants an event
 * loop.  Different objects may be used from different threads at a time; one
 * object by one thread at a time.
 *
 * Lengths are in bytes, times in milliseconds.
 */

#ifndef TCPMUX_H
#define TCPMUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
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
	/* Of reaching a service, and of offering one: */
	TCPMUX_ERR_AGAIN = -8,        /* nothing yet: poll, and try again */
	TCPMUX_ERR_SYSTEM = -9,       /* the system said no: see errno */
	TCPMUX_ERR_ARGUMENT = -10,    /* the caller asks for what cannot be */
	TCPMUX_ERR_HOST = -11,        /* the host's name cannot be looked up */
	TCPMUX_ERR_UNREACHABLE = -12, /* no address takes connections: errno */
	TCPMUX_ERR_TIMEOUT = -13,     /* it took too long */
	TCPMUX_ERR_REFUSED = -14,     /* the other side said -, and why */
	TCPMUX_ERR_CLOSED = -15,      /* it closed, and did not reply */
	TCPMUX_ERR_FOREIGN = -16,     /* what it said is not TCPMUX */
	TCPMUX_ERR_MOVED = -17,       /* the service is elsewhere: @host:port */
	TCPMUX_ERR_NO_DAEMON = -18,   /* no tcpmuxd is at the control socket */
};

/*
 * A sentence for an enum tcpmux_err, without a full stop; never NULL.  For
 * those that say "errno", strerror() has the rest.
 */
const char *tcpmux_strerror(int err);

/*
 * Part one, the lines of the protocol.  Every function here is pure: it does
 * no I/O, allocates nothing, and may be called from any signal handler.  No
 * string here is NUL-terminated.
 */

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

/*
 * Part two, reaching a service.
 */

/*
 * Connect to host, look for the service name there (RFC 1078, "The
 * Protocol") and return a connected, blocking, close-on-exec socket on which
 * the service is next to speak and be spoken to: no byte of it has been read.
 * host is a name, an address of IPv4 or IPv6, or unix:PATH; its addresses are
 * tried as RFC 8305 says.  port 0 is TCPMUX_PORT.  All of it takes timeout_ms
 * at the most; -1 is for ever.
 *
 * Returns a negative enum tcpmux_err if it fails.
 */
int tcpmux_connect(const char *host, uint16_t port, const char *name,
    int timeout_ms);

/*
 * The same on a socket that is connected to a TCPMUX server, as by SSH or a
 * proxy.  fd stays the caller's, and keeps its flags.  Returns 0 or a
 * negative enum tcpmux_err; then fd is of no use for another request.
 */
int tcpmux_connect_fd(int fd, const char *name, int timeout_ms);

/*
 * Ask host for the names of its services (HELP), and call each() with every
 * one, NUL-terminated, in the server's order and spelling.  If each() returns
 * other than 0 it is not called again.  Returns how many names there are, or a
 * negative enum tcpmux_err.
 */
int tcpmux_list(const char *host, uint16_t port, int timeout_ms,
    int (*each)(const char *name, void *arg), void *arg);

/* The same in steps that never wait, for any event loop. */
struct tcpmux_call;

enum tcpmux_call_flag {
	TCPMUX_CALL_IPV4 = 1, /* no IPv6 */
	TCPMUX_CALL_IPV6 = 2, /* no IPv4 */
	TCPMUX_CALL_LENIENT =
	    4,                  /* a reply may end with LF, or with CR LF NUL */
	TCPMUX_CALL_FOLLOW = 8, /* go where a reply of @host:port says, once */
	TCPMUX_CALL_EAGER = 16, /* send all names at once: see tcpmux_call(3) */
};

/* Where to, and what for.  All that it points to is copied. */
struct tcpmux_target {
	size_t size;              /* sizeof(struct tcpmux_target) */
	const char *host;         /* as for tcpmux_connect() */
	uint16_t port;            /* 0: TCPMUX_PORT */
	const char *const *names; /* one behind the other, through further */
	size_t nnames;            /* multiplexers; none: ask for the list */
	unsigned int flags;       /* enum tcpmux_call_flag */
	int timeout_ms;           /* for all of it; -1: for ever */
};

/*
 * Begin a call.  Returns NULL with errno: EINVAL for a target that cannot be,
 * ENOMEM, EMFILE.  A host's name is looked up by threads of its own, which end
 * with the lookup even if the call has ended before.  tcpmux_call_new_fd()
 * takes a connected socket, which stays the caller's, instead of host, port
 * and their flags.  There are at most 64 names; one that cannot be a service's
 * is an error of the first step.
 */
struct tcpmux_call *tcpmux_call_new(const struct tcpmux_target *target);
struct tcpmux_call *tcpmux_call_new_fd(int fd,
    const struct tcpmux_target *target);

/* End a call, wherever it is, and keep errno.  NULL does nothing. */
void tcpmux_call_free(struct tcpmux_call *call);

/*
 * A descriptor to poll for input: when there is some, it is time for
 * tcpmux_call_step().  It is the same as long as the call lives.
 */
int tcpmux_call_fd(const struct tcpmux_call *call);

/*
 * Go as far as it goes without waiting.  Returns 0 when it has succeeded;
 * TCPMUX_ERR_AGAIN; or another negative enum tcpmux_err when it has failed,
 * with errno where that says so.  Once it is not TCPMUX_ERR_AGAIN it stays.
 */
int tcpmux_call_step(struct tcpmux_call *call);

/* The same, but waiting for the end. */
int tcpmux_call_wait(struct tcpmux_call *call);

/*
 * Take the socket of a call that has succeeded, as from tcpmux_connect(); the
 * caller closes it.  Returns -1 if there is none to take.
 */
int tcpmux_call_take(struct tcpmux_call *call);

/*
 * What the server said behind the sign of its last reply, or what is wrong in
 * more words than tcpmux_strerror() has; NUL-terminated, with every byte that
 * is not printable ASCII as \xHH; "" if there is nothing to say.  It lives
 * until the next step.
 */
const char *tcpmux_call_text(const struct tcpmux_call *call);

/* The server that was reached, or tried last: ADDRESS:PORT, or "". */
const char *tcpmux_call_address(const struct tcpmux_call *call);

/* The names of a list, as many as tcpmux_call_names(), by their place. */
size_t tcpmux_call_names(const struct tcpmux_call *call);
const char *tcpmux_call_name(const struct tcpmux_call *call, size_t place);

/*
 * Part three, offering a service to the tcpmuxd of this machine.
 */

/* The longest name that can be offered. */
#define TCPMUX_OFFER_NAME_MAX 200

struct tcpmux_offer;

enum tcpmux_offer_flag {
	TCPMUX_OFFER_SHARE = 1, /* with others of the same user that do, too */
	TCPMUX_OFFER_REPLACE = 2, /* whoever of the same user has the name */
	TCPMUX_OFFER_HIDDEN = 4,  /* HELP does not list it */
	TCPMUX_OFFER_WAIT = 8,    /* no daemon yet is no error: it will come */
};

/* A connection that was handed over. */
struct tcpmux_caller {
	size_t size;   /* sizeof(struct tcpmux_caller); set by the caller */
	int64_t since; /* when it was accepted, by CLOCK_MONOTONIC */
	struct sockaddr_storage peer; /* who it is, behind any proxy */
	struct sockaddr_storage local;
	uint32_t listener;              /* of the daemon, from 0 */
	uint32_t proxied;               /* 1: a PROXY header said so */
	uint32_t early;                 /* 1: the peer has spoken already */
	char name[TCPMUX_NAME_MAX + 1]; /* as it is configured or offered */
	uint32_t zero; /* nothing is padding: size tells every member */
};

/*
 * Offer name to the daemon at the control socket; NULL is $TCPMUX_CONTROL or,
 * without it, $XDG_RUNTIME_DIR/tcpmux/control if a daemon is there and the
 * user is not root, or /run/tcpmux/control.  Waits for the daemon's answer,
 * but for 10 seconds at the most.  Returns 0 and sets *offer; or a negative
 * enum tcpmux_err and leaves *offer NULL, but for TCPMUX_ERR_REFUSED: then it
 * is good for tcpmux_offer_text() and tcpmux_close().
 *
 * From then on, when the daemon has gone, the name is offered again as soon
 * as one is there.
 */
int tcpmux_listen(const char *control, const char *name, unsigned int flags,
    struct tcpmux_offer **offer);

/* Withdraw it; connections that were accepted stay.  NULL does nothing. */
void tcpmux_close(struct tcpmux_offer *offer);

/*
 * A descriptor to poll for input, level-triggered or not: when there is some,
 * it is time for tcpmux_accept(), until that says TCPMUX_ERR_AGAIN.  It is
 * the same as long as the offer lives.
 */
int tcpmux_offer_fd(const struct tcpmux_offer *offer);

/*
 * Take the next connection and say + to it: returns a connected, blocking,
 * close-on-exec socket, the caller's to close, and sets *caller, which may be
 * NULL.  timeout_ms 0 never waits, -1 waits for ever.  Returns
 * TCPMUX_ERR_AGAIN if none came; TCPMUX_ERR_REFUSED if the daemon has ended
 * the offer, for the reason in tcpmux_offer_text(), and it is of no use any
 * more; TCPMUX_ERR_ARGUMENT if caller->size was not set; or TCPMUX_ERR_SYSTEM
 * with errno, as EMFILE or EINTR, and the next may succeed.
 * A connection that is gone before + could be said is dropped in silence.
 */
int tcpmux_accept(struct tcpmux_offer *offer, struct tcpmux_caller *caller,
    int timeout_ms);

/* The same, but + is left to the caller, as is -: tcpmux_reply(). */
int tcpmux_accept_silent(struct tcpmux_offer *offer,
    struct tcpmux_caller *caller, int timeout_ms);

/*
 * Say + or -, and text, which may be "", to a connection.  After - the caller
 * ends its output, reads what still comes for a while, and closes it; a close
 * at once can destroy the reply (PROTOCOL.md, rule 24).  Never waits: the
 * first reply always has room.  Returns 0; TCPMUX_ERR_SIGN, _BYTE or _LONG
 * for what is no reply; or TCPMUX_ERR_SYSTEM with errno.
 */
int tcpmux_reply(int fd, char sign, const char *text);

/* Is a daemon there, and has it taken the offer? */
int tcpmux_offer_is_up(const struct tcpmux_offer *offer);

/* What the daemon said last, or what is wrong, as tcpmux_call_text(). */
const char *tcpmux_offer_text(const struct tcpmux_offer *offer);

/*
 * What a program is sent that takes connections without the functions above:
 * one message for each connection, on a socket of SOCK_SEQPACKET, with its
 * descriptor and, behind this header, the name of the service, not
 * NUL-terminated, to the end of the message.  tcpmux-offer(7) has it all.
 */
#define TCPMUX_HANDOVER_VERSION 1

/* One end of a connection; IPv4 in its mapped form. */
struct tcpmux_endpoint {
	uint8_t address[16];
	uint16_t port;  /* in host byte order */
	uint16_t known; /* 0: the rest means nothing */
	uint32_t scope; /* of a link-local address, an interface; or 0 */
};

/* Bytes that have no name are 0. */
struct tcpmux_handover {
	uint32_t version;            /* TCPMUX_HANDOVER_VERSION */
	uint32_t service;            /* the daemon's own, 0 to others */
	uint32_t source;             /* likewise */
	uint32_t listener;           /* its place among the listening sockets */
	int64_t accepted;            /* by CLOCK_MONOTONIC */
	struct tcpmux_endpoint peer; /* who connected, or whom PROXY names */
	struct tcpmux_endpoint local; /* where to, if PROXY tells */
	uint32_t early;   /* 1: bytes wait behind the line; 0: perhaps */
	uint32_t proxied; /* 1: peer and local are from a PROXY header */
	uint8_t zero[48];
};

/*
 * Ask the tcpmuxd of this machine something, at its control socket: request is
 * a line of tcpmux-control(7), without CR LF.  control is as for
 * tcpmux_listen().  timeout_ms is for all of it, -1 for ever.
 *
 * Returns 0 if the answer was +, or a negative enum tcpmux_err:
 * TCPMUX_ERR_REFUSED if it was -, TCPMUX_ERR_NO_DAEMON, TCPMUX_ERR_TIMEOUT,
 * TCPMUX_ERR_ARGUMENT, TCPMUX_ERR_FOREIGN, TCPMUX_ERR_CLOSED, or
 * TCPMUX_ERR_SYSTEM with errno, as EACCES, EMFILE or EINTR.
 *
 * answer gets the text behind the sign, without CR LF, or "": NUL-terminated,
 * and for the rest as the daemon sent it.  *text, if there is more, with + or
 * with -, becomes a descriptor of a file, the caller's to close; else -1.
 * Others may share its offset: read it by pread(2), from 0 to its end, and do
 * not map it.  text may be NULL.
 */
int tcpmux_ask(const char *control, const char *request, int timeout_ms,
    char answer[TCPMUX_REPLY_MAX], int *text);

#ifdef __cplusplus
}
#endif

#endif
