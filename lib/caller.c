/*
 * Who has connected: from the message of a hand-over to socket addresses.
 */

#include <netinet/in.h>
#include <string.h>

#include "lib/caller.h"

/* Write an address of IPv6 or, if it is a mapped one, the IPv4 in it. */
static void
write_address(struct sockaddr_storage *to, const struct sockaddr_in6 *from)
{
	struct sockaddr_in in;

	memset(to, 0, sizeof(*to));
	if (!IN6_IS_ADDR_V4MAPPED(&from->sin6_addr)) {
		memcpy(to, from, sizeof(*from));
		return;
	}
	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_port = from->sin6_port;
	memcpy(&in.sin_addr, from->sin6_addr.s6_addr + 12, 4);
	memcpy(to, &in, sizeof(in));
}

static void
write_endpoint(struct sockaddr_storage *to, const struct tcpmux_endpoint *from)
{
	struct sockaddr_in6 in6;

	memset(&in6, 0, sizeof(in6));
	in6.sin6_family = AF_INET6;
	in6.sin6_port = htons(from->port);
	in6.sin6_scope_id = from->scope;
	memcpy(&in6.sin6_addr, from->address, sizeof(from->address));
	write_address(to, &in6);
}

/* What getsockname() or getpeername() has said. */
union name {
	struct sockaddr any;
	struct sockaddr_in6 in6;
	struct sockaddr_storage all;
};

static void
write_name(struct sockaddr_storage *to, const union name *from)
{
	if (from->any.sa_family == AF_INET6)
		write_address(to, &from->in6);
	else
		*to = from->all;
}

/* Who is at each end, as the message or else the socket itself says. */
static void
write_ends(struct tcpmux_caller *c, const struct tcpmux_handover *h, int fd)
{
	union name name;
	socklen_t len = sizeof(name);

	memset(&name, 0, sizeof(name));
	if (h->peer.known)
		write_endpoint(&c->peer, &h->peer);
	else if (getpeername(fd, &name.any, &len) == 0)
		write_name(&c->peer, &name);
	memset(&name, 0, sizeof(name));
	len = sizeof(name);
	if (h->local.known)
		write_endpoint(&c->local, &h->local);
	else if (getsockname(fd, &name.any, &len) == 0)
		write_name(&c->local, &name);
}

void
tcpmux_caller_fill(struct tcpmux_caller *caller,
    const struct channel_message *m, int fd)
{
	const struct tcpmux_handover *h = &m->is.head;
	const size_t size = caller->size;
	struct tcpmux_caller c;

	memset(&c, 0, sizeof(c));
	c.size = size;
	c.since = h->accepted;
	c.listener = h->listener;
	c.proxied = h->proxied;
	c.early = h->early;
	write_ends(&c, h, fd);
	memcpy(c.name, m->name.p, m->name.len);
	/* A program may know fewer members than we do, or more. */
	memcpy(caller, &c, size < sizeof(c) ? size : sizeof(c));
}
