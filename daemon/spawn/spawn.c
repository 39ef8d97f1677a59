/*
 * Spawn: takes connections, has a program started on each, and waits for
 * their ends.
 *
 * What it is told is the number of a service, an address and a descriptor; it
 * reads no byte of a client and no text but the configuration's.  Where
 * programs run as other users it is root, with a few capabilities.  It has
 * neither a seccomp list nor Landlock, since programs would inherit them.
 */

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/handover.h"
#include "daemon/process.h"
#include "daemon/report.h"
#include "daemon/spawn/children.h"
#include "daemon/spawn/linger.h"
#include "daemon/spawn/program.h"
#include "daemon/spawn/slow.h"
#include "daemon/spawn/spawn.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/loop.h"

/* A program that is told to end is killed after so long. */
#define KICK_MS 3000

/* Connections taken at a time, before ended programs have their turn. */
#define TAKE_MAX 16

/* Descriptors that are for other things than programs. */
#define FDS_RESERVED (LINGER_MAX + 32)

/* Slots of the loop: the children's come first. */
#define SLOT_LINGER  CHILDREN_MAX
#define SLOT_CONTROL (UINT32_MAX - 1)
#define SLOT_QUEUE   (UINT32_MAX - 2)

#define CAPABILITY(name) (UINT64_C(1) << (name))

/* What starting a program as another user takes. */
#define CAPABILITIES                                         \
	(CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) |   \
	    CAPABILITY(CAP_SETPCAP) | CAPABILITY(CAP_KILL) | \
	    CAPABILITY(CAP_SYS_RESOURCE) | CAPABILITY(CAP_SYS_NICE))

struct spawn {
	const struct generation *g;
	struct pulse *pulse;
	int loop;
	struct children children;
	bool watching; /* the queue */
	bool ended;    /* the queue: nothing will ever come */
	bool draining;
	int64_t now;
	struct starter starter;
	struct lingerers lingerers;
	struct report report;
	struct slow slow;
	uint32_t kicked; /* programs that were told to end, and may not */
};

size_t
spawn_memory_size(const struct generation *g)
{
	(void)g; /* any service may have all the programs */
	return children_memory_size();
}

/* Begin the log line of a connection that is over. */
static struct record
record_of(const struct spawn *s, const struct tcpmux_handover *h,
    const char *verdict)
{
	const struct service *service = &s->g->table->services[h->service];
	struct record r = record_empty;

	memcpy(r.peer, h->peer.address, sizeof(r.peer));
	r.peer_port = h->peer.port;
	if (h->listener < s->g->listeners.n)
		r.listener = s->g->listeners.v[h->listener].text;
	r.name = (struct tcpmux_span){ service->name, strlen(service->name) };
	r.verdict = verdict;
	r.by = service_kind_name(service->kind);
	r.user = service->program.name;
	r.ms = s->now - h->accepted;
	return r;
}

/*
 * No program for this connection: say so to the operator and to the client,
 * unless he has been told something already.
 */
static void
spawn_refuse(struct spawn *s, const struct tcpmux_handover *h, int fd,
    enum refusal why, const struct program_fault *fault)
{
	const struct table *t = s->g->table;
	struct tcpmux_span text = words_refuse(&t->words, why).text;
	char reason[128];
	struct record r;

	stats_refuse(s->g->part,
	    stats_service(s->g->part, t->services[h->service].meter), why);
	r = record_of(s, h, fault == NULL ? "refused" : "failed");
	r.reason = words_reason(why);
	if (fault != NULL) {
		(void)snprintf(reason, sizeof(reason), "%s: %s", fault->step,
		    strerror(fault->error));
		r.reason = reason;
		if (fault->answered)
			text.len = 0;
	}
	if (report_wants(&s->report, LOG_REFUSALS, s->now))
		report_add(&s->report, &r);
	linger_take_fd(&s->lingerers, fd, text, s->now);
}

static void
report_served(struct spawn *s, const struct child *c, const siginfo_t *info)
{
	struct record r;

	if (!report_wants(&s->report, LOG_CONNECTIONS, s->now))
		return;
	r = record_of(s, &c->handover, "served");
	if (c->kill != 0)
		r.reason = "kicked";
	if (info->si_code == CLD_EXITED)
		r.status = info->si_status;
	else
		r.signal = info->si_status;
	report_add(&s->report, &r);
}

/* Count the connection at its service.  Returns 0, or an enum refusal. */
static int
spawn_enter(struct spawn *s, const struct tcpmux_handover *h, struct hold *hold)
{
	const struct service *service = &s->g->table->services[h->service];
	int why;

	/* Only a front that has gone bad sends what is not for us. */
	if (service->kind != SERVICE_EXEC)
		return REFUSE_BROKEN;
	if (slow_has(&s->slow, service->program.uid, s->now))
		return REFUSE_BUSY;
	why = meter_enter_service(s->g->meter, service->meter, h->source,
	    service->max, service->max_per_source, service->rate, s->now);
	if (why == 0)
		hold->held = HELD_SERVICE;
	return why;
}

/*
 * Start the program of a connection that has been taken.  Returns whether the
 * child has its place from now on.
 */
static bool
spawn_start(struct spawn *s, struct child *c, int fd)
{
	const struct loop_id id = { children_number(&s->children, c),
		c->generation };
	struct hold *hold = children_hold(&s->children, c);
	const struct tcpmux_handover *h = &c->handover;
	const struct service *service = &s->g->table->services[h->service];
	struct program_fault fault;
	int why;

	*hold = (struct hold){ HELD_SOURCE, h->service, h->source };
	why = spawn_enter(s, h, hold);
	if (why != 0) {
		spawn_refuse(s, h, fd, (enum refusal)why, NULL);
		return false;
	}
	c->process = program_start(&s->starter, h, fd, &fault);
	s->now = clock_now();
	pulse_beat(s->pulse, s->now); /* that may have taken a while */
	if (c->process == -1) {
		/* The daemon itself may be the user; then it is no use. */
		if (fault.error == ETIMEDOUT && s->starter.is_root)
			slow_add(&s->slow, service->program.uid, s->now);
		spawn_refuse(s, h, fd, REFUSE_BROKEN, &fault);
		return false;
	}
	(void)close(fd); /* it is the program's now */
	if (loop_watch_level(s->loop, c->process, id) == -1) {
		/* It runs, but is not counted: its end would not be seen. */
		(void)close(c->process);
		return false;
	}
	c->pid = s->starter.pid;
	s->children.running++;
	return true;
}

/*
 * Take connections that wait, as many as there is room for; when there is
 * none, the queue fills, and the fronts say so to the next.
 */
static void
spawn_take(struct spawn *s, unsigned int seen)
{
	struct child *c;
	int fd, i, reason;

	for (i = 0; i < TAKE_MAX; i++) {
		c = children_take(&s->children);
		if (c == NULL)
			return;
		fd = handover_take(s->g->spawn.receive, &c->handover,
		    s->g->table->nservices);
		reason = fd == -1 ? errno : 0;
		if (fd == -1 || !spawn_start(s, c, fd))
			children_give(&s->children, c);
		/* An empty message looks like the end, but is not. */
		s->ended = reason == EPIPE && (seen & LOOP_END);
		if (reason == EAGAIN || s->ended)
			return;
	}
}

/* A program has ended. */
static void
spawn_reap(struct spawn *s, struct child *c)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PIDFD, (id_t)c->process, &info, WEXITED | WNOHANG) == -1 ||
	    info.si_pid == 0)
		return;
	report_served(s, c, &info);
	if (c->kill != 0 && c->kill != INT64_MAX)
		s->kicked--;
	(void)close(c->process); /* it has told all there is */
	children_give(&s->children, c);
	s->children.running--;
}

/*
 * The administrator wants these programs to end, and all that they have
 * started: each is a session of its own, and is not waited for yet, so that
 * its number is still its own.
 */
static void
spawn_kick(struct spawn *s, const struct control_kick *k)
{
	struct child *c;
	uint32_t i;

	for (i = 0; i < s->children.used; i++) {
		c = &s->children.v[i];
		if (c->pid == 0 || c->kill != 0 ||
		    (k->whole != 0 ?
			    c->handover.service != k->place :
			    i != k->place || c->generation != k->number))
			continue;
		/* It may be about to end by itself. */
		(void)kill(-c->pid, SIGTERM);
		c->kill = s->now + KICK_MS;
		s->kicked++;
	}
}

/* Kill those that did not end.  Returns how long until the next, or -1. */
static int
spawn_kill(struct spawn *s)
{
	int64_t next = INT64_MAX;
	struct child *c;
	uint32_t i;

	for (i = 0; i < s->children.used && s->kicked > 0; i++) {
		c = &s->children.v[i];
		if (c->pid == 0 || c->kill == 0 || c->kill == INT64_MAX)
			continue;
		if (c->kill > s->now) {
			next = c->kill < next ? c->kill : next;
			continue;
		}
		(void)kill(-c->pid, SIGKILL); /* likewise */
		c->kill = INT64_MAX;
		s->kicked--;
	}
	return next == INT64_MAX ? -1 : (int)(next - s->now);
}

static void
spawn_obey(struct spawn *s, int control)
{
	struct order order;

	switch (process_full_order(control, &order)) {
	case ORDER_END:
		report_flush(&s->report);
		_exit(EX_OK); /* programs go on by themselves */
	case ORDER_DRAIN:
		s->draining = true;
		break;
	case ORDER_KICK:
		spawn_kick(s, &order.kick);
		break;
	default:
		break;
	}
}

static void
spawn_event(struct spawn *s, int control, const struct loop_event *ev)
{
	const uint32_t slot = ev->id.slot;

	if (slot == SLOT_CONTROL) {
		spawn_obey(s, control);
	} else if (slot == SLOT_QUEUE)
		spawn_take(s, ev->seen);
	else if (slot >= SLOT_LINGER)
		linger_event(&s->lingerers, ev->id);
	else if (s->children.v[slot].generation == ev->id.generation)
		spawn_reap(s, &s->children.v[slot]);
}

/* Watch the queue only if there is room for what may come. */
static void
spawn_watch(struct spawn *s)
{
	const struct loop_id id = { SLOT_QUEUE, 0 };
	const bool want = !s->ended && !children_is_full(&s->children);
	const int queue = s->g->spawn.receive;

	if (want == s->watching)
		return;
	/* If the kernel has no memory for it now, the next turn tries again. */
	if ((want ? loop_watch_level(s->loop, queue, id) :
		    loop_forget(s->loop, queue)) == 0)
		s->watching = want;
}

/* Told to finish: until nothing waits, runs or lingers. */
static bool
is_over(const struct spawn *s)
{
	return s->draining && s->children.running == 0 &&
	    s->lingerers.count == 0;
}

static void
spawn_loop(struct spawn *s, int control)
{
	struct loop_event ev[LOOP_BATCH];
	int i, n, timeout, kill;

	do {
		spawn_watch(s);
		timeout = linger_expire(&s->lingerers, s->now);
		kill = spawn_kill(s);
		if (kill != -1 && (timeout == -1 || kill < timeout))
			timeout = kill;
		report_flush(&s->report);
		n = loop_wait(s->loop, ev,
		    is_over(s) ? 0 : pulse_timeout(timeout));
		if (n == -1)
			_exit(EX_OSERR);
		s->now = clock_now();
		pulse_beat(s->pulse, s->now);
		for (i = 0; i < n; i++)
			spawn_event(s, control, &ev[i]);
	} while (n > 0 || !is_over(s));
	report_flush(&s->report);
}

/*
 * Programs begin with every signal at its default, and so do we.  None comes
 * through; whoever ends us closes control.
 */
static void
hold_signals(void)
{
	/* As the kernel has it: SIG_DFL, no flags, no restorer, no mask. */
	static const uint64_t default_action[4];
	sigset_t all;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		/* The C library would keep two for itself; some cannot be. */
		(void)syscall(SYS_rt_sigaction, sig, default_action, NULL,
		    sizeof(uint64_t));
	(void)sigfillset(&all); /* these cannot fail */
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

/*
 * Keep what starting programs takes: nothing if all run as the daemon itself,
 * but everything if there is one for root.
 */
static int
spawn_confine(const struct spawn *s)
{
	const struct table *t = s->g->table;
	uint32_t i;

	/* A child has its user's id while it still has our memory. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return -1;
	if (geteuid() != 0)
		return privilege_keep(0);
	for (i = 0; i < t->nservices; i++)
		if (t->services[i].kind == SERVICE_EXEC &&
		    t->services[i].program.uid == 0)
			return 0;
	return privilege_keep(CAPABILITIES);
}

/* Places for as many programs as there can be descriptors of them. */
static int
spawn_make_places(struct spawn *s, void *memory)
{
	struct rlimit limit;
	uint32_t n = CHILDREN_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return -1;
	if (limit.rlim_cur <= FDS_RESERVED)
		n = 1;
	else if (limit.rlim_cur - FDS_RESERVED < n)
		n = (uint32_t)limit.rlim_cur - FDS_RESERVED;
	children_init(&s->children, s->g, n, memory);
	return 0;
}

/* Standard input, output and error are nowhere; programs get their own. */
static int
spawn_close_standard(const struct spawn *s)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(s->starter.null, fd) == -1)
			return -1;
	return 0;
}

void
spawn_run(const struct generation *g, int control, void *memory,
    struct pulse *pulse)
{
	static struct spawn s;
	const struct loop_id id = { SLOT_CONTROL, 0 };

	process_name("tcpmuxd-spawn");
	s.g = g;
	s.pulse = pulse;
	s.now = clock_now();
	hold_signals();
	report_init(&s.report, g);
	s.loop = loop_new();
	linger_init(&s.lingerers, s.loop, SLOT_LINGER);
	if (s.loop == -1 || spawn_make_places(&s, memory) == -1 ||
	    starter_init(&s.starter, g) == -1 ||
	    loop_watch_level(s.loop, control, id) == -1 ||
	    spawn_close_standard(&s) == -1 || spawn_confine(&s) == -1)
		log_fatal(EX_OSERR, "cannot start tcpmuxd-spawn: %s",
		    strerror(errno));
	process_note_layers(pulse, LAYER_CAPS);
	process_ready(control, pulse);
	spawn_loop(&s, control);
	_exit(EX_OK);
}
