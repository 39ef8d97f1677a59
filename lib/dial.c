/*
 * Running the race: lookups on one side, sockets on the other.
 */

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/dial.h"
#include "tcpmux.h"

/* A Unix socket whose queue is full tells nobody when there is room. */
#define UNIX_RETRY_MS 20

static const int domains[RACE_FAMILIES] = {
	[RACE_IPV6] = AF_INET6,
	[RACE_IPV4] = AF_INET,
};

void
tcpmux_dial_init(struct dial *d, int epoll)
{
	memset(d, 0, sizeof(*d));
	d->epoll = epoll;
	tcpmux_race_init(&d->race);
}

static int
watch(const struct dial *d, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* A child may have fd too, so that closing it does not end the watch. */
static int
unwatch(const struct dial *d, int fd)
{
	return epoll_ctl(d->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Let go of a lookup; it keeps errno. */
static void
end_lookup(struct dial *d, enum race_family family)
{
	const int saved = errno;

	if (d->lookups[family] == NULL)
		return;
	/* It is watched, and in no other way can this fail. */
	(void)unwatch(d, tcpmux_lookup_fd(d->lookups[family]));
	tcpmux_lookup_free(d->lookups[family]);
	d->lookups[family] = NULL;
	errno = saved;
}

/* Have a name looked up for one family; failing to is an answer, too. */
static void
begin_lookup(struct dial *d, const char *host, uint16_t port,
    enum race_family family)
{
	struct lookup *l;

	l = tcpmux_lookup_new(host, port, domains[family]);
	if (l == NULL || watch(d, tcpmux_lookup_fd(l), EPOLLIN) == -1) {
		d->found[family].error = EAI_SYSTEM;
		d->found[family].system = errno;
		tcpmux_lookup_free(l);
		return;
	}
	d->lookups[family] = l;
	tcpmux_race_await(&d->race, family);
}

static int
begin_unix(struct dial *d, const char *path)
{
	struct lookup_found *found = &d->found[RACE_IPV6];

	if (tcpmux_address_set_unix(&found->addresses[0], path) == -1)
		return -1;
	tcpmux_race_enter(&d->race, RACE_IPV6, found->addresses, 1, 0);
	return 0;
}

int
tcpmux_dial_begin(struct dial *d, const char *host, uint16_t port,
    unsigned int flags)
{
	const bool wants[RACE_FAMILIES] = {
		[RACE_IPV6] = (flags & TCPMUX_CALL_IPV4) == 0,
		[RACE_IPV4] = (flags & TCPMUX_CALL_IPV6) == 0,
	};
	struct lookup_found *found = &d->found[RACE_IPV6];
	enum race_family family;
	int domain = AF_UNSPEC;

	tcpmux_dial_clear(d);
	tcpmux_dial_init(d, d->epoll);
	if (strncmp(host, ADDRESS_UNIX, strlen(ADDRESS_UNIX)) == 0)
		return begin_unix(d, host + strlen(ADDRESS_UNIX));
	for (family = 0; family < RACE_FAMILIES; family++)
		if (!wants[family])
			domain = domains[RACE_FAMILIES - 1 - family];
	tcpmux_lookup_numeric(host, port, domain, found);
	if (found->error != EAI_NONAME) {
		/* Of a single address, either family's place will do. */
		tcpmux_race_enter(&d->race, RACE_IPV6, found->addresses,
		    found->n, 0);
		return 0;
	}
	for (family = 0; family < RACE_FAMILIES; family++)
		if (wants[family])
			begin_lookup(d, host, port, family);
	return 0;
}

static void
take_answers(struct dial *d, int64_t now)
{
	const struct lookup_found *found;
	enum race_family family;

	for (family = 0; family < RACE_FAMILIES; family++) {
		if (d->lookups[family] == NULL)
			continue;
		found = tcpmux_lookup_answer(d->lookups[family]);
		if (found == NULL)
			continue;
		d->found[family] = *found;
		end_lookup(d, family);
		tcpmux_race_enter(&d->race, family, d->found[family].addresses,
		    d->found[family].n, now);
	}
}

/* How much does a failure tell about the host? */
static int
telling(int error)
{
	switch (error) {
	case 0:
		return 0;
	case EAFNOSUPPORT:
	case EADDRNOTAVAIL:
	case ENETUNREACH:
		return 1; /* of this machine only */
	case EHOSTUNREACH:
		return 2;
	case ECONNREFUSED:
		return 4; /* it is there */
	default:
		return 3;
	}
}

static void
fail(struct dial *d, const struct address *a, int error, int64_t now)
{
	if (telling(error) > telling(d->error)) {
		d->error = error;
		d->failed = *a;
	}
	tcpmux_race_fail(&d->race, now);
}

/*
 * The kernel may choose, for an attempt to connect to a port of this machine
 * where nobody listens, that very port, and connect the socket to itself.
 */
static bool
is_own_peer(int fd)
{
	struct address own, peer;

	memset(&own, 0, sizeof(own));
	memset(&peer, 0, sizeof(peer));
	own.len = peer.len = sizeof(own.u);
	if (getsockname(fd, &own.u.sa, &own.len) == -1 ||
	    getpeername(fd, &peer.u.sa, &peer.len) == -1)
		return false;
	return own.u.sa.sa_family != AF_UNIX && own.len == peer.len &&
	    memcmp(&own.u, &peer.u, own.len) == 0;
}

/* Returns 0 if fd is connected, EINPROGRESS, or why it is not. */
static int
attempt_result(int fd)
{
	struct pollfd watched = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&watched, 1, 0) != 1)
		return EINPROGRESS;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return errno;
	if (error == 0 && is_own_peer(fd))
		return ECONNREFUSED;
	return error;
}

/*
 * Begin to connect to a.  Returns the socket if it is connected already, or
 * -1: then it runs, or has failed.
 */
static int
attempt_begin(struct dial *d, const struct address *a, int64_t now)
{
	int error, fd;

	d->last = *a;
	fd = socket(a->u.sa.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		fail(d, a, errno, now);
		return -1;
	}
	if (connect(fd, &a->u.sa, a->len) == 0)
		return fd;
	error = errno;
	if (error == EINPROGRESS || error == EINTR) {
		if (watch(d, fd, EPOLLOUT) == 0) {
			d->attempts[d->nattempts].fd = fd;
			d->attempts[d->nattempts].address = a;
			d->nattempts++;
			return -1;
		}
		error = errno;
	}
	(void)close(fd); /* it has no data */
	if (error == EAGAIN && a->u.sa.sa_family == AF_UNIX)
		tcpmux_race_defer(&d->race, now + UNIX_RETRY_MS);
	else
		fail(d, a, error, now);
	return -1;
}

/* Returns the first attempt that has won, or -1; drops those that failed. */
static int
attempts_check(struct dial *d, int64_t now)
{
	struct dial_attempt attempt;
	size_t i = 0;
	int error;

	while (i < d->nattempts) {
		attempt = d->attempts[i];
		error = attempt_result(attempt.fd);
		if (error == EINPROGRESS) {
			i++;
			continue;
		}
		memmove(&d->attempts[i], &d->attempts[i + 1],
		    (--d->nattempts - i) * sizeof(attempt));
		if (unwatch(d, attempt.fd) == -1 && error == 0)
			error = errno;
		if (error == 0) {
			d->last = *attempt.address;
			return attempt.fd;
		}
		(void)close(attempt.fd); /* it has no data */
		fail(d, attempt.address, error, now);
	}
	return -1;
}

/* All is lost: say how. */
static int
give_up(const struct dial *d)
{
	if (d->error == 0)
		return TCPMUX_ERR_HOST; /* there was nothing to try */
	errno = d->error;
	switch (d->error) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return TCPMUX_ERR_SYSTEM;
	default:
		return TCPMUX_ERR_UNREACHABLE;
	}
}

int
tcpmux_dial_step(struct dial *d, int64_t now, int64_t *due)
{
	const struct address *a;
	int fd;

	*due = INT64_MAX;
	take_answers(d, now);
	fd = attempts_check(d, now);
	while (fd == -1 && d->nattempts < DIAL_ATTEMPTS &&
	    (a = tcpmux_race_next(&d->race, now, due)) != NULL)
		fd = attempt_begin(d, a, now);
	if (fd != -1)
		return fd;
	return tcpmux_race_is_lost(&d->race) ? give_up(d) : TCPMUX_ERR_AGAIN;
}

const char *
tcpmux_dial_reason(const struct dial *d)
{
	const struct lookup_found *found = &d->found[RACE_IPV4];
	const struct lookup_found *other = &d->found[RACE_IPV6];

	/* That one family has no address says less than anything else. */
	if (found->error == 0 || found->error == EAI_NONAME ||
	    found->error == EAI_NODATA || found->error == EAI_ADDRFAMILY)
		found = other->error != 0 ? other : found;
	if (found->error == EAI_SYSTEM)
		return strerrordesc_np(found->system);
	return gai_strerror(found->error == 0 ? EAI_NODATA : found->error);
}

void
tcpmux_dial_clear(struct dial *d)
{
	const int saved = errno;
	enum race_family family;
	size_t i;

	for (family = 0; family < RACE_FAMILIES; family++)
		end_lookup(d, family);
	for (i = 0; i < d->nattempts; i++) {
		(void)unwatch(d, d->attempts[i].fd); /* as in end_lookup() */
		(void)close(d->attempts[i].fd);      /* nothing was sent */
	}
	d->nattempts = 0;
	errno = saved;
}
