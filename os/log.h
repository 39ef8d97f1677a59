/*
 * Saying something to the operator: on standard error, or through a socket to
 * whoever writes the log.
 */

#ifndef OS_LOG_H
#define OS_LOG_H

/* A message to the log begins with it; whole lines follow. */
#define LOG_MARK 'T'

/*
 * From now on send what is said as messages over this socket of
 * message_pair(), which stays the caller's; -1 is standard error again.
 */
void log_use(int socket);

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
