/*
 * Signals as something to read: they are blocked, and nothing is ever
 * interrupted.
 */

#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include <stddef.h>

/*
 * Block these n signals, in this process and all that it will start, and open
 * a descriptor that is readable while one of them waits: non-blocking,
 * close-on-exec, and the caller's to close.  Returns it, or -1 with errno.
 */
int signals_open(const int signals[], size_t n);

/* The next signal that waits at such a descriptor, or 0. */
int signals_take(int fd);

#endif
