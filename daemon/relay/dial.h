/*
 * Reaching a back end: each in the order of preference, and each address of
 * it in turn, until one answers.
 */

#ifndef DAEMON_RELAY_DIAL_H
#define DAEMON_RELAY_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/relay/resolver.h"
#include "table/table.h"

/* Where a dial is; begins with fd -1 and the rest 0. */
struct dial {
	int fd;          /* non-blocking; the caller's to close; or -1 */
	uint8_t backend; /* its place in the rule */
	uint8_t address; /* the place of the address that is tried */
	bool speaks;     /* something is sent as soon as it is connected */
};

enum dial_state {
	DIAL_WAIT,  /* until d->fd can be written to: dial_step() again */
	DIAL_AGAIN, /* there is a queue, and it is full: in a while */
	DIAL_DONE,  /* d->fd is connected */
	DIAL_FAILED /* nobody is left */
};

/* Go as far as possible without waiting. */
enum dial_state dial_step(struct dial *d, const struct relay_rule *rule,
    const struct resolved *resolved);

/* The one who is tried takes too long: leave it for the next. */
enum dial_state dial_next(struct dial *d, const struct relay_rule *rule,
    const struct resolved *resolved);

#endif
