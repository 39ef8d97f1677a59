/*
 * A multiplexer in a test's own hands: no thread, both ends step by step.
 * Whatever fails, fails the test.
 */

#ifndef TESTS_UNIT_MUX_H
#define TESTS_UNIT_MUX_H

#include <stddef.h>
#include <stdint.h>

#include "tcpmux.h"

/*
 * Listen on a port, 0 for any, of a family's loopback.  Returns a descriptor,
 * or -1 if the port is taken.
 */
int mux_listen(int family, uint16_t *port, int backlog);

/* Listen on the same port of IPv6, fds[0], and of IPv4. */
void mux_listen_on_both(int fds[static 2], uint16_t *port, int backlog6);

/* Begin a call for the service "echo". */
struct tcpmux_call *mux_call(const char *host, uint16_t port,
    unsigned int flags, int timeout_ms);

/* Step until somebody connects.  Returns the connection. */
int mux_accept(struct tcpmux_call *call, int listener);

/* Step until all of p has come to fd. */
void mux_hear(struct tcpmux_call *call, int fd, const char *p, size_t len);

void mux_say(int fd, const char *p, size_t len);

/*
 * Serve a call at a listener to its end, look at the socket and address that
 * it has then, and free it.
 */
void mux_serve(struct tcpmux_call *call, int listener, const char *address);

/* host:port, until the next one. */
const char *mux_address(const char *host, uint16_t port);

#endif
