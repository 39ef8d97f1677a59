/*
 * The channel in the server.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/wrap/channel.h"
#include "cmd/wrap/real.h"
#include "tcpmux.h"

/* As many listening sockets are remembered; one port has seldom two. */
#define PLACES 64

#define MAPPED_BYTES 12

/*
 * The abstract name that the channel is bound to.  The random bytes keep
 * others from taking the name first; nobody can connect to it.
 */
struct claim {
	char word[12]; /* behind a NUL */
	uint8_t random[8];
	union wrap_address address;
};

static const char claim_word[12] = "tcpmux-wrap";

/* An option that an accepted socket inherits from the listening one. */
struct inherited {
	int level;
	int option;
	int value;
};

/* A listening socket whose place the channel has taken, in this process. */
static struct place {
	int fd;
	union wrap_address address;
} places[PLACES];
static unsigned int next_place;

/* Those behind SO_KEEPALIVE are of no use without it. */
static struct inherited inherited[] = {
	{ IPPROTO_TCP, TCP_NODELAY, 0 },
	{ SOL_SOCKET, SO_OOBINLINE, 0 },
	{ SOL_SOCKET, SO_KEEPALIVE, 0 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 0 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 0 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 0 },
};
static size_t ninherited;

static int channel = -1;
static uint64_t channel_cookie;
static uint16_t wanted_port;

static uint64_t
cookie_of(int fd)
{
	socklen_t length = sizeof(uint64_t);
	const int saved = errno;
	uint64_t cookie;

	if (real()->getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) ==
	    -1) {
		errno = saved;
		return 0;
	}
	return cookie;
}

/*
 * Before main().  The descriptor may be gone, where a program has started
 * another one that is none of ours; accept() works there all the same, should
 * it be passed the channel.
 */
__attribute__((constructor)) static void
channel_find(void)
{
	const char *text = getenv(WRAP_VARIABLE);
	char *end;
	long fd;

	if (text == NULL)
		return;
	fd = strtol(text, &end, 10);
	if (*end != ':')
		return;
	channel_cookie = strtoull(end + 1, &end, 10);
	if (*end != ':')
		return;
	wanted_port = (uint16_t)strtoul(end + 1, NULL, 10);
	if (channel_cookie != 0 && cookie_of((int)fd) == channel_cookie)
		channel = (int)fd;
}

int
channel_descriptor(void)
{
	return channel;
}

bool
channel_is(int fd)
{
	return channel_cookie != 0 && cookie_of(fd) == channel_cookie;
}

static uint16_t
port_of(const union wrap_address *address)
{
	return ntohs(address->sa.sa_family == AF_INET ? address->in.sin_port :
							address->in6.sin6_port);
}

/* Returns 0 and the address that was chosen, or -1 if there is none yet. */
static int
claim_read(int fd, union wrap_address *address)
{
	struct sockaddr_un un;
	socklen_t length = sizeof(un);
	struct claim claim;

	if (real()->getsockname(fd, (struct sockaddr *)&un, &length) == -1 ||
	    length !=
		offsetof(struct sockaddr_un, sun_path) + 1 + sizeof(claim))
		return -1;
	memcpy(&claim, un.sun_path + 1, sizeof(claim));
	if (memcmp(claim.word, claim_word, sizeof(claim_word)) != 0)
		return -1;
	*address = claim.address;
	return 0;
}

/* Only one of all processes succeeds, and only once: the kernel sees to it. */
static int
claim_write(const union wrap_address *address)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct claim claim = { .address = *address };

	memcpy(claim.word, claim_word, sizeof(claim_word));
	if (getrandom(claim.random, sizeof(claim.random), 0) !=
	    (ssize_t)sizeof(claim.random))
		return -1;
	memcpy(un.sun_path + 1, &claim, sizeof(claim));
	return bind(channel, (struct sockaddr *)&un,
	    offsetof(struct sockaddr_un, sun_path) + 1 + sizeof(claim));
}

bool
channel_claim(const union wrap_address *address)
{
	const struct wrap_notice notice = { (uint32_t)getpid(),
		port_of(address) };
	union wrap_address chosen;

	/* A server may have closed it, and its number may be another's. */
	if (channel == -1 || !channel_is(channel) ||
	    (wanted_port != 0 && port_of(address) != wanted_port))
		return false;
	if (claim_write(address) == 0) {
		/* If the parent is gone, nobody needs to know. */
		(void)send(channel, &notice, sizeof(notice),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		return true;
	}
	return claim_read(channel, &chosen) == 0 &&
	    port_of(&chosen) == port_of(address);
}

/* What accepted sockets would inherit from fd. */
static void
inherited_read(int fd)
{
	const size_t n = sizeof(inherited) / sizeof(inherited[0]);
	struct inherited *it;
	socklen_t length;

	for (ninherited = 0; ninherited < n; ninherited++) {
		it = &inherited[ninherited];
		length = sizeof(it->value);
		if (real()->getsockopt(fd, it->level, it->option, &it->value,
			&length) == -1)
			it->value = 0;
		if (it->level == SOL_SOCKET && it->option == SO_KEEPALIVE &&
		    it->value == 0)
			break;
	}
}

static void
inherited_write(int fd)
{
	const struct inherited *it;

	/* The best that can be done; the connection works without. */
	for (it = inherited; it < inherited + ninherited; it++)
		if (it->value != 0)
			(void)real()->setsockopt(fd, it->level, it->option,
			    &it->value, sizeof(it->value));
}

static struct place *
place_of(int fd)
{
	unsigned int i;

	for (i = 0; i < next_place && i < PLACES; i++)
		if (places[i].fd == fd)
			return &places[i];
	return NULL;
}

int
channel_replace(int fd, const union wrap_address *address)
{
	const int flags = fcntl(fd, F_GETFL);
	const int fd_flags = fcntl(fd, F_GETFD);
	struct place *place;

	if (flags == -1 || fd_flags == -1)
		return -1;
	inherited_read(fd);
	if (dup3(channel, fd, (fd_flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) ==
		-1 ||
	    fcntl(fd, F_SETFL, flags & (O_NONBLOCK | O_RDWR)) == -1)
		return -1;
	/* From now on programs that this one starts do not get it. */
	(void)fcntl(channel, F_SETFD, FD_CLOEXEC); /* it is open */
	place = place_of(fd);
	if (place == NULL)
		place = &places[next_place++ % PLACES];
	place->fd = fd;
	place->address = *address;
	return 0;
}

bool
channel_was(int fd)
{
	return place_of(fd) != NULL;
}

void
channel_forget(int fd)
{
	struct place *place = place_of(fd);

	if (place != NULL)
		place->fd = -1;
}

void
channel_address(int fd, union wrap_address *address)
{
	const struct place *place = place_of(fd);

	if (place != NULL)
		*address = place->address;
	else if (claim_read(fd, address) == -1)
		*address = (union wrap_address){ .sa.sa_family = AF_INET };
}

socklen_t
wrap_address_length(const union wrap_address *address)
{
	return address->sa.sa_family == AF_INET ? sizeof(address->in) :
						  sizeof(address->in6);
}

void
wrap_address_store(const union wrap_address *address, struct sockaddr *to,
    socklen_t *length)
{
	const socklen_t whole = wrap_address_length(address);

	if (to != NULL)
		memcpy(to, address, *length < whole ? *length : whole);
	*length = whole;
}

/*
 * The client's address.  That of IPv4 is one of IPv4 at whatever socket, as
 * the sockets of both families share what comes.
 */
static void
peer_address(const struct tcpmux_endpoint *peer, union wrap_address *address)
{
	static const uint8_t mapped[MAPPED_BYTES] = { 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0xff, 0xff };

	memset(address, 0, sizeof(*address));
	if (memcmp(peer->address, mapped, sizeof(mapped)) == 0) {
		address->in.sin_family = AF_INET;
		address->in.sin_port = htons(peer->port);
		memcpy(&address->in.sin_addr, peer->address + MAPPED_BYTES,
		    sizeof(address->in.sin_addr));
		return;
	}
	address->in6.sin6_family = AF_INET6;
	address->in6.sin6_port = htons(peer->port);
	address->in6.sin6_scope_id = peer->scope;
	memcpy(&address->in6.sin6_addr, peer->address,
	    sizeof(address->in6.sin6_addr));
}

/*
 * Is there a descriptor left?  The kernel would drop the connection if there
 * were none, while accept() leaves it in the queue.
 */
static int
check_room(int fd)
{
	const int spare = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return spare == -1 ? -1 : real()->close(spare);
}

/*
 * Take the next message.  Returns a connection, or -1 with errno; 0 is no
 * connection, and that of no message is EBADMSG.
 */
static int
receive(int fd, struct tcpmux_handover *header, int flags)
{
	char name[TCPMUX_NAME_MAX];
	struct iovec iov[2] = { { header, sizeof(*header) },
		{ name, sizeof(name) } };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} room = { .bytes = { 0 } };
	struct msghdr msg = { .msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &room,
		.msg_controllen = CMSG_LEN(sizeof(int)) };
	ssize_t n;
	int conn;

	n = recvmsg(fd, &msg,
	    (flags & SOCK_CLOEXEC) != 0 ? MSG_CMSG_CLOEXEC : 0);
	if (n == -1 && errno != ECONNRESET)
		return -1;
	if (n <= 0) {
		errno = EINVAL; /* as if the socket had been shut down */
		return -1;
	}
	if (msg.msg_controllen < CMSG_LEN(sizeof(int)) ||
	    room.head.cmsg_type != SCM_RIGHTS) {
		errno = EBADMSG;
		return -1;
	}
	memcpy(&conn, CMSG_DATA(&room.head), sizeof(conn));
	if ((size_t)n < sizeof(*header) ||
	    header->version != TCPMUX_HANDOVER_VERSION) {
		(void)real()->close(conn); /* of a message that is none */
		errno = EBADMSG;
		return -1;
	}
	return conn;
}

/* Say + as the last thing before the program has the connection (rule 16). */
static int
answer(int conn, int flags)
{
	static const char ok[] = "+OK FINE\r\n";
	const ssize_t length = sizeof(ok) - 1;

	if (send(conn, ok, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    length)
		return -1;
	inherited_write(conn);
	if (flags & SOCK_NONBLOCK)
		return fcntl(conn, F_SETFL, O_RDWR | O_NONBLOCK);
	return 0;
}

/*
 * Say who the client is.  A server of IPv4 alone has room for no more than
 * that; half of an address of IPv6 would be some other client's.
 */
static void
tell_peer(const struct tcpmux_endpoint *peer, struct sockaddr *to,
    socklen_t *length)
{
	union wrap_address address;

	peer_address(peer, &address);
	if (*length < wrap_address_length(&address)) {
		memset(&address, 0, sizeof(address));
		address.in.sin_family = AF_INET;
		address.in.sin_port = htons(peer->port);
	}
	wrap_address_store(&address, to, length);
}

int
channel_accept(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	struct tcpmux_handover header;
	int conn;

	for (;;) {
		if (check_room(fd) == -1)
			return -1;
		conn = receive(fd, &header, flags);
		if (conn == -1 && errno == EBADMSG)
			continue;
		if (conn == -1)
			return -1;
		if (answer(conn, flags) == 0)
			break;
		(void)real()->close(conn); /* its client has gone already */
	}
	if (length == NULL)
		return conn;
	if (header.peer.known)
		tell_peer(&header.peer, address, length);
	else
		/* Whatever it is; a connection has one. */
		(void)real()->getpeername(conn, address, length);
	return conn;
}
