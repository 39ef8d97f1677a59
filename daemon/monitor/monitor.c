/*
 * The monitor: makes a cohort of processes for each generation, replaces what
 * dies, and ends them all when the daemon is told to end.  It reads no byte
 * of a peer.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/front/takers.h"
#include "daemon/handover.h"
#include "daemon/monitor/cohort.h"
#include "daemon/monitor/control.h"
#include "daemon/monitor/listen.h"
#include "daemon/monitor/monitor.h"
#include "daemon/monitor/orders.h"
#include "daemon/process.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/sandbox.h"

/* Told to end, processes are given so long before they are killed. */
#define STOP_MS 3000

struct monitor {
	const struct setup *setup;
	sigset_t signals;
	struct account account;
	int control;        /* the control socket, or -1 */
	char *control_path; /* as it was configured, or NULL */
	bool control_off;
	struct meter *meter;
	bool confined;          /* no programs can be started any more */
	struct cohort *current; /* and, behind it, the older ones */
	uint32_t generations;   /* so far */
};

/*
 * Signals are waited for, never caught: their delivery stays blocked, in the
 * other processes as well, which end when their control socket does.
 */
static void
hold_signals(sigset_t *set)
{
	(void)sigemptyset(set); /* these cannot fail */
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGHUP);
	(void)sigaddset(set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, set, NULL);
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, children leave no status */
}

/* Wait for a signal of the set until a moment.  Returns it, or 0. */
static int
await_signal(const struct monitor *mon, int64_t until)
{
	int64_t ms = until - clock_now();
	struct timespec ts;
	int sig;

	if (ms < 0)
		ms = 0;
	ts.tv_sec = ms / 1000;
	ts.tv_nsec = ms % 1000 * 1000000L;
	sig = until == INT64_MAX ? sigwaitinfo(&mon->signals, NULL) :
				   sigtimedwait(&mon->signals, NULL, &ts);
	return sig == -1 ? 0 : sig;
}

/* The memory in which all processes count.  Returns 0, or -1 with errno. */
static int
make_meter(struct monitor *mon)
{
	uint64_t seed = 0;
	void *p;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -1;
	p = launch_map(meter_size());
	if (p == NULL)
		return -1;
	mon->meter = meter_init(p, seed);
	return 0;
}

static void
free_cohort(struct cohort *c)
{
	cohort_clear(c);
	table_free(c->table);
	free(c);
}

/*
 * A cohort for t, which it owns from now on.  Returns NULL with errno; then t
 * is the caller's still.
 */
static struct cohort *
make_cohort(struct monitor *mon, struct table *t, const struct listeners *l)
{
	struct cohort *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->g.number = ++mon->generations;
	c->g.table = c->table = t;
	c->g.listeners = *l;
	c->g.meter = mon->meter;
	c->g.account = mon->account;
	c->g.control = mon->control;
	if (cohort_init(c, mon->current != NULL ? &mon->current->g : NULL) == 0)
		return c;
	free(c);
	return NULL;
}

/* Note the end of every process that has ended. */
static void
reap(struct monitor *mon, bool told)
{
	struct cohort *c, **at;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (c = mon->current; c != NULL; c = c->older)
			if (cohort_reap(c, pid, status, told)) {
				cohort_wind_down(c);
				break;
			}
	for (at = &mon->current->older; *at != NULL;) {
		c = *at;
		if (!cohort_is_over(c)) {
			at = &c->older;
			continue;
		}
		*at = c->older;
		free_cohort(c);
	}
}

/* Start again what has died.  Returns when something is due next. */
static int64_t
restart(struct monitor *mon)
{
	const int64_t now = clock_now();
	int64_t due, next = INT64_MAX;
	struct cohort *c;

	for (c = mon->current; c != NULL; c = c->older) {
		due = cohort_restart(c, now);
		if (due < next)
			next = due;
	}
	return next;
}

/* A cohort that never came to work ends, among the older ones. */
static void
discard(struct monitor *mon, struct cohort *c)
{
	struct cohort **at = &mon->current;

	cohort_stop(c);
	if (*at != NULL)
		at = &(*at)->older;
	c->older = *at;
	*at = c;
}

/* Let new take the place of the current cohort, which finishes. */
static void
take_over(struct monitor *mon, struct cohort *new)
{
	struct cohort *old = mon->current;

	new->older = old;
	mon->current = new;
	if (old == NULL) {
		/* Whoever has started the daemon waits for it here. */
		listeners_print(&new->g.listeners, NULL);
		log_use(new->g.log.send);
		orders_resume(new);
		return;
	}
	log_use(new->g.log.send);
	orders_resume(new);
	listeners_print(&new->g.listeners, &old->g.listeners);
	cohort_retire(old, &new->g.listeners);
}

/*
 * Without programs to run, nothing that the monitor does from here on needs
 * any right: it gives up all of them, and those of its children.
 */
static void
confine(struct monitor *mon, const struct table *t)
{
	const struct sandbox_names names = {
		.required = t->sandbox == SANDBOX_STRICT,
		.read_files = true,
		.write_files = true, /* the logger's file, which is to come */
		.network = true,
	};

	if (table_count(t, SERVICE_EXEC) > 0)
		return;
	mon->confined = true;
	if (privilege_drop(&mon->account, 0) == -1)
		log_fatal(EX_OSERR, "cannot give up root's rights: %s",
		    strerror(errno));
	if (t->sandbox != SANDBOX_OFF && sandbox_prepare(&names) == -1 &&
	    names.required)
		log_fatal(EX_OSERR, "cannot confine the monitor: %s",
		    strerror(errno));
}

/*
 * A program of the daemon's own user can stop the daemon.  Root can have it
 * otherwise, and is told so.
 */
static void
warn_of_own_user(const struct monitor *mon, const struct table *t)
{
	const struct service *s;
	uint32_t i;

	for (i = 0; i < t->nservices && mon->account.is_root; i++) {
		s = &t->services[i];
		if (s->kind != SERVICE_EXEC ||
		    s->program.uid != mon->account.uid)
			continue;
		log_say("warning: service %s runs as the daemon's own user, "
			"%s, and so can stop the daemon: make the user tcpmux",
		    s->name, s->program.name);
		return;
	}
}

/*
 * The kernel counts the descriptors that are on their way, to takers that may
 * be stuck, against the limit of open files of our user.
 */
static void
warn_of_files(const struct table *t)
{
	const rlim_t wanted = 2 *
	    (HANDOVER_QUEUE * (rlim_t)table_count(t, SERVICE_SOCKET) +
		(rlim_t)HANDOVER_QUEUE_OWN * 2);
	struct rlimit nofile = { 0, 0 };

	/* Cannot fail: the resource exists and nofile is valid. */
	(void)getrlimit(RLIMIT_NOFILE, &nofile);
	if (nofile.rlim_cur < wanted)
		log_say("warning: stuck programs could use up %llu open "
			"files: raise the limit to %llu, ulimit -n",
		    (unsigned long long)nofile.rlim_cur,
		    (unsigned long long)wanted);
}

/* Whoever asks for more offers than there can be is told so. */
static void
warn_of_offers(const struct generation *g)
{
	const struct table *t = g->table;

	if (g->control != -1 && g->max_offers < t->max_offers &&
	    t->max_offers != TABLE_OFFERS_MAX)
		log_say("warning: max-offers = %u: there is room for %u: "
			"raise the limit of open files to %u, ulimit -n",
		    t->max_offers, g->max_offers,
		    t->max_offers * TAKERS_OFFERS_PART);
}

/* Make t the current generation.  Returns 0; or -1, and t is freed. */
static int
serve(struct monitor *mon, struct table *t)
{
	const struct generation *g =
	    mon->current != NULL ? &mon->current->g : NULL;
	const struct listeners *old = g != NULL ? &g->listeners : NULL;
	struct listeners l;
	struct cohort *new;

	if ((g != NULL && table_keep_meters(t, g->table) == -1) ||
	    listeners_open(&l, t, old) == -1)
		goto fail;
	if (mon->current == NULL)
		confine(mon, t);
	new = make_cohort(mon, t, &l);
	if (new == NULL) {
		log_say("cannot make a generation: %s", strerror(errno));
		listeners_close(&l, old);
		goto fail;
	}
	process_hide(&new->g);
	if (cohort_start(new, mon->current) == -1) {
		listeners_close(&l, old);
		if (mon->current != NULL)
			orders_resume(mon->current);
		discard(mon, new);
		return -1;
	}
	take_over(mon, new);
	warn_of_own_user(mon, t);
	warn_of_offers(&new->g);
	if (table_count(t, SERVICE_SOCKET) > 0)
		warn_of_files(t);
	return 0;
fail:
	table_free(t);
	return -1;
}

static bool
is_control_moved(const struct monitor *mon, const struct table *t)
{
	if (mon->control_off || t->control_off)
		return mon->control_off != t->control_off;
	if (mon->control_path == NULL || t->control == NULL)
		return mon->control_path != t->control;
	return strcmp(mon->control_path, t->control) != 0;
}

/* What a daemon that has given up its rights cannot do any more. */
static bool
is_out_of_reach(const struct monitor *mon, const struct table *t)
{
	struct account a;

	if (mon->confined && table_count(t, SERVICE_EXEC) > 0) {
		log_say("no service ran a program when this daemon was "
			"started, so it has given up the rights that takes: "
			"restart it");
		return true;
	}
	if (is_control_moved(mon, t)) {
		log_say("control: the socket cannot change: restart it");
		return true;
	}
	if (privilege_choose(&a, t->user) == -1 || a.uid != mon->account.uid) {
		log_say("user: the daemon's own user cannot change: "
			"restart it");
		return true;
	}
	return false;
}

static void
reload(struct monitor *mon)
{
	struct table *t;

	t = setup_read(mon->setup);
	if (t != NULL && is_out_of_reach(mon, t)) {
		table_free(t);
		t = NULL;
	}
	if (t == NULL || serve(mon, t) == -1) {
		log_say("configuration not changed");
		return;
	}
	log_say("serving generation %u: %u services",
	    (unsigned int)mon->current->g.number,
	    (unsigned int)mon->current->g.table->nservices);
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
	const int64_t deadline = clock_now() + STOP_MS;
	struct cohort *c;

	log_use(-1);
	for (c = mon->current; c != NULL; c = c->older)
		cohort_stop(c);
	while (!all_over(mon) && clock_now() < deadline) {
		(void)await_signal(mon, deadline);
		reap(mon, true);
	}
	for (c = mon->current; c != NULL; c = c->older)
		cohort_kill(c);
	while (!all_over(mon) && waitpid(-1, NULL, 0) > 0)
		;
	while ((c = mon->current) != NULL) {
		mon->current = c->older;
		free_cohort(c);
	}
	if (mon->control != -1)
		control_remove(mon->control_path);
	free(mon->control_path);
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
	if (control_open(t, &mon->account, &mon->control) == -1)
		log_fatal(EX_OSERR,
		    "control: the configured socket cannot be made; control = "
		    "none does without");
}

/* Everything that is made once, before the first process starts. */
static void
prepare(struct monitor *mon, const struct table *t)
{
	if (!privilege_is_one_user())
		log_fatal(EX_OSERR,
		    "started with more than one user id: start it as one "
		    "user");
	if (privilege_choose(&mon->account, t->user) == -1)
		log_fatal(EX_OSERR,
		    t->user == NULL ?
			"there is no user to run as: make the user tcpmux" :
			"user: there is no such user, or it is not one to run "
			"as");
	if (privilege_make_empty(&mon->account) == -1)
		log_fatal(EX_OSERR, "cannot make an empty root in /run: %s",
		    strerror(errno));
	if (make_meter(mon) == -1)
		log_fatal(EX_OSERR, "no memory to count in: %s",
		    strerror(errno));
	make_control(mon, t);
	hold_signals(&mon->signals);
}

int
monitor_run(const struct setup *s, struct table *t)
{
	struct monitor mon = { .setup = s, .control = -1 };
	int64_t next = INT64_MAX;
	int sig;

	prepare(&mon, t);
	if (serve(&mon, t) == -1) {
		stop(&mon);
		return EX_OSERR;
	}
	do {
		sig = await_signal(&mon, next);
		if (sig == SIGCHLD)
			reap(&mon, false);
		if (sig == SIGHUP)
			reload(&mon);
		next = restart(&mon);
	} while (sig != SIGTERM && sig != SIGINT);
	stop(&mon);
	return EX_OK;
}
