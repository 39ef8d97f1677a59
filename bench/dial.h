/*
 * Connections to a server on this machine, from many addresses.
 *
 * Each takes the next of 10,160 source addresses, 127.0.1.1 to 127.0.40.254,
 * so that no run ends for want of ports while old connections linger in
 * TIME_WAIT.
 */

#ifndef BENCH_DIAL_H
#define BENCH_DIAL_H

#include <netinet/in.h>

/*
 * Begin to connect to 127.0.0.1.  Returns a descriptor that does not block;
 * what fails is this machine's fault, and ends the program.
 */
int dial(in_port_t port);

#endif
