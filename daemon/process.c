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
#include "os/clock.h"
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

void
process_note_layers(struct pulse *pulse, unsigned int layers)
{
	if (geteuid() != 0)
		layers |= LAYER_USER;
	atomic_fetch_or_explicit(&pulse->layers, layers, memory_order_relaxed);
}

static void
confine_all(const struct generation *g, const struct process_rules *r,
    struct pulse *pulse)
{
	const bool strict = g->table->sandbox == SANDBOX_STRICT;
	const struct sandbox_names names = {
		.required = strict,
		.read_files = r->files && r->calls == NULL,
		.network = r->network && r->ports == NULL,
		.ports = r->ports,
		.nports = r->nports,
	};

	unsigned int layers;
	int done;

	done = sandbox_prepare(&names);
	if (done == -1 && strict)
		log_fatal(EX_OSERR,
		    "%s cannot be confined by Landlock: %s: a kernel of Linux "
		    "5.13 or later has it; or set sandbox = best",
		    r->name, strerror(errno));
	layers = done == 1 ? LAYER_LANDLOCK | LAYER_NO_NEW : 0;
	process_note_layers(pulse, layers);
	if (r->calls == NULL)
		return;
	done = sandbox_enter(nofile_of(r), r->calls, r->ncalls);
	if (done == -1 && strict)
		log_fatal(EX_OSERR,
		    "%s cannot be confined by seccomp: %s: set sandbox = best",
		    r->name, strerror(errno));
	/* It takes no call, which might not be on the list. */
	if (done == 1)
		atomic_fetch_or_explicit(&pulse->layers,
		    LAYER_NO_NEW | LAYER_SECCOMP | LAYER_LIMITS,
		    memory_order_relaxed);
}

void
process_confine(const struct generation *g, const struct process_rules *r,
    struct pulse *pulse)
{
	const enum sandbox_mode mode = g->table->sandbox;
	unsigned int what = 0, layers = LAYER_CAPS;
	int gone;

	process_name(r->name);
	process_hide(g);
	if (mode != SANDBOX_OFF && !r->files)
		what |= PRIVILEGE_FILES;
	if (mode != SANDBOX_OFF && !r->network)
		what |= PRIVILEGE_NETWORK;
	gone = privilege_drop(&g->account, what);
	if (gone == -1)
		log_fatal(EX_OSERR, "%s cannot give up its rights: %s", r->name,
		    strerror(errno));
	if (gone & PRIVILEGE_FILES)
		layers |= LAYER_ROOT;
	if (gone & PRIVILEGE_NETWORK)
		layers |= LAYER_NETWORK;
	process_note_layers(pulse, layers);
	if (g->account.empty != -1)
		(void)close(g->account.empty); /* it holds nothing */
	if (mode != SANDBOX_OFF)
		confine_all(g, r, pulse);
}

void
process_ready(int control, struct pulse *pulse)
{
	const char ready = CONTROL_READY;

	pulse_beat(pulse, clock_now());
	/* If the monitor is gone, its end of the socket tells that as well. */
	(void)message_send(control, &ready, 1, -1);
}

enum process_order
process_full_order(int control, struct order *order)
{
	union {
		uint8_t bytes[2];
		struct control_kick kick;
	} m = { { 0, 0 } };
	ssize_t n;

	n = message_receive(control, &m, sizeof(m), NULL);
	if (n == -1 && errno == EAGAIN)
		return ORDER_NONE;
	if (n == 1 && m.bytes[0] == CONTROL_DRAIN)
		return ORDER_DRAIN;
	if (n == 2 && m.bytes[0] == CONTROL_CLOSE) {
		order->listener = m.bytes[1];
		return ORDER_CLOSE;
	}
	if (n == sizeof(m.kick) && m.bytes[0] == CONTROL_KICK) {
		order->kick = m.kick;
		return ORDER_KICK;
	}
	return ORDER_END;
}

enum process_order
process_order(int control)
{
	enum process_order what;
	struct order order;

	do
		what = process_full_order(control, &order);
	while (what == ORDER_CLOSE || what == ORDER_KICK);
	return what;
}
