/*
 * Telling the service manager what becomes of us: the datagrams of
 * sd_notify(3), without its library.
 */

#ifndef OS_NOTIFY_H
#define OS_NOTIFY_H

#include <stdint.h>

/* The longest text that is told at once, with its NUL. */
#define NOTIFY_TEXT_MAX 1024

/*
 * Read NOTIFY_SOCKET and remove it from the environment.  Returns a connected
 * socket, close-on-exec; or -1 with errno: ENODATA if nobody wants to be told,
 * EINVAL if it is neither an absolute path nor an abstract address, or of
 * socket(2) or connect(2).
 */
int notify_open(void);

/*
 * Read WATCHDOG_USEC and WATCHDOG_PID and remove them.  Returns in how many
 * milliseconds the manager wants a sign of life from this process, or 0 if it
 * does not wait for any.
 */
int64_t notify_watchdog(void);

/*
 * Send text, lines of VARIABLE=VALUE, and a copy of the descriptor passed
 * unless it is -1.  Never waits.  Returns 0, also if socket is -1; or -1 with
 * errno: EAGAIN if there is no room.
 */
int notify_send(int socket, const char *text, int passed);

#endif
