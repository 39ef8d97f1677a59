/*
 * The monitor: starts the other processes, and watches over them.  This is its
 * life; what it does, its parts do.
 */

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/monitor/control.h"
#include "daemon/monitor/counts.h"
#include "daemon/monitor/heir.h"
#include "daemon/monitor/keeper.h"
#include "daemon/monitor/monitor.h"
#include "daemon/monitor/serve.h"
#include "daemon/monitor/turn.h"
#include "daemon/monitor/upgrade.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/log.h"

/* Told to end, processes are given so long before they are killed. */
#define STOP_MS 3000

/*
 * The memory in which all processes count, and the one that all of them read.
 * Returns 0, or -1 with errno.
 */
static int
make_memory(struct monitor *mon, const struct table *t)
{
	uint64_t seed = 0;
	void *p;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -1;
	p = launch_map(meter_size());
	if (p == NULL)
		return -1;
	mon->meter = meter_init(p, seed);
	mon->board = launch_map(sizeof(*mon->board));
	if (mon->board == NULL)
		return -1;
	return counts_make(&mon->stats, t);
}

static bool
all_over(const struct monitor *mon)
{
	const struct cohort *c;

	for (c = mon->current; c != NULL; c = c->older)
		if (!cohort_is_over(c))
			return false;
	return true;
}

/* End everything, and do not wait for ever. */
static void
stop(struct monitor *mon)
{
	/* Otherwise another has the control socket. */
	const bool is_in_charge = !mon->has_heir && mon->link == -1;
	const int64_t deadline = clock_now() + STOP_MS;
	struct cohort *c;

	mon->state = MONITOR_ENDING;
	supervisor_stopping(mon->supervisor);
	log_use(-1);
	for (c = mon->current; c != NULL; c = c->older)
		cohort_stop(c);
	while (!all_over(mon) && clock_now() < deadline)
		turn_take(mon, deadline);
	for (c = mon->current; c != NULL; c = c->older)
		cohort_kill(c);
	serve_free_all(mon);
	if (mon->control != -1 && is_in_charge &&
	    inherited_control(&mon->supervisor->inherited) == -1)
		control_remove(mon->control_path);
	free(mon->control_path);
}

/* Names are looked up now, as that may take its time. */
static void
note_user(struct monitor *mon)
{
	const struct passwd *pw = getpwuid(mon->account.uid);

	/* It has room for any name, and for any number. */
	if (pw != NULL)
		(void)snprintf(mon->user, sizeof(mon->user), "%s", pw->pw_name);
	else
		(void)snprintf(mon->user, sizeof(mon->user), "%u",
		    (unsigned int)mon->account.uid);
}

/* The control socket stays as long as the daemon. */
static void
make_control(struct monitor *mon, const struct table *t)
{
	mon->control_off = t->control_off;
	if (t->control != NULL) {
		/* It outlives the table: stop() frees it. */
		mon->control_path = strdup(t->control);
		if (mon->control_path == NULL)
			log_fatal(EX_OSERR, "no memory for the control socket");
	}
	if (control_open(t, &mon->account,
		inherited_control(&mon->supervisor->inherited),
		&mon->control) == -1)
		log_fatal(EX_OSERR,
		    "control: the configured socket cannot be made; control = "
		    "none does without");
}

/* Everything that is made once, before the first process starts. */
static void
prepare(struct monitor *mon, const struct table *t)
{
	if (privilege_choose(&mon->account, t->user) == -1)
		log_fatal(EX_OSERR,
		    t->user == NULL ?
			"there is no user to run as: make the user tcpmux" :
			"user: there is no such user, or it is not one to run "
			"as");
	if (privilege_make_empty(&mon->account) == -1)
		log_fatal(EX_OSERR, "cannot make an empty root in /run: %s",
		    strerror(errno));
	note_user(mon);
	make_control(mon, t);
	mon->started = clock_wall();
}

/* What every monitor makes for itself. */
static void
prepare_each(struct monitor *mon, const struct table *t)
{
	if (!privilege_is_one_user())
		log_fatal(EX_OSERR,
		    "started with more than one user id: start it as one "
		    "user");
	if (make_memory(mon, t) == -1)
		log_fatal(EX_OSERR, "no memory to count in: %s",
		    strerror(errno));
	if (turn_init(mon) == -1)
		log_fatal(EX_OSERR, "cannot wait for signals: %s",
		    strerror(errno));
}

/* What signals have asked for, one thing at a time. */
static void
do_wanted(struct monitor *mon)
{
	if (mon->wants_reload && mon->state == MONITOR_SERVING) {
		mon->wants_reload = false;
		(void)monitor_reload(mon, NULL); /* it has said how it went */
	}
	if (mon->wants_upgrade && mon->state == MONITOR_SERVING) {
		mon->wants_upgrade = false;
		(void)monitor_upgrade(mon, NULL); /* likewise */
	}
}

/* Another is in charge.  Returns whether there is nothing more to do. */
static bool
is_done(struct monitor *mon)
{
	if (mon->state != MONITOR_RETIRED || mon->current == NULL ||
	    !all_over(mon))
		return false;
	upgrade_tell_counts(mon);
	descriptor_close(&mon->after);
	if (mon->is_keeper)
		keeper_rest(mon);
	return !mon->is_keeper;
}

static void
run(struct monitor *mon)
{
	while (mon->state != MONITOR_ENDING && !is_done(mon)) {
		turn_take(mon, INT64_MAX);
		do_wanted(mon);
	}
}

/* Be the daemon, or the next part of it.  Returns 0, or -1. */
static int
begin(struct monitor *mon, struct table *t)
{
	static struct legacy legacy; /* it is large */

	prepare_each(mon, t);
	if (mon->setup->link == -1) {
		prepare(mon, t);
		return serve(mon, t);
	}
	if (legacy_take(&legacy, mon->setup->link) == -1 ||
	    heir_begin(mon, &legacy, t) == -1) {
		table_free(t);
		return -1;
	}
	note_user(mon);
	if (serve(mon, t) == -1)
		return -1;
	if (heir_take_over(mon, &legacy) == -1)
		return -1;
	supervisor_use_keeper(mon->supervisor, mon->keeper);
	return 0;
}

int
monitor_run(const struct setup *s, struct table *t,
    struct supervisor *supervisor)
{
	struct monitor mon = {
		.setup = s,
		.supervisor = supervisor,
		.control = -1,
		.keeper = -1,
		.before = -1,
		.after = -1,
		.error = -1,
		.link = s->link,
	};

	if (begin(&mon, t) == 0) {
		supervisor_settle(supervisor, &mon.current->g);
		supervisor_ready(supervisor, &mon.current->g, NULL);
		run(&mon);
	} else if (mon.state != MONITOR_ENDING)
		mon.status = EX_OSERR;
	if (mon.link != -1)
		supervisor_leave(supervisor, false); /* it is the other one's */
	stop(&mon);
	if (mon.is_keeper)
		keeper_end(&mon);
	return mon.status;
}
