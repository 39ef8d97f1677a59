/*
 * The control socket: where the programs of this machine ask for something.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/monitor/control.h"
#include "os/log.h"

/* Connections that may wait to be accepted. */
#define BACKLOG 1024

const char *
control_default(char path[static CONTROL_PATH_MAX])
{
	const char *folder = "/run";
	int n;

	if (geteuid() != 0)
		folder = getenv("XDG_RUNTIME_DIR");
	if (folder == NULL || folder[0] != '/')
		return NULL;
	n = snprintf(path, CONTROL_PATH_MAX, "%s/tcpmux/control", folder);
	return n > 0 && n < CONTROL_PATH_MAX ? path : NULL;
}

/* Say what is wrong with the place for the socket.  Returns -1. */
static int
complain(const char *path, const char *what)
{
	log_say("control socket %s: %s", path, what);
	return -1;
}

/*
 * Is the folder of path one where nobody but us and root can put anything?
 * make tells to make it if it is missing.  Returns 0, or -1 and says why.
 */
static int
prepare_folder(const char *path, const struct account *a, bool make)
{
	char folder[CONTROL_PATH_MAX];
	const char *end = strrchr(path, '/');
	struct stat st;

	memcpy(folder, path, (size_t)(end - path));
	folder[end - path] = '\0';
	if (end == path)
		return complain(path, "its folder must not be /");
	if (make && mkdir(folder, 0755) == 0)
		/* Whatever the umask says, others are to come in. */
		(void)chmod(folder, 0755);
	if (lstat(folder, &st) == -1)
		return complain(path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return complain(path, "its folder is no folder");
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return complain(path,
		    "others may write to its folder: take that from them, or "
		    "choose another");
	if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != a->uid)
		return complain(path, "its folder is somebody else's");
	return 0;
}

/*
 * Remove a socket that nobody listens at.  Returns 0, also if there is none;
 * or -1 and says why.
 */
static int
remove_stale(const struct sockaddr_un *sun)
{
	const char *path = sun->sun_path;
	struct stat st;
	int fd, error = 0;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : complain(path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return complain(path, "something else is there");
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return complain(path, strerror(errno));
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1)
		error = errno;
	(void)close(fd); /* it has asked for nothing */
	if (error != ECONNREFUSED)
		return complain(path,
		    error == 0 || error == EAGAIN ?
			"another daemon listens there" :
			strerror(error));
	if (unlink(path) == -1)
		return complain(path, strerror(errno));
	return 0;
}

/* Returns a listening socket, or -1 and says why. */
static int
open_at(const char *path, const struct account *a, bool make)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, bound;

	if (path[0] != '/' || strlen(path) >= sizeof(sun.sun_path))
		return complain(path,
		    "it must be an absolute path of at most "
		    "107 bytes");
	memcpy(sun.sun_path, path, strlen(path));
	if (prepare_folder(path, a, make) == -1 || remove_stale(&sun) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return complain(path, strerror(errno));
	/*
	 * Who may do what is decided by who asks, not by the mode.  And it has
	 * its mode from the start: to change it, later, is to change whatever
	 * somebody has put there instead.
	 */
	mask = umask(0111);
	bound = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	(void)umask(mask); /* it cannot fail */
	if (bound == -1 || listen(fd, BACKLOG) == -1) {
		(void)complain(path, strerror(errno));
		(void)close(fd); /* nobody has connected */
		return -1;
	}
	return fd;
}

/* Say so if the service manager's socket is not where it is configured. */
static void
warn_of_path(int inherited, const char *configured)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sun) - 1; /* a NUL stays behind it */

	if (configured == NULL ||
	    getsockname(inherited, (struct sockaddr *)&sun, &len) == -1 ||
	    strcmp(sun.sun_path, configured) == 0)
		return;
	log_say("warning: control = %s: the service manager has opened the "
		"control socket, and elsewhere: %s",
	    configured, sun.sun_path);
}

int
control_open(const struct table *t, const struct account *a, int inherited,
    int *fd)
{
	char path[CONTROL_PATH_MAX];

	*fd = -1;
	if (t->control_off)
		return 0;
	if (inherited != -1) {
		warn_of_path(inherited, t->control);
		*fd = inherited;
		return 0;
	}
	if (t->control != NULL) {
		*fd = open_at(t->control, a, false);
		return *fd == -1 ? -1 : 0;
	}
	if (control_default(path) == NULL) {
		log_say("no control socket: XDG_RUNTIME_DIR is not set, so "
			"no program can offer a name here");
		return 0;
	}
	*fd = open_at(path, a, true);
	if (*fd == -1)
		log_say("no control socket, so no program can offer a name "
			"here; control = none says so in silence");
	return 0;
}

void
control_remove(const char *configured)
{
	char usual[CONTROL_PATH_MAX];
	const char *path =
	    configured != NULL ? configured : control_default(usual);

	/* Whoever starts next removes what we may not any more. */
	if (path != NULL)
		(void)unlink(path);
}
