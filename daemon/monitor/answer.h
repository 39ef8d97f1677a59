/*
 * The answer to whoever has asked at the control socket: one message, and then
 * his socket is closed.  Nobody waits for him.
 */

#ifndef DAEMON_MONITOR_ANSWER_H
#define DAEMON_MONITOR_ANSWER_H

#include "os/log.h"
#include "table/request.h"

/* Say + and this, which has room for a name. */
void answer_yes(int fd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Say - and why not, as the registrar does. */
void answer_no(int fd, enum request_answer why);

/* Say - and a word for programs, and a sentence for people. */
void answer_failed(int fd, const char *word, const char *sentence);

/*
 * Say a whole reply line without its CR LF, and a copy of the text that is in
 * the file more, unless it is -1; it stays the caller's.
 */
void answer_with(int fd, const char *line, int more);

/* The same, with what was said meanwhile, if anything was. */
void answer_with_said(int fd, const char *line, const struct log_copy *said);

#endif
