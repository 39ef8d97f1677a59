/*
 * tcpmux-offer -- PROGRAM: a program for each connection, as inetd starts it.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/environment.h"
#include "cmd/offer/binary.h"
#include "cmd/offer/exec.h"
#include "cmd/offer/serve.h"
#include "cmd/say.h"

struct programs {
	const struct offer_options *options;
	struct refusals refusals;
	uint32_t count;
	char path[PATH_MAX];
};

/* The environment of rule 32, added to our own. */
static int
set_environment(const struct tcpmux_caller *caller)
{
	if (environment_set(caller->name, &caller->peer, &caller->local) == -1)
		return -1;
	return environment_set_end(&caller->peer, "REMOTE_ADDR", "REMOTE_PORT");
}

/* A session of its own, and every signal as it is by default. */
static int
set_process(void)
{
	sigset_t none;
	int number;

	if (setsid() == -1)
		return -1;
	for (number = 1; number <= SIGRTMAX; number++)
		(void)signal(number, SIG_DFL); /* or it cannot be changed */
	(void)sigemptyset(&none);              /* cannot fail */
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child's way: + is said as the last thing before the program runs. */
_Noreturn static void
become_program(const struct programs *p, int fd,
    const struct tcpmux_caller *caller)
{
	char *const *argv = p->options->argv;

	if (set_process() == -1 || set_environment(caller) == -1 ||
	    dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == -1) {
		offering_say(p->options, -1, "%s: %s", argv[0],
		    strerror(errno));
		/* The client sees - or, if it has gone, nothing. */
		(void)tcpmux_reply(fd, '-', "the program does not start");
		_exit(SAY_NO_PROGRAM);
	}
	if (tcpmux_reply(STDOUT_FILENO, '+', "OK FINE") != 0)
		_exit(SAY_NO_PROGRAM); /* its client has gone */
	(void)execv(p->path, argv);
	offering_say(p->options, -1, "%s: %s", argv[0], strerror(errno));
	_exit(SAY_NO_PROGRAM);
}

static uint32_t
programs_count(const void *state)
{
	const struct programs *p = state;

	return p->count;
}

static void
programs_take_fd(void *state, int fd, const struct tcpmux_caller *caller)
{
	struct programs *p = state;
	char path[PATH_MAX];
	pid_t pid;

	if (binary_find(p->path, path) == -1) {
		offering_say(p->options, -1, "%s: %s", p->path,
		    strerror(errno));
		refuse_take_fd(&p->refusals, fd, "the program is not there");
		return;
	}
	pid = fork();
	if (pid == 0)
		become_program(p, fd, caller);
	if (pid == -1) {
		offering_say(p->options, -1, "cannot start a program: %s",
		    strerror(errno));
		refuse_take_fd(&p->refusals, fd, "busy: try again later");
		return;
	}
	offering_say(p->options, 1, "process %d has started", (int)pid);
	p->count++;
	(void)close(fd); /* the child has it */
}

/* Children that have ended. */
static void
programs_reap(void *state)
{
	struct programs *p = state;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		offering_say(p->options, 1, "process %d has ended", (int)pid);
		p->count--;
	}
}

int
offer_exec(const struct offer_options *options, int signals)
{
	struct programs programs = { .options = options };
	const struct offer_service service = { &programs, -1, options->max,
		programs_count, programs_take_fd, programs_reap };

	if (binary_find(options->argv[0], programs.path) == -1) {
		offering_say(options, -1, "%s: %s", options->argv[0],
		    strerror(errno));
		return SAY_USAGE;
	}
	if (refuse_init(&programs.refusals) == -1) {
		offering_say(options, -1, "%s", strerror(errno));
		return SAY_SYSTEM;
	}
	return offer_serve(options, &service, &programs.refusals, signals);
}
