/*
 * Starting a program that goes on in our place.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/execute.h"

/* A program that cannot be started ends with this status, as in a shell. */
#define STATUS_NONE 127

/*
 * In the new process: put the descriptors into their places, by way of others
 * behind all of these, as one may be in the place of another.
 */
static int
place(const struct execute *e)
{
	const int first = EXECUTE_FIRST, end = first + (int)e->nfds;
	size_t i;

	for (i = 0; i < e->nfds; i++) {
		e->fds[i] = fcntl(e->fds[i], F_DUPFD, end);
		if (e->fds[i] == -1)
			return -1;
	}
	for (i = 0; i < e->nfds; i++)
		if (dup2(e->fds[i], first + (int)i) == -1)
			return -1;
	return (int)syscall(SYS_close_range, end, UINT_MAX, 0);
}

/* In the new process: become the program. */
static _Noreturn void
become(const struct execute *e)
{
	(void)snprintf(e->pid, EXECUTE_PID_MAX, "%d", (int)getpid());
	if (dup2(e->error, STDERR_FILENO) == -1 || place(e) == -1 ||
	    execve(e->path, e->argv, e->envp) == -1)
		(void)dprintf(STDERR_FILENO, "%s: %s\n", e->path,
		    strerror(errno)); /* nothing else can be done */
	_exit(STATUS_NONE);
}

int
execute(const struct execute *e, pid_t *pid)
{
	unsigned long flags = CLONE_PIDFD | SIGCHLD;
	int process = -1;
	long n;

	if (e->sibling)
		flags |= CLONE_PARENT;
	n = syscall(SYS_clone, flags, NULL, &process, NULL, NULL);
	if (n == 0)
		become(e);
	if (n == -1)
		return -1;
	*pid = (pid_t)n;
	return process;
}

void
execute_kill(int process)
{
	/* If it has ended already, so much the better. */
	(void)syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
}

char *
execute_path(void)
{
	const union {
		unsigned long in;
		const char *out;
	} value = { getauxval(AT_EXECFN) };
	const char *const name = value.out;
	char folder[PATH_MAX], *path = NULL, *resolved;
	const char *slash;
	int n;

	slash = name != NULL ? strrchr(name, '/') : NULL;
	n = snprintf(folder, sizeof(folder), "%.*s",
	    slash != NULL ? (int)(slash - name + 1) : 1,
	    slash != NULL ? name : ".");
	if (name == NULL || n < 0 || (size_t)n >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	/* A link at its end stays one: it may lead elsewhere next time. */
	resolved = realpath(folder, NULL);
	if (resolved == NULL ||
	    asprintf(&path, "%s/%s", resolved,
		slash != NULL ? slash + 1 : name) == -1)
		path = NULL;
	free(resolved);
	return path;
}
