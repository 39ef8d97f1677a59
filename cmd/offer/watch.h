/*
 * What the kernel tells of a server that is wrapped: whether it goes ways that
 * a preloaded library does not see.
 */

#ifndef CMD_OFFER_WATCH_H
#define CMD_OFFER_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Does the process, or any that descends from it, hold a TCP socket that
 * listens at port, or, if port is 0, at any?  Returns its port, or 0.
 */
uint16_t watch_listening(pid_t process, uint16_t port);

/* Does any of them use io_uring? */
bool watch_io_uring(pid_t process);

/* Send a signal to every child of process. */
void watch_signal_children(pid_t process, int number);

#endif
