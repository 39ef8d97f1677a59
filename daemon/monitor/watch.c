/*
 * The watchdog: whoever shows no pulse is replaced.
 */

#include <signal.h>

#include "daemon/monitor/watch.h"
#include "os/log.h"

/* Ticks without a pulse after which a process is stuck; and while it starts. */
#define TICKS       8
#define TICKS_START 24

/* The logger may wait for a disk, and the resolver for name servers. */
static bool
may_wait(enum role role)
{
	return role == ROLE_LOGGER || role == ROLE_RESOLVER;
}

void
watch_end(const struct monitor *mon, struct process *p, const char *why)
{
	if (mon->state != MONITOR_ENDING)
		log_say("the %s (process %d) %s: it is replaced",
		    cohort_role(p->role), (int)p->pid, why);
	p->missed = 0;
	(void)kill(p->pid, SIGKILL); /* it has not been waited for */
}

static void
watch(const struct monitor *mon, struct process *p)
{
	const uint32_t beat =
	    atomic_load_explicit(&p->pulse->beat, memory_order_relaxed);

	if (beat != p->beat) {
		p->beat = beat;
		p->missed = 0;
	} else if (++p->missed >= (p->ready ? TICKS : TICKS_START) &&
	    !may_wait(p->role))
		watch_end(mon, p, "is stuck");
}

static void
watch_cohort(const struct monitor *mon, const struct cohort *c)
{
	size_t i;

	for (i = 0; i < c->nprocesses; i++)
		if (c->processes[i].pid != 0)
			watch(mon, &c->processes[i]);
}

void
watch_tick(struct monitor *mon)
{
	const struct cohort *c;

	if (mon->coming != NULL)
		watch_cohort(mon, mon->coming);
	for (c = mon->current; c != NULL; c = c->older)
		watch_cohort(mon, c);
}
