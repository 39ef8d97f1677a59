/*
 * One turn of the monitor: signals, messages of its processes, and time.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/monitor/desk.h"
#include "daemon/monitor/heir.h"
#include "daemon/monitor/keeper.h"
#include "daemon/monitor/serve.h"
#include "daemon/monitor/turn.h"
#include "daemon/monitor/upgrade.h"
#include "daemon/monitor/watch.h"
#include "daemon/process.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/message.h"
#include "os/signals.h"

/* What a process may say to the monitor. */
union message {
	char ready;
	struct errand errand;
	struct keepsake keepsake;
};

int
turn_init(struct monitor *mon)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR2,
		SIGCHLD };
	const struct loop_id id = { SLOT_SIGNALS, 0 };

	(void)signal(SIGCHLD, SIG_DFL); /* ignored, children leave no status */
	mon->signals =
	    signals_open(signals, sizeof(signals) / sizeof(signals[0]));
	mon->loop = loop_new();
	if (mon->signals == -1 || mon->loop == -1)
		return -1;
	mon->tick = clock_now() + WATCH_TICK_MS;
	return loop_watch_level(mon->loop, mon->signals, id);
}

/* Note the end of every process that has ended. */
static void
reap(struct monitor *mon)
{
	const bool told = mon->state == MONITOR_ENDING;
	struct cohort *c;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (mon->is_keeper)
			keeper_reap(mon, pid, status);
		if (mon->coming != NULL &&
		    cohort_reap(mon->coming, pid, status, true))
			continue;
		for (c = mon->current; c != NULL; c = c->older)
			if (cohort_reap(c, pid, status, told)) {
				if (!told && !c->retiring) {
					mon->replaced++;
					mon->replaced_at = clock_wall();
				}
				cohort_wind_down(c);
				break;
			}
	}
	serve_forget(mon);
}

static void
take_signals(struct monitor *mon)
{
	int sig;

	while ((sig = signals_take(mon->signals)) != 0) {
		if (sig == SIGCHLD)
			reap(mon);
		else if (mon->is_keeper)
			keeper_signal(mon, sig);
		else if (sig == SIGHUP)
			mon->wants_reload = true;
		else if (sig == SIGUSR2)
			mon->wants_upgrade = true;
		else
			mon->state = MONITOR_ENDING;
	}
}

/* The process of this id, and its cohort; or NULL. */
static struct process *
find_process(const struct monitor *mon, pid_t pid, struct cohort **of)
{
	struct process *p;

	if (mon->coming != NULL &&
	    (p = cohort_find(mon->coming, pid)) != NULL) {
		*of = mon->coming;
		return p;
	}
	for (*of = mon->current; *of != NULL; *of = (*of)->older)
		if ((p = cohort_find(*of, pid)) != NULL)
			return p;
	return NULL;
}

/*
 * Take one message of a process: it is ready; or, from a registrar, somebody
 * asks for something.  Whoever says anything else is not what he was.
 */
static void
hear(struct monitor *mon, pid_t pid)
{
	struct cohort *c;
	struct process *p = find_process(mon, pid, &c);
	union message m;
	ssize_t n;
	int fd = -1;

	if (p == NULL || p->control == -1)
		return;
	n = message_receive(p->control, &m, sizeof(m), &fd);
	/* Short of descriptors, what a registrar has sent may be lost. */
	if (n == -1 && (errno == EAGAIN || p->role == ROLE_REGISTRAR))
		return;
	if (n == 1 && m.ready == CONTROL_READY && fd == -1) {
		p->ready = true;
		return;
	}
	if (n == sizeof(m.errand) && p->role == ROLE_REGISTRAR &&
	    m.errand.mark == ERRAND_MARK && fd != -1) {
		desk_do(mon, &m.errand, fd);
		return;
	}
	if (n == sizeof(m.keepsake) && p->role == ROLE_REGISTRAR &&
	    m.keepsake.mark == KEEPSAKE_MARK && fd != -1) {
		supervisor_store(mon->supervisor, &m.keepsake, fd);
		return;
	}
	if (n != -1)
		descriptor_close(&fd); /* of a message that is none */
	if (n == 0)
		cohort_ignore(c, p); /* it ends, or is as good as that */
	else
		watch_end(mon, p, "says what it must not");
}

/* Start again what has died.  Returns when something is due next. */
static int64_t
restart(struct monitor *mon, int64_t now)
{
	int64_t due, next = INT64_MAX;
	struct cohort *c;

	if (mon->state == MONITOR_ENDING)
		return next;
	for (c = mon->current; c != NULL; c = c->older) {
		due = cohort_restart(c, now);
		if (due < next)
			next = due;
	}
	return next;
}

static void
do_event(struct monitor *mon, const struct loop_event *ev)
{
	const uint32_t slot = ev->id.slot;

	switch (slot) {
	case SLOT_SIGNALS:
		take_signals(mon);
		break;
	case SLOT_KEEPER:
		keeper_event(mon, ev->seen);
		break;
	case SLOT_HEIR:
		heir_event(mon);
		break;
	case SLOT_LINK:
	case SLOT_SAID:
	case SLOT_PROCESS:
		upgrade_event(mon, slot);
		break;
	default:
		hear(mon, (pid_t)slot);
		break;
	}
}

void
turn_take(struct monitor *mon, int64_t until)
{
	struct loop_event ev[LOOP_BATCH];
	int64_t now = clock_now(), next, due;
	int i, n;

	next = restart(mon, now);
	due = supervisor_tick(mon->supervisor, now);
	if (due < next)
		next = due;
	if (until < next)
		next = until;
	if (mon->tick < next)
		next = mon->tick;
	n = loop_wait(mon->loop, ev, next > now ? (int)(next - now) : 0);
	if (n == -1)
		log_fatal(EX_OSERR, "epoll: %s", strerror(errno));
	for (i = 0; i < n; i++)
		do_event(mon, &ev[i]);
	now = clock_now();
	pulse_beat(&mon->pulse, now);
	if (now < mon->tick)
		return;
	mon->tick = now + WATCH_TICK_MS;
	watch_tick(mon);
	sheet_expire(&mon->snapshot, now);
	sheet_expire(&mon->conns, now);
	upgrade_tick(mon);
	if (mon->is_keeper)
		keeper_tick(mon, now);
}
