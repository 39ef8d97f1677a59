/*
 * The board: what the monitor tells all processes at any moment, in memory
 * that it alone can write to.  It outlives generations.
 */

#ifndef DAEMON_BOARD_H
#define DAEMON_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/table.h"

/* So many names can be drained one by one. */
#define BOARD_NAMES_MAX 256

/* A name that is drained, in any case; as services are, or offers. */
struct board_name {
	atomic_uchar len; /* 0: this place is free */
	atomic_uchar text[TCPMUX_NAME_MAX];
};

struct board {
	atomic_uchar draining;  /* every service refuses new connections */
	atomic_uchar log_level; /* 0: as configured; else enum log_level + 1 */
	atomic_uint nnames;     /* places used at least once */
	struct board_name names[BOARD_NAMES_MAX];
};

/*
 * Does the service that is configured or offered by this name refuse new
 * connections for now?  b may be NULL: then none does.
 */
bool board_is_drained(const struct board *b, struct tcpmux_span name);

/* The level that is logged where this one is configured; b may be NULL. */
enum log_level board_log_level(const struct board *b, enum log_level level);

/*
 * Of the monitor: drain a good name, or drain it no more.  Returns whether
 * that has changed anything; or -1 if there are BOARD_NAMES_MAX already.
 */
int board_drain(struct board *b, struct tcpmux_span name);
int board_undrain(struct board *b, struct tcpmux_span name);

/*
 * The name at a place below BOARD_NAMES_MAX, written at buf; its length is 0
 * if there is none.
 */
struct tcpmux_span board_name(const struct board *b, size_t place,
    char buf[static TCPMUX_NAME_MAX]);

#endif
