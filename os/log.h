/*
 * Saying something to the operator, on standard error.
 */

#ifndef OS_LOG_H
#define OS_LOG_H

/*
 * Print one line, unless standard error has no room for it, that begins with tcpmuxd's name.  fmt is printf's,
 * without a newline; no byte that a stranger sent may get here unescaped.
 */
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, and exit with status.  For start-up only: no peer ends us. */
void log_fatal(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

#endif
