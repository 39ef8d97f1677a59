/*
 * Starting a server to be wrapped, with the library and the channel.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/offer/binary.h"
#include "cmd/offer/start.h"
#include "cmd/say.h"
#include "cmd/wrap.h"

/*
 * The queue to the server: 64 connections, as that to a program of its own.
 * The channel counts as writable below a quarter of it.
 */
#define QUEUE_BYTES 24576

/* Descriptors that shells and servers do not take for their own use. */
#define DESCRIPTOR_HIGH 200

/* For tests, and for libraries that are elsewhere. */
#define LIBRARY_VARIABLE "TCPMUX_WRAP_LIBRARY"

#define LIBRARY_NAME "wrap.so"

/*
 * Where the library is: where the environment says, or beside our own program
 * as in a build tree, or where it was installed.  Returns 0, or -1.
 */
static int
find_library(char path[static PATH_MAX])
{
	const char *told = getenv(LIBRARY_VARIABLE);
	const size_t room = PATH_MAX - sizeof(LIBRARY_NAME);
	ssize_t n;

	if (told != NULL) {
		(void)snprintf(path, PATH_MAX, "%s", told); /* or not found */
		return access(path, R_OK);
	}
	n = readlink("/proc/self/exe", path, room);
	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n > 0) {
		memcpy(path + n, LIBRARY_NAME, sizeof(LIBRARY_NAME));
		if (access(path, R_OK) == 0)
			return 0;
	}
	memcpy(path, WRAP_LIBRARY, sizeof(WRAP_LIBRARY));
	return access(path, R_OK);
}

/* Returns 0, or the exit status, and has said why. */
static int
check_server(const struct offer_options *x, char library[static PATH_MAX],
    char path[static PATH_MAX])
{
	const char *why;

	if (binary_find(x->argv[0], path) == -1) {
		offering_say(x, -1, "%s: %s", x->argv[0], strerror(errno));
		return SAY_USAGE;
	}
	why = binary_why_not(path);
	if (why != NULL) {
		offering_say(x, -1,
		    "%s cannot be wrapped: it %s.  Run it by itself and offer "
		    "it with --to",
		    x->argv[0], why);
		return SAY_SYSTEM;
	}
	if (find_library(library) == -1) {
		offering_say(x, -1, "%s: %s", library, strerror(errno));
		return SAY_SYSTEM;
	}
	if (strpbrk(library, ": ") != NULL) {
		offering_say(x, -1, "%s: the loader takes no such path",
		    library);
		return SAY_SYSTEM;
	}
	return 0;
}

static int
make_channel(int ends[static 2])
{
	const int size = QUEUE_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return -1;
	return setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* What the library looks for: ours comes first, and what was there stays. */
static int
set_environment(const struct offer_options *x, int fd, const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char text[2 * PATH_MAX];
	socklen_t length = sizeof(uint64_t);
	uint64_t cookie;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == -1)
		return -1;
	(void)snprintf(text, sizeof(text), "%d:%llu:%u", fd,
	    (unsigned long long)cookie, (unsigned int)x->port);
	if (setenv(WRAP_VARIABLE, text, 1) == -1)
		return -1;
	if (snprintf(text, sizeof(text), "%s%s%s", library,
		others != NULL ? ":" : "",
		others != NULL ? others : "") >= (int)sizeof(text)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return setenv("LD_PRELOAD", text, 1);
}

/* The child's way to the server.  It is told to end when we end. */
_Noreturn static void
become_server(const struct offer_options *x, int channel, const char *library,
    const char *path, pid_t parent)
{
	sigset_t none;
	int fd;

	(void)sigemptyset(&none);       /* these cannot fail */
	(void)signal(SIGPIPE, SIG_DFL); /* which we ignore */
	fd = fcntl(channel, F_DUPFD, DESCRIPTOR_HIGH);
	if (fd == -1)
		fd = fcntl(channel, F_DUPFD, STDERR_FILENO + 1);
	if (fd != -1 && set_environment(x, fd, library) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent &&
	    sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		(void)execv(path, x->argv);
	offering_say(x, -1, "%s: %s", x->argv[0], strerror(errno));
	_exit(SAY_NO_PROGRAM);
}

int
wrap_start(const struct offer_options *options, pid_t *server, int *channel)
{
	char library[PATH_MAX], path[PATH_MAX];
	const pid_t own = getpid();
	int ends[2] = { -1, -1 };
	int status;

	status = check_server(options, library, path);
	if (status != 0)
		return status;
	if (make_channel(ends) == -1)
		goto fail;
	/* Those that the server leaves behind are ours. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		goto fail;
	*server = fork();
	if (*server == 0)
		become_server(options, ends[1], library, path, own);
	if (*server == -1)
		goto fail;
	(void)close(ends[1]); /* the server has it */
	*channel = ends[0];
	return 0;
fail:
	offering_say(options, -1, "%s", strerror(errno));
	if (ends[0] != -1)
		(void)close(ends[0]); /* they have carried nothing */
	if (ends[1] != -1)
		(void)close(ends[1]);
	return SAY_SYSTEM;
}
