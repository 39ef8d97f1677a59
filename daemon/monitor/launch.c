/*
 * Starting one process of the daemon: its memory, its sockets and what it
 * inherits.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/front/front.h"
#include "daemon/front/slots.h"
#include "daemon/hold.h"
#include "daemon/logger/logger.h"
#include "daemon/monitor/launch.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/registrar.h"
#include "daemon/relay/relay.h"
#include "daemon/relay/resolver.h"
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
	(void)munmap(p, size); /* it is mapped, and empty */
	return NULL;
}

/* Let the next fork, of this role, take along what is lent to it; or not. */
static int
lend(const struct generation *g, enum role role, int advice)
{
	if (role == ROLE_REGISTRAR && g->claims != NULL)
		return madvise(g->claims, claims_size(g), advice);
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

/* In the new process: keep what its role needs, and be it. */
static _Noreturn void
run(const struct generation *g, const struct process *p, int control,
    int channel)
{
	int keep[TABLE_LISTENERS_MAX + 8], n = 0;
	size_t i;

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
	if (p->role == ROLE_FRONT) {
		keep[n++] = g->relay.send;
		keep[n++] = g->spawn.send;
		for (i = 0; i < g->listeners.n; i++)
			keep[n++] = g->listeners.v[i].fd;
	}
	if (descriptor_keep(keep, (size_t)n) == -1)
		log_fatal(EX_OSERR, "close_range: %s", strerror(errno));
	log_use(p->role == ROLE_LOGGER ? -1 : g->log.send);
	if (g->resolved != NULL && p->role == ROLE_RELAY)
		protect_resolved(g);
	switch (p->role) {
	case ROLE_LOGGER:
		logger_run(g, control);
	case ROLE_RESOLVER:
		resolver_run(g, control);
	case ROLE_REGISTRAR:
		registrar_run(g, control);
	case ROLE_SPAWN:
		spawn_run(g, control, p->memory);
	case ROLE_RELAY:
		relay_run(g, control, p->memory);
	case ROLE_FRONT:
		front_run(g, p->number, control, channel, p->memory);
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
	if (p->memory == NULL)
		return;
	if (p->role == ROLE_FRONT)
		slots_release(p->memory, p->memory_size, g->meter);
	else
		hold_release_all(p->memory, p->memory_size, g);
	(void)munmap(p->memory, p->memory_size); /* it is mapped */
	p->memory = NULL;
}

int
launch(const struct generation *g, struct process *p, bool channelled)
{
	const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int control[2] = { -1, -1 }, channel[2] = { -1, -1 };
	int saved;

	p->started = clock_now();
	p->memory_size = memory_wanted(g, p->role);
	if (p->memory_size != 0) {
		p->memory = launch_map(p->memory_size);
		if (p->memory == NULL)
			return -1;
	}
	if (socketpair(AF_UNIX, type, 0, control) == -1 ||
	    (channelled && message_pair(channel, 0) == -1) ||
	    lend(g, p->role, MADV_DOFORK) == -1)
		goto fail;
	p->pid = fork();
	if (p->pid == 0)
		run(g, p, control[1], channel[1]);
	(void)lend(g, p->role, MADV_DONTFORK); /* it could be done before */
	if (p->pid == -1)
		goto fail;
	/*
	 * Nobody who is started later has it, too: he could go bad.  It fails
	 * for memory that is none, only.
	 */
	if (p->memory != NULL)
		(void)madvise(p->memory, p->memory_size, MADV_DONTFORK);
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
