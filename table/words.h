/*
 * What the mux says: a sentence for each refusal, and the positive reply.
 *
 * Pure data and pure functions.  Who reads the request and who carries the
 * answer to the client is none of this floor's business.
 */

#ifndef TABLE_WORDS_H
#define TABLE_WORDS_H

#include <stdbool.h>

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
	REFUSE_FULL,     /* the service has as many as it may have */
	REFUSE_SOURCE,   /* the peer's network has as many as it may have */
	REFUSE_RATE,     /* connections come faster than they may */
	REFUSE_NAMES,    /* too many unknown names from the peer's network */
	REFUSE_DOWN,     /* nobody is there who could serve the name */
	REFUSE_DRAINED,  /* the administrator has taken it out of service */
	REFUSE_STOPPING, /* the server is on its way down */
	REFUSE_BROKEN,   /* the server could not be set up safely */
	REFUSE_COUNT
};

/* Each text is one or more whole lines, with CR LF. */
struct words {
	bool help_in_any_case; /* rule 10 */
	struct tcpmux_span ok;
	struct tcpmux_span help;    /* of the one service, tcpmux */
	struct tcpmux_span refusal; /* whatever the cause, if not empty */
	struct tcpmux_span refusals[REFUSE_COUNT];
};

/* Each refusal is a sentence of its own that says what to do next. */
extern const struct words words_default;

/* The words of the server of 2010, and HELP in capitals only. */
extern const struct words words_classic;

/* What becomes of the connection once the answer has been sent. */
enum answer_then {
	ANSWER_CLOSE, /* end of output, then close */
	ANSWER_NEXT   /* read the next request (service tcpmux) */
};

/* One or more whole lines; the text lives as long as its words. */
struct answer {
	struct tcpmux_span text;
	enum answer_then then;
};

/* Is name the reserved one, HELP?  It must be a good name. */
bool words_is_help(const struct words *w, struct tcpmux_span name);

/*
 * The answer to a request for name, which must be a good name, by a server
 * whose one service is tcpmux.
 */
struct answer words_answer(const struct words *w, struct tcpmux_span name);

/* The answer to a connection that is refused. */
struct answer words_refuse(const struct words *w, enum refusal why);

/* One word for a refusal, for logs, as in "unknown" or "late". */
const char *words_reason(enum refusal why);

#endif
