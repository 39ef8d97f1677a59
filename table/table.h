/*
 * What the mux knows: which names it serves and what it says to each request.
 *
 * Pure data and pure functions.  Who reads the request and who carries the
 * answer to the client is none of this floor's business.
 */

#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "tcpmux.h"

/* Why a connection is refused; the first five are enum tcpmux_err, negated. */
enum refusal {
	REFUSE_EMPTY = -TCPMUX_ERR_EMPTY,
	REFUSE_LONG = -TCPMUX_ERR_LONG,
	REFUSE_BYTE = -TCPMUX_ERR_BYTE,
	REFUSE_CR = -TCPMUX_ERR_CR,
	REFUSE_LF = -TCPMUX_ERR_LF,
	REFUSE_UNKNOWN,  /* no such service, or not for this peer */
	REFUSE_LATE,     /* no whole request before the deadline */
	REFUSE_URGENT,   /* TCP urgent data where a name was due */
	REFUSE_BUSY,     /* every slot is taken */
	REFUSE_STOPPING, /* the server is on its way down */
	REFUSE_BROKEN,   /* the server could not be set up safely */
	REFUSE_COUNT
};

/* What becomes of the connection once the answer has been sent. */
enum answer_then {
	ANSWER_CLOSE, /* end of output, then close */
	ANSWER_NEXT   /* read the next request (service tcpmux) */
};

/* One or more whole lines; the text lives as long as its table. */
struct answer {
	struct tcpmux_span text;
	enum answer_then then;
};

struct table;

/* RFC 1078's own service, tcpmux; each refusal is a sentence of its own. */
extern const struct table table_default;

/* The same in the words of the server of 2010, and HELP in capitals only. */
extern const struct table table_classic;

/* The answer to a request for name, which must be a good name. */
struct answer table_answer(const struct table *t, struct tcpmux_span name);

/* The answer to a connection that is refused. */
struct answer table_refuse(const struct table *t, enum refusal why);

#endif
