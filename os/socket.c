/*
 * Addresses as people write them, and sockets that listen on them.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/number.h"
#include "os/socket.h"

/* The longest numeric address with its scope, and a NUL. */
#define HOST_MAX (ADDRESS_TEXT_MAX - 8)

/*
 * Split ADDRESS:PORT at its last colon, into a host without brackets and a
 * port.  Returns 0, or -1.
 */
static int
split(const char *text, char host[static HOST_MAX], int *port)
{
	const char *colon = strrchr(text, ':');
	const char *end = colon;

	if (colon == NULL || number_parse(colon + 1, 65535, port) == -1)
		return -1;
	if (*text == '[') {
		if (end - text < 2 || end[-1] != ']')
			return -1;
		text++;
		end--;
	} else if (memchr(text, ':', (size_t)(end - text)) != NULL)
		return -1; /* an IPv6 address wants brackets */
	if (end == text || end - text >= HOST_MAX)
		return -1;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	return 0;
}

int
address_parse(const char *text, struct address a[static 2])
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST,
		.ai_family = *text == '[' ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	char host[HOST_MAX];
	int port;

	memset(a, 0, 2 * sizeof(*a));
	if (split(text, host, &port) == -1)
		return -1;
	if (*text == '*' && strcmp(host, "*") == 0) {
		a[0].len = sizeof(a[0].u.in);
		a[0].u.in.sin_family = AF_INET;
		a[0].u.in.sin_port = htons((in_port_t)port);
		a[1].len = sizeof(a[1].u.in6);
		a[1].u.in6.sin6_family = AF_INET6;
		a[1].u.in6.sin6_port = htons((in_port_t)port);
		return 2;
	}
	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return -1;
	memcpy(&a[0].u, found->ai_addr, found->ai_addrlen);
	a[0].len = found->ai_addrlen;
	address_set_port(&a[0], (in_port_t)port);
	freeaddrinfo(found);
	return 1;
}

void
address_format(const struct address *a, char text[static ADDRESS_TEXT_MAX])
{
	char host[HOST_MAX];

	if (getnameinfo(&a->u.sa, a->len, host, sizeof(host), NULL, 0,
		NI_NUMERICHOST) != 0)
		(void)snprintf(host, sizeof(host), "?");
	/* Both fit: HOST_MAX leaves room for brackets, colon and port. */
	(void)snprintf(text, ADDRESS_TEXT_MAX,
	    a->u.sa.sa_family == AF_INET6 ? "[%s]:%d" : "%s:%d", host,
	    (int)address_port(a));
}

in_port_t
address_port(const struct address *a)
{
	return ntohs(a->u.sa.sa_family == AF_INET6 ? a->u.in6.sin6_port :
						     a->u.in.sin_port);
}

void
address_set_port(struct address *a, in_port_t port)
{
	if (a->u.sa.sa_family == AF_INET6)
		a->u.in6.sin6_port = htons(port);
	else
		a->u.in.sin_port = htons(port);
}

int
socket_listen(struct address *a)
{
	const int on = 1;
	int fd, saved;

	fd = socket(a->u.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (a->u.sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1)
		goto fail;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, &a->u.sa, a->len) == -1 || listen(fd, SOMAXCONN) == -1 ||
	    getsockname(fd, &a->u.sa, &a->len) == -1)
		goto fail;
	return fd;
fail:
	saved = errno;
	(void)close(fd); /* it has taken nothing yet */
	errno = saved;
	return -1;
}
