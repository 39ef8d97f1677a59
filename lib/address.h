/*
 * An address that can be connected to.
 */

#ifndef LIB_ADDRESS_H
#define LIB_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tcpmux.h"

/* What stands for a Unix socket where the name of a host could be. */
#define ADDRESS_UNIX "unix:"

/* Room for an address as text, with its NUL. */
#define ADDRESS_TEXT_SIZE 160

struct address {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
};

/* Set *a to the Unix socket at path.  Returns 0, or -1: no such path. */
int tcpmux_address_set_unix(struct address *a, const char *path);

/*
 * Split HOST:PORT or [ADDRESS]:PORT, such that nobody can be sent to a Unix
 * socket.  Returns false if it is neither; else *host borrows from text.
 */
bool tcpmux_address_split(struct tcpmux_span text, struct tcpmux_span *host,
    uint16_t *port);

/* Write a as ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH. */
void tcpmux_address_print(const struct address *a,
    char text[static ADDRESS_TEXT_SIZE]);

#endif
