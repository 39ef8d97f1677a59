/*
 * A name on offer, and what is said of it on standard error.
 */

#ifndef CMD_OFFER_OFFERING_H
#define CMD_OFFER_OFFERING_H

#include <stdbool.h>

#include "cmd/offer/options.h"
#include "tcpmux.h"

struct offering {
	const struct offer_options *options;
	struct tcpmux_offer *offer; /* NULL before and behind */
	bool is_up;                 /* as it was said last */
	bool is_paused;             /* no connection could be taken */
};

/* What offering_take() says when it has no connection. */
enum {
	OFFERING_NONE = -1, /* none is there */
	OFFERING_OVER = -2, /* nor will there be: the daemon has ended it */
};

/* So long an offering that is paused is not to be asked. */
#define OFFERING_PAUSE_MS 100

/* Say a sentence about the offer, if level is within the verbosity. */
void offering_say(const struct offer_options *options, int level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Returns 0, or the exit status, and has said why. */
int offering_begin(struct offering *o, const struct offer_options *options);

/* Withdraw it; it may be over, or never have begun. */
void offering_end(struct offering *o);

/* What to poll for input, or -1 while it is paused or not there. */
int offering_descriptor(const struct offering *o);

/*
 * Take a connection to which nothing has been said.  Returns its descriptor,
 * the caller's to close, OFFERING_NONE or OFFERING_OVER.  What has become of
 * the offer since is said.
 */
int offering_take(struct offering *o, struct tcpmux_caller *caller);

#endif
