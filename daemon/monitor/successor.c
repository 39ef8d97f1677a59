/*
 * The successor: the new program as it is started.
 *
 * The sockets of the service manager come to it in the same way as they have
 * come to this one.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/monitor/successor.h"
#include "os/execute.h"

/* What is said anew, or is about this process only. */
static const char *const renewed[] = { "LISTEN_PID=", "LISTEN_FDS=",
	"LISTEN_FDNAMES=", "WATCHDOG_PID=" };

#define NRENEWED (sizeof(renewed) / sizeof(renewed[0]))

struct successor {
	char **argv, **envp;
	int *fds;
	size_t nfds;
	char link[16];                    /* its number, in words */
	char pid[32], number[32], *names; /* of the environment */
};

static bool
is_renewed(const char *variable)
{
	size_t i;

	for (i = 0; i < NRENEWED; i++)
		if (strncmp(variable, renewed[i], strlen(renewed[i])) == 0)
			return true;
	return false;
}

/* Its command line.  Returns 0, or -1 with ENOMEM. */
static int
make_argv(struct successor *s, const struct setup *setup)
{
	static char option[] = SETUP_INHERIT;

	s->argv = calloc(setup->argc + 3, sizeof(*s->argv));
	if (s->argv == NULL)
		return -1;
	/* Its place is behind those of the sockets. */
	(void)snprintf(s->link, sizeof(s->link), "%zu",
	    EXECUTE_FIRST + s->nfds - 1);
	s->argv[0] = setup->argv[0];
	s->argv[1] = option;
	s->argv[2] = s->link;
	memcpy(s->argv + 3, setup->argv + 1,
	    (setup->argc - 1) * sizeof(*s->argv));
	return 0;
}

/* The service manager's sockets, and link.  Returns 0, or -1 with ENOMEM. */
static int
make_sockets(struct successor *s, const struct inherited *in, int link)
{
	size_t i, size;
	FILE *f;

	s->fds = calloc(in->n + 1, sizeof(*s->fds));
	f = open_memstream(&s->names, &size);
	if (s->fds == NULL || f == NULL) {
		if (f != NULL)
			(void)fclose(f); /* nothing was written */
		return -1;
	}
	/* What cannot be written is seen at the end. */
	(void)fputs("LISTEN_FDNAMES=", f);
	for (i = 0; i < in->n; i++) {
		if (in->v[i].kind != INHERITED_LISTENER &&
		    in->v[i].kind != INHERITED_CONTROL)
			continue;
		(void)fprintf(f, "%s%s", s->nfds > 0 ? ":" : "", in->v[i].name);
		s->fds[s->nfds++] = in->v[i].fd;
	}
	/* It has room for any number. */
	(void)snprintf(s->number, sizeof(s->number), "LISTEN_FDS=%zu", s->nfds);
	s->fds[s->nfds++] = link;
	return fclose(f) == EOF || s->names == NULL ? -1 : 0;
}

/* Its environment.  Returns 0, or -1 with ENOMEM. */
static int
make_environment(struct successor *s, const struct setup *setup)
{
	size_t i, n = 0;

	for (i = 0; setup->envp[i] != NULL; i++)
		;
	s->envp = calloc(i + NRENEWED + 1, sizeof(*s->envp));
	if (s->envp == NULL)
		return -1;
	for (i = 0; setup->envp[i] != NULL; i++)
		if (!is_renewed(setup->envp[i]))
			s->envp[n++] = setup->envp[i];
	if (s->nfds == 1)
		return 0;
	/* It has room, and some for the number behind it. */
	(void)snprintf(s->pid, sizeof(s->pid), "LISTEN_PID=");
	s->envp[n++] = s->pid;
	s->envp[n++] = s->number;
	s->envp[n++] = s->names;
	return 0;
}

int
successor_start(const struct monitor *mon, int link, int error, pid_t *pid)
{
	struct successor s = { .argv = NULL };
	int process = -1;

	if (make_sockets(&s, &mon->supervisor->inherited, link) == 0 &&
	    make_argv(&s, mon->setup) == 0 &&
	    make_environment(&s, mon->setup) == 0) {
		const struct execute e = {
			.path = mon->setup->program,
			.argv = s.argv,
			.envp = s.envp,
			.fds = s.fds,
			.nfds = s.nfds,
			.pid = s.pid + strlen("LISTEN_PID="),
			.error = error,
			.sibling = mon->keeper != -1,
		};

		process = execute(&e, pid);
	}
	free(s.names);
	free(s.fds);
	free(s.argv);
	free(s.envp);
	return process;
}
