/*
 * Saying something to the operator: on standard error, or through a socket to
 * whoever writes the log.
 */

#ifndef OS_LOG_H
#define OS_LOG_H

#include <stddef.h>

/* A message to the log begins with it; whole lines follow. */
#define LOG_MARK 'T'

/*
 * From now on send what is said as messages over this socket of
 * message_pair(), which stays the caller's; -1 is standard error again.
 */
void log_use(int socket);

/* What has been said, for somebody who has asked for it; not terminated. */
struct log_copy {
	char text[16384];
	size_t len;
};

/*
 * From now on put each line that is said there as well, while there is room;
 * NULL: no more.
 */
void log_copy_to(struct log_copy *copy);

/*
 * Say one line, that begins with tcpmuxd's name, unless there is no room for
 * it: nobody waits to be read.  fmt is printf's, without a newline; no byte
 * that a stranger sent may get here unescaped.
 */
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, and exit with status.  For start-up only: no peer ends us. */
void log_fatal(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

#endif
