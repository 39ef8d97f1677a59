/*
 * The logger: writes what the others have to say where the operator wants it.
 * It alone may have to wait for a disk or a reader; nobody waits for it.
 *
 * A message on g->log is either text, LOGGER_TEXT and one or more whole lines,
 * or LOGGER_STDERR, a struct logger_stderr and the reading end of a pipe, the
 * standard error of a program.
 */

#ifndef DAEMON_LOGGER_LOGGER_H
#define DAEMON_LOGGER_LOGGER_H

#include "daemon/generation.h"
#include "daemon/pulse.h"
#include "os/log.h"

/* The longest message. */
#define LOGGER_MESSAGE_MAX 8192

#define LOGGER_TEXT   LOG_MARK
#define LOGGER_STDERR 'E'

struct logger_stderr {
	char kind; /* LOGGER_STDERR */
	char zero[3];
	uint32_t service; /* its place in the table */
	uint32_t process; /* the program's id */
};

/*
 * Receive from g->log.receive and write, until every sender is gone.  Never
 * returns.  Standard error is still there when it starts.
 */
void logger_run(const struct generation *g, int control, struct pulse *pulse)
    __attribute__((noreturn));

#endif
