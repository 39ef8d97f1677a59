/*
 * Reaching a back end, with fail-over.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/relay/dial.h"
#include "os/stream.h"

/* Ports below are not given to clients by any kernel. */
#define PORT_UNPRIVILEGED 1024

struct target {
	socklen_t len; /* 0: there is none */
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
};

static void
target_of_path(const char *path, struct target *t)
{
	const size_t len = strlen(path);

	if (len >= sizeof(t->u.un.sun_path))
		return;
	t->u.un.sun_family = AF_UNIX;
	memcpy(t->u.un.sun_path, path, len + 1);
	t->len = sizeof(t->u.un);
}

static void
target_of_address(const uint8_t address[static ADDRESS_BYTES], uint16_t port,
    struct target *t)
{
	if (address_is_mapped(address)) {
		t->u.in.sin_family = AF_INET;
		t->u.in.sin_port = htons(port);
		memcpy(&t->u.in.sin_addr, address + MAPPED_BYTES,
		    sizeof(t->u.in.sin_addr));
		t->len = sizeof(t->u.in);
	} else {
		t->u.in6.sin6_family = AF_INET6;
		t->u.in6.sin6_port = htons(port);
		memcpy(&t->u.in6.sin6_addr, address, ADDRESS_BYTES);
		t->len = sizeof(t->u.in6);
	}
}

/* Where d is now; its length is 0 if this back end has no such address. */
static struct target
target_of(const struct dial *d, const struct backend *b,
    const struct resolved *resolved)
{
	uint8_t found[RESOLVED_MAX][ADDRESS_BYTES];
	struct target t = { .len = 0 };

	if (b->kind == BACKEND_NAME) {
		if (d->address < resolved_get(resolved, b->name, found))
			target_of_address(found[d->address], b->port, &t);
	} else if (d->address == 0) {
		if (b->kind == BACKEND_UNIX)
			target_of_path(b->host, &t);
		else
			target_of_address(b->address, b->port, &t);
	}
	return t;
}

/*
 * The kernel may have chosen as our own port the very one that nobody listens
 * on, and has connected the socket to itself.
 */
static bool
is_self(int fd, const struct target *t)
{
	struct target own = { .len = sizeof(own.u) };

	if (t->u.sa.sa_family == AF_UNIX ||
	    ntohs(t->u.in.sin_port) < PORT_UNPRIVILEGED)
		return false;
	if (getsockname(fd, &own.u.sa, &own.len) == -1)
		return true;
	if (t->u.sa.sa_family == AF_INET)
		return own.u.in.sin_port == t->u.in.sin_port &&
		    own.u.in.sin_addr.s_addr == t->u.in.sin_addr.s_addr;
	return own.u.in6.sin6_port == t->u.in6.sin6_port &&
	    memcmp(&own.u.in6.sin6_addr, &t->u.in6.sin6_addr,
		sizeof(own.u.in6.sin6_addr)) == 0;
}

static enum dial_state
connect_once(int fd, const struct target *t)
{
	if (connect(fd, &t->u.sa, t->len) == 0)
		return is_self(fd, t) ? DIAL_FAILED : DIAL_DONE;
	if (errno == EINPROGRESS || errno == EALREADY)
		return DIAL_WAIT;
	if (errno == EAGAIN && t->u.sa.sa_family == AF_UNIX)
		return DIAL_AGAIN;
	return DIAL_FAILED;
}

/* Leave the address that was tried. */
static void
hang_up(struct dial *d)
{
	if (d->fd != -1)
		(void)close(d->fd); /* it has carried nothing */
	d->fd = -1;
}

/* Go on with this target, or begin with it. */
static enum dial_state
try_target(struct dial *d, const struct target *t)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	const bool begun = d->fd != -1;
	enum dial_state state;

	if (!begun)
		d->fd = socket(t->u.sa.sa_family, SOCK_STREAM | flags, 0);
	if (d->fd == -1)
		return DIAL_FAILED;
	/* What is sent at once can acknowledge the answer as well. */
	if (!begun && d->speaks && t->u.sa.sa_family != AF_UNIX)
		(void)stream_set_late_ack(d->fd); /* it is only faster */
	state = connect_once(d->fd, t);
	/* On this host the answer is there before the call returns. */
	if (state == DIAL_WAIT && !begun)
		state = connect_once(d->fd, t);
	return state;
}

enum dial_state
dial_step(struct dial *d, const struct relay_rule *rule,
    const struct resolved *resolved)
{
	enum dial_state state;
	struct target t;

	while (d->backend < rule->nbackends) {
		t = target_of(d, &rule->backends[d->backend], resolved);
		if (t.len != 0) {
			state = try_target(d, &t);
			if (state != DIAL_FAILED)
				return state;
			d->address++;
		} else {
			d->address = 0;
			d->backend++;
		}
		hang_up(d);
	}
	return DIAL_FAILED;
}

enum dial_state
dial_next(struct dial *d, const struct relay_rule *rule,
    const struct resolved *resolved)
{
	hang_up(d);
	d->address++;
	return dial_step(d, rule, resolved);
}
