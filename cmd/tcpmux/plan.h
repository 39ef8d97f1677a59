/*
 * What tcpmux is to reach, and how: the command line, understood.
 */

#ifndef CMD_TCPMUX_PLAN_H
#define CMD_TCPMUX_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/target.h"

/* A place to try. */
struct plan_place {
	char host[TARGET_HOST_MAX + 1];
	uint16_t port; /* 0: TCPMUX_PORT */
};

/* As many as --srv takes of what the DNS has. */
#define PLAN_PLACES 16

struct plan {
	const char *where; /* as it was typed, for what is said */
	struct plan_place places[PLAN_PLACES];
	size_t nplaces;      /* at least 1 */
	const char **names;  /* one behind the other; borrowed from argv */
	size_t nnames;       /* 0: the list */
	unsigned int flags;  /* enum tcpmux_call_flag */
	int timeout_ms;      /* of a call to one place; -1: for ever */
	int64_t patience_ms; /* --wait; 0: a failure is a failure */
	bool verbose;
};

#endif
