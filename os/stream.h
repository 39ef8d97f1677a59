/*
 * What a connected stream socket is told about its connection.
 *
 * All but the last return 0, or -1 with errno.
 */

#ifndef OS_STREAM_H
#define OS_STREAM_H

#include <stdbool.h>
#include <stdint.h>

/* Send each piece at once, without waiting for the peer (TCP only). */
int stream_set_nodelay(int fd);

/* Acknowledge with the next bytes that are sent, if they come soon (TCP). */
int stream_set_late_ack(int fd);

/* Calls that would have to wait return EAGAIN. */
int stream_set_nonblocking(int fd);

/*
 * Let close(), and the end of the process, whatever its cause, tell the peer
 * that the stream was cut: TCP sends RST.  With on false close() is the
 * proper end again, behind all that was written.
 */
int stream_set_abort(int fd, bool on);

/*
 * Look whether the peer is still there when it has been silent for ms, and
 * give it up if it does not answer for as long again (TCP only).
 */
int stream_set_keepalive(int fd, uint32_t ms);

/* The error that is pending, an errno, or 0; it is pending no more. */
int stream_error(int fd);

#endif
