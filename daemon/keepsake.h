/*
 * A keepsake: an offer that the service manager keeps while there is no
 * daemon.  The registrar sends one to the monitor, with the socket of the
 * offer; and the first registrar of a daemon begins with those that are left.
 */

#ifndef DAEMON_KEEPSAKE_H
#define DAEMON_KEEPSAKE_H

#include <stdint.h>

#include "tcpmux.h"

/* The first byte of the message. */
#define KEEPSAKE_MARK 'K'

enum keepsake_what {
	KEEPSAKE_KEEP, /* from now on */
	KEEPSAKE_DROP  /* no more: the offer has ended */
};

/* Fixed in size; the monitor checks every field. */
struct keepsake {
	uint8_t mark;  /* KEEPSAKE_MARK */
	uint8_t what;  /* enum keepsake_what */
	uint8_t flags; /* enum tcpmux_offer_flag */
	uint8_t len;
	uint32_t uid; /* who offers */
	char name[TCPMUX_OFFER_NAME_MAX];
};

_Static_assert(sizeof(struct keepsake) == 208, "nothing is padding");

/* One that was kept, and its socket. */
struct kept {
	int fd;
	struct keepsake k;
};

#endif
