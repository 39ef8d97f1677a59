/*
 * The upgrade: how the old program starts the new one, and leaves.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/monitor/carried.h"
#include "daemon/monitor/keeper.h"
#include "daemon/monitor/legacy.h"
#include "daemon/monitor/orders.h"
#include "daemon/monitor/successor.h"
#include "daemon/monitor/turn.h"
#include "daemon/monitor/upgrade.h"
#include "daemon/process.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/execute.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/message.h"

/* A program that does not serve in this time never will. */
#define READY_MS 15000

/* A pipe holds no more at its end. */
#define LAST_READS 128

/* So often the new one is sent what the old one counts to its end. */
#define COUNTS_TICKS 4

/* So much of what it says is passed on, with names: room is for our own. */
#define SAID_MAX 12000

/* The longest line of its that is passed on. */
#define LINE_MAX_BYTES 512

enum upgrade_state {
	UPGRADE_STARTING,
	UPGRADE_READY,
	UPGRADE_OVER /* it has ended, or is to */
};

struct upgrade {
	enum upgrade_state state;
	pid_t pid;
	int process;   /* readable once it has ended */
	int link;      /* to the new monitor; its end of it */
	int heir_link; /* until it has that */
	int said[2];   /* its standard error */
	int keeper[2]; /* ours, if we are the first, and its */
	uint64_t kept; /* listeners that it uses */
	char line[LINE_MAX_BYTES];
	size_t len;
	size_t passed; /* of what it said: SAID_MAX at the most */
};

/* Say what the new program has said, of which nothing is known. */
static void
say_line(struct upgrade *u)
{
	static const char name[] = "tcpmuxd: ";
	char *line = u->line;
	size_t i;

	for (i = 0; i < u->len; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	line[u->len] = '\0';
	if (strncmp(line, name, strlen(name)) == 0)
		line += strlen(name);
	u->passed += strlen(name) + u->len;
	if (u->passed <= SAID_MAX)
		log_say("%s", line);
	u->len = 0;
}

/* Pass on what it says.  Returns whether there may be more. */
static bool
pass_on(struct upgrade *u)
{
	char text[LINE_MAX_BYTES];
	ssize_t i, n;

	n = read(u->said[0], text, sizeof(text));
	for (i = 0; i < n; i++) {
		if (text[i] != '\n')
			u->line[u->len++] = text[i];
		if (text[i] == '\n' || u->len == sizeof(u->line) - 1)
			say_line(u);
	}
	return n > 0;
}

/* Take one message of the new monitor's. */
static void
hear(struct monitor *mon, struct upgrade *u)
{
	struct legacy_message m;
	int fd = -1;
	ssize_t n;

	n = message_receive(u->link, &m, sizeof(m), &fd);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == sizeof(m) && m.word == LEGACY_OFFERS && fd != -1)
		orders_give(mon->current, fd);
	else if (n == sizeof(m) && m.word == LEGACY_READY) {
		u->kept = m.kept;
		u->state = UPGRADE_READY;
	} else
		u->state = UPGRADE_OVER;
	descriptor_close(&fd);
}

void
upgrade_event(struct monitor *mon, uint32_t slot)
{
	struct upgrade *u = mon->upgrade;

	if (u == NULL)
		return;
	if (slot == SLOT_LINK)
		hear(mon, u);
	else if (slot == SLOT_PROCESS)
		u->state = UPGRADE_OVER;
	else if (!pass_on(u))
		(void)loop_forget(mon->loop, u->said[0]); /* it is watched */
}

static void
upgrade_clear(struct upgrade *u)
{
	descriptor_close(&u->process);
	descriptor_close(&u->link);
	descriptor_close(&u->heir_link);
	descriptor_close(&u->said[0]);
	descriptor_close(&u->said[1]);
	descriptor_close(&u->keeper[0]);
	descriptor_close(&u->keeper[1]);
}

/* The sockets that both will have.  Returns 0, or -1 with errno. */
static int
make_sockets(const struct monitor *mon, struct upgrade *u)
{
	const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int ends[2];

	if (socketpair(AF_UNIX, type, 0, ends) == -1)
		return -1;
	u->link = ends[0];
	u->heir_link = ends[1];
	if (pipe2(u->said, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	if (mon->keeper == -1)
		return socketpair(AF_UNIX, type, 0, u->keeper);
	u->keeper[1] = fcntl(mon->keeper, F_DUPFD_CLOEXEC, 0);
	return u->keeper[1] == -1 ? -1 : 0;
}

static int
watch(const struct monitor *mon, const struct upgrade *u)
{
	const struct loop_id link = { SLOT_LINK, 0 };
	const struct loop_id said = { SLOT_SAID, 0 };
	const struct loop_id process = { SLOT_PROCESS, 0 };

	if (loop_watch_level(mon->loop, u->link, link) == -1 ||
	    loop_watch_level(mon->loop, u->said[0], said) == -1)
		return -1;
	return loop_watch_level(mon->loop, u->process, process);
}

/* Start the new program.  Returns 0, or -1 with errno. */
static int
start(const struct monitor *mon, struct upgrade *u)
{
	int saved;

	u->process = successor_start(mon, u->heir_link, u->said[1], &u->pid);
	saved = errno;
	descriptor_close(&u->heir_link);
	descriptor_close(&u->said[1]);
	errno = saved;
	return u->process == -1 ? -1 : watch(mon, u);
}

/* Pass on the last of what it has said; but it may say things without end. */
static void
pass_on_rest(struct upgrade *u)
{
	int i;

	for (i = 0; i < LAST_READS && pass_on(u); i++)
		;
	if (u->len > 0)
		say_line(u);
}

/* Take turns until it serves.  Returns whether it does. */
static bool
await_ready(struct monitor *mon, struct upgrade *u)
{
	const int64_t deadline = clock_now() + READY_MS;

	while (u->state == UPGRADE_STARTING && mon->state != MONITOR_ENDING &&
	    clock_now() < deadline)
		turn_take(mon, deadline);
	pass_on_rest(u);
	if (mon->state == MONITOR_ENDING)
		return false;
	if (u->state == UPGRADE_STARTING)
		log_say("the new program does not serve after %d seconds",
		    READY_MS / 1000);
	else if (u->state == UPGRADE_OVER)
		log_say("the new program has ended, and never served");
	return u->state == UPGRADE_READY;
}

_Static_assert(TABLE_LISTENERS_MAX <= 64, "each has a bit in kept");

/* The listeners of ours that the new monitor goes on with. */
static void
find_kept(const struct monitor *mon, uint64_t kept, struct listeners *next)
{
	const struct listeners *l = &mon->current->g.listeners;
	size_t i;

	next->n = 0;
	for (i = 0; i < l->n; i++)
		if (kept >> i & 1)
			next->v[next->n++] = l->v[i];
}

/* What was counted since it was asked for the last time. */
void
upgrade_tell_counts(struct monitor *mon)
{
	const struct legacy_message m = { .word = LEGACY_COUNTS };
	int counts;

	if (mon->after == -1 || mon->current == NULL)
		return;
	counts = carried_write(mon);
	/* Without room there, the next time is soon. */
	if (counts != -1)
		(void)message_send(mon->after, &m, sizeof(m), counts);
	descriptor_close(&counts);
	mon->ticks = 0;
}

void
upgrade_tick(struct monitor *mon)
{
	if (++mon->ticks >= COUNTS_TICKS)
		upgrade_tell_counts(mon);
}

/* Somebody has asked for it meanwhile. */
static void
leave_signal(const struct monitor *mon, int sig)
{
	const struct legacy_message m = { .word = LEGACY_SIGNAL,
		.kept = (uint64_t)sig };

	/* There is room, as nothing has been said yet. */
	(void)message_send(mon->after, &m, sizeof(m), -1);
}

/* It serves: let it have all, and finish.  Returns 0; or -1, it is dead. */
static int
commit(struct monitor *mon, struct upgrade *u)
{
	static struct listeners next; /* it is large */
	const struct legacy_message m = { .word = LEGACY_COMMIT };

	if (keeper_announce(mon, u->pid) == -1)
		return -1;
	if (message_send(u->link, &m, sizeof(m), -1) == -1) {
		/* There is room, as there was for the last one. */
		(void)keeper_announce(mon, getpid());
		return -1;
	}
	keeper_follow(mon, u->pid, &u->keeper[0]);
	log_say("upgraded: process %d serves", (int)u->pid);
	mon->after = u->link;
	u->link = -1;
	(void)loop_forget(mon->loop, mon->after); /* it is watched */
	if (mon->wants_reload)
		leave_signal(mon, SIGHUP);
	if (mon->wants_upgrade)
		leave_signal(mon, SIGUSR2);
	supervisor_leave(mon->supervisor, mon->is_keeper);
	log_use(-1);
	find_kept(mon, u->kept, &next);
	cohort_retire(mon->current, &next);
	mon->state = MONITOR_RETIRED;
	mon->has_heir = true;
	return 0;
}

/* Start it, and see whether it serves.  Returns 0; or -1 after saying why. */
static int
replace(struct monitor *mon, struct upgrade *u)
{
	if (mon->setup->program == NULL) {
		log_say("the program that runs here has no path");
		return -1;
	}
	if (make_sockets(mon, u) == -1 ||
	    legacy_send(mon, u->link, u->keeper[1]) == -1 ||
	    start(mon, u) == -1) {
		log_say("cannot start %s: %s", mon->setup->program,
		    strerror(errno));
		return -1;
	}
	mon->upgrade = u;
	if (await_ready(mon, u) && commit(mon, u) == 0)
		return 0;
	return -1;
}

int
monitor_upgrade(struct monitor *mon, struct log_copy *said)
{
	struct upgrade u = {
		.process = -1,
		.link = -1,
		.heir_link = -1,
		.said = { -1, -1 },
		.keeper = { -1, -1 },
	};
	int error;

	if (mon->state != MONITOR_SERVING)
		return MONITOR_BUSY;
	mon->state = MONITOR_CHANGING;
	log_copy_to(said);
	error = replace(mon, &u);
	if (error == -1) {
		if (u.process != -1)
			execute_kill(u.process);
		if (mon->state == MONITOR_CHANGING) {
			mon->state = MONITOR_SERVING;
			orders_resume(mon->current);
			log_say("not upgraded: the old program goes on");
		}
	}
	log_copy_to(NULL);
	mon->upgrade = NULL;
	upgrade_clear(&u);
	return error == 0 ? MONITOR_DONE : MONITOR_FAILED;
}
