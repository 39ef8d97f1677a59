/*
 * Addresses as people write them, and sockets that listen on them.
 */

#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include <netinet/in.h>
#include <sys/socket.h>

/* An address and port, of IPv4 or IPv6. */
struct address {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
};

/* The longest text of an address: [IPv6%interface]:port, and a NUL. */
#define ADDRESS_TEXT_MAX 72

/*
 * Set a[] from ADDRESS:PORT: a numeric IPv4 address, an IPv6 address in
 * brackets, or * for all addresses of both; the port is a number.  Returns
 * how many addresses that is, 1 or 2, or -1 if the text is no such thing.
 */
int address_parse(const char *text, struct address a[static 2]);

/* Write a as ADDRESS:PORT. */
void address_format(const struct address *a,
    char text[static ADDRESS_TEXT_MAX]);

/* The port, in host byte order; and the same address with another. */
in_port_t address_port(const struct address *a);
void address_set_port(struct address *a, in_port_t port);

/*
 * Listen on *a, which is replaced by the address that the socket really
 * has: port 0 lets the kernel choose.  An IPv6 socket takes no IPv4.
 * Returns a non-blocking, close-on-exec descriptor, or -1 with errno.
 */
int socket_listen(struct address *a);

#endif
