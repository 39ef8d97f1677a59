/*
 * Starting one process of the daemon: its memory, its sockets and what it
 * inherits.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/front/front.h"
#include "daemon/front/slots.h"
#include "daemon/keepsake.h"
#include "daemon/logger/logger.h"
#include "daemon/monitor/launch.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/registrar.h"
#include "daemon/registrar/roll.h"
#include "daemon/relay/relay.h"
#include "daemon/relay/resolver.h"
#include "daemon/spawn/children.h"
#include "daemon/spawn/spawn.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/log.h"
#include "os/message.h"

void *
launch_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void *
launch_map_lent(size_t size)
{
	void *p = launch_map(size);

	if (p == NULL || madvise(p, size, MADV_DONTFORK) == 0)
		return p;
	return launch_unmap(p, size);
}

void *
launch_unmap(void *p, size_t size)
{
	if (p != NULL)
		(void)munmap(p, size); /* it is mapped */
	return NULL;
}

/* Where p counts what becomes of connections, if it does. */
static struct stats_part *
part_of(const struct generation *g, const struct process *p)
{
	switch (p->role) {
	case ROLE_FRONT:
		return stats_part(g->stats, STATS_FRONT, p->number);
	case ROLE_RELAY:
		return stats_part(g->stats, STATS_RELAY, p->number);
	case ROLE_SPAWN:
		return stats_part(g->stats, STATS_SPAWN, p->number);
	default:
		return NULL;
	}
}

/* Let the next fork, of p, take along what is lent to it; or not. */
static int
lend(const struct generation *g, const struct process *p, int advice)
{
	const enum role role = p->role;

	if (part_of(g, p) != NULL &&
	    madvise(part_of(g, p), stats_part_size(), advice) == -1)
		return -1;
	if (role == ROLE_REGISTRAR && g->claims != NULL &&
	    madvise(g->claims, claims_size(g), advice) == -1)
		return -1;
	if (role == ROLE_REGISTRAR && g->roll != NULL)
		return madvise(g->roll, roll_size(g), advice);
	if ((role == ROLE_RELAY || role == ROLE_RESOLVER) &&
	    g->resolved != NULL)
		return madvise(g->resolved, resolved_size(g->table->nnames),
		    advice);
	return 0;
}

/* What the resolver has found is for relays to read. */
static void
protect_resolved(const struct generation *g)
{
	const size_t size = resolved_size(g->table->nnames);

	if (mprotect(g->resolved, size, PROT_READ) == -1)
		log_fatal(EX_OSERR, "mprotect: %s", strerror(errno));
}

/* So is what the monitor says on the board, for everybody. */
static void
protect_board(const struct generation *g)
{
	/* mprotect() does not write to it, though its prototype could. */
	const union {
		const struct board *in;
		void *out;
	} board = { g->board };

	if (mprotect(board.out, sizeof(*g->board), PROT_READ) == -1)
		log_fatal(EX_OSERR, "mprotect: %s", strerror(errno));
}

/* Keep the descriptors that the role of p needs, and close all others. */
static void
keep_needed(const struct generation *g, const struct process *p, int control,
    int channel)
{
	int *keep = calloc(TABLE_LISTENERS_MAX + 8 + g->nkept, sizeof(*keep));
	size_t i, n = 0;

	if (keep == NULL)
		log_fatal(EX_OSERR, "no memory to start a process");
	if (g->error != -1 && dup2(g->error, STDERR_FILENO) == -1)
		log_fatal(EX_OSERR, "dup2: %s", strerror(errno));
	keep[n++] = control;
	keep[n++] = channel;
	keep[n++] = g->account.empty;
	keep[n++] = p->role == ROLE_LOGGER ? g->log.receive : g->log.send;
	if (p->role == ROLE_RELAY)
		keep[n++] = g->relay.receive;
	if (p->role == ROLE_SPAWN)
		keep[n++] = g->spawn.receive;
	if (p->role == ROLE_REGISTRAR)
		keep[n++] = g->control;
	for (i = 0; i < g->nkept && p->role == ROLE_REGISTRAR; i++)
		keep[n++] = g->kept[i].fd;
	if (p->role == ROLE_FRONT) {
		keep[n++] = g->relay.send;
		keep[n++] = g->spawn.send;
		for (i = 0; i < g->listeners.n; i++)
			keep[n++] = g->listeners.v[i].fd;
	}
	if (descriptor_keep(keep, n) == -1)
		log_fatal(EX_OSERR, "close_range: %s", strerror(errno));
	free(keep);
}

/* In the new process: keep what its role needs, and be it. */
static _Noreturn void
run(struct generation *g, const struct process *p, int control, int channel)
{
	keep_needed(g, p, control, channel);
	g->part = part_of(g, p);
	log_use(p->role == ROLE_LOGGER ? -1 : g->log.send);
	protect_board(g);
	if (g->resolved != NULL && p->role == ROLE_RELAY)
		protect_resolved(g);
	switch (p->role) {
	case ROLE_LOGGER:
		logger_run(g, control, p->pulse);
	case ROLE_RESOLVER:
		resolver_run(g, control, p->pulse);
	case ROLE_REGISTRAR:
		registrar_run(g, control, p->pulse);
	case ROLE_SPAWN:
		spawn_run(g, control, p->memory, p->pulse);
	case ROLE_RELAY:
		relay_run(g, control, p->memory, p->pulse);
	case ROLE_FRONT:
		front_run(g, p->number, control, channel, p->memory, p->pulse);
	}
	_exit(EX_SOFTWARE); /* not reached: all roles are above */
}

static size_t
memory_wanted(const struct generation *g, enum role role)
{
	if (role == ROLE_FRONT)
		return slots_memory_size(g);
	if (role == ROLE_RELAY)
		return relay_memory_size(g);
	if (role == ROLE_SPAWN)
		return spawn_memory_size(g);
	return 0;
}

void
launch_release(const struct generation *g, struct process *p)
{
	p->pulse = launch_unmap(p->pulse, sizeof(*p->pulse));
	if (p->memory == NULL)
		return;
	if (p->role == ROLE_FRONT)
		slots_release(p->memory, p->memory_size, g->meter);
	else if (p->role == ROLE_RELAY)
		relay_release(p->memory, p->memory_size, g);
	else
		children_release(p->memory, p->memory_size, g);
	p->memory = launch_unmap(p->memory, p->memory_size);
}

/* What the monitor shares with p.  Returns 0, or -1 with errno. */
static int
map_memory(const struct generation *g, struct process *p)
{
	int saved;

	p->pulse = launch_map(sizeof(*p->pulse));
	if (p->pulse == NULL)
		return -1;
	p->memory_size = memory_wanted(g, p->role);
	if (p->memory_size == 0)
		return 0;
	p->memory = launch_map(p->memory_size);
	if (p->memory != NULL)
		return 0;
	saved = errno;
	p->pulse = launch_unmap(p->pulse, sizeof(*p->pulse));
	errno = saved;
	return -1;
}

int
launch(struct generation *g, struct process *p, bool channelled)
{
	const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int control[2] = { -1, -1 }, channel[2] = { -1, -1 };
	int saved;

	p->started = clock_now();
	p->ready = false;
	p->beat = p->missed = 0;
	if (map_memory(g, p) == -1)
		return -1;
	if (socketpair(AF_UNIX, type, 0, control) == -1 ||
	    (channelled && message_pair(channel, 0) == -1) ||
	    lend(g, p, MADV_DOFORK) == -1)
		goto fail;
	p->pid = fork();
	if (p->pid == 0)
		run(g, p, control[1], channel[1]);
	(void)lend(g, p, MADV_DONTFORK); /* it could be done before */
	if (p->pid == -1)
		goto fail;
	/*
	 * Nobody who is started later has it, too: he could go bad.  It fails
	 * for memory that is none, only.
	 */
	if (p->memory != NULL)
		(void)madvise(p->memory, p->memory_size, MADV_DONTFORK);
	(void)madvise(p->pulse, sizeof(*p->pulse), MADV_DONTFORK);
	(void)close(control[1]); /* the process has them */
	descriptor_close(&channel[1]);
	p->control = control[0];
	p->channel = channel[0];
	return 0;
fail:
	saved = errno;
	p->pid = 0;
	launch_release(g, p);
	descriptor_close(&control[0]);
	descriptor_close(&control[1]);
	descriptor_close(&channel[0]);
	descriptor_close(&channel[1]);
	errno = saved;
	return -1;
}
