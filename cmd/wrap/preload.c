/*
 * What tcpmux-offer --wrap preloads into a server: the functions of the C
 * library through which it would listen and accept.
 *
 * Each does what it always does, unless the descriptor is the channel; so a
 * server that is not chosen, and every other socket of one that is, is as
 * without us.  Writing and waiting are never stood before, and reading from a
 * connection costs a comparison.
 */

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cmd/wrap/channel.h"
#include "cmd/wrap/real.h"

/* Registrations that are remembered until the server listens. */
#define REGISTRATIONS 64

/*
 * A socket that was given to epoll before it listened; the channel must be
 * given to it in its stead.
 */
static struct registration {
	int loop;
	int fd;
	struct epoll_event event;
} registrations[REGISTRATIONS];
static unsigned int nregistrations;
static bool listened;

/*
 * By these names the server knows them.  The C library declares some with
 * types of its own, which no function of ISO C can have.
 */
int wrap_listen(int fd, int backlog) __asm__("listen");
int wrap_accept(int fd, struct sockaddr *address, socklen_t *length) __asm__(
    "accept");
int wrap_accept4(int fd, struct sockaddr *address, socklen_t *length,
    int flags) __asm__("accept4");
int wrap_getsockname(int fd, struct sockaddr *address,
    socklen_t *length) __asm__("getsockname");
int wrap_getpeername(int fd, struct sockaddr *address,
    socklen_t *length) __asm__("getpeername");
int wrap_getsockopt(int fd, int level, int option, void *value,
    socklen_t *length) __asm__("getsockopt");
int wrap_setsockopt(int fd, int level, int option, const void *value,
    socklen_t length) __asm__("setsockopt");
ssize_t wrap_recv(int fd, void *buf, size_t size, int flags) __asm__("recv");
int wrap_close(int fd) __asm__("close");
int wrap_close_range(unsigned int first, unsigned int last, int flags) __asm__(
    "close_range");
void wrap_closefrom(int first) __asm__("closefrom");
int wrap_epoll_ctl(int loop, int what, int fd,
    struct epoll_event *event) __asm__("epoll_ctl");

/* ISO C has no way from a pointer to a function, POSIX has this one. */
static void
look_up(const char *name, void *function)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(function, &found, sizeof(found));
}

const struct real *
real(void)
{
	static struct real found;

	if (found.epoll_ctl != NULL)
		return &found;
	look_up("listen", &found.listen);
	look_up("accept", &found.accept);
	look_up("accept4", &found.accept4);
	look_up("getsockname", &found.getsockname);
	look_up("getpeername", &found.getpeername);
	look_up("getsockopt", &found.getsockopt);
	look_up("setsockopt", &found.setsockopt);
	look_up("recv", &found.recv);
	look_up("close", &found.close);
	look_up("close_range", &found.close_range);
	look_up("closefrom", &found.closefrom);
	look_up("epoll_ctl", &found.epoll_ctl);
	return &found;
}

/* Is fd a TCP socket?  Then its own address, bound at last, is returned. */
static bool
is_tcp(int fd, union wrap_address *address)
{
	socklen_t length = sizeof(int);
	int type;

	if (real()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == -1 ||
	    type != SOCK_STREAM)
		return false;
	memset(address, 0, sizeof(*address));
	length = sizeof(*address);
	if (real()->getsockname(fd, &address->sa, &length) == -1 ||
	    (address->sa.sa_family != AF_INET &&
		address->sa.sa_family != AF_INET6))
		return false;
	/* IPv4 and IPv6 have the port in the same place. */
	if (address->in.sin_port != 0)
		return true;
	return bind(fd, &address->sa, wrap_address_length(address)) == 0 &&
	    real()->getsockname(fd, &address->sa, &length) == 0;
}

/* Give the channel to each epoll that had the socket in its place. */
static void
registrations_renew(int fd)
{
	unsigned int i;

	for (i = 0; i < nregistrations && i < REGISTRATIONS; i++)
		if (registrations[i].fd == fd)
			/* The loop may be gone, and then it needs nothing. */
			(void)real()->epoll_ctl(registrations[i].loop,
			    EPOLL_CTL_ADD, fd, &registrations[i].event);
}

/* Of a socket in one epoll, or, if loop is -1, in each. */
static void
registrations_forget(int loop, int fd)
{
	unsigned int i;

	for (i = 0; i < nregistrations && i < REGISTRATIONS; i++)
		if (registrations[i].fd == fd &&
		    (loop == -1 || registrations[i].loop == loop))
			registrations[i].fd = -1;
}

int
wrap_listen(int fd, int backlog)
{
	const int saved = errno;
	union wrap_address address;

	if (channel_is(fd))
		return 0;
	if (channel_descriptor() == -1 || !is_tcp(fd, &address) ||
	    !channel_claim(&address)) {
		errno = saved;
		return real()->listen(fd, backlog);
	}
	if (channel_replace(fd, &address) == -1)
		return -1;
	listened = true;
	registrations_renew(fd);
	errno = saved;
	return 0;
}

int
wrap_accept(int fd, struct sockaddr *address, socklen_t *length)
{
	if (channel_is(fd))
		return channel_accept(fd, address, length, 0);
	return real()->accept(fd, address, length);
}

int
wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	if (channel_is(fd))
		return channel_accept(fd, address, length, flags);
	return real()->accept4(fd, address, length, flags);
}

int
wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	const socklen_t room = length != NULL ? *length : 0;
	union wrap_address own;

	if (real()->getsockname(fd, address, length) == -1)
		return -1;
	if (room < sizeof(address->sa_family) ||
	    address->sa_family != AF_UNIX || !channel_is(fd))
		return 0;
	channel_address(fd, &own);
	*length = room;
	wrap_address_store(&own, address, length);
	return 0;
}

/* A listening socket has no peer; the channel has one. */
int
wrap_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
	const socklen_t room = length != NULL ? *length : 0;

	if (real()->getpeername(fd, address, length) == -1)
		return -1;
	if (room < sizeof(address->sa_family) ||
	    address->sa_family != AF_UNIX || !channel_is(fd))
		return 0;
	*length = room;
	errno = ENOTCONN;
	return -1;
}

/* What a listening TCP socket would say; -1 if the channel may answer. */
static int
listener_option(int fd, int option)
{
	union wrap_address address;

	switch (option) {
	case SO_ACCEPTCONN:
		return 1;
	case SO_TYPE:
		return SOCK_STREAM;
	case SO_PROTOCOL:
		return IPPROTO_TCP;
	case SO_DOMAIN:
		channel_address(fd, &address);
		return address.sa.sa_family;
	default:
		return -1;
	}
}

static bool
is_told_apart(int option)
{
	return option == SO_ACCEPTCONN || option == SO_TYPE ||
	    option == SO_PROTOCOL || option == SO_DOMAIN;
}

int
wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
	const int result = real()->getsockopt(fd, level, option, value, length);
	const int saved = errno;
	int said;

	if (result == 0 && (level != SOL_SOCKET || !is_told_apart(option)))
		return 0;
	if ((result == -1 && level == SOL_SOCKET) || value == NULL ||
	    length == NULL || !channel_is(fd)) {
		errno = saved;
		return result;
	}
	if (level != SOL_SOCKET) {
		memset(value, 0, *length);
		return 0;
	}
	said = listener_option(fd, option);
	memcpy(value, &said, *length < sizeof(said) ? *length : sizeof(said));
	return 0;
}

int
wrap_setsockopt(int fd, int level, int option, const void *value,
    socklen_t length)
{
	const int result = real()->setsockopt(fd, level, option, value, length);
	const int saved = errno;

	if (result == 0 || channel_is(fd))
		return 0;
	errno = saved;
	return result;
}

/*
 * Nothing is read from a socket that listens; some ask, to know what it is.
 * Without this they would take a connection away.
 */
ssize_t
wrap_recv(int fd, void *buf, size_t size, int flags)
{
	if (listened && channel_was(fd) && channel_is(fd)) {
		errno = ENOTCONN;
		return -1;
	}
	return real()->recv(fd, buf, size, flags);
}

/*
 * Servers that close what they have inherited would close the channel, too.
 * Until it listens, a process keeps it; then it may do as it likes.
 */
static bool
is_kept(unsigned int first, unsigned int last)
{
	const int fd = channel_descriptor();

	return fd != -1 && !listened && first <= (unsigned int)fd &&
	    (unsigned int)fd <= last && channel_is(fd);
}

int
wrap_close(int fd)
{
	if (fd >= 0 && fd == channel_descriptor() &&
	    is_kept((unsigned int)fd, (unsigned int)fd))
		return 0;
	if (listened)
		channel_forget(fd);
	else
		registrations_forget(-1, fd);
	return real()->close(fd);
}

int
wrap_close_range(unsigned int first, unsigned int last, int flags)
{
	const unsigned int fd = (unsigned int)channel_descriptor();

	if (!is_kept(first, last))
		return real()->close_range(first, last, flags);
	if (first < fd && real()->close_range(first, fd - 1, flags) == -1)
		return -1;
	if (fd < last)
		return real()->close_range(fd + 1, last, flags);
	return 0;
}

void
wrap_closefrom(int first)
{
	if (first < 0)
		first = 0;
	if (is_kept((unsigned int)first, UINT_MAX))
		/* As closefrom(), which returns nothing. */
		(void)wrap_close_range((unsigned int)first, UINT_MAX, 0);
	else
		real()->closefrom(first);
}

/* Remember what was given to epoll, as long as it may come to matter. */
int
wrap_epoll_ctl(int loop, int what, int fd, struct epoll_event *event)
{
	const int result = real()->epoll_ctl(loop, what, fd, event);

	if (result == -1 || listened || channel_descriptor() == -1)
		return result;
	registrations_forget(loop, fd);
	if (what != EPOLL_CTL_DEL)
		registrations[nregistrations++ % REGISTRATIONS] =
		    (struct registration){ loop, fd, *event };
	return result;
}
