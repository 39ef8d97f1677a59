/*
 * Opens the sockets at which tcpmux-exporter listens, or takes those that a
 * service manager has opened.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/bind.h"
#include "cmd/exporter/listen.h"
#include "cmd/say.h"
#include "cmd/target.h"

/* The first descriptor that a service manager passes. */
#define LISTEN_FIRST 3

#define LISTEN_BACKLOG 64

#define LISTEN_USUAL "/run/tcpmux-exporter"

union listen_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static struct listen_socket *
listen_add(struct listen_sockets *x, int fd)
{
	if (x->n == LISTEN_MAX)
		say_fatal(SAY_USAGE, "more than %d sockets to listen at",
		    LISTEN_MAX);
	x->all[x->n] = (struct listen_socket){ .fd = fd };
	return &x->all[x->n++];
}

static bool
listen_is_loopback(const union listen_address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return a->any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* Where a socket listens, as people write it. */
static void
listen_name(struct listen_socket *s, const union listen_address *a)
{
	const uint16_t port = ntohs(a->in.sin_port); /* of in6, too */
	char host[INET6_ADDRSTRLEN] = "";
	const void *address = &a->in.sin_addr;
	int n;

	if (a->any.sa_family == AF_INET6)
		address = &a->in6.sin6_addr;
	if (a->any.sa_family == AF_UNIX)
		n = snprintf(s->name, sizeof(s->name), "unix:%.108s",
		    a->un.sun_path);
	else if (inet_ntop(a->any.sa_family, address, host, sizeof(host)) ==
	    NULL)
		n = -1;
	else
		n = snprintf(s->name, sizeof(s->name),
		    a->any.sa_family == AF_INET ? "http://%s:%u/" :
						  "http://[%s]:%u/",
		    host, port);
	if (n < 0)
		s->name[0] = '\0';
}

/* A socket that somebody else has opened must be one that we would open. */
static void
listen_take(struct listen_sockets *x, int fd)
{
	union listen_address a = { .any = { 0 } };
	socklen_t len = sizeof(a), size = sizeof(int);
	int on = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == -1 ||
	    on == 0 || getsockname(fd, &a.any, &len) == -1)
		say_fatal(SAY_USAGE,
		    "descriptor %d of LISTEN_FDS is no listening socket", fd);
	if (a.any.sa_family != AF_UNIX && !listen_is_loopback(&a))
		say_fatal(SAY_USAGE,
		    "descriptor %d of LISTEN_FDS listens at an address that "
		    "others can reach: have a proxy there, and us behind it",
		    fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		say_fatal(SAY_SYSTEM, "descriptor %d: %s", fd, strerror(errno));
	listen_name(listen_add(x, fd), &a);
}

/* See sd_listen_fds(3). */
static void
listen_inherit(struct listen_sockets *x)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	char *end;
	long n;
	int fd;

	if (pid == NULL || fds == NULL || strtol(pid, &end, 10) != getpid() ||
	    *end != '\0')
		return;
	n = strtol(fds, &end, 10);
	if (*end != '\0' || n < 0 || n > LISTEN_MAX)
		say_fatal(SAY_USAGE, "LISTEN_FDS is %s, and not 1 to %d", fds,
		    LISTEN_MAX);
	for (fd = LISTEN_FIRST; fd < LISTEN_FIRST + n; fd++)
		listen_take(x, fd);
}

static void
listen_open_path(struct listen_sockets *x, const char *path)
{
	union listen_address a = { .un = { .sun_family = AF_UNIX } };
	struct listen_socket *s;
	int fd;

	if (strlen(path) >= sizeof(a.un.sun_path) || *path == '\0')
		say_fatal(SAY_USAGE, "--socket %s: a path of 1 to %zu bytes",
		    path, sizeof(a.un.sun_path) - 1);
	memcpy(a.un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The umask of whoever has started us is not asked. */
	if (fd == -1 || fchmod(fd, S_IRUSR | S_IWUSR) == -1 ||
	    bind_path(fd, &a.un) == -1 ||
	    chmod(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) == -1 ||
	    listen(fd, LISTEN_BACKLOG) == -1)
		say_fatal(SAY_CANTCREATE, "no socket at %s: %s", path,
		    strerror(errno));
	s = listen_add(x, fd);
	s->own = a.un;
	listen_name(s, &a);
}

/* /run/tcpmux-exporter/http, or a user's own; its folder may be missing. */
static void
listen_open_usual(struct listen_sockets *x)
{
	const char *own = getuid() == 0 ? NULL : getenv("XDG_RUNTIME_DIR");
	char path[sizeof(x->folder) + sizeof("/http")];
	char *folder = x->folder;
	int n;

	if (own != NULL && *own == '/')
		n = snprintf(folder, sizeof(x->folder), "%s/tcpmux-exporter",
		    own);
	else
		n = snprintf(folder, sizeof(x->folder), LISTEN_USUAL);
	if (n < 0 || (size_t)n >= sizeof(x->folder))
		say_fatal(SAY_USAGE, "XDG_RUNTIME_DIR is too long");
	if (mkdir(folder, S_IRWXU | S_IRGRP | S_IXGRP | S_IXOTH) == -1 &&
	    errno != EEXIST)
		say_fatal(SAY_CANTCREATE, "no folder %s: %s", folder,
		    strerror(errno));
	n = snprintf(path, sizeof(path), "%s/http", folder);
	if (n > 0)
		listen_open_path(x, path);
}

/* ADDRESS:PORT, or [ADDRESS]:PORT of IPv6. */
static void
listen_open_address(struct listen_sockets *x, const char *text)
{
	union listen_address a = { .any = { 0 } };
	struct target target;
	socklen_t len = sizeof(a.in);
	int fd, on = 1;

	if (target_parse(&target, text) != 0 || target.name[0] != '\0' ||
	    target.port == 0)
		say_fatal(SAY_USAGE, "--listen wants ADDRESS:PORT, and not %s",
		    text);
	if (inet_pton(AF_INET, target.host, &a.in.sin_addr) == 1)
		a.any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, target.host, &a.in6.sin6_addr) == 1) {
		a.any.sa_family = AF_INET6;
		len = sizeof(a.in6);
	}
	if (!listen_is_loopback(&a))
		say_fatal(SAY_USAGE,
		    "--listen %s: only 127.0.0.1 and the like, or [::1]; for "
		    "others have a proxy there, and us behind it",
		    text);
	a.in.sin_port = htons(target.port); /* of in6, too */
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, &a.any, len) == -1 || listen(fd, LISTEN_BACKLOG) == -1 ||
	    getsockname(fd, &a.any, &len) == -1)
		say_fatal(SAY_CANTCREATE, "--listen %s: %s", text,
		    strerror(errno));
	listen_name(listen_add(x, fd), &a);
}

void
listen_open(struct listen_sockets *x, const struct exporter_options *o)
{
	*x = (struct listen_sockets){ .n = 0 };
	listen_inherit(x);
	if (o->socket != NULL)
		listen_open_path(x, o->socket);
	if (o->listen != NULL)
		listen_open_address(x, o->listen);
	if (x->n == 0)
		listen_open_usual(x);
}

void
listen_give(const struct listen_sockets *x, uid_t uid, gid_t gid)
{
	size_t i;

	if (x->folder[0] != '\0' && lchown(x->folder, uid, gid) == -1)
		say_fatal(SAY_SYSTEM, "%s: %s", x->folder, strerror(errno));
	for (i = 0; i < x->n; i++)
		if (x->all[i].own.sun_path[0] != '\0' &&
		    lchown(x->all[i].own.sun_path, uid, gid) == -1)
			say_fatal(SAY_SYSTEM, "%s: %s", x->all[i].own.sun_path,
			    strerror(errno));
}

void
listen_remove(const struct listen_sockets *x)
{
	size_t i;

	/* What cannot be removed is found and replaced at the next start. */
	for (i = 0; i < x->n; i++)
		if (x->all[i].own.sun_path[0] != '\0')
			(void)unlink(x->all[i].own.sun_path);
}
