/*
 * Starting one process of the daemon: its memory, its sockets and what it
 * inherits.
 */

#ifndef DAEMON_MONITOR_LAUNCH_H
#define DAEMON_MONITOR_LAUNCH_H

#include <stdbool.h>

#include "daemon/generation.h"
#include "daemon/pulse.h"

/* In the order in which they start. */
enum role {
	ROLE_LOGGER,
	ROLE_RESOLVER,
	ROLE_REGISTRAR,
	ROLE_SPAWN,
	ROLE_RELAY,
	ROLE_FRONT
};

struct process {
	enum role role;
	uint32_t number; /* among those of its role, from 0 */
	pid_t pid;       /* 0: not running */
	int control;     /* its end is the process's end; -1 */
	int channel;     /* of a front: where the registrar tells it takers */
	void *memory;    /* shared with it, or NULL */
	size_t memory_size;
	struct pulse *pulse; /* shared with it alone; NULL: not running */
	bool ready;          /* it has said so */
	uint32_t beat;       /* its pulse, as it was seen last */
	uint32_t missed;     /* ticks of the monitor since then */
	int64_t started;
	int64_t due; /* when it is started again, if it is to be */
};

/*
 * Zeroed memory that this process shares with its children, for
 * launch_unmap(); or NULL with errno.
 */
void *launch_map(size_t size);

/*
 * The same, for g->claims, g->resolved and g->stats: only those children whose
 * role needs it have it, and of the last only their own part.  What a process
 * has that goes bad, it can write to.
 */
void *launch_map_lent(size_t size);

/* Give such memory back, unless p is NULL.  Returns NULL. */
void *launch_unmap(void *p, size_t size);

/*
 * Fork the process p of a generation; channelled gives it a channel from the
 * registrar.  Sets its pid, control, channel, memory, pulse and start.  Returns
 * 0; or -1 with errno, and then it has none of them.
 */
int launch(struct generation *g, struct process *p, bool channelled);

/* Give back what p, which is no more, had counted, and its memory. */
void launch_release(const struct generation *g, struct process *p);

#endif
