/*
 * What tcpmuxd says of itself, asked for when somebody wants to know, but not
 * more often than twice a second.
 */

#ifndef CMD_EXPORTER_SOURCE_H
#define CMD_EXPORTER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/snapshot.h"

struct source {
	const char *control; /* or NULL; borrowed */
	struct snapshot s;
	bool up;       /* and s is what it said */
	int64_t until; /* by clock_now(): then it is to be asked again */
	char why[640]; /* a sentence, if it is not up */
};

/* Nothing is asked yet. */
void source_init(struct source *x, const char *control);
void source_clear(struct source *x);

/*
 * Ask tcpmuxd, if it was not asked just now; wait for it, but for a second at
 * the most.  Returns whether there is another answer than before.
 */
bool source_look(struct source *x, int64_t now);

#endif
