/*
 * An errand: what somebody has asked at the control socket, who may, and what
 * the monitor has to do.  The registrar sends it over its socket to the
 * monitor, and with it the socket of whoever asked: the monitor answers there
 * itself, with one message, and closes it.
 */

#ifndef DAEMON_ERRAND_H
#define DAEMON_ERRAND_H

#include <stdint.h>

#include "tcpmux.h"

/* The first byte, apart from CONTROL_READY. */
#define ERRAND_MARK 'E'

enum errand_what {
	ERRAND_SNAPSHOT, /* all that is known: see tcpmux-control(7) */
	ERRAND_CONNS,    /* every connection that we hold */
	ERRAND_EXPLAIN,  /* name, and an address or none */
	ERRAND_RELOAD,
	ERRAND_UPGRADE,
	ERRAND_DRAIN, /* name, or none: all */
	ERRAND_UNDRAIN,
	ERRAND_KICK, /* name: all connections of a service; or option: one */
	ERRAND_LOG   /* option: a level */
};

/* Fixed in size; the monitor checks every field. */
struct errand {
	uint8_t mark; /* ERRAND_MARK */
	uint8_t what; /* enum errand_what */
	uint8_t name_len;
	uint8_t option_len;
	uint32_t uid; /* who asked, for the log */
	char name[TCPMUX_NAME_MAX];
	char option[65];
};

_Static_assert(sizeof(struct errand) == 328, "nothing is padding");

#endif
