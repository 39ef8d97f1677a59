/*
 * What every process of the daemon does first, and how the monitor talks to
 * it.
 */

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/process.h"
#include "os/log.h"
#include "os/message.h"

void
process_name(const char *name)
{
	/* Cannot fail: the name is a string. */
	(void)prctl(PR_SET_NAME, name);
}

void
process_hide(const struct generation *g)
{
	/* It is so already for whoever has changed his user. */
	if (!g->account.is_root && table_count(g->table, SERVICE_EXEC) > 0)
		/* Cannot fail: the value is valid. */
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Descriptors that stay free for others, or the limit as it is. */
static rlim_t
nofile_of(const struct process_rules *r)
{
	struct rlimit limit = { 0, 0 };

	if (r->nofile != 0)
		return r->nofile;
	/* Cannot fail: the resource exists and limit is valid. */
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

static void
confine_all(const struct generation *g, const struct process_rules *r)
{
	const bool strict = g->table->sandbox == SANDBOX_STRICT;
	const struct sandbox_names names = {
		.required = strict,
		.read_files = r->files && r->calls == NULL,
		.network = r->network && r->ports == NULL,
		.ports = r->ports,
		.nports = r->nports,
	};

	if (sandbox_prepare(&names) == -1 && strict)
		log_fatal(EX_OSERR,
		    "%s cannot be confined by Landlock: %s: a kernel of Linux "
		    "5.13 or later has it; or set sandbox = best",
		    r->name, strerror(errno));
	if (r->calls != NULL &&
	    sandbox_enter(nofile_of(r), r->calls, r->ncalls) == -1 && strict)
		log_fatal(EX_OSERR,
		    "%s cannot be confined by seccomp: %s: set sandbox = best",
		    r->name, strerror(errno));
}

void
process_confine(const struct generation *g, const struct process_rules *r)
{
	const enum sandbox_mode mode = g->table->sandbox;
	unsigned int what = 0;

	process_name(r->name);
	process_hide(g);
	if (mode != SANDBOX_OFF && !r->files)
		what |= PRIVILEGE_FILES;
	if (mode != SANDBOX_OFF && !r->network)
		what |= PRIVILEGE_NETWORK;
	if (privilege_drop(&g->account, what) == -1)
		log_fatal(EX_OSERR, "%s cannot give up its rights: %s", r->name,
		    strerror(errno));
	if (g->account.empty != -1)
		(void)close(g->account.empty); /* it holds nothing */
	if (mode != SANDBOX_OFF)
		confine_all(g, r);
}

void
process_ready(int control)
{
	const char ready = CONTROL_READY;

	/* If the monitor is gone, its end of the socket tells that as well. */
	(void)message_send(control, &ready, 1, -1);
}

enum process_order
process_listener_order(int control, uint8_t *listener)
{
	uint8_t order[2] = { 0, 0 };
	ssize_t n;

	n = message_receive(control, order, sizeof(order), NULL);
	if (n == -1 && errno == EAGAIN)
		return ORDER_NONE;
	if (n == 1 && order[0] == CONTROL_DRAIN)
		return ORDER_DRAIN;
	if (n == 2 && order[0] == CONTROL_CLOSE) {
		*listener = order[1];
		return ORDER_CLOSE;
	}
	return ORDER_END;
}

enum process_order
process_order(int control)
{
	enum process_order order;
	uint8_t listener;

	do
		order = process_listener_order(control, &listener);
	while (order == ORDER_CLOSE);
	return order;
}
