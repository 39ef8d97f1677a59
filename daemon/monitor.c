/*
 * The monitor: starts the front, starts another when it dies, and ends it
 * when the daemon is told to end.  It reads no byte of a peer.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/monitor.h"
#include "os/clock.h"
#include "os/log.h"

/* A front that has lived for less is followed by the next after a pause. */
#define LIFE_MS  1000
#define PAUSE_MS 100

/* Told to end, a front is given so long before it is killed. */
#define STOP_MS 3000

struct monitor {
	const struct mux *mux;
	const struct listeners *listeners;
	sigset_t signals;
	pid_t front; /* 0: none */
	int control; /* its end is the front's end */
	int64_t started;
};

/*
 * Signals are waited for, never caught: their delivery stays blocked, in the
 * front as well, which ends when its control socket does.
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

/* Returns 0, or -1 with errno. */
static int
start_front(struct monitor *mon)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return -1;
	mon->front = fork();
	if (mon->front == 0) {
		(void)close(ends[0]); /* the monitor's end */
		front_run(mon->mux, mon->listeners, ends[1]);
	}
	(void)close(ends[1]);
	if (mon->front == -1) {
		(void)close(ends[0]);
		mon->front = 0;
		return -1;
	}
	mon->control = ends[0];
	mon->started = clock_now();
	return 0;
}

/* Wait until the front says that it is ready.  Returns 0, or -1 if it died. */
static int
await_front(const struct monitor *mon)
{
	char byte;

	return recv(mon->control, &byte, 1, 0) == 1 ? 0 : -1;
}

static void
print_listeners(const struct listeners *l)
{
	char text[ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < l->n; i++) {
		address_format(&l->v[i].address, text);
		log_say("listening on %s", text);
	}
}

/* Wait for a signal of the set for ms; -1 is for ever.  Returns it, or 0. */
static int
await_signal(const struct monitor *mon, int ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };
	int sig;

	sig = ms == -1 ? sigwaitinfo(&mon->signals, NULL) :
			 sigtimedwait(&mon->signals, NULL, &ts);
	return sig == -1 ? 0 : sig;
}

/* If the front has died, say how and forget it; returns whether it has. */
static bool
reap_front(struct monitor *mon)
{
	int status;

	if (waitpid(mon->front, &status, WNOHANG) != mon->front)
		return false;
	if (WIFSIGNALED(status))
		log_say("the front (process %d) was ended by signal %d",
		    (int)mon->front, WTERMSIG(status));
	else
		log_say("the front (process %d) ended with status %d",
		    (int)mon->front, WEXITSTATUS(status));
	(void)close(mon->control);
	mon->front = 0;
	return true;
}

/* Tell the front to end, wait for it, and do not wait for ever. */
static void
stop_front(struct monitor *mon)
{
	int64_t deadline = clock_now() + STOP_MS;
	int64_t left;

	if (mon->front == 0)
		return;
	(void)close(mon->control);
	while (waitpid(mon->front, NULL, WNOHANG) == 0) {
		left = deadline - clock_now();
		if (left <= 0) {
			(void)kill(mon->front, SIGKILL);
			(void)waitpid(mon->front, NULL, 0);
			return;
		}
		(void)await_signal(mon, (int)left);
	}
}

/*
 * Start a front in place of the dead one, at once unless it died young.
 * Returns the signal that ends the daemon, if one comes meanwhile, or 0.
 */
static int
replace_front(struct monitor *mon)
{
	int sig;

	while (mon->front == 0) {
		if (clock_now() - mon->started < LIFE_MS) {
			sig = await_signal(mon, PAUSE_MS);
			if (sig == SIGTERM || sig == SIGINT)
				return sig;
		}
		if (start_front(mon) == -1) {
			log_say("cannot start a front: %s", strerror(errno));
			mon->started = clock_now();
		}
	}
	return 0;
}

int
monitor_run(const struct mux *m, const struct listeners *l)
{
	struct monitor mon = { .mux = m, .listeners = l };
	int sig;

	hold_signals(&mon.signals);
	if (start_front(&mon) == -1)
		log_fatal(EX_OSERR, "cannot start a front: %s",
		    strerror(errno));
	if (await_front(&mon) == -1)
		log_fatal(EX_OSERR, "the front did not start");
	print_listeners(l);

	do {
		sig = await_signal(&mon, -1);
		if (sig == SIGCHLD && reap_front(&mon))
			sig = replace_front(&mon);
	} while (sig != SIGTERM && sig != SIGINT);

	stop_front(&mon);
	return EX_OK;
}
