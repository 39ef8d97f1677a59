/*
 * The control socket: where it is, and how to get there.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/control.h"

#define SYSTEM_FOLDER "/run"

/* Where it is in a folder for what runs; none if path is that already. */
#define IN_FOLDER "/tcpmux/control"

static int
add_place(struct control *c, const char *path, const char *rest)
{
	struct sockaddr_un *un = &c->at[c->n];
	int n;

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	n = snprintf(un->sun_path, sizeof(un->sun_path), "%s%s", path, rest);
	if (n <= 0 || (size_t)n >= sizeof(un->sun_path))
		return -1;
	c->n++;
	return 0;
}

int
tcpmux_control_find(struct control *c, const char *path)
{
	const char *folder;

	c->n = 0;
	c->last = 0;
	if (path == NULL)
		path = secure_getenv("TCPMUX_CONTROL");
	if (path != NULL)
		return add_place(c, path, "");
	folder = secure_getenv("XDG_RUNTIME_DIR");
	/* Only an absolute path counts, as its specification has it. */
	if (folder != NULL && folder[0] == '/' && geteuid() != 0 &&
	    add_place(c, folder, IN_FOLDER) == -1)
		return -1;
	return add_place(c, SYSTEM_FOLDER, IN_FOLDER);
}

static int
dial(const struct sockaddr_un *un)
{
	const int flags = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd, saved;

	fd = socket(AF_UNIX, flags, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0)
		return fd;
	saved = errno;
	(void)close(fd); /* it has carried nothing */
	errno = saved;
	return -1;
}

int
tcpmux_control_dial(struct control *c)
{
	int fd;

	c->last = 0;
	fd = dial(&c->at[0]);
	/* A daemon that has no time is there. */
	while (fd == -1 && errno != EAGAIN && c->last + 1 < c->n)
		fd = dial(&c->at[++c->last]);
	return fd;
}

void
tcpmux_control_stay(struct control *c)
{
	c->at[0] = c->at[c->last];
	c->last = 0;
	c->n = 1;
}

const char *
tcpmux_control_path(const struct control *c)
{
	return c->at[c->last].sun_path;
}
