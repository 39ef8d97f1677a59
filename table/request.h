/*
 * What programs ask at the control socket, and what they are answered.
 *
 * Pure.  A request is one line of the protocol, the whole of one message:
 * "offer/NAME", and between the two any of ",share", ",replace" and ",hidden".
 */

#ifndef TABLE_REQUEST_H
#define TABLE_REQUEST_H

#include "tcpmux.h"

struct request {
	unsigned int flags;      /* enum tcpmux_offer_flag */
	struct tcpmux_span name; /* lives as long as the message; may be "" */
};

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
	REQUEST_REPLACED    /* another has the name now */
};

/* Returns 0, or -1 if the message is no request. */
int request_parse(const char *message, size_t len, struct request *r);

/* The reply line of a refusal, with CR LF. */
struct tcpmux_span request_refusal(enum request_answer why);

/* Its first word, for logs. */
const char *request_word(enum request_answer why);

#endif
