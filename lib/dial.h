/*
 * From a host to a connected socket, without waiting: lookups, and the race
 * of attempts to connect.
 */

#ifndef LIB_DIAL_H
#define LIB_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"
#include "lib/lookup.h"
#include "lib/race.h"

/* As many attempts run at a time; the kernel gives up each in the end. */
#define DIAL_ATTEMPTS 16

struct dial {
	int epoll; /* the caller's; it has input when it is time for a step */
	struct lookup *lookups[RACE_FAMILIES];
	struct lookup_found found[RACE_FAMILIES];
	struct race race;
	struct dial_attempt {
		int fd;
		const struct address *address;
	} attempts[DIAL_ATTEMPTS];
	size_t nattempts;
	struct address last;   /* tried last, or connected; len 0: none */
	int error;             /* the most telling errno of the failures */
	struct address failed; /* the address that it is of */
};

/* Make *d such that tcpmux_dial_clear() may be called. */
void tcpmux_dial_init(struct dial *d, int epoll);

/*
 * Begin to dial host, which is as for tcpmux_connect(); flags are those of
 * enum tcpmux_call_flag.  Returns 0, or -1 if there can be no such host.
 */
int tcpmux_dial_begin(struct dial *d, const char *host, uint16_t port,
    unsigned int flags);

/*
 * Go as far as it goes.  Returns a connected socket, which does not wait, is
 * close-on-exec and the caller's, and no longer in the epoll; or
 * TCPMUX_ERR_AGAIN, and *due is when to try again even if there is no input;
 * or another enum tcpmux_err, with errno where that says so.
 */
int tcpmux_dial_step(struct dial *d, int64_t now, int64_t *due);

/* Why the host could not be looked up, for TCPMUX_ERR_HOST; static. */
const char *tcpmux_dial_reason(const struct dial *d);

/* Stop all that goes on.  It keeps errno. */
void tcpmux_dial_clear(struct dial *d);

#endif
