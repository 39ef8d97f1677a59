/*
 * The legacy: what one monitor leaves to the next, which may be a newer
 * program, over a socket that only these two have.
 *
 * A new program that does not understand all of it does not start, and the
 * old one goes on.  So LEGACY_VERSION is one more whenever anything of it
 * changes, also what one registrar leaves to the next (estate.c).
 */

#ifndef DAEMON_MONITOR_LEGACY_H
#define DAEMON_MONITOR_LEGACY_H

#include "daemon/monitor/state.h"

#define LEGACY_VERSION 1

/* What is said over the socket behind the legacy. */
enum legacy_word {
	LEGACY_OFFERS = 'O', /* to the old, with a socket: send offers there */
	LEGACY_READY = 'R',  /* to the old: all serve; kept is set */
	LEGACY_COMMIT = 'C', /* to the new: from now on all is yours */
	LEGACY_SIGNAL = 'S', /* to the new: do what kept, a signal, asks for */
	LEGACY_COUNTS = 'N'  /* to the new: what was counted; with a file */
};

struct legacy_message {
	uint32_t word;
	uint32_t zero;
	uint64_t kept; /* the listeners that are used, by their places */
};

/* As it was taken. */
struct legacy {
	int link; /* where it came from */
	struct listeners listeners;
	uint8_t places[TABLE_LISTENERS_MAX]; /* of each, at the old one */
	int control;                         /* the control socket, or -1 */
	bool control_off;
	bool has_control_path;
	char control_path[108];
	struct account account;
	bool confined;
	uint32_t layers; /* of the monitor: see enum pulse_layer */
	int error;       /* the daemon's standard error */
	int keeper;      /* where the keeper says what to do */
	int notes;       /* a file: see notes.h */
	int counts;      /* another: see carried.h */
	uint32_t generations, reloads, upgrades, replaced;
	int64_t started;
};

/*
 * Send all that there is; keeper is the socket of that name.  Returns 0, or
 * -1 with errno.
 */
int legacy_send(const struct monitor *mon, int link, int keeper);

/*
 * Take it, over link, which was inherited.  Returns 0; or -1 after saying why
 * it is not what it should be.
 */
int legacy_take(struct legacy *l, int link);

#endif
