/*
 * The keeper: the first monitor after an upgrade.
 */

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/monitor/keeper.h"
#include "daemon/monitor/serve.h"
#include "daemon/process.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/loop.h"
#include "os/message.h"

/* The monitor in charge has so long to end, and the others after it. */
#define END_MS 5000

/* From a monitor to the keeper: who is in charge now. */
#define KEEPER_HEIR 'N'

/* From the keeper: a signal. */
#define KEEPER_SIGNAL 'S'

struct keeper_message {
	uint32_t word;
	int32_t number; /* of the process or of the signal */
};

/* All that a keeper does. */
static const struct sandbox_call calls[] = {
	{ .nr = SYS_read }, /* signals */
	{ SYS_sendmsg, 1, { { 2, MSG_DONTWAIT | MSG_NOSIGNAL } } },
	{ SYS_recvmsg, 1, { { 2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC } } },
	{ SYS_shutdown, 1, { { 1, SHUT_WR } } },
	{ SYS_epoll_pwait, 1, { { 4, 0 } } }, /* with no signal mask */
	{ .nr = SYS_epoll_ctl },
	{ .nr = SYS_wait4 },
	{ SYS_kill, 1, { { 1, SIGKILL } } },
	{ .nr = SYS_close },
	{ .nr = SYS_clock_gettime },
	{ SYS_getrusage, 1, { { 0, RUSAGE_SELF } } },
	{ .nr = SYS_exit_group },
};

/* Returns 0, or -1 if there is no room, or nobody to hear it. */
static int
say(const struct monitor *mon, uint32_t word, int number)
{
	const struct keeper_message m = { word, number };

	return message_send(mon->keeper, &m, sizeof(m), -1);
}

int
keeper_announce(const struct monitor *mon, pid_t pid)
{
	return mon->keeper != -1 ? say(mon, KEEPER_HEIR, (int)pid) : 0;
}

void
keeper_follow(struct monitor *mon, pid_t pid, int *link)
{
	const struct loop_id id = { SLOT_KEEPER, 0 };

	if (mon->keeper != -1) {
		/* What is said there is not for us any more; its end is. */
		(void)loop_forget(mon->loop, mon->keeper);
		(void)loop_watch(mon->loop, mon->keeper, id, 0);
		process_name("tcpmuxd-old");
		return;
	}
	mon->is_keeper = true;
	mon->keeper = *link;
	*link = -1;
	mon->heir = pid;
	process_name("tcpmuxd-keeper");
	/* Who loses his monitor is ours, as all others are.  Cannot fail. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	/* Without it, what they say is heard when one of them ends. */
	(void)loop_watch_level(mon->loop, mon->keeper, id);
}

int
keeper_obey(struct monitor *mon, int link)
{
	const struct loop_id id = { SLOT_KEEPER, 0 };

	mon->keeper = link;
	return loop_watch_level(mon->loop, link, id);
}

void
keeper_do(struct monitor *mon, int sig)
{
	if (sig == SIGHUP)
		mon->wants_reload = true;
	else if (sig == SIGUSR2)
		mon->wants_upgrade = true;
	else
		mon->state = MONITOR_ENDING;
}

/* As a keeper: hear who is in charge.  Returns whether there may be more. */
static bool
hear_heir(struct monitor *mon)
{
	union {
		struct keeper_message m;
		struct supervisor_message told;
	} u;
	int fd = -1;
	ssize_t n;

	n = message_receive(mon->keeper, &u, sizeof(u), &fd);
	if (n > 0 && u.m.word == SUPERVISOR_TELL)
		supervisor_pass(mon->supervisor, &u.told, (size_t)n, fd);
	else if (n >= 0)
		descriptor_close(&fd);
	/* It may be killed one day, and 0 and -1 are not only it. */
	if (n == sizeof(u.m) && u.m.word == KEEPER_HEIR && u.m.number > 0)
		mon->heir = u.m.number;
	if (n == 0)
		/* Nobody is left; that they have ended is seen elsewhere. */
		(void)loop_forget(mon->loop, mon->keeper);
	return n > 0;
}

/* In charge: hear the keeper. */
static void
hear_keeper(struct monitor *mon)
{
	struct keeper_message m;
	ssize_t n;

	n = message_receive(mon->keeper, &m, sizeof(m), NULL);
	if (n == sizeof(m) && m.word == KEEPER_SIGNAL)
		keeper_do(mon, m.number);
	else if (n != -1 || errno != EAGAIN)
		mon->state = MONITOR_ENDING; /* the keeper is gone */
}

void
keeper_event(struct monitor *mon, unsigned int seen)
{
	if (mon->is_keeper)
		(void)hear_heir(mon); /* what is left is reported again */
	else if (mon->state != MONITOR_RETIRED)
		hear_keeper(mon);
	else if (seen & LOOP_END)
		/* Anything else is the heir's, seen before it was in charge. */
		mon->state = MONITOR_ENDING; /* the keeper is gone */
}

void
keeper_signal(struct monitor *mon, int sig)
{
	struct cohort *c;

	/* If nobody is there to hear it, his end tells. */
	(void)say(mon, KEEPER_SIGNAL, sig);
	if ((sig != SIGTERM && sig != SIGINT) || mon->end != 0)
		return;
	mon->end = clock_now() + END_MS;
	for (c = mon->current; c != NULL; c = c->older)
		cohort_stop(c);
}

void
keeper_tick(struct monitor *mon, int64_t now)
{
	if (mon->end == 0 || now < mon->end || mon->heir == 0)
		return;
	/* It is a child that has not been waited for. */
	(void)kill(mon->heir, SIGKILL);
	mon->end = now + END_MS;
}

void
keeper_reap(struct monitor *mon, pid_t pid, int status)
{
	/* Before it ended, it may have left another in charge. */
	while (hear_heir(mon))
		;
	if (pid != mon->heir)
		return;
	mon->status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	mon->heir = 0;
	mon->state = MONITOR_ENDING;
}

void
keeper_rest(struct monitor *mon)
{
	const struct table table = { .sandbox = mon->current->table->sandbox };
	const struct generation g = { .table = &table,
		.account = mon->account };
	const struct process_rules rules = {
		.name = "tcpmuxd-keeper",
		.calls = calls,
		.ncalls = sizeof(calls) / sizeof(calls[0]),
	};

	serve_free_all(mon);
	descriptor_close(&mon->control);
	(void)malloc_trim(0); /* there may be nothing to give back */
	process_confine(&g, &rules, &mon->pulse);
	mon->account.empty = -1; /* that has been closed */
}

void
keeper_end(struct monitor *mon)
{
	const struct loop_id id = { SLOT_KEEPER, 0 };
	const int64_t deadline = clock_now() + END_MS;
	struct loop_event ev[LOOP_BATCH];
	int64_t left = END_MS;
	int n;

	/* They see this end; and when each has closed its own, we theirs. */
	(void)shutdown(mon->keeper, SHUT_WR);
	(void)loop_forget(mon->loop, mon->keeper);
	(void)loop_forget(mon->loop, mon->signals);
	if (loop_watch_end(mon->loop, mon->keeper, id) == -1)
		return;
	do {
		n = loop_wait(mon->loop, ev, (int)left);
		left = deadline - clock_now();
	} while (n == 0 && left > 0);
}
