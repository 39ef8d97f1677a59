/*
 * Descriptors: letting go of them, as most are held by other processes, too;
 * and a stream for one.
 */

#ifndef OS_DESCRIPTOR_H
#define OS_DESCRIPTOR_H

#include <stddef.h>
#include <stdio.h>

/*
 * Close every descriptor behind standard error but the n in keep, which is
 * sorted on the way; those that are -1 do not count.  Returns 0, or -1 with
 * errno.
 */
int descriptor_keep(int keep[], size_t n);

/* Close *fd, which has no data to lose, unless it is -1; then it is -1. */
void descriptor_close(int *fd);

/* A stream that writes to fd, which stays the caller's; or NULL with errno. */
FILE *descriptor_stream(int fd);

#endif
