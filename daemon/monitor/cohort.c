/*
 * A cohort: the processes of one generation, from their start to their end.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "daemon/front/takers.h"
#include "daemon/handover.h"
#include "daemon/monitor/cohort.h"
#include "daemon/monitor/listen.h"
#include "daemon/monitor/orders.h"
#include "daemon/process.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/roll.h"
#include "daemon/relay/resolver.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/message.h"

/* A process that has lived for less is followed by the next after a pause. */
#define LIFE_MS  1000
#define PAUSE_MS 100

static const char *const role_names[] = {
	[ROLE_LOGGER] = "logger",
	[ROLE_RESOLVER] = "resolver",
	[ROLE_REGISTRAR] = "registrar",
	[ROLE_SPAWN] = "spawn",
	[ROLE_RELAY] = "relay",
	[ROLE_FRONT] = "front",
};

const char *
cohort_role(enum role role)
{
	return role_names[role];
}

/* Processors that this process may use; one if the kernel has too many. */
static uint32_t
processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == -1)
		return 1;
	return (uint32_t)CPU_COUNT(&set);
}

/* How many processes of a role the table needs. */
static uint32_t
role_count(const struct generation *g, enum role role)
{
	const struct table *t = g->table;
	const uint32_t each = processors();

	switch (role) {
	case ROLE_LOGGER:
		return 1;
	case ROLE_RESOLVER:
		return t->nnames > 0;
	case ROLE_REGISTRAR:
		return table_count(t, SERVICE_SOCKET) > 0 || g->control != -1;
	case ROLE_SPAWN:
		return table_count(t, SERVICE_EXEC) > 0;
	case ROLE_RELAY:
		if (table_count(t, SERVICE_RELAY) +
			table_count(t, SERVICE_ECHO) +
			table_count(t, SERVICE_DISCARD) +
			table_count(t, SERVICE_DAYTIME) ==
		    0)
			return 0;
		return t->relays != 0 ? t->relays : each;
	case ROLE_FRONT:
		return t->fronts != 0 ? t->fronts : each;
	}
	return 0;
}

static bool
runs_role(const struct cohort *c, enum role role)
{
	size_t i;

	for (i = 0; i < c->nprocesses; i++)
		if (c->processes[i].role == role && c->processes[i].pid != 0)
			return true;
	return false;
}

/* Returns 0, or -1 with errno. */
static int
make_queue(struct queue *q, int sndbuf)
{
	int ends[2];

	if (message_pair(ends, sndbuf) == -1)
		return -1;
	q->send = ends[0];
	q->receive = ends[1];
	return 0;
}

/* Returns 0, or -1 with errno. */
static int
make_resolved(struct generation *g, const struct generation *old)
{
	if (g->table->nnames == 0)
		return 0;
	g->resolved = launch_map_lent(resolved_size(g->table->nnames));
	if (g->resolved == NULL)
		return -1;
	if (old != NULL && old->resolved != NULL)
		resolved_inherit(g->resolved, g->table, old->resolved,
		    old->table);
	return 0;
}

/* Returns 0, or -1 with errno. */
static int
make_claims(struct generation *g, const struct generation *old)
{
	const size_t size = claims_size(g);

	if (size == 0)
		return 0;
	g->claims = launch_map_lent(size);
	if (g->claims == NULL)
		return -1;
	if (old != NULL && old->claims != NULL)
		claims_inherit(g, old);
	return 0;
}

/* Returns 0, or -1 with errno. */
static int
make_roll(struct generation *g)
{
	if (roll_size(g) == 0)
		return 0;
	g->roll = launch_map_lent(roll_size(g));
	return g->roll == NULL ? -1 : 0;
}

/* A place for each process that the table needs.  Returns 0, or -1. */
static int
make_processes(struct cohort *c)
{
	uint32_t count[ROLE_FRONT + 1], i;
	struct process *p;
	int role;

	for (role = ROLE_LOGGER; role <= ROLE_FRONT; role++) {
		count[role] = role_count(&c->g, (enum role)role);
		c->nprocesses += count[role];
	}
	c->g.nfronts = count[ROLE_FRONT];
	c->g.full = launch_map(c->g.nfronts);
	c->processes = calloc(c->nprocesses, sizeof(*c->processes));
	if (c->processes == NULL || c->g.full == NULL)
		return -1;
	p = c->processes;
	for (role = ROLE_LOGGER; role <= ROLE_FRONT; role++)
		for (i = 0; i < count[role]; i++, p++) {
			p->role = (enum role)role;
			p->number = i;
			p->control = -1;
			p->channel = -1;
		}
	return 0;
}

int
cohort_init(struct cohort *c, const struct generation *old)
{
	const struct queue none = { -1, -1 };
	struct generation *g = &c->g;

	g->relay = g->spawn = g->log = none;
	g->resolved = NULL;
	g->claims = NULL;
	g->roll = NULL;
	g->full = NULL;
	c->processes = NULL;
	c->nprocesses = 0;
	c->retiring = c->wound_down = c->ended = false;
	g->max_offers = takers_offers_max(g);
	if (make_processes(c) == -1 ||
	    make_queue(&g->log, HANDOVER_SNDBUF_OWN) == -1 ||
	    make_resolved(g, old) == -1 || make_claims(g, old) == -1 ||
	    make_roll(g) == -1)
		goto fail;
	if (role_count(g, ROLE_RELAY) > 0 &&
	    make_queue(&g->relay, HANDOVER_SNDBUF_OWN) == -1)
		goto fail;
	if (role_count(g, ROLE_SPAWN) > 0 &&
	    make_queue(&g->spawn, HANDOVER_SNDBUF_OWN) == -1)
		goto fail;
	return 0;
fail:
	cohort_clear(c);
	return -1;
}

int
cohort_start(struct cohort *c, struct process *p, const struct cohort *old)
{
	const bool channelled =
	    p->role == ROLE_FRONT && role_count(&c->g, ROLE_REGISTRAR) > 0;

	if (launch(&c->g, p, channelled) == -1) {
		log_say("cannot start the %s: %s", role_names[p->role],
		    strerror(errno));
		p->due = clock_now() + PAUSE_MS;
		return -1;
	}
	if (loop_watch_level(c->loop, p->control,
		(struct loop_id){ (uint32_t)p->pid, 0 }) == 0 &&
	    orders_introduce(c, p, old) == 0)
		return 0;
	log_say("cannot introduce the %s: %s", role_names[p->role],
	    strerror(errno));
	(void)kill(p->pid, SIGKILL); /* it has not been waited for */
	return -1;
}

struct process *
cohort_find(const struct cohort *c, pid_t pid)
{
	size_t i;

	for (i = 0; i < c->nprocesses; i++)
		if (c->processes[i].pid == pid)
			return &c->processes[i];
	return NULL;
}

void
cohort_ignore(const struct cohort *c, const struct process *p)
{
	/* It may not be watched, and then there is nothing to do. */
	if (p->control != -1)
		(void)loop_forget(c->loop, p->control);
}

/* End the conversation with p: who is told so ends. */
static void
part(const struct cohort *c, struct process *p)
{
	/* Whoever has just been started may still have a copy. */
	cohort_ignore(c, p);
	descriptor_close(&p->control);
}

static void
say_end(const struct process *p, int status)
{
	const char *name = role_names[p->role];

	if (WIFSIGNALED(status))
		log_say("the %s (process %d) was ended by signal %d", name,
		    (int)p->pid, WTERMSIG(status));
	else
		log_say("the %s (process %d) ended with status %d", name,
		    (int)p->pid, WEXITSTATUS(status));
}

bool
cohort_reap(struct cohort *c, pid_t pid, int status, bool told)
{
	struct process *p = cohort_find(c, pid);

	if (p == NULL)
		return false;
	if (!told && !c->ended && !(c->retiring && status == 0))
		say_end(p, status);
	p->pid = 0;
	part(c, p);
	descriptor_close(&p->channel);
	launch_release(&c->g, p);
	if (p->role == ROLE_FRONT)
		c->g.full[p->number] = 0;
	p->due = clock_now();
	if (p->due - p->started < LIFE_MS)
		p->due += PAUSE_MS;
	return true;
}

/* Does a connection wait in this queue? */
static bool
is_waiting(int receive)
{
	char byte;

	return receive != -1 &&
	    recv(receive, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Does somebody still bring connections for the takers, or wait for them? */
static bool
has_clients(const struct cohort *c, enum role role)
{
	return runs_role(c, ROLE_FRONT) ||
	    is_waiting(
		role == ROLE_SPAWN ? c->g.spawn.receive : c->g.relay.receive);
}

/* Is a process of this role still needed? */
static bool
is_needed(const struct cohort *c, enum role role)
{
	if (c->ended)
		return false;
	if (!c->retiring)
		return true;
	/* Others may still have much to say, and have said something. */
	if (role == ROLE_LOGGER)
		return c->g.log.send != -1 || is_waiting(c->g.log.receive);
	if (role == ROLE_RELAY || role == ROLE_SPAWN)
		return has_clients(c, role);
	return role == ROLE_REGISTRAR && runs_role(c, ROLE_FRONT);
}

bool
cohort_is_over(const struct cohort *c)
{
	size_t i;

	for (i = 0; i < c->nprocesses; i++)
		if (c->processes[i].pid != 0 ||
		    is_needed(c, c->processes[i].role))
			return false;
	return true;
}

static void
drain(const struct process *p)
{
	const char order = CONTROL_DRAIN;

	/* If it is gone, there is nobody to tell. */
	if (p->control != -1)
		(void)message_send(p->control, &order, 1, -1);
}

static void
drain_role(const struct cohort *c, enum role role)
{
	size_t i;

	for (i = 0; i < c->nprocesses; i++)
		if (c->processes[i].role == role)
			drain(&c->processes[i]);
}

/* What p, which takes the place of one that died, is to know. */
static void
set_to_work(struct cohort *c, const struct process *p)
{
	if (p->role == ROLE_REGISTRAR && !c->retiring)
		orders_resume(c);
	if (c->retiring && !runs_role(c, ROLE_FRONT))
		drain(p);
}

int64_t
cohort_restart(struct cohort *c, int64_t now)
{
	int64_t next = INT64_MAX;
	struct process *p;
	size_t i;

	for (i = 0; i < c->nprocesses; i++) {
		p = &c->processes[i];
		if (p->pid != 0 || !is_needed(c, p->role))
			continue;
		/* If it fails, it is due again. */
		if (p->due <= now && cohort_start(c, p, NULL) == 0)
			set_to_work(c, p);
		if (p->pid == 0 && p->due < next)
			next = p->due;
	}
	return next;
}

/* Tell the fronts that nobody accepts at this listener any more. */
static void
close_listener(const struct cohort *c, uint8_t listener)
{
	const uint8_t order[2] = { CONTROL_CLOSE, listener };
	size_t i;

	for (i = 0; i < c->nprocesses; i++)
		if (c->processes[i].role == ROLE_FRONT &&
		    c->processes[i].control != -1)
			/* If it is gone, so is its part in the socket. */
			(void)message_send(c->processes[i].control, order,
			    sizeof(order), -1);
}

void
cohort_retire(struct cohort *c, const struct listeners *next)
{
	struct listeners *l = &c->g.listeners;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (!listeners_have(next, l->v[i].fd))
			close_listener(c, (uint8_t)i);
	listeners_close(l, next);
	c->retiring = true;
	drain_role(c, ROLE_FRONT);
	cohort_wind_down(c);
}

void
cohort_wind_down(struct cohort *c)
{
	if (!c->retiring || runs_role(c, ROLE_FRONT))
		return;
	if (!c->wound_down) {
		c->wound_down = true;
		drain_role(c, ROLE_RELAY);
		drain_role(c, ROLE_SPAWN);
		drain_role(c, ROLE_REGISTRAR);
		drain_role(c, ROLE_RESOLVER);
		descriptor_close(&c->g.relay.send);
		descriptor_close(&c->g.spawn.send);
	}
	/* The logger ends when nobody is left who could tell it anything. */
	if (!runs_role(c, ROLE_RELAY) && !runs_role(c, ROLE_SPAWN) &&
	    !has_clients(c, ROLE_RELAY) && !has_clients(c, ROLE_SPAWN))
		descriptor_close(&c->g.log.send);
}

void
cohort_stop(struct cohort *c)
{
	size_t i;

	c->ended = true;
	for (i = 0; i < c->nprocesses; i++)
		if (c->processes[i].role != ROLE_LOGGER)
			part(c, &c->processes[i]);
	/* The logger ends when nobody is left who could tell it anything. */
	descriptor_close(&c->g.log.send);
}

void
cohort_kill(struct cohort *c)
{
	struct process *p;

	for (p = c->processes; p < c->processes + c->nprocesses; p++) {
		if (p->pid == 0)
			continue;
		(void)kill(p->pid, SIGKILL);    /* it has not been waited for */
		(void)waitpid(p->pid, NULL, 0); /* it is our child */
		p->pid = 0;
	}
}

void
cohort_clear(struct cohort *c)
{
	struct generation *g = &c->g;
	size_t i;

	for (i = 0; i < c->nprocesses; i++) {
		part(c, &c->processes[i]);
		descriptor_close(&c->processes[i].channel);
		launch_release(g, &c->processes[i]);
	}
	free(c->processes);
	c->processes = NULL;
	c->nprocesses = 0;
	descriptor_close(&g->relay.send);
	descriptor_close(&g->relay.receive);
	descriptor_close(&g->spawn.send);
	descriptor_close(&g->spawn.receive);
	descriptor_close(&g->log.send);
	descriptor_close(&g->log.receive);
	g->resolved =
	    launch_unmap(g->resolved, resolved_size(g->table->nnames));
	g->claims = launch_unmap(g->claims, claims_size(g));
	g->roll = launch_unmap(g->roll, roll_size(g));
	g->full = launch_unmap(g->full, g->nfronts);
}
