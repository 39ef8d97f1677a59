/*
 * A cohort: the processes of one generation, from their start to their end.
 */

#ifndef DAEMON_MONITOR_COHORT_H
#define DAEMON_MONITOR_COHORT_H

#include <stdbool.h>

#include "daemon/monitor/launch.h"

struct cohort {
	struct generation g;
	struct table *table; /* that of g, and the cohort's own */
	struct process *processes;
	size_t nprocesses;
	int loop; /* of the monitor, which hears its processes */
	int link; /* to the program before, whose registrar tells ours; or -1 */
	bool retiring;   /* it takes no new clients */
	bool wound_down; /* its fronts are gone, and its takers know */
	bool ended;      /* all of it has been told to end */
	struct cohort *older;
};

/*
 * Make the cohort of a generation, which has a table and listeners, with its
 * queues and the places for its processes; none runs yet.  What old, which may
 * be NULL, knows of the names of back ends is known to it, too.  Returns 0, or
 * -1 with errno; then there is nothing to clear.
 */
int cohort_init(struct cohort *c, const struct generation *old);

/*
 * Start p, one of its processes, in the order in which they are.  The registrar
 * of old, which may be NULL, tells the new one what it knows, and rests.
 * Returns 0 while p has yet to say that it is ready; or -1 after saying why it
 * cannot be.
 */
int cohort_start(struct cohort *c, struct process *p, const struct cohort *old);

/* What a role is called. */
const char *cohort_role(enum role role);

/* Its process of this id, or NULL. */
struct process *cohort_find(const struct cohort *c, pid_t pid);

/* Listen to p, one of its processes, no more. */
void cohort_ignore(const struct cohort *c, const struct process *p);

/* Has every process of it ended that is not to be started again? */
bool cohort_is_over(const struct cohort *c);

/*
 * If pid is one of its processes, note its end: give back what it had
 * counted, and say how it ended unless it was told to.  Returns whether it is.
 */
bool cohort_reap(struct cohort *c, pid_t pid, int status, bool told);

/* Start again what has died and is due.  Returns when the next is due. */
int64_t cohort_restart(struct cohort *c, int64_t now);

/*
 * Let it finish: no new clients, and no process that is not needed.  The
 * listening sockets that next, those of its successor, does not have, are
 * closed.
 */
void cohort_retire(struct cohort *c, const struct listeners *next);

/* A retiring cohort has lost a process: let more of it go. */
void cohort_wind_down(struct cohort *c);

/*
 * End all of its processes now; and after that, kill those still there, and
 * wait for them.
 */
void cohort_stop(struct cohort *c);
void cohort_kill(struct cohort *c);

/* Free what no process uses any more; but not the listening sockets. */
void cohort_clear(struct cohort *c);

#endif
