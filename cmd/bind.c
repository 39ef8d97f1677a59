/*
 * Takes a path for a Unix socket.
 */

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/bind.h"

/* Remove a socket that nobody listens at: its owner ended without doing so. */
static int
remove_stale(int fd, const struct sockaddr_un *un)
{
	struct stat st;

	/* A file that is no socket refuses connections as well. */
	if (lstat(un->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)un, sizeof(*un)) == -1 &&
	    errno == ECONNREFUSED)
		return unlink(un->sun_path);
	errno = EADDRINUSE;
	return -1;
}

int
bind_path(int fd, const struct sockaddr_un *un)
{
	const struct sockaddr *address = (const struct sockaddr *)un;

	if (bind(fd, address, sizeof(*un)) == 0)
		return 0;
	if (errno != EADDRINUSE || remove_stale(fd, un) == -1)
		return -1;
	return bind(fd, address, sizeof(*un));
}
