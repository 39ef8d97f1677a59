/*
 * Generations: how a table comes to be served, and how one takes the place of
 * another.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "daemon/front/takers.h"
#include "daemon/handover.h"
#include "daemon/monitor/counts.h"
#include "daemon/monitor/listen.h"
#include "daemon/monitor/orders.h"
#include "daemon/monitor/serve.h"
#include "daemon/monitor/turn.h"
#include "daemon/process.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/sandbox.h"

/* A process that does not say in this time that it is ready, never will. */
#define READY_MS 10000

/* But nobody waits for name servers for longer than this. */
#define RESOLVE_MS 2000

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
	c->loop = mon->loop;
	c->link = mon->link;
	c->g.error = mon->error;
	c->g.number = ++mon->generations;
	c->g.table = c->table = t;
	c->g.listeners = *l;
	c->g.meter = mon->meter;
	c->g.stats = &mon->stats;
	c->g.board = mon->board;
	c->g.account = mon->account;
	c->g.control = mon->control;
	supervisor_lend(mon->supervisor, &c->g);
	if (cohort_init(c, mon->current != NULL ? &mon->current->g : NULL) == 0)
		return c;
	free(c);
	return NULL;
}

void
serve_forget(struct monitor *mon)
{
	struct cohort *c, **at;

	if (mon->current == NULL)
		return;
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

void
serve_free_all(struct monitor *mon)
{
	struct cohort *c;

	while ((c = mon->current) != NULL) {
		mon->current = c->older;
		free_cohort(c);
	}
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
		listeners_print(&new->g.listeners, mon->left);
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
		.execute = true, /* the program that is to follow this one */
		.network = true,
	};
	int done;

	process_note_layers(&mon->pulse, 0); /* it may not be root */
	/* Whatever the program before has given up is gone for this one. */
	if (table_count(t, SERVICE_EXEC) > 0 || mon->confined)
		return;
	mon->confined = true;
	if (privilege_drop(&mon->account, 0) == -1)
		log_fatal(EX_OSERR, "cannot give up root's rights: %s",
		    strerror(errno));
	process_note_layers(&mon->pulse, LAYER_CAPS);
	if (t->sandbox == SANDBOX_OFF)
		return;
	done = sandbox_prepare(&names);
	if (done == -1 && names.required)
		log_fatal(EX_OSERR, "cannot confine the monitor: %s",
		    strerror(errno));
	if (done == 1)
		process_note_layers(&mon->pulse, LAYER_LANDLOCK | LAYER_NO_NEW);
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

/*
 * Take turns until p says that it is ready.  Returns 0, or -1 if it never
 * will, or the daemon is to end.
 */
static int
await_ready(struct monitor *mon, const struct process *p)
{
	const bool may_be_late = p->role == ROLE_RESOLVER;
	const int64_t deadline =
	    clock_now() + (may_be_late ? RESOLVE_MS : READY_MS);

	while (p->pid != 0 && !p->ready && mon->state != MONITOR_ENDING &&
	    clock_now() < deadline)
		turn_take(mon, deadline);
	if (mon->state == MONITOR_ENDING)
		return -1;
	if (p->ready || (p->pid != 0 && may_be_late))
		return 0;
	log_say("the %s did not start", cohort_role(p->role));
	return -1;
}

/* Start all processes of c.  Returns 0, or -1 if one cannot do its work. */
static int
start_all(struct monitor *mon, struct cohort *c)
{
	int error = 0;
	size_t i;

	mon->coming = c;
	for (i = 0; i < c->nprocesses && error == 0; i++) {
		error = cohort_start(c, &c->processes[i], mon->current);
		if (error == 0)
			error = await_ready(mon, &c->processes[i]);
	}
	mon->coming = NULL;
	return error;
}

int
serve(struct monitor *mon, struct table *t)
{
	const struct generation *g =
	    mon->current != NULL ? &mon->current->g : NULL;
	const struct listeners *old = g != NULL ? &g->listeners : mon->left;
	struct listeners l;
	struct cohort *new;

	if ((g != NULL && table_keep_meters(t, g->table) == -1) ||
	    listeners_open(&l, t, old, &mon->supervisor->inherited) == -1)
		goto fail;
	if (mon->current == NULL)
		confine(mon, t);
	else
		counts_follow(&mon->stats, t, g->table);
	new = make_cohort(mon, t, &l);
	if (new == NULL) {
		log_say("cannot make a generation: %s", strerror(errno));
		listeners_close(&l, old);
		goto fail;
	}
	process_hide(&new->g);
	if (start_all(mon, new) == -1) {
		listeners_close(&l, old);
		if (mon->current != NULL)
			orders_resume(mon->current);
		discard(mon, new);
		return -1;
	}
	take_over(mon, new);
	listeners_warn(&l, &mon->supervisor->inherited);
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
bool
serve_is_out_of_reach(const struct monitor *mon, const struct table *t)
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

int
monitor_reload(struct monitor *mon, struct log_copy *said)
{
	struct table *t;
	int result = MONITOR_FAILED;

	if (mon->state != MONITOR_SERVING)
		return MONITOR_BUSY;
	mon->state = MONITOR_CHANGING;
	supervisor_reloading(mon->supervisor);
	log_copy_to(said);
	t = setup_read(mon->setup);
	if (t != NULL && serve_is_out_of_reach(mon, t)) {
		table_free(t);
		t = NULL;
	}
	if (t != NULL && serve(mon, t) == 0)
		result = MONITOR_DONE;
	log_copy_to(NULL);
	if (mon->state == MONITOR_CHANGING)
		mon->state = MONITOR_SERVING;
	mon->reloads += result == MONITOR_DONE;
	if (result == MONITOR_DONE)
		log_say("serving generation %u: %u services",
		    (unsigned int)mon->current->g.number,
		    (unsigned int)mon->current->g.table->nservices);
	else
		log_say("configuration not changed");
	supervisor_ready(mon->supervisor, &mon->current->g,
	    result == MONITOR_DONE ? NULL :
				     "the last reload failed, see the log");
	return result;
}
