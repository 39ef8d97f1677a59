/*
 * Where a relay goes to: looked up, and dialled.
 */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/offer/backend.h"
#include "cmd/say.h"
#include "cmd/target.h"

static void
set_path(struct backend *b, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&b->addresses[0].sa;

	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	b->addresses[0].length = sizeof(*un);
	b->n = 1;
}

/* Returns 0, or what gai_strerror() explains. */
static int
look_up(struct backend *b, const struct target *target)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found, *a;
	char port[sizeof("65535")];
	int err;

	/* A port has five digits at the most. */
	(void)snprintf(port, sizeof(port), "%u", (unsigned int)target->port);
	err = getaddrinfo(target->host, port, &hints, &found);
	if (err != 0)
		return err;
	for (a = found; a != NULL && b->n < BACKEND_ADDRESSES; a = a->ai_next) {
		memcpy(&b->addresses[b->n].sa, a->ai_addr, a->ai_addrlen);
		b->addresses[b->n++].length = a->ai_addrlen;
	}
	freeaddrinfo(found);
	return 0;
}

int
backend_parse(struct backend *b, const char *text, const char **wrong)
{
	struct target target;
	const char *path;
	int err;

	memset(b, 0, sizeof(*b));
	if (target_parse(&target, text) != 0 || target.name[0] != '\0' ||
	    (target.port == 0 && !target_is_unix(&target))) {
		*wrong = "it is to be HOST:PORT, [V6]:PORT or unix:PATH";
		return SAY_USAGE;
	}
	if (!target_is_unix(&target)) {
		err = look_up(b, &target);
		*wrong = gai_strerror(err);
		return err == 0 ? 0 : SAY_NOHOST;
	}
	path = strchr(target.host, ':') + 1;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		*wrong = "the path is too long";
		return SAY_USAGE;
	}
	set_path(b, path);
	return 0;
}

static int
set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

int
backend_dial(const struct backend *b, unsigned int place)
{
	const struct sockaddr *sa =
	    (const struct sockaddr *)&b->addresses[place].sa;
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	const int fd = socket(sa->sa_family, type, 0);
	int saved;

	if (fd == -1)
		return -1;
	/* So the kernel keeps the deadline for us. */
	if (sa->sa_family != AF_UNIX &&
	    (set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, BACKEND_TIMEOUT_MS) == -1 ||
		set(fd, IPPROTO_TCP, TCP_NODELAY, 1) == -1))
		goto fail;
	if (connect(fd, sa, b->addresses[place].length) == -1 &&
	    errno != EINPROGRESS)
		goto fail;
	return fd;
fail:
	saved = errno;
	(void)close(fd); /* it has carried nothing */
	errno = saved;
	return -1;
}

int
backend_settle(int fd)
{
	socklen_t length = sizeof(int);
	int error;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
		return -1;
	if (error != 0) {
		errno = error;
		return -1;
	}
	/* From here on a peer that is slow is none that is dead. */
	(void)set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 0); /* or a Unix socket */
	return 0;
}
