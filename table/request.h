/*
 * What is asked at the control socket, and what is answered.
 *
 * Pure.  A request is one line of the protocol, the whole of one message.
 * "offer/NAME" may have any of ",share", ",replace" and ",hidden" before the
 * slash; tcpmux-control(7) has the others.
 */

#ifndef TABLE_REQUEST_H
#define TABLE_REQUEST_H

#include <stdbool.h>

#include "tcpmux.h"

enum request_what {
	ASK_OFFER,
	/* Who may read, asks these: */
	ASK_SNAPSHOT,
	ASK_CONNS,
	ASK_EXPLAIN, /* name; and in option an address, or nothing */
	/* Who may change things, asks these: */
	ASK_RELOAD,
	ASK_UPGRADE,
	ASK_DRAIN, /* name, or none: everything */
	ASK_UNDRAIN,
	ASK_KICK, /* name; or in option the number of a connection */
	ASK_LOG   /* option: a level */
};

/* Names and options live as long as the message, and may be "". */
struct request {
	enum request_what what;
	unsigned int flags; /* ASK_OFFER: enum tcpmux_offer_flag */
	/* But for ASK_OFFER, no more is known of it than that it is a line. */
	struct tcpmux_span name;
	/* Not of ASK_OFFER; REQUEST_OPTION_MAX bytes at the most. */
	struct tcpmux_span option;
};

/* The longest address, with its scope. */
#define REQUEST_OPTION_MAX 64

enum request_answer {
	REQUEST_GRANTED,
	REQUEST_DENIED,     /* by policy */
	REQUEST_TAKEN,      /* somebody has the name */
	REQUEST_CONFIGURED, /* the configuration serves it */
	REQUEST_NAME,       /* it is none that can be offered */
	REQUEST_BUSY,       /* there are too many already */
	REQUEST_LATE,       /* it did not come in time */
	REQUEST_UNCLEAR,    /* it is no request */
	REQUEST_STOPPING,   /* we are about to end */
	REQUEST_REPLACED,   /* another has the name now */
	REQUEST_NO_READER,  /* by policy, too */
	REQUEST_NO_OWNER,   /* likewise */
	REQUEST_UNKNOWN,    /* no service has this name, and nobody offers it */
	REQUEST_FLOODED     /* too much is being asked */
};

/* Returns 0, or -1 if the message is no request. */
int request_parse(const char *message, size_t len, struct request *r);

/* Does it change something, or only read? */
bool request_changes(enum request_what what);

/* The word that it begins with, for logs. */
const char *request_verb(enum request_what what);

/* The reply line of a refusal, with CR LF. */
struct tcpmux_span request_refusal(enum request_answer why);

/* Its first word, for logs. */
const char *request_word(enum request_answer why);

#endif
