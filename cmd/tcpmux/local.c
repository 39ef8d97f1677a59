/*
 * Takes the argument of -L apart, and listens where it says.
 */

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/bind.h"
#include "cmd/say.h"
#include "cmd/tcpmux/local.h"
#include "tcpmux.h"

#define LOCAL_BACKLOG 128

/* How often a port of the kernel's may be taken in the other family. */
#define LOCAL_PORTS 16

/* The port has the same place in both families. */
union local_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_storage room;
};

static const char local_unix[] = "unix:";

static int
local_set_name(struct local *local, const char *name)
{
	const struct tcpmux_span span = { name, strlen(name) };

	local->name = name;
	return tcpmux_check_name(span) != 0 ? LOCAL_NAME : 0;
}

static int
local_parse_unix(struct local *local, const char *text)
{
	size_t len = strcspn(text, ":");

	if (text[len] != ':')
		return LOCAL_FORM;
	if (len == 0 || len >= sizeof(local->path))
		return LOCAL_BIND;
	memcpy(local->path, text, len);
	return local_set_name(local, text + len + 1);
}

/* BIND and its colon, if there is one.  Returns its bytes, or an error. */
static int
local_parse_bind(struct local *local, const char *text)
{
	size_t len = strcspn(text, ":"), skip = 0;

	if (text[0] == '[') {
		skip = 1;
		len = strcspn(text, "]");
		if (text[len] != ']' || text[len + 1] != ':')
			return LOCAL_FORM;
	} else if (strspn(text, "0123456789") == len)
		return 0;
	if (len - skip > LOCAL_BIND_MAX || len == skip)
		return LOCAL_BIND;
	memcpy(local->bind, text + skip, len - skip);
	if (strcmp(local->bind, "localhost") == 0)
		local->bind[0] = '\0';
	return (int)(len + skip) + (text[len + skip] == ':');
}

int
local_parse(struct local *local, const char *text)
{
	unsigned long port;
	size_t len;
	int n;

	*local = (struct local){ .fds = { -1, -1 } };
	if (strncmp(text, local_unix, strlen(local_unix)) == 0)
		return local_parse_unix(local, text + strlen(local_unix));
	n = local_parse_bind(local, text);
	if (n < 0)
		return n;
	text += n;
	len = strspn(text, "0123456789");
	if (text[len] != ':')
		return LOCAL_FORM;
	port = len == 0 || len > 5 ? ULONG_MAX : strtoul(text, NULL, 10);
	if (port > UINT16_MAX)
		return LOCAL_PORT;
	local->port = (uint16_t)port;
	return local_set_name(local, text + len + 1);
}

const char *
local_strerror(int err)
{
	switch (err) {
	case LOCAL_FORM:
		return "does not say where to listen and for which service: "
		       "write [BIND:]PORT:NAME or unix:PATH:NAME";
	case LOCAL_PORT:
		return "has a port that is none: write a number up to 65535";
	case LOCAL_NAME:
		return "has no name of a service behind its last colon: write "
		       "1 to 255 characters of ASCII without a space";
	case LOCAL_BIND:
		return "has an address or a path that is too long or empty";
	default:
		return "is fine";
	}
}

static int
local_open_unix(struct local *local)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, status;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	local->fds[0] = fd;
	memcpy(sun.sun_path, local->path, sizeof(sun.sun_path));
	/* Whoever may connect there is served in this user's name. */
	old = umask(0177);
	status = bind_path(fd, &sun);
	(void)umask(old); /* it cannot fail */
	if (status == -1)
		return -1;
	local->made = true;
	return listen(fd, LOCAL_BACKLOG);
}

static int
local_open_tcp(const struct addrinfo *ai, uint16_t port)
{
	union local_address address;
	int fd, on = 1, saved;

	memset(&address, 0, sizeof(address));
	memcpy(&address, ai->ai_addr, ai->ai_addrlen);
	address.in.sin_port = htons(port);
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    (ai->ai_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ==
		    -1) ||
	    bind(fd, &address.any, ai->ai_addrlen) == -1 ||
	    listen(fd, LOCAL_BACKLOG) == -1)
		goto fail;
	return fd;
fail:
	saved = errno;
	(void)close(fd); /* nothing has come yet */
	errno = saved;
	return -1;
}

static uint16_t
local_port_of(int fd)
{
	union local_address address;
	socklen_t len = sizeof(address);

	memset(&address, 0, sizeof(address));
	if (getsockname(fd, &address.any, &len) == -1)
		return 0;
	return ntohs(address.in.sin_port);
}

static void
local_close(struct local *local)
{
	int saved = errno;

	for (int i = 0; i < LOCAL_FDS; i++) {
		if (local->fds[i] != -1)
			(void)close(local->fds[i]); /* nothing to be lost */
		local->fds[i] = -1;
	}
	errno = saved;
}

/* A machine may lack one of the families. */
static bool
local_is_absent(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

/* All addresses at one port.  Returns -1 with errno if that does not work. */
static int
local_open_all(struct local *local, const struct addrinfo *list)
{
	uint16_t port = local->port;
	int n = 0;

	for (; list != NULL && n < LOCAL_FDS; list = list->ai_next) {
		int fd = local_open_tcp(list, port);

		if (fd == -1 && n + (list->ai_next != NULL) > 0 &&
		    local_is_absent(errno))
			continue;
		if (fd == -1) {
			local_close(local);
			return -1;
		}
		local->fds[n++] = fd;
		if (port == 0)
			port = local_port_of(fd);
	}
	local->port = port;
	return 0;
}

static int
local_open_addresses(struct local *local)
{
	static const char *const all[] = { "0.0.0.0", "::" };
	static const char *const own[] = { "127.0.0.1", "::1" };
	const char *const *host = strcmp(local->bind, "*") == 0 ? all : own;
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *first = NULL, *second = NULL;
	int status = -1, saved;
	bool one = local->bind[0] != '\0' && host == own;

	if (getaddrinfo(one ? local->bind : host[0], NULL, &hints, &first) !=
		0 ||
	    (!one && getaddrinfo(host[1], NULL, &hints, &second) != 0)) {
		errno = EADDRNOTAVAIL;
		goto out;
	}
	first->ai_next = second;
	for (int i = 0; status == -1 && i < LOCAL_PORTS; i++) {
		status = local_open_all(local, first);
		if (local->port != 0 || errno != EADDRINUSE)
			break;
	}
	first->ai_next = NULL;
out:
	saved = errno;
	if (first != NULL)
		freeaddrinfo(first);
	if (second != NULL)
		freeaddrinfo(second);
	errno = saved;
	return status;
}

static void
local_announce(const struct local *local)
{
	char host[NI_MAXHOST];
	union local_address address;
	socklen_t len;

	if (local->path[0] != '\0') {
		say("listening on unix:%s for %s", local->path, local->name);
		return;
	}
	for (int i = 0; i < LOCAL_FDS && local->fds[i] != -1; i++) {
		len = sizeof(address);
		memset(&address, 0, len);
		if (getsockname(local->fds[i], &address.any, &len) == -1 ||
		    getnameinfo(&address.any, len, host, sizeof(host), NULL, 0,
			NI_NUMERICHOST) != 0)
			continue;
		say(address.any.sa_family == AF_INET6 ?
			"listening on [%s]:%d for %s" :
			"listening on %s:%d for %s",
		    host, local->port, local->name);
	}
}

int
local_listen(struct local *local)
{
	int status = local->path[0] != '\0' ? local_open_unix(local) :
					      local_open_addresses(local);

	if (status == 0) {
		local_announce(local);
		return SAY_OK;
	}
	if (local->path[0] != '\0')
		say("it cannot listen on unix:%s (%s): choose another path",
		    local->path, strerror(errno));
	else
		say("it cannot listen on %s%sport %d (%s): choose another",
		    local->bind, local->bind[0] == '\0' ? "" : ", ",
		    local->port, strerror(errno));
	return SAY_CANTCREATE;
}

void
local_clear(struct local *local)
{
	local_close(local);
	/* Somebody may have removed it before us. */
	if (local->made)
		(void)unlink(local->path);
	local->made = false;
}
