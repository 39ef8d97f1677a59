/*
 * Inherited: the sockets that the service manager has opened for us, by name
 * and by address, and those of offers that it has kept.  They are its own, too,
 * so we never end them.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/monitor/inherited.h"
#include "daemon/monitor/store.h"
#include "os/log.h"

/* Returns the value of a socket's option that is a number, or -1. */
static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, level, name, &value, &len) == -1)
		return -1;
	return value;
}

/* What keeps fd from being a control socket; or NULL. */
static const char *
control_fault(int fd)
{
	if (option(fd, SOL_SOCKET, SO_DOMAIN) != AF_UNIX ||
	    option(fd, SOL_SOCKET, SO_TYPE) != SOCK_SEQPACKET)
		return "no Unix socket of ListenSequentialPacket=";
	if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return "it does not listen";
	return NULL;
}

/* The same of a socket for clients. */
static const char *
listener_fault(int fd)
{
	const int family = option(fd, SOL_SOCKET, SO_DOMAIN);
	const int protocol = option(fd, SOL_SOCKET, SO_PROTOCOL);

	if (family != AF_INET && family != AF_INET6)
		return "no TCP socket";
	if (option(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP))
		return "no TCP socket";
	if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return "it does not listen; Accept=yes is for in.tcpmuxd(8)";
	return NULL;
}

/* Where it listens.  Returns 0, or -1. */
static int
read_address(struct inherited_socket *s)
{
	struct address *a = &s->address;

	a->len = sizeof(a->u);
	if (getsockname(s->fd, &a->u.sa, &a->len) == -1)
		return -1;
	s->takes_both = a->u.sa.sa_family == AF_INET6 &&
	    option(s->fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
	address_format(a, s->text);
	return 0;
}

/* An offer that was kept.  Returns what is wrong with it, or NULL. */
static const char *
take_offer(struct inherited *in, struct inherited_socket *s)
{
	struct kept *kept = &in->kept[in->nkept];
	const char *fault;

	if (store_parse_name(s->name, &kept->k) == -1)
		return "no offer of this daemon";
	fault = store_fault(&kept->k, s->fd);
	if (fault != NULL)
		return fault;
	kept->fd = s->fd;
	s->kind = INHERITED_OFFER;
	in->nkept++;
	return NULL;
}

/* Find out what it is.  Returns what is wrong with it, or NULL. */
static const char *
classify(struct inherited *in, struct inherited_socket *s)
{
	const bool is_control = strcmp(s->name, INHERITED_CONTROL_NAME) == 0;
	const char *fault;

	if (store_is_name(s->name))
		return take_offer(in, s);
	fault = is_control ? control_fault(s->fd) : listener_fault(s->fd);
	if (fault != NULL)
		return fault;
	if (is_control && inherited_control(in) != -1)
		return "there is another of this name";
	/* Fronts share it, and so none may ever wait in accept(). */
	if (fcntl(s->fd, F_SETFL, O_RDWR | O_NONBLOCK) == -1 ||
	    (!is_control && read_address(s) == -1))
		return strerror(errno);
	s->kind = is_control ? INHERITED_CONTROL : INHERITED_LISTENER;
	return NULL;
}

int
inherited_read(struct inherited *in)
{
	struct inherited_socket *s;
	const char *fault;
	size_t i;

	*in = (struct inherited){ .v = NULL };
	if (activation_read(&in->from) == -1)
		goto fail;
	in->v = calloc(in->from.n + 1, sizeof(*in->v));
	in->kept = calloc(in->from.n + 1, sizeof(*in->kept));
	if (in->v == NULL || in->kept == NULL)
		goto fail;
	for (i = 0; i < in->from.n; i++) {
		s = &in->v[in->n++];
		s->fd = in->from.v[i].fd;
		s->name = in->from.v[i].name;
		fault = classify(in, s);
		if (fault == NULL)
			continue;
		log_say("the service manager's socket %s is of no use: %s",
		    s->name, fault);
		(void)close(s->fd); /* it is not ours to end */
		s->fd = -1;
	}
	return 0;
fail:
	log_say("what the service manager has left: LISTEN_FDS: %s",
	    strerror(errno));
	activation_clear(&in->from);
	free(in->v);
	free(in->kept);
	return -1;
}

static bool
is_equal(const struct address *a, const struct address *b)
{
	if (a->u.sa.sa_family != b->u.sa.sa_family ||
	    address_port(a) != address_port(b))
		return false;
	if (a->u.sa.sa_family == AF_INET)
		return a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr) &&
	    a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id;
}

/* Does s, which is at [::], take what is meant for a, which is 0.0.0.0? */
static bool
is_covered(const struct inherited_socket *s, const struct address *a)
{
	return s->takes_both &&
	    IN6_IS_ADDR_UNSPECIFIED(&s->address.u.in6.sin6_addr) &&
	    a->u.sa.sa_family == AF_INET &&
	    a->u.in.sin_addr.s_addr == htonl(INADDR_ANY) &&
	    address_port(&s->address) == address_port(a);
}

const struct inherited_socket *
inherited_at(const struct inherited *in, const struct address *a)
{
	const struct inherited_socket *covering = NULL, *s;
	size_t i;

	for (i = 0; i < in->n; i++) {
		s = &in->v[i];
		if (s->kind != INHERITED_LISTENER)
			continue;
		if (is_equal(&s->address, a))
			return s;
		if (is_covered(s, a))
			covering = s;
	}
	return covering;
}

const struct inherited_socket *
inherited_named(const struct inherited *in, const char *name, size_t *step)
{
	const struct inherited_socket *s;

	while (*step < in->n) {
		s = &in->v[(*step)++];
		if (s->kind == INHERITED_LISTENER && strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

int
inherited_control(const struct inherited *in)
{
	size_t i;

	for (i = 0; i < in->n; i++)
		if (in->v[i].kind == INHERITED_CONTROL)
			return in->v[i].fd;
	return -1;
}

void
inherited_close_kept(struct inherited *in)
{
	size_t i;

	for (i = 0; i < in->n; i++) {
		if (in->v[i].kind != INHERITED_OFFER)
			continue;
		(void)close(in->v[i].fd); /* it is not ours to end */
		in->v[i].kind = INHERITED_NOTHING;
		in->v[i].fd = -1;
	}
	in->nkept = 0;
}
